"""The page itself: one file for a whole dataset, and the list of its runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path


def write_page(folder: Path, runs: Sequence[str]) -> Path:
    """Write ``preview.html`` into the dataset's ``folder``, for the runs called ``runs``; where it is.

    What it shows lies beside each run, in ``runs/NAME/preview.js``.
    """
    parts = resources.files(__package__)
    page, style, script = ((parts / f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    path = folder / "preview.html"
    path.write_text(page.replace("/*STYLE*/", style).replace("/*SCRIPT*/", script), encoding="utf-8")
    index = folder / "runs" / "index.js"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(f"window.aisleRuns = {script_json(list(runs))};\n", encoding="utf-8")
    return path


def script_json(document: object) -> str:
    """JSON that may stand in a script, whatever names are in it."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
