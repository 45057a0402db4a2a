"""Whole pipelines: against threads of ``cv2`` and ``model.track``, with gating and key frames, against their stages.

With the same untrained YOLO26n on both sides (see ``benchmarks.yolo``) for what a picture costs. What gating and key
frames save, and what they lose, is measured with the shipped detector of people, which knows whom it sees; the ratio to
the peer is then both together.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.films import Film, quiet, quiets
from benchmarks.measure import Finding, in_turns, milliseconds
from benchmarks.stages import stages
from benchmarks.visits import entered, people, scores
from benchmarks.watching import Watched, by_threads, watch
from benchmarks.yolo import SIZE, untrained
from cameras.open import open_source
from vision.worker.looking import LookingJob

COUNTS: Final = (2, 4, 8)
_PICTURES: Final = 120  # of all cameras together, each turn
_TURNS: Final = 3
SHIPPED: Final = "aisle-people"
SMALL: Final = (384, 256)
"""The shipped detector's input where eight cameras are watched at their own pace on two cores."""


def some_pictures(film: Film, count: int) -> list[np.ndarray]:
    """Pictures of a film's first camera, spread over it."""
    with open_source(str(next(iter(film.cameras.values())))) as source:
        images = [frame.image for frame in source]
    return [images[n] for n in np.linspace(len(images) // 3, len(images) - 1, count).astype(int)]


def measure() -> list[Finding]:
    """Against threads, with gating, and against the sum of its stages."""
    film = quiet()
    with tempfile.TemporaryDirectory(prefix="aisle-bench-") as folder:
        weights = untrained(Path(folder), some_pictures(film, 4))
        every, ratio = _against_threads(film, weights)
    return [*every, *_gated(ratio), *_stages(film)]


def _against_threads(film: Film, weights: Path) -> tuple[list[Finding], float]:
    """Rows for 2, 4 and 8 cameras, every picture looked at; and the ratio of the last."""
    looking = LookingJob(str(weights), SIZE)
    rows: list[Finding] = []
    for count in COUNTS:
        names = list(film.cameras)[:count]
        cameras = {name: film.cameras[name] for name in names}
        each = _PICTURES // count
        ours: list[Watched] = []

        def us(cameras: dict[str, Path] = cameras, each: int = each, ours: list[Watched] = ours) -> float:
            ours.append(watch(cameras, looking, pictures=each))
            return ours[-1].cpu_per_picture_s

        peer = by_threads([film.cameras[name] for name in names], weights, each)
        found = in_turns({"peer": peer, "ours": us}, _TURNS)
        boxes = statistics.mean(len(look.detections) for run in ours for look in run.looks)
        rows.append(
            Finding(
                f"{count} cameras, threads of cv2 + model.track beside them",
                milliseconds(found["ours"], "a picture"),
                milliseconds(found["peer"], "a picture"),
                found["peer"] / found["ours"],
                1.3,
                note=f"every picture; YOLO26n, untrained, on both sides, {boxes:.1f} boxes a picture",
            )
        )
    return rows, rows[-1].ratio


def _gated(ratio: float) -> list[Finding]:
    """What gating and key frames save, and what they cost in IDF1; ``ratio`` is that of every picture to the peer."""
    looking = LookingJob(SHIPPED, SMALL)
    films = quiets()
    every = [watch(film.cameras, looking, floor=film) for film in films]
    some = [watch(film.cameras, looking, floor=film, gated=True, key_frames=True, paced=True) for film in films]
    whole = [scores(film, watched.events)[0].idf1 for film, watched in zip(films, every, strict=True)]
    thin = [scores(film, watched.events)[0].idf1 for film, watched in zip(films, some, strict=True)]
    costs = zip(every, some, strict=True)
    saved = statistics.median(one.cpu_per_picture_s / other.cpu_per_picture_s for one, other in costs)
    share = sum(each.looked for each in some) / sum(each.came for each in some)
    told = [sum(entered(each.events) for each in runs) for runs in (some, every)]
    losses = ", ".join(f"{100 * (one - other):.1f}" for one, other in zip(whole, thin, strict=True))
    return [
        Finding(
            "8 cameras with gating and key frames, threads of cv2 + model.track beside them",
            f"{saved:.2f} times less than every picture",
            f"{ratio:.2f} times ours of every picture",
            ratio * saved,
            4.0,
            note=f"{share:.0%} of pictures looked at; {SHIPPED} {SMALL[0]}x{SMALL[1]}, played at its own pace",
        ),
        Finding(
            "  IDF1 lost by it, in points",
            f"{statistics.mean(thin):.3f}",
            f"{statistics.mean(whole):.3f} with every picture",
            100 * (statistics.mean(whole) - statistics.mean(thin)),
            1.0,
            at_most=True,
            note=f"over the floor, the mean of {len(films)} films ({losses}); {told[0]} visits told of, {told[1]} with "
            f"every picture, {sum(people(film) for film in films)} there",
        ),
    ]


def _stages(film: Film) -> list[Finding]:
    """The worker against the sum of what its stages cost one after the other in one process."""
    names = list(film.cameras)[:2]
    cameras = {name: film.cameras[name] for name in names}
    runs: dict[str, Callable[[], float]] = {
        "ours": lambda: watch(cameras, LookingJob(SHIPPED), pictures=_PICTURES // 2).cpu_per_picture_s,
        "stages": partial(stages, list(cameras.values()), SHIPPED, _PICTURES // 2),
    }
    found = in_turns(runs, _TURNS)
    return [
        Finding(
            "pipeline of 2 cameras, the sum of its stages beside it",
            milliseconds(found["ours"], "a picture"),
            milliseconds(found["stages"], "a picture"),
            found["ours"] / found["stages"],
            1.15,
            at_most=True,
            note=f"every picture; {SHIPPED} 640x384",
        )
    ]
