"""Other shops of the same kind: a plan mirrored, its shelves exchanged, its cameras hung and turned otherwise.

A network that was trained in one shop learns that shop. Varied plans show it other layouts and other views of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store.furniture import Fixture
from store.layout import Plan
from store.views import CameraView, PlanError, Pose

ASIDE_M: Final = 0.35  # how far a camera is moved along each axis, at most
AIM_M: Final = 0.5  # the same for the point that it looks at
LOWEST_M: Final = 2.3  # cameras hang between this and a hand below the ceiling
_BELOW_CEILING_M: Final = 0.1
_FROM_WALL_M: Final = 0.12
_WIDER: Final = 1.2  # a lens sees at most so much more or less, as the tangent of half its angle
_MOST_DEG: Final = 118.0
_ROLL_DEG: Final = 4.0
_DOWN_M: Final = 0.05  # a camera whose aim is nearer to its foot than this looks straight down

Float = NDArray[np.float64]
Point = tuple[float, float]


def varied(plan: Plan, seed: int) -> Plan:
    """The ``seed``-th variation of ``plan``: same seed, same plan.

    With even odds the shop is mirrored along x, and along y. Fixtures of one size exchange what stands on them. Every
    camera moves, tilts, rolls, and sees a wider or narrower angle; one that looks straight down is turned at will, too.
    What cameras measure in pixels (lines, zones, homographies) is left out. Raises ``PlanError`` for a plan without a
    floor.
    """
    if plan.floor is None:
        raise PlanError(f"the plan of {plan.store} has no floor: it cannot be varied")
    rng = np.random.default_rng([seed, 0x5A0])
    corners = np.array(plan.floor.polygon)
    low, high = corners.min(axis=0), corners.max(axis=0)
    flip = rng.random(2) < 0.5

    def moved(point: Sequence[float]) -> Point:
        x, y = (low[i] + high[i] - point[i] if flip[i] else point[i] for i in (0, 1))
        return round(float(x), 6), round(float(y), 6)

    def turned(heading_deg: float) -> float:
        heading = 180.0 - heading_deg if flip[0] else heading_deg
        return -heading if flip[1] else heading

    walls = (low + _FROM_WALL_M, high - _FROM_WALL_M)
    parts = {
        "floor": plan.floor.model_copy(update={"polygon": tuple(map(moved, plan.floor.polygon))}),
        "walls": tuple(each.model_copy(update={"a": moved(each.a), "b": moved(each.b)}) for each in plan.walls),
        "gates": tuple(each.model_copy(update={"a": moved(each.a), "b": moved(each.b)}) for each in plan.gates),
        "fixtures": tuple(
            each.model_copy(update={"xy": moved(each.xy), "heading_deg": turned(each.heading_deg)})
            for each in _exchanged(plan.fixtures, rng)
        ),
        "cameras": tuple(_hung(view, moved, walls, plan.floor.height_m, rng) for view in plan.cameras),
    }
    # Copies are not validated; a plan that is read anew is.
    return Plan.model_validate(plan.model_copy(update=parts).model_dump())


def _exchanged(fixtures: Sequence[Fixture], rng: np.random.Generator) -> list[Fixture]:
    """The fixtures where they are, with shelves of others of their kind and size."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, each in enumerate(fixtures):
        key = (each.kind, each.two_sided, each.length_m, each.depth_m, each.height_m)
        alike.setdefault(key, []).append(place)
    shelves = [each.shelves for each in fixtures]
    for places in alike.values():
        for place, other in zip(places, rng.permutation(places).tolist(), strict=True):
            shelves[place] = fixtures[other].shelves
    return [each.model_copy(update={"shelves": own}) for each, own in zip(fixtures, shelves, strict=True)]


def _hung(
    view: CameraView,
    moved: Callable[[Sequence[float]], Point],
    walls: tuple[Float, Float],
    ceiling_m: float,
    rng: np.random.Generator,
) -> CameraView:
    plain = view.model_copy(update={"lines": (), "zones": (), "homography": None})
    if view.pose is None or view.lens is None or view.pose.look_at is None:
        return plain
    at, aim = np.array(view.pose.position), np.array(view.pose.look_at)
    down = bool(np.hypot(*(at - aim)[:2]) < _DOWN_M)
    at[:2], aim[:2] = moved(at[:2].tolist()), moved(aim[:2].tolist())
    shift = rng.uniform(-ASIDE_M, ASIDE_M, 2)
    at[:2] = np.clip(at[:2] + shift, *walls)
    at[2] = rng.uniform(min(LOWEST_M, at[2]), max(ceiling_m - _BELOW_CEILING_M, at[2]))
    aim[:2] = (at[:2] if down else aim[:2]) + rng.uniform(-AIM_M, AIM_M, 2) * (0.6 if down else 1.0)
    roll = rng.uniform(0.0, 360.0) if down else view.pose.roll_deg + rng.uniform(-_ROLL_DEG, _ROLL_DEG)
    half = math.tan(math.atan(view.size[0] / 2 / view.lens.focal(view.size[0])[0])) * rng.uniform(1 / _WIDER, _WIDER)
    angle = min(math.degrees(2 * math.atan(half)), _MOST_DEG)
    pose = Pose(position=_row(at), look_at=_row(aim), roll_deg=round(float(roll), 2))
    lens = {"horizontal_view_deg": round(angle, 2), "focal_px": None}
    return plain.model_copy(update={"pose": pose, "lens": view.lens.model_copy(update=lens)})


def _row(point: Float) -> tuple[float, float, float]:
    x, y, z = point.round(3).tolist()
    return x, y, z
