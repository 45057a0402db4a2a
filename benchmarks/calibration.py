"""How well simulated shops calibrate: a filmed board, eight clicked points, people walking, a bumped camera.

python -m benchmarks.calibration                       seeds 0 and 1
python -m benchmarks.calibration --seeds 9000:9002     seeds that nothing was tuned on
python -m benchmarks.calibration --only points         one part: points, board, walk, bump
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from cameras.calibration.accuracy import floor_difference_cm
from cameras.calibration.boards import Board
from cameras.calibration.clocks import clock_offsets
from cameras.calibration.lens import calibrate_lens
from cameras.calibration.monitor import BumpMonitor
from cameras.calibration.parameters import moved, turned
from cameras.calibration.places import Place, place_camera, still_parts
from cameras.calibration.points import calibrate_points
from cameras.calibration.sights import find_board
from cameras.calibration.tracks import CameraBoxes, tracks_of
from cameras.calibration.walk import refine_by_walking
from cameras.files import VideoFile
from cameras.geometry import CameraModel
from datasets.simulation.board_films import BoardFilm, film_board
from datasets.simulation.filming.recipes import Recipe
from datasets.simulation.survey.coverage import free_floor, visibility
from datasets.simulation.variation import varied
from datasets.simulation.walkers import WalkerBoxes, walker_boxes
from store.layout import Plan
from store.plan import example_plan, load_plan

Float = NDArray[np.float64]

BOARD = Board.parse("7x5:0.1:0.075")
PX_PER_M, MARGIN_M = 1600.0, 0.02
FILMED = (1280, 720)
TAPE_M, TAPE_DEG = 0.005, 0.5
LEAST_PX = 16.0  # of a square's side: smaller ones are not laid
CROWD = "crowd: {people: 12, per_minute: 10, items: [1, 3]}\n"
BUMP_DEG, LEARN_S, BUMPED_AT_S = 2.0, 45.0, 60.0


def main(seeds: str = "0:2", only: str = "", cameras: int = 3, size: int = 640) -> None:
    """Print each part's figures. ``cameras`` films with a board a shop, pictures ``size`` wide for clicked points."""
    first, _, last = seeds.partition(":")
    numbers = range(int(first), int(last or int(first) + 1))
    parts: dict[str, Callable[[], None]] = {
        "points": lambda: _points(numbers, size),
        "board": lambda: _board(numbers, cameras),
        "walk": lambda: _walk(numbers),
        "bump": lambda: _bump(numbers),
    }
    for name, part in parts.items():
        if only in ("", name):
            began = time.process_time()
            part()
            typer.echo(f"  ({time.process_time() - began:.0f} s of CPU)")


def shops(numbers: range) -> Iterator[tuple[int, Plan, list[Float]]]:
    """Varied nano stores, and what of the floor each of their cameras sees (k, 2)."""
    from shapely import contains_xy

    for seed in numbers:
        plan = varied(load_plan(example_plan("nano")), seed)
        assert plan.floor is not None
        corners = np.array(plan.floor.polygon)
        low, high = corners.min(axis=0), corners.max(axis=0)
        grid = np.stack(np.meshgrid(*(np.arange(a + 0.05, b, 0.1) for a, b in zip(low, high, strict=True))), axis=-1)
        free = grid.reshape(-1, 2)
        free = free[contains_xy(free_floor(plan), free[:, 0], free[:, 1])]
        seen = visibility(plan, np.column_stack([free, np.zeros(len(free))]))
        yield seed, plan, [free[row] for row in seen]


def on_floor(xy: Float) -> Float:
    """Points (n, 2) as points of the shop (n, 3)."""
    return np.column_stack([xy, np.zeros(len(xy))])


