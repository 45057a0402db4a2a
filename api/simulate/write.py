"""Write a dataset and say what came of it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.simulate.options import SimulateRequest, recipes_of
from api.simulate.progress import show_progress
from datasets.manifest import read_manifest
from datasets.simulation.filming.dataset import RUNS, write_dataset
from datasets.simulation.filming.recording import RUN
from datasets.simulation.render.gl import open_context


def simulate(request: SimulateRequest, say: Callable[[str], None]) -> Path:
    """Record what is asked for and print a table of it; the preview page. Raises what can be mended as it is."""
    recipes = recipes_of(request)
    device = renderer_name()
    workers = request.workers or default_workers(device, os.cpu_count() or 1)
    say(f"{len(recipes)} runs, {drawn_by(device)}, {workers} at a time")
    with show_progress(len(recipes)) as (tally, listener):
        manifest = write_dataset(
            request.out, recipes, workers=workers, command=shlex.join(["aisle", *sys.argv[1:]]), listener=listener
        )
    table = Table()
    for title in ("run", "pictures", "boxes", "people", "events", "receipts", "plate readings"):
        table.add_column(title, justify="left" if title == "run" else "right")
    for recipe in recipes:
        counts = read_manifest(request.out / RUNS / recipe.name, RUN).counts
        kinds = ("pictures", "boxes", "people", "events", "receipts", "plate_readings")
        table.add_row(recipe.name, *(f"{counts[kind]:,}" for kind in kinds))
    Console().print(table)
    skipped = sum(step.skipped for step in tally.steps.values())
    if skipped:
        say(f"{skipped} runs were there already")
    if tally.drawn:
        say(f"{tally.drawn} pictures at {tally.rate:.1f} frames/s with truth, noise and encoding, {drawn_by(device)}")
    size = sum(entry.bytes for entry in manifest.files)
    say(f"Dataset: {request.out} ({len(manifest.files)} files, {size / 1e6:.1f} MB)")
    return request.out / "preview.html"


def renderer_name() -> str:
    """What draws on this machine, as OpenGL calls it. Raises ``RendererError``."""
    context = open_context()
    try:
        return str(context.info["GL_RENDERER"])
    finally:
        context.release()


def is_software(device: str) -> bool:
    """Whether ``device`` draws on the CPU."""
    return any(name in device.lower() for name in ("llvmpipe", "softpipe", "swrast", "swiftshader"))


def drawn_by(device: str) -> str:
    """A device in words."""
    return f"drawn by {device.split(' ')[0]} on the CPU" if is_software(device) else f"drawn by {device} on the GPU"


def default_workers(device: str, cores: int) -> int:
    """How many runs at a time: llvmpipe takes two cores a run, beside a GPU one is enough."""
    return max(cores // 2, 1) if is_software(device) else max(cores * 3 // 4, 1)
