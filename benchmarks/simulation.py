"""CPU seconds for a finished picture of the simulated shop: 4 cameras, 640x360, 4 people; with truth, noise, encoding.

python -m benchmarks.simulation                  parts of the cost, in one process
python -m benchmarks.simulation --processes 12   frames a second of so many processes: for a machine with a GPU
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import typer

from datasets.simulation.filming.footage import open_footage
from datasets.simulation.filming.live import Studio
from datasets.simulation.filming.recipes import Filming, Recipe
from datasets.simulation.filming.recording import Moment, Shot, moments, shots
from datasets.simulation.scene import SceneState
from datasets.simulation.truth.annotations import CameraTruth
from datasets.simulation.truth.pictures import PictureTruths
from store.plan import example_plan, load_plan

SIZE = (640, 360)
CAMERAS = 4
SCENARIO = """
slots: {{a: {{}}, b: {{far_from: a}}, c: {{}}, d: {{}}}}
people:
{people}
"""
PERSON = "  - {{name: p{n}, at_s: {at}, does: [{{browse: {{slot: {slot}, for_s: 3}}}}, {{take: {slot}}}, \
{{wait: 30}}, leave]}}"


def main(processes: int = 1, seconds: float = 10.0, seed: int = 1) -> None:
    """Print the cost of a picture by parts, or of many processes the pictures a second."""
    with tempfile.TemporaryDirectory() as folder:
        if processes > 1:
            _many(Path(folder), processes, seconds, seed)
        else:
            _parts(Path(folder), seconds, seed)


def recipe(folder: Path, seed: int) -> Recipe:
    """Four people who come within seconds, look, take and stay; filmed by the first four cameras of the nano store."""
    scenario = folder / "four.yaml"
    people = "\n".join(PERSON.format(n=n, at=1 + 2 * n, slot="abcd"[n]) for n in range(4))
    scenario.write_text(SCENARIO.format(people=people), encoding="utf-8")
    plan = example_plan("nano")
    cameras = tuple(view.camera for view in load_plan(plan).cameras[:CAMERAS])
    return Recipe(str(scenario), seed, plan, Filming(cameras, SIZE))


class Cost:
    """CPU seconds of this process, its threads and children, by part."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Add what the block costs to ``part``."""
        began = cpu_s()
        try:
            yield
        finally:
            self.spent[part] = self.spent.get(part, 0.0) + cpu_s() - began


def cpu_s() -> float:
    """User and system seconds of this process with all its threads, and of its children that ended."""
    return sum(os.times()[:4])


class Film:
    """A run ready to be filmed, everything that stays drawn once."""

    def __init__(self, folder: Path, seed: int, stack: ExitStack) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.studio = Studio(recipe(folder, seed))
        self.renderer = stack.enter_context(self.studio.renderer())
        timeline, models = self.studio.timeline, self.studio.models
        self.truths = PictureTruths([actor.character for actor in timeline.actors])
        names = [actor.track_id for actor in timeline.actors]
        self.cameras = [CameraTruth(model.camera, model.size, names) for model in models]
        self.footage = []
        for model in models:
            (folder / model.camera).mkdir()
            footage = open_footage("mp4", folder / model.camera, model.size, 10.0, timeline.start)
            self.footage.append(stack.enter_context(footage))
        # All four have come and nobody has gone.
        first = max(float(actor.performance.walk.time_s[0]) for actor in timeline.actors)
        wanted = [shot for shot in shots(self.studio.clocks) if shot.time_s >= first]
        self.warm, self.shots = wanted[:40], wanted[40:]
        for moment in self.moments(self.warm):
            self.finish(moment)

    def moments(self, wanted: list[Shot]) -> Iterator[Moment]:
        """The scene for each shot."""
        return moments(self.studio.scene, wanted, self.studio.shutter_s)

    def finish(self, moment: Moment, cost: Cost | None = None) -> None:
        """Draw a picture, find its truth, hand it to the encoder."""
        cost = cost or Cost()
        camera, clock = moment.shot.camera, self.studio.clocks[moment.shot.camera]
        model = self.studio.models[camera]
        with cost.of("draw, noise and JPEG"):
            picture = self.renderer.picture(model.camera, moment.state, moment.before, moment.shot.exposure)
        with cost.of("truth"):
            truth = self.truths.of(model, moment.state, picture.ids)
            self.cameras[camera].add(truth, f"{model.camera}.mp4", moment.shot.time_s, moment.shot.time_s)
        self.footage[camera].write(picture.image, float(clock.stamped_s[moment.shot.exposure]))


def _parts(folder: Path, seconds: float, seed: int) -> None:
    cost = Cost()
    with ExitStack() as stack:
        with cost.of("start"):
            film = Film(folder / "film", seed, stack)
        wanted = [shot for shot in film.shots if shot.time_s < film.shots[0].time_s + seconds]
        began, at = cpu_s(), time.monotonic()
        here: list[SceneState] = []
        running = film.moments(wanted)
        while True:
            with cost.of("pose"):
                moment = next(running, None)
            if moment is None:
                break
            here.append(moment.state)
            film.finish(moment, cost)
        wall_s = time.monotonic() - at
        device = film.renderer.device
    n = len(wanted)
    # The encoders' threads end with the stack; what the parts do not hold is theirs.
    all_s = cpu_s() - began
    parts = {part: spent for part, spent in cost.spent.items() if part != "start"}
    parts["H.264"] = all_s - sum(parts.values())
    people = np.mean([len(state.actors) for state in here])
    typer.echo(f"{CAMERAS} cameras {SIZE[0]}x{SIZE[1]}, {people:.1f} people, {n} pictures, {device}")
    typer.echo(f"before the first picture {cost.spent['start']:.1f} CPU s")
    for part, spent in parts.items():
        typer.echo(f"{part:<24}{spent / n * 1e3:8.1f} ms a picture")
    typer.echo(f"{'all':<24}{all_s / n:8.4f} CPU s a picture, {n / wall_s:.1f} frames/s")
    typer.echo("H.264 runs beside the others: a part of it is counted there.")


def _film(folder: Path, seconds: float, seed: int, ready: Any) -> tuple[int, float, float, str]:
    """Film in a process of its own; pictures, when it began and ended, and what drew them."""
    with ExitStack() as stack:
        film = Film(folder, seed, stack)
        wanted = [shot for shot in film.shots if shot.time_s < film.shots[0].time_s + seconds]
        ready.wait()
        began = time.time()
        for moment in film.moments(wanted):
            film.finish(moment)
        device = film.renderer.device
    return len(wanted), began, time.time(), device


def _many(folder: Path, processes: int, seconds: float, seed: int) -> None:
    os.environ.setdefault("LP_NUM_THREADS", str(max((os.cpu_count() or 1) // processes, 1)))
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(processes, mp_context=context) as pool:
        ready = manager.Barrier(processes)
        jobs = [pool.submit(_film, folder / str(n), seconds, seed + n, ready) for n in range(processes)]
        done = [job.result() for job in jobs]
    pictures = sum(count for count, *_ in done)
    took_s = max(end for _, _, end, _ in done) - min(began for _, began, *_ in done)
    typer.echo(f"{processes} processes, {CAMERAS} cameras {SIZE[0]}x{SIZE[1]} each, {pictures} pictures, {done[0][3]}")
    typer.echo(f"{pictures / took_s:.1f} finished frames/s in all")


if __name__ == "__main__":
    typer.run(main)
