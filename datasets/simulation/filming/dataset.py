"""Whole datasets: many runs, some at a time, and a manifest over all. What is finished is not made again."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from datasets.manifest import Manifest, ManifestError, entries, read_manifest, write_manifest
from datasets.orphans import end_with_parent
from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.filming.recording import LICENCE, RUN, record
from datasets.simulation.preview.page import write_page

RUNS: Final = "runs"


class DatasetError(RuntimeError):
    """A dataset cannot be written there: why, and what to do."""


class _StoppedError(Exception):
    """Somebody wants this recording to end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run called ``run`` is: ``done`` of ``total`` pictures; ``skipped`` if it was finished before.

    ``folder`` is where it is made: runs of one name may be made in several.
    """

    run: str
    done: int
    total: int
    skipped: bool = False
    folder: Path | None = None


Listener = Callable[[Progress], None]


def write_dataset(
    folder: Path,
    recipes: Sequence[Recipe],
    *,
    workers: int = 1,
    command: str = "",
    listener: Listener = lambda progress: None,
) -> Manifest:
    """Record ``recipes`` into ``folder``, ``workers`` at a time, and write its page and manifest; the manifest.

    Each run is made in a folder with a hidden name and renamed when it is whole, so that what was interrupted is made
    again and what is whole is passed over. ``command`` is noted as how the dataset was made.

    Raises ``DatasetError`` where ``folder`` holds a run of the same name made in another way, and what ``record``
    raises; what is finished by then stays.
    """
    _refuse_twins(recipes)
    runs = folder / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    record_runs({runs / recipe.name: recipe for recipe in recipes}, workers=workers, listener=listener)
    finished = sorted(path.name for path in runs.iterdir() if (path / RUN).is_file())
    write_page(folder, finished)
    each = {name: read_manifest(runs / name, RUN) for name in finished}
    made = {
        "by": "aisle simulate",
        **source(),
        "command": command,
        "scenarios": sorted({manifest.made["settings"]["scenario"] for manifest in each.values()}),
        "seeds": sorted({manifest.made["settings"]["seed"] for manifest in each.values()}),
        "plans_sha256": sorted({manifest.made["settings"]["plan_sha256"] for manifest in each.values()}),
        "renderers": sorted({manifest.made["renderer"] for manifest in each.values()}),
    }
    kinds = sorted({kind for manifest in each.values() for kind in manifest.counts})
    counts = {"runs": len(each)} | {
        kind: sum(manifest.counts.get(kind, 0) for manifest in each.values()) for kind in kinds
    }
    manifest = Manifest(entries(folder), made, counts, LICENCE)
    write_manifest(folder, manifest)
    return manifest


def record_runs(
    folders: Mapping[Path, Recipe],
    *,
    workers: int = 1,
    apart: bool = False,
    listener: Listener = lambda progress: None,
) -> None:
    """Record each recipe into its folder, ``workers`` at a time; whole runs are passed over, as in ``write_dataset``.

    ``apart`` draws in processes of their own even where one run is missing: torch may crash in a process that has
    drawn by OpenGL. Raises what ``write_dataset`` raises.
    """
    missing = {folder: recipe for folder, recipe in folders.items() if not _is_finished(folder, recipe, listener)}
    if missing and (apart or (workers > 1 and len(missing) > 1)):
        _record_side_by_side(missing, min(workers, len(missing)), listener)
    else:
        for folder, recipe in missing.items():
            _record_whole(folder, recipe, listener)


def source() -> dict[str, Any]:
    """Which Aisle this is: its version, and where it runs from a checkout the commit and whether that was changed."""
    try:
        found: dict[str, Any] = {"version": version("aisle")}
    except PackageNotFoundError:
        found = {"version": None}
    root = Path(__file__).parents[3]
    if (root / ".git").exists() and (git := shutil.which("git")):
        asked = [[git, "-C", str(root), "rev-parse", "HEAD"], [git, "-C", str(root), "status", "--porcelain"]]
        answers = [subprocess.run(words, capture_output=True, text=True, check=False) for words in asked]
        if all(answer.returncode == 0 for answer in answers):
            found |= {"commit": answers[0].stdout.strip(), "changed": bool(answers[1].stdout.strip())}
    return found


def _refuse_twins(recipes: Sequence[Recipe]) -> None:
    names = [recipe.name for recipe in recipes]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise DatasetError(f"two runs would be called {', '.join(twins)}: give each scenario and seed once")


def _is_finished(folder: Path, recipe: Recipe, listener: Listener) -> bool:
    if not folder.exists():
        return False
    try:
        found = read_manifest(folder, RUN)
    except ManifestError:
        raise DatasetError(f"{folder} is no run of ours; give another --out, or remove it") from None
    before, now = found.made.get("settings", {}), recipe.settings()
    other = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if other:
        raise DatasetError(
            f"{folder} was made with another {', '.join(other)}; give another --out, or remove that folder"
        )
    pictures = found.counts["pictures"]
    listener(Progress(recipe.name, pictures, pictures, skipped=True, folder=folder))
    return True


def _record_whole(folder: Path, recipe: Recipe, listener: Listener) -> None:
    part = folder.parent / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        record(recipe, part, lambda done, total: listener(Progress(recipe.name, done, total, folder=folder)))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(folder)


def _record_side_by_side(missing: Mapping[Path, Recipe], workers: int, listener: Listener) -> None:
    context = multiprocessing.get_context("spawn")  # OpenGL contexts do not survive a fork
    said: Any = context.Queue()
    stop = context.Event()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_start_worker,
        initargs=(said, stop, max((os.cpu_count() or 1) // workers, 1)),
    )
    try:
        waiting = {pool.submit(_work, folder, recipe) for folder, recipe in missing.items()}
        while waiting:
            done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            _hear(said, listener)
            for job in done:
                job.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        _hear(said, listener)
        said.close()


def _hear(said: Any, listener: Listener) -> None:
    while True:
        try:
            listener(said.get_nowait())
        except queue.Empty:
            return


_worker: tuple[Any, Any] | None = None


def _start_worker(said: Any, stop: Any, threads: int) -> None:
    global _worker
    end_with_parent()
    os.environ.setdefault("LP_NUM_THREADS", str(threads))  # of llvmpipe, which else takes every core in each worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and sets `stop`
    _worker = (said, stop)


def _work(folder: Path, recipe: Recipe) -> None:
    assert _worker is not None
    said, stop = _worker

    def listen(progress: Progress) -> None:
        if stop.is_set():
            raise _StoppedError
        said.put(progress)

    _record_whole(folder, recipe, listen)
