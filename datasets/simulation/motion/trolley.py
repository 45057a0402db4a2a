"""Where a trolley is: of all ways to turn it around its walker, one that keeps it out of furniture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from datasets.simulation.motion.path import Curve, Path, curve
from datasets.simulation.motion.turns import Array, wrapped
from datasets.simulation.performance import Footprint, Gesture, Motion

HANDLE_M, AHEAD_M = 0.95, 0.45  # a trolley's handle: its height, and how far ahead of the body
HALF_M, LONG_M = 0.21, 0.58  # half a trolley's width; from its handle to its front
STEP_S, BEARINGS = 0.1, 72
TURN = 3  # bearings that it is turned by in a step, at most
ALONG = 1.45  # radians from the way into a shelf to how a trolley stands before it, at least
SHELF_ROOM_M, SHELF_HALF_M, SHELF_DEEP_M = 1.6, 0.7, 0.4  # before a shelf where it matters; what is known of its size
MARGIN_M = 0.03  # to furniture
STANDS_MPS, LEAVES_S, LEAVES_M = 0.15, 1.2, 0.6  # slower is standing; when and where a walker leaves a place
# What is bad about a bearing for a step: off the way, into a shelf, behind who faces it, through what was faced, in
# furniture (per metre), and turning (by radians per second squared).
OFF, INTO, BEHIND, FACED, BLOCKED, SWIVEL = 2.0, 1.5, 1.5, 0.7, 60.0, 0.03


def lead_trolley(path: Path, gestures: Sequence[Gesture], furniture: Sequence[Footprint] = ()) -> Curve:
    """The direction (n,) from a walker to the trolley: it is pushed ahead, and left standing when the walker only turns
    to a shelf. It keeps out of ``furniture`` and of the shelves that ``gestures`` tell of, and stands along those.
    """
    count = max(2, int(np.ceil((path.time_s[-1] - path.time_s[0]) / STEP_S)) + 1)
    times = np.linspace(path.time_s[0], path.time_s[-1], count)
    place = path.place(times)
    speed = np.interp(times, path.time_s, path.speed)
    bearings = np.asarray(np.arange(BEARINGS) * (2.0 * np.pi / BEARINGS), np.float64)
    going = gaussian_filter1d((speed > STANDS_MPS).astype(float), 1.5, mode="nearest")
    cost = OFF * going[:, None] * (1.0 - np.cos(bearings - place[:, 2:]))
    cost += _faced(times, place, speed, bearings)
    cost += _shelves(place, gestures, bearings)
    fronts = [_shelf(gesture) for gesture in _reaches(gestures)]
    cost += BLOCKED * blocked(place[:, :2], bearings, [*furniture, *fronts])
    chosen = _cheapest(cost, float(place[0, 2]))
    bearing = np.unwrap(bearings[chosen])
    # The way itself, where the nearest of the bearings was chosen for it.
    off = wrapped(place[:, 2] - bearing)
    half = np.pi / BEARINGS
    bearing = bearing + np.where(np.abs(off) < 2.0 * half, off * (going > 0.5), 0.0)
    bearing = gaussian_filter1d(bearing, 1.2, mode="nearest")
    follow = curve(times, bearing[:, None])
    return lambda moments: np.asarray(follow(moments)[:, 0])


def blocked(xy: Array, bearings: Array, footprints: Sequence[Footprint]) -> Array:
    """How far in metres (n, k) a trolley is in any of ``footprints`` when its walker stands at ``xy`` (n, 2) and it is
    turned to ``bearings`` (k,).
    """
    far = np.linspace(0.0, LONG_M, 7)
    outline = np.array([(aside, AHEAD_M + y) for aside in (-HALF_M, HALF_M) for y in far] + [(0.0, AHEAD_M + LONG_M)])
    ahead = np.stack([np.cos(bearings), np.sin(bearings)], axis=1)
    right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    offsets = outline[:, :1] * right[:, None] + outline[:, 1:] * ahead[:, None]  # (k, points, 2)
    depth = np.zeros((len(xy), len(bearings)))
    for footprint in footprints:
        corners = np.array(footprint)
        middle, axes = corners.mean(axis=0), np.stack([corners[1] - corners[0], corners[2] - corners[1]])
        half = np.linalg.norm(axes, axis=1) / 2
        axes = axes / (2.0 * half[:, None])
        local = (xy - middle) @ axes.T
        near = np.flatnonzero((np.abs(local) < half + AHEAD_M + LONG_M + HALF_M).all(axis=1))
        points = np.abs(local[near, None, None] + offsets @ axes.T)
        inside = (half + MARGIN_M - points).min(axis=-1).max(axis=-1)
        depth[near] = np.maximum(depth[near], inside)
    return depth


def _cheapest(cost: Array, heading: float) -> NDArray[np.int64]:
    """The cheapest row of bearings (n,) for ``cost`` (n, BEARINGS) that turns by TURN of them a step, from
    ``heading`` on (Viterbi 1967).
    """
    turns = np.arange(-TURN, TURN + 1)
    swivel = SWIVEL * (turns * (2.0 * np.pi / BEARINGS) / STEP_S) ** 2
    total = np.full(BEARINGS, 1e9)
    total[round(heading / (2.0 * np.pi) * BEARINGS) % BEARINGS] = 0.0
    came = np.zeros(cost.shape, np.int64)
    for n in range(1, len(cost)):
        before = sliding_window_view(np.r_[total[-TURN:], total, total[:TURN]], 2 * TURN + 1) + swivel
        came[n] = before.argmin(axis=1)
        total = before[np.arange(BEARINGS), came[n]] + cost[n]
    chosen = np.empty(len(cost), np.int64)
    chosen[-1] = total.argmin()
    for n in range(len(cost) - 1, 0, -1):
        chosen[n - 1] = (chosen[n] + turns[came[n, chosen[n]]]) % BEARINGS
    return chosen


def _into(bearings: Array, shelf: float) -> Array:
    """How much (k,) bearings point into a shelf in direction ``shelf``: 1 straight, 0 from ALONG on."""
    return np.asarray(np.maximum(np.cos(bearings - shelf) - np.cos(ALONG), 0.0) / (1.0 - np.cos(ALONG)))


def _faced(times: Array, place: Array, speed: Array, bearings: Array) -> Array:
    """Who leaves what they stood before does not sweep the trolley through it."""
    cost = np.zeros((len(times), len(bearings)))
    edges = np.flatnonzero(np.diff(np.r_[False, speed < STANDS_MPS, False]))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        if times[after - 1] - times[first] < LEAVES_S:
            continue
        faced = float(np.median(place[first:after, 2]))
        left = np.linalg.norm(place[:, :2] - place[after - 1, :2], axis=1) < LEAVES_M
        leaves = left & (times > times[after - 1] - LEAVES_S) & (times < times[after - 1] + LEAVES_S)
        cost[leaves] += FACED * _into(bearings, faced)
    return cost


def _reaches(gestures: Sequence[Gesture]) -> list[Gesture]:
    known = {(g.normal, g.target): g for g in gestures if g.motion is not Motion.DROP}
    return [g for (normal, target), g in known.items() if normal is not None and target is not None]


def _shelves(place: Array, gestures: Sequence[Gesture], bearings: Array) -> Array:
    """Before a shelf it stands along it."""
    cost = np.zeros((len(place), len(bearings)))
    for gesture in _reaches(gestures):
        assert gesture.normal is not None
        assert gesture.target is not None
        out = np.array(gesture.normal)
        offset = place[:, :2] - np.array(gesture.target[:2])
        before = offset @ out - gesture.inside_m
        beside = np.abs(offset @ np.array([-out[1], out[0]]))
        near = np.flatnonzero((before > 0.0) & (before < SHELF_ROOM_M) & (beside < 1.2))
        shelf = float(np.arctan2(-out[1], -out[0]))
        into = INTO * _into(bearings, shelf) + BEHIND * np.maximum(-0.2 - np.cos(bearings - shelf), 0.0)
        cost[near] = np.maximum(cost[near], into)
    return cost


def _shelf(gesture: Gesture) -> Footprint:
    """The floor that a shelf covers around what ``gesture`` reaches for."""
    assert gesture.normal is not None
    assert gesture.target is not None
    out = np.array(gesture.normal)
    along = np.array([-out[1], out[0]])
    front = np.array(gesture.target[:2]) + gesture.inside_m * out
    corners = [front + SHELF_HALF_M * a * along - SHELF_DEEP_M * d * out for a, d in ((-1, 0), (1, 0), (1, 1), (-1, 1))]
    return tuple((float(x), float(y)) for x, y in corners)
