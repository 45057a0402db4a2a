"""Twice as many pictures as fit: how old they are when it is known what they show, and are all cameras served alike?

What fits is measured first: how many pictures a second the worker looks at where every one waits. Eight cameras then
play in a loop at the rate at which twice as many come, each at its own pace.

A recording's times are its own, so that the age of a picture is known but for a constant of each camera: its zero is
the youngest picture of the run, which was looked at as soon as it came, and is as old as its batch took.
"""

from __future__ import annotations

import numpy as np

from benchmarks.films import quiet
from benchmarks.measure import Finding
from benchmarks.pipelines import SHIPPED
from benchmarks.watching import Watched, watch
from vision.worker.looking import Look, LookingJob

_FITS, _PLAYED_S = 30, 20.0
_SETTLED = 10  # looks of a camera before the run is steady


def measure() -> list[Finding]:
    """Ages and fairness."""
    film = quiet()
    looking = LookingJob(SHIPPED)
    fits = watch(film.cameras, looking, pictures=_FITS)
    rate = 2 * fits.looked / fits.wall_s / len(film.cameras)
    run = watch(film.cameras, looking, pictures=_PLAYED_S * rate, paced=True, loop=True, frame_rate=rate)
    ages, batch_s = ages_s(run)
    late, bound = float(np.percentile(ages, 99)), 1 / rate + batch_s
    counts = np.unique([look.camera for look in run.looks], return_counts=True)[1]
    note = f"8 cameras at {rate:.1f} frames/s, {fits.looked / fits.wall_s:.1f} pictures/s fit; {SHIPPED} 640x384"
    return [
        Finding(
            "twice the load that fits: p99 age, frame interval + batch time beside it",
            f"{late * 1e3:.0f} ms",
            f"{bound * 1e3:.0f} ms",
            late / bound,
            2.0,
            at_most=True,
            note=note,
        ),
        Finding(
            "  pictures looked at by camera, most and least",
            f"{counts.max()}",
            f"{counts.min()}",
            float(counts.max() / counts.min()),
            1.2,
            at_most=True,
            note=note,
        ),
    ]


def ages_s(run: Watched) -> tuple[np.ndarray, float]:
    """The ages of all pictures when it was known what they show, and the median time that a batch took."""
    by_camera: dict[str, list[Look]] = {}
    for look in run.looks:
        by_camera.setdefault(look.camera, []).append(look)
    ages = []
    for looks in by_camera.values():
        steady = looks[_SETTLED:]
        waited = np.array([look.age_s - took_s(look) for look in steady])
        ages.append(waited - waited.min() + [took_s(look) for look in steady])
    return np.concatenate(ages), float(np.median([took_s(look) for look in run.looks]))


def took_s(look: Look) -> float:
    """How long the batch of a picture took."""
    return look.batch * (look.network_s + look.other_s)
