"""Where people stand for what they do: before a slot, facing one another, over what lies on the floor, in a view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from datasets.simulation.characters import Character
from datasets.simulation.motion import standing_place
from datasets.simulation.motion.body import measure
from datasets.simulation.motion.posture import Goal, find_posture
from datasets.simulation.motion.reach import CROWDED_M, MISS_M
from datasets.simulation.navigation.places import ground_of
from store.layout import PlacedSlot, Plan

Float = NDArray[np.float64]
XY = tuple[float, float]

APART_M = 0.58  # between the middles of people who stand side by side
FACING_M = 0.82  # between two who hand something over
FEET_M = 0.48  # from a person's middle to what they put on the floor
DROP_ASIDE_M = 0.08  # to the side of the hand that puts it there
ROOM_M = 0.21  # from a standing person's middle to furniture
LYING_M = 0.13  # from the middle of what lies on the floor to furniture
BESIDE_M = 0.2  # what lies no further from furniture than this lies in nobody's way


@dataclass(frozen=True, slots=True)
class Stance:
    """A place to stand and the heading there, radians."""

    xy: XY
    heading: float

    @property
    def ahead(self) -> Float:
        """Unit vector (2,) of the heading."""
        return np.array([math.cos(self.heading), math.sin(self.heading)])

    @property
    def right(self) -> Float:
        """Unit vector (2,) to the person's right."""
        return np.array([math.sin(self.heading), -math.cos(self.heading)])


class Stances:
    """Finds places on the free ground of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._ground = ground_of(plan)
        self._plan = plan
        self._views = [CameraModel.of(view) for view in plan.cameras if view.lens and view.pose]

    def free(self, xy: Sequence[float] | Float, room_m: float = ROOM_M) -> bool:
        """Whether a person's middle can be at ``xy``."""
        return float(self._ground.clearance(np.asarray(xy, np.float64))) >= room_m

    def at_slot(
        self,
        character: Character,
        slot: PlacedSlot,
        target: Float,
        hand: int,
        aside_m: float = 0.0,
        back_m: float = 0.0,
    ) -> Stance | None:
        """Where ``character`` stands to bring ``hand`` to ``target`` (3,) in ``slot``, moved ``aside_m`` to the right
        and ``back_m`` back. None where that is not free.
        """
        xy, heading = standing_place(character, point(target), slot.normal, hand, inside(slot, target))
        moved = np.asarray(xy) + aside_m * np.array(slot.along) + back_m * np.array(slot.normal)
        for nudge in (0.0, 0.06, -0.06, 0.12, -0.12, 0.18, -0.18):
            place = moved + nudge * np.array(slot.along)
            if self.free(place):
                return Stance((float(place[0]), float(place[1])), float(heading))
        return None

    def pair(self, giver: XY, receiver: XY, others: Sequence[XY]) -> tuple[Stance, Stance] | None:
        """Two places face to face, near ``giver`` and towards ``receiver``; None where there is no room."""
        best, found = math.inf, None
        for shift in _ring((0.0, 0.3, 0.6, 1.0, 1.5, 2.2)):
            one = np.array(giver) + shift
            if not self.free(one, 0.26) or not _clear(one, others):
                continue
            for angle in np.arange(16) * (math.pi / 8):
                direction = np.array([math.cos(angle), math.sin(angle)])
                other = one + FACING_M * direction
                if not self.free(other, 0.26) or not self.free(one + 0.4 * direction) or not _clear(other, others):
                    continue
                cost = float(np.linalg.norm(shift)) + 0.4 * math.dist(other, receiver)
                if cost < best:
                    best = cost
                    found = (
                        Stance((float(one[0]), float(one[1])), float(angle)),
                        Stance((float(other[0]), float(other[1])), float(angle + math.pi)),
                    )
        return found

    def put_down(self, xy: XY, rng: np.random.Generator) -> Stance | None:
        """How to turn at or near ``xy`` so that there is floor before the feet, best close to furniture or a
        wall, where nobody walks.
        """
        found = []
        for shift in _ring((0.0, 0.2, 0.4, 0.6, 0.9)):
            one = np.array(xy) + shift
            if not self.free(one):
                continue
            for angle in np.arange(12) * (math.pi / 6):
                ahead = np.array([math.cos(angle), math.sin(angle)])
                spot = one + FEET_M * ahead
                across = DROP_ASIDE_M * np.array([ahead[1], -ahead[0]])
                room = float(self._ground.clearance(spot))
                either = self._ground.clearance(np.array([spot - across, spot + across]))
                if float(either.min()) >= LYING_M and self._inside(spot):
                    cost = float(np.linalg.norm(shift)) + 6.0 * max(room - BESIDE_M, 0.0) + 0.05 * float(rng.random())
                    found.append((cost, Stance((float(one[0]), float(one[1])), float(angle))))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def over(self, spot: Float, come_from: XY) -> Stance | None:
        """Where to stand to pick up what lies at ``spot`` (2,), on the side that one comes from."""
        found = []
        for angle in np.arange(24) * (math.pi / 12):
            one = spot[:2] - FEET_M * np.array([math.cos(angle), math.sin(angle)])
            if self.free(one):
                found.append((math.dist(one, come_from), Stance((float(one[0]), float(one[1])), float(angle))))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def hiding(self, target: Float, takers: Sequence[XY], others: Sequence[XY], height_m: float) -> Stance | None:
        """Where a person of ``height_m`` hides ``target`` (3,) from most cameras while another stands at any of
        ``takers``; None where there is no room.
        """
        found = []
        middle = np.mean(takers, axis=0)
        for shift in _ring((0.0, 0.4, 0.6, 0.8, 1.0, 1.2)):
            one = middle + shift
            if not self.free(one) or not _clear(one, takers) or not _clear(one, others):
                continue
            hidden = sum(_crosses(view.position, target, one, height_m) for view in self._views)
            turn = math.atan2(target[1] - one[1], target[0] - one[0])
            away = float(np.linalg.norm(shift))
            found.append((-hidden, away, Stance((float(one[0]), float(one[1])), turn)))
        return min(found, key=lambda item: item[:2])[2] if found else None

    def _inside(self, xy: Float) -> bool:
        assert self._plan.floor is not None
        return bool(shapely.contains_xy(shapely.Polygon(self._plan.floor.polygon), *xy))


