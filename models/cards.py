"""The card of a model: what a stranger has to know before using it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Each section by a word of its heading.
SECTIONS: Final[Mapping[str, str]] = {
    "what for": r"\bfor\b",
    "input and output": r"\binput\b",
    "trained on": r"\btrain(ed|ing)\b|\bdata\b",
    "figures": r"\bfigures\b|\bnumbers\b|\bhow good\b|\bresults\b|\bmetrics\b",
    "where it fails": r"\bfails?\b|\blimits\b",
    "reproduce": r"\breproduc",
}


def missing_sections(card: str) -> list[str]:
    """Those of ``SECTIONS`` that no heading of the Markdown text names."""
    headings = [line.lstrip("# ").lower() for line in card.splitlines() if line.startswith("##")]
    return [name for name, word in SECTIONS.items() if not any(re.search(word, heading) for heading in headings)]
