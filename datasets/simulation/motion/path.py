"""Where the body is: the walk's path as smooth functions of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import gaussian_filter1d

from datasets.simulation.motion.turns import Array
from datasets.simulation.performance import Walk

RATE_HZ = 50.0
SMOOTH_S = 0.08  # takes the corners off paths of straight pieces

Curve = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Path:
    """The walk sampled every 1 / RATE_HZ s: ``time_s`` (n,), ``xy`` (n, 2), ``heading`` (n,), ``speed`` (n,) m/s,
    ``turning`` (n,) rad/s; ``place`` gives x, y, heading (..., 3) at any times, held still outside the walk's span.
    """

    time_s: Array
    xy: Array
    heading: Array
    speed: Array
    turning: Array
    place: Curve


def trace(walk: Walk) -> Path:
    """A walk as a smooth path.

    Raises ValueError where the walk has no point, its arrays differ in length or its times do not rise.
    """
    n = len(walk.time_s)
    if n == 0 or len(walk.xy) != n or len(walk.heading) != n:
        raise ValueError(f"a walk needs as many points and headings as times, found {len(walk.xy)}, "
                         f"{len(walk.heading)} and {n}")  # fmt: skip
    if n > 1 and (np.diff(walk.time_s) <= 0).any():
        raise ValueError("a walk's times must rise")
    first, last = float(walk.time_s[0]), float(walk.time_s[-1])
    count = max(2, int(np.ceil((last - first) * RATE_HZ)) + 1)
    time_s = np.linspace(first, max(last, first + 1.0 / RATE_HZ), count)
    columns = np.stack(
        [np.interp(time_s, walk.time_s, column) for column in (walk.xy[:, 0], walk.xy[:, 1], walk.heading)], axis=1
    )
    step = float(time_s[1] - time_s[0])
    columns = gaussian_filter1d(columns, SMOOTH_S / step, axis=0, mode="nearest")
    slopes = np.gradient(columns, step, axis=0)
    return Path(
        time_s=time_s,
        xy=columns[:, :2],
        heading=columns[:, 2],
        speed=np.hypot(slopes[:, 0], slopes[:, 1]),
        turning=slopes[:, 2],
        place=curve(time_s, columns, slopes),
    )


def curve(time_s: Array, values: Array, slopes: Array | None = None) -> Curve:
    """A smooth function through ``values`` (n, ...) at evenly spaced ``time_s`` (n,), constant outside."""
    if slopes is None:
        slopes = np.gradient(values, time_s, axis=0)
    spline = CubicHermiteSpline(time_s, values, slopes, axis=0)
    first, last = time_s[0], time_s[-1]
    return lambda times: np.asarray(spline(np.clip(times, first, last)))