def _points(numbers: range, size: int) -> None:
    """Eight points spread over the floor that the camera sees, clicked normal error of 2 pixels each way."""
    typer.echo(f"eight points clicked with 2 px error in simulated pictures {size} wide: floor error, cm (target 10)")
    for known in (False, True):
        medians, worst, expected = [], [], []
        for seed, plan, seen in shops(numbers):
            for number, (view, floor) in enumerate(zip(plan.cameras, seen, strict=True)):
                view = view.at_size((size, size * 9 // 16))
                true = CameraModel.of(view)
                rng = np.random.default_rng([seed, number])
                spots = on_floor(_spread(true, floor, 8, rng))
                clicks = true.project(spots) + rng.normal(0.0, 2.0, (8, 2))
                blank = view.model_copy(update={"pose": None} if known else {"pose": None, "lens": None})
                found = calibrate_points(blank, clicks, spots, keep_lens=known)
                off = floor_difference_cm(found.model, true, floor)
                medians.append(float(np.median(off)))
                worst.append(float(np.quantile(off, 0.9)))
                expected.append(found.expected_cm)
        lens = "lens known" if known else "lens estimated"
        typer.echo(
            f"  {lens}: median {np.median(medians):.1f}, worst camera {max(medians):.1f} (90 % of its floor within "
            f"{worst[int(np.argmax(medians))]:.1f}); within 10: {np.mean(np.array(medians) <= 10):.0%} of "
            f"{len(medians)} cameras; said beforehand {np.median(expected):.1f}"
        )


def _spread(model: CameraModel, floor: Float, count: int, rng: np.random.Generator) -> Float:
    """Places that lie far apart in the picture, the first at random."""
    pixels = model.project(on_floor(floor))
    taken = [int(rng.integers(len(floor)))]
    away = np.full(len(floor), np.inf)
    while len(taken) < count:
        away = np.minimum(away, np.linalg.norm(pixels - pixels[taken[-1]], axis=1))
        taken.append(int(away.argmax()))
    return np.asarray(floor[taken])


def _board(numbers: range, cameras: int) -> None:
    """A board of 70 by 50 cm, filmed in H.264, laid at three places that are measured to 5 mm and half a degree."""
    typer.echo(f"simulated board video {FILMED[0]}x{FILMED[1]}, {BOARD.said}, three places: floor error, cm (target 3)")
    medians = []
    with tempfile.TemporaryDirectory() as folder:
        for seed, plan, seen in shops(numbers):
            rng = np.random.default_rng([seed, 5])
            for number in rng.permutation(len(plan.cameras))[:cameras].tolist():
                true = CameraModel.of(plan.cameras[number], FILMED)
                places = _places(true, seen[number], rng)
                film = BoardFilm(true, BOARD.draw(PX_PER_M, MARGIN_M), PX_PER_M, MARGIN_M, seed)
                path = Path(folder) / f"{seed}-{number}.mp4"
                film_board(path, film, true, BOARD.size_m, places, seed=seed, rate_hz=4.0)
                with VideoFile(path, camera=true.camera) as footage:
                    sights, board = find_board(footage, BOARD)
                lens = calibrate_lens(sights, board, FILMED)
                measured = [
                    Place(x + rng.normal(0, TAPE_M), y + rng.normal(0, TAPE_M), deg + rng.normal(0, TAPE_DEG))
                    for x, y, deg in places
                ]
                parts = still_parts(sights, FILMED)
                found = place_camera(true.camera, FILMED, lens.matrix, lens.distortion, board, parts, measured)
                off = floor_difference_cm(found.model, true, seen[number])
                medians.append(float(np.median(off)))
                typer.echo(
                    f"  {seed} {true.camera}: median {medians[-1]:.2f}, 90 % within {np.quantile(off, 0.9):.2f}; lens "
                    f"{lens.rms_px:.2f} px off, focal length "
                    f"{100 * (lens.matrix[0, 0] / true.matrix[0, 0] - 1):+.2f} %; "
                    f"said: {found.errors.median_cm:.1f}"
                )
    typer.echo(f"  median {np.median(medians):.2f}, worst {max(medians):.2f} of {len(medians)} cameras")


def _places(model: CameraModel, floor: Float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Three places, 0.6 m apart or more, at which the whole board is seen and its squares are large enough."""
    found: list[tuple[float, float, float]] = []
    for _ in range(4000):
        x, y = floor[rng.integers(len(floor))].tolist()
        heading = float(rng.uniform(-180, 180))
        pixels = model.project(BOARD.on_floor(x, y, heading))
        if not (np.isfinite(pixels).all() and (pixels > 20).all() and (pixels < np.array(model.size) - 20).all()):
            continue
        grid = pixels.reshape(BOARD.rows - 1, BOARD.columns - 1, 2)
        shortest = min(float(np.linalg.norm(np.diff(grid, axis=k), axis=2).min()) for k in (0, 1))
        if shortest >= LEAST_PX and all(np.hypot(x - a, y - b) > 0.6 for a, b, _ in found):
            found.append((x, y, heading))
        if len(found) == 3:
            break
    return found


def _told(boxes: dict[str, WalkerBoxes]) -> list[CameraBoxes]:
    return [CameraBoxes(each.camera, each.time_s, each.actor.astype(str), each.xyxy) for each in boxes.values()]


def _walk(numbers: range) -> None:
    """Cameras turned by 1.5 degrees and moved by 15 cm (standard deviations, each axis), three of them known."""
    typer.echo("people walking before rough cameras (simulated boxes, 4 a second): floor error, cm; clocks, ms")
    for seed, plan, seen in shops(numbers):
        timeline = Recipe("crowd_8", seed, example_plan("nano"), vary=True).play()
        models = {view.camera: CameraModel.of(view) for view in plan.cameras}
        boxes = walker_boxes(timeline, list(models.values()), 4.0, seed)
        rng = np.random.default_rng([seed, 3])
        sure = sorted(rng.choice(sorted(models), 3, replace=False).tolist())
        rough = {
            name: model
            if name in sure
            else moved(model, np.concatenate([rng.normal(0, np.radians(1.5), 3), rng.normal(0, 0.15, 3)]))
            for name, model in models.items()
        }
        found = refine_by_walking(list(rough.values()), _told(boxes), sure=sure)
        floors = dict(zip(models, seen, strict=True))
        before, after = (
            [float(np.median(floor_difference_cm(of[n], models[n], floors[n]))) for n in models if n not in sure]
            for of in (rough, found.models)
        )
        clocks = clock_offsets(
            {each.camera: tracks_of(rough[each.camera], each) for each in _told(boxes)}, reference=sure[0]
        )
        late = [
            1000 * abs(offset - (boxes[name].offset_s - boxes[sure[0]].offset_s))
            for name, offset in clocks.offset_s.items()
        ]
        typer.echo(
            f"  {seed}: {np.median(before):.1f} before, {np.median(after):.1f} after (worst camera {max(before):.0f}, "
            f"{max(after):.0f}); clocks off by {np.median(late):.0f} (median), frames 250 apart"
        )


def _bump(numbers: range) -> None:
    """One camera after the other turned by two degrees about a random axis, in a crowd; and none turned."""
    typer.echo(f"a camera turned by {BUMP_DEG:g} degrees, noticed by people (simulated boxes, 3 a second; target 60 s)")
    for seed in numbers:
        with tempfile.TemporaryDirectory() as folder:
            scenario = Path(folder) / "busy.yaml"
            scenario.write_text(CROWD, encoding="utf-8")
            timeline = Recipe(str(scenario), seed, example_plan("nano"), vary=True).play()
        views = timeline.plan.cameras[:8]
        models = {view.camera: CameraModel.of(view) for view in views}
        boxes = walker_boxes(timeline, list(models.values()), 3.0, seed)
        rng = np.random.default_rng([seed, 17])
        waits: list[float] = []
        wrong = missed = 0
        for name in (None, *models):
            axis = rng.normal(size=3)
            vector = np.radians(BUMP_DEG) * axis / np.linalg.norm(axis)
            monitor = BumpMonitor("s", models, learn_s=LEARN_S)
            first: dict[str, float] = {}
            for time_s, camera, rows in _in_time(boxes):
                each = boxes[camera]
                box = each.xyxy[rows]
                if camera == name and time_s >= BUMPED_AT_S:
                    box = turned_boxes(models[name], box, vector)
                for event in monitor.see_people(camera, time_s, each.actor[rows].astype(str).tolist(), box):
                    if event.type == "camera.degraded":
                        first.setdefault(event.cameras[0], event.time)
            after = {who: at for who, at in first.items() if who != name or at < BUMPED_AT_S}
            wrong += len(after)
            if name is not None and first.get(name, -1.0) >= BUMPED_AT_S:
                waits.append(first[name] - BUMPED_AT_S)
            elif name is not None:
                missed += 1
        within = sum(wait <= 60 for wait in waits)
        said = f"after {np.median(waits):.0f} s (median)" if waits else "never"
        typer.echo(
            f"  {seed}: {within} of {len(models)} within 60 s, {said}; {missed} not noticed; {wrong} wrong reports in "
            f"{len(models) + 1} runs of {timeline.duration_s:.0f} s"
        )


def _in_time(boxes: dict[str, WalkerBoxes]) -> list[tuple[float, str, NDArray[np.bool_]]]:
    """Moments by the shop's clock, cameras and rows, in order."""
    found = []
    for name, each in boxes.items():
        times = each.time_s - each.offset_s
        found += [(float(moment), name, times == moment) for moment in np.unique(times)]
    found.sort(key=lambda row: row[0])
    return found


def turned_boxes(model: CameraModel, xyxy: Float, vector: Float) -> Float:
    """The boxes (n, 4) that a camera gives once it is turned: the middles of their sides go where its rays go."""
    x1, y1, x2, y2 = xyxy.T
    across, down = (x1 + x2) / 2, (y1 + y2) / 2
    middles = np.stack(
        [np.stack(pair, axis=1) for pair in ((x1, down), (across, y1), (x2, down), (across, y2))], axis=1
    )
    seen = turned(model, vector).project(model.position + 5.0 * model.rays(middles))
    return np.column_stack([seen[:, 0, 0], seen[:, 1, 1], seen[:, 2, 0], seen[:, 3, 1]])


if __name__ == "__main__":
    typer.run(main)