def point(target: Float) -> tuple[float, float, float]:
    """A target (3,) as plain numbers."""
    return float(target[0]), float(target[1]), float(target[2])


def inside(slot: PlacedSlot, target: Float) -> float:
    """How far ``target`` (3,) lies behind the front edge of the slot's board, metres, at least 0."""
    return max(0.0, -float((target[:2] - slot.corner[:2]) @ np.array(slot.normal)))


def misses(character: Character, stance: Stance, slot: PlacedSlot, target: Float, hand: int) -> str | None:
    """Why ``hand`` cannot come to ``target`` (3,) in ``slot`` from ``stance``; None if it can."""
    goal = Goal(hand, point(target), slot.normal, inside(slot, target))
    found = find_posture(measure(character), np.array(stance.xy), stance.heading, [goal])
    if found.miss_m > MISS_M:
        return (
            f"the {'right' if hand else 'left'} hand misses ({target[0]:.2f}, {target[1]:.2f}, {target[2]:.2f}) by "
            f"{found.miss_m:.2f} m"
        )
    if found.crowded_m > CROWDED_M:
        return f"head or shoulders would be {found.crowded_m:.2f} m in the shelf"
    return None


def _ring(radii: Sequence[float]) -> list[Float]:
    """Shifts (2,) of those lengths in 12 directions, the shortest first."""
    shifts = []
    for radius in radii:
        count = 12 if radius else 1
        angles = np.arange(count) * (2 * math.pi / count)
        shifts += [radius * np.array([math.cos(a), math.sin(a)]) for a in angles]
    return shifts


def _clear(xy: Float, others: Sequence[XY]) -> bool:
    return all(math.dist(xy, other) >= APART_M for other in others)


def _crosses(camera: Float, target: Float, xy: Float, height_m: float, radius_m: float = 0.2) -> bool:
    """Whether the line of sight passes through an upright cylinder of ``radius_m`` at ``xy``."""
    way = target - camera
    along = np.linspace(0.0, 1.0, 60)[:, None]
    points = camera + along * way
    inside = (np.linalg.norm(points[:, :2] - xy, axis=1) < radius_m) & (points[:, 2] < height_m)
    return bool(inside.any())
