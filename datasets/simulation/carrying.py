"""How packages move in hands, and where they lie in baskets and trolleys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from datasets.simulation.furnishing.props import content_poses
from datasets.simulation.motion import Poser
from datasets.simulation.performance import Carrier, Poses
from datasets.simulation.timeline import Item, Stay, Timeline

BLEND_S = 0.4  # in which a package turns from how it stood to how it is carried
PALM_GAP_M = 0.03  # from the palm's middle to the package's face

Pose = NDArray[np.float64]
Palms = tuple[NDArray[np.float64], NDArray[np.float64]]  # (2, 3) and (2, 3, 3)


@dataclass(frozen=True, eq=False)
class _Grip:
    """A package in a hand from ``start_s`` to ``end_s``: its poses in the palm's frame when it comes, is held and
    goes.
    """

    item: int
    actor: int
    hand: int
    start_s: float
    end_s: float
    first: Pose
    held: Pose
    last: Pose

    def at(self, time_s: float) -> Pose:
        """The package's pose in the palm's frame."""
        blend = min(BLEND_S, (self.end_s - self.start_s) / 2)
        coming = _smooth(1.0 - (time_s - self.start_s) / blend) if blend > 0 else 0.0
        going = _smooth(1.0 - (self.end_s - time_s) / blend) if blend > 0 else 0.0
        return _between(_between(self.held, self.first, coming), self.last, going)


@dataclass(frozen=True, eq=False)
class _Content:
    """A package in a basket or trolley from ``start_s`` to ``end_s``, at ``pose`` in the carrier's frame.

    ``came`` is where the hand let go of it, in the shop; None for one that was never seen before.
    """

    item: int
    actor: int
    start_s: float
    end_s: float
    pose: Pose
    came: Pose | None

    def at(self, time_s: float, carrier: Pose) -> Pose:
        """The package's pose in the shop, where the carrier's is ``carrier``."""
        rests = carrier @ self.pose
        if self.came is None:
            return rests
        return _between(self.came, rests, _smooth((time_s - self.start_s) / BLEND_S))


class Carrying:
    """Where the packages are that somebody carries in sight."""

    def __init__(self, timeline: Timeline, posers: Sequence[Poser]) -> None:
        self._sizes = {product.id: np.array(product.size_m) for product in timeline.catalogue.products}
        self._moments = _moments(timeline, posers)
        self._resting = self._resting_poses(timeline)
        self._grips: list[_Grip] = []
        self._contents: list[_Content] = []
        for index, item in enumerate(timeline.moved):
            self._follow(index, item)

    def at(
        self, time_s: float, palms: Mapping[int, Palms], carriers: Mapping[int, Pose]
    ) -> list[tuple[int, int, Pose]]:
        """Of each package in sight: its index, its carrier's index and its pose (4, 4) in the shop.

        ``palms`` gives of each person present the palms (2, 3) and their axes (2, 3, 3) now, ``carriers`` the pose
        (4, 4) of what the person brought.
        """
        gripped = [
            (grip.item, grip.actor, _palm_pose(palms[grip.actor], grip.hand) @ grip.at(time_s))
            for grip in self._grips
            if grip.start_s <= time_s < grip.end_s and grip.actor in palms
        ]
        inside = [
            (content.item, content.actor, content.at(time_s, carriers[content.actor]))
            for content in self._contents
            if content.start_s <= time_s < content.end_s and content.actor in carriers
        ]
        return gripped + inside

    def _follow(self, index: int, item: Item) -> None:
        """Note the grips and rests of one package, each beginning where it was last seen."""
        _, depth, height = self._sizes[item.product]
        held = np.eye(4)
        held[:3, 3] = (0.0, depth / 2 + PALM_GAP_M, -0.5 * height)
        seen: Pose | None = None  # where the package was last, in the shop
        for n, stay in enumerate(item.stays):
            after = item.stays[n + 1] if n + 1 < len(item.stays) else None
            end_s = after.start_s if after is not None else np.inf
            if stay.where == "hand":
                assert stay.actor is not None
                first = held if seen is None else np.linalg.inv(self._palm(stay, stay.start_s)) @ seen
                last = held
                if after is not None and after.pose is not None:
                    last = np.linalg.inv(self._palm(stay, end_s)) @ np.array(after.pose)
                self._grips.append(_Grip(index, stay.actor, stay.hand or 0, stay.start_s, end_s, first, held, last))
                seen = self._palm(stay, end_s) @ last if after is not None else None
            elif (index, n) in self._resting:
                owner = _owner(item, n)
                assert owner is not None
                pose = self._resting[index, n]
                self._contents.append(_Content(index, owner, stay.start_s, end_s, pose, seen))
                seen = self._carrier(owner, end_s) @ pose if after is not None else None
            else:
                seen = np.array(stay.pose) if stay.pose is not None else None

    def _palm(self, stay: Stay, time_s: float) -> Pose:
        assert stay.actor is not None
        assert stay.hand is not None
        poses, rows = self._moments[stay.actor]
        row = rows[time_s]
        return _matrix(poses.palm[row, stay.hand], poses.palm_rotation[row, stay.hand])

    def _carrier(self, actor: int, time_s: float) -> Pose:
        poses, rows = self._moments[actor]
        return np.asarray(poses.carrier[rows[time_s]], np.float64)

    def _resting_poses(self, timeline: Timeline) -> dict[tuple[int, int], Pose]:
        """Where packages come to rest in baskets and trolleys, by item and number of the stay."""
        found: dict[tuple[int, int], Pose] = {}
        for number, actor in enumerate(timeline.actors):
            carrier = actor.performance.carrier
            if carrier not in (Carrier.BASKET, Carrier.TROLLEY):
                continue
            inside = sorted(
                (stay.start_s, index, place)
                for index, item in enumerate(timeline.moved)
                for place, stay in enumerate(item.stays)
                if stay.where in ("bag", "crate") and _owner(item, place) == number
            )
            sizes = np.array([self._sizes[timeline.moved[index].product] for _, index, _ in inside]).reshape(-1, 3)
            poses = content_poses(carrier, sizes)
            found |= {(index, place): pose for (_, index, place), pose in zip(inside, poses, strict=False)}
        return found


def _owner(item: Item, number: int) -> int | None:
    """Who has the package during stay ``number``: staff who take it out of the crate brought it along."""
    stay = item.stays[number]
    if stay.where == "crate" and number + 1 < len(item.stays):
        return item.stays[number + 1].actor
    return stay.actor


def _moments(timeline: Timeline, posers: Sequence[Poser]) -> dict[int, tuple[Poses, dict[float, int]]]:
    """Of each actor the poses, and their rows by time, at the moments at which something comes to them or goes."""
    times: dict[int, set[float]] = {}
    for item in timeline.moved:
        for number, stay in enumerate(item.stays):
            owner = _owner(item, number)
            if owner is not None:
                ends = [after.start_s for after in item.stays[number + 1 : number + 2]]
                times.setdefault(owner, set()).update([stay.start_s, *ends])
    return {
        actor: (posers[actor].poses(np.array(sorted(moments))), {t: row for row, t in enumerate(sorted(moments))})
        for actor, moments in times.items()
    }


def _palm_pose(palms: Palms, hand: int) -> Pose:
    return _matrix(palms[0][hand], palms[1][hand])


def _matrix(position: NDArray[np.float64], axes: NDArray[np.float64]) -> Pose:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, position
    return pose


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def _between(a: Pose, b: Pose, share: float) -> Pose:
    """From pose ``a`` (share 0) to ``b`` (share 1): positions on a line, rotations on the shortest arc."""
    if share <= 0.0:
        return a
    pose = np.eye(4)
    pose[:3, 3] = a[:3, 3] + share * (b[:3, 3] - a[:3, 3])
    turn = Rotation.from_matrix(a[:3, :3].T @ b[:3, :3]).as_rotvec()
    pose[:3, :3] = a[:3, :3] @ Rotation.from_rotvec(share * turn).as_matrix()
    return pose
