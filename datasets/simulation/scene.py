"""A timeline at a moment: bodies posed, packages in hands and baskets, and what stands still on the shelves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.carrying import Carrying
from datasets.simulation.motion import Poser, bone_matrices
from datasets.simulation.performance import Carrier, Poses
from datasets.simulation.timeline import Item, Stay, Timeline

STANDS = ("slot", "floor")


@dataclass(frozen=True, eq=False)
class SceneState:
    """All that moves, at ``time_s``.

    Of the k people present: ``actors`` int (k,) into ``Timeline.actors``, ``matrices`` float32 (k, bones, 3, 4) from
    rest to shop, ``joints`` float64 (k, bones, 3), ``palms`` float64 (k, 2, 3) left and right, ``xy`` float64 (k, 2)
    the body's middle on the floor, ``heading`` (k,) radians. Of the m packages in hands, baskets and trolleys:
    ``item_product`` ids, ``item_pose`` float32 (m, 4, 4) in the package frame, unscaled, ``item_index`` int (m,) into
    ``Timeline.moved``, ``item_actor`` int (m,) into ``Timeline.actors``. Of what people bring to put things in:
    ``carrier_kind``, ``carrier_pose`` float32 (c, 4, 4), ``carrier_actor`` int (c,).
    """

    time_s: float
    actors: NDArray[np.int64]
    matrices: NDArray[np.float32]
    joints: NDArray[np.float64]
    palms: NDArray[np.float64]
    xy: NDArray[np.float64]
    heading: NDArray[np.float64]
    item_product: tuple[str, ...]
    item_pose: NDArray[np.float32]
    item_index: NDArray[np.int64]
    item_actor: NDArray[np.int64]
    carrier_kind: tuple[Carrier, ...]
    carrier_pose: NDArray[np.float32]
    carrier_actor: NDArray[np.int64]


class Scene:
    """A timeline that can be asked for any moment, in any order; the answer depends on the moment alone."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._posers = [Poser(actor.character, actor.performance) for actor in timeline.actors]
        self._carrying = Carrying(timeline, self._posers)
        self._changes = _change_times(timeline.moved)
        self._sizes = {product.id: np.array(product.size_m) for product in timeline.catalogue.products}
        self.standing = lru_cache(maxsize=8)(self._standing)

    def states(self, times: NDArray[np.float64]) -> list[SceneState]:
        """The scene at each of ``times`` (n,), seconds of the timeline; posers run once for all of them."""
        times = np.asarray(times, np.float64)
        present, poses, matrices = [], [], []
        for actor, poser in zip(self.timeline.actors, self._posers, strict=True):
            walk = actor.performance.walk
            here = (times >= walk.time_s[0]) & (times <= walk.time_s[-1])
            row = np.cumsum(here) - 1
            present.append(np.where(here, row, -1))
            posed = poser.poses(times[here]) if here.any() else None
            poses.append(posed)
            matrices.append(bone_matrices(actor.character.skeleton, posed) if posed is not None else None)
        return [self._state(float(t), n, present, poses, matrices) for n, t in enumerate(times)]

    def version(self, time_s: float) -> int:
        """A number that changes whenever something that stands on a shelf or lies on the floor changes."""
        return int(np.searchsorted(self._changes, time_s, side="right"))

    def changed(self, old: int, new: int) -> NDArray[np.float64]:
        """The corners (k, 8, 3) of the packages that stand in one of two versions and not, or elsewhere, in the
        other.
        """
        boxes = []
        for item in self.timeline.moved:
            stays = [self._standing_stay(item, version) for version in (old, new)]
            if stays[0] is not stays[1]:
                boxes += [_corners(stay, self._sizes[item.product]) for stay in stays if stay is not None]
        return np.array(boxes).reshape(-1, 8, 3)

    def light(self, time_s: float) -> NDArray[np.float64]:
        """The lights' linear red, green and blue (3,) as a factor of normal."""
        now = np.ones(3)
        for change in sorted(self.timeline.lights, key=lambda change: change.time_s):
            done = np.clip((time_s - change.time_s) / max(change.fade_s, 1e-6), 0.0, 1.0)
            now = now + done * (change.level * np.array(change.colour) - now)
        return np.asarray(now)

    def _standing(self, version: int) -> dict[str, NDArray[np.float32]]:
        """Poses (n, 4, 4) by product id of all packages that stand on shelves or lie on the floor in ``version``."""
        moved = [place for place in self.timeline.from_stock if place is not None]
        found: dict[str, list[NDArray[np.float64]]] = {}
        for slot in self.timeline.plan.slots():
            stock = self.timeline.stock.get(slot.id)
            if stock is None:
                continue
            away = [number for name, number in moved if name == slot.id]
            found.setdefault(slot.slot.product, []).append(np.delete(stock, away, axis=0))
        for item in self.timeline.moved:
            stay = self._standing_stay(item, version)
            if stay is not None:
                found.setdefault(item.product, []).append(np.array(stay.pose)[None])
        return {product: np.concatenate(poses).astype(np.float32) for product, poses in found.items()}

    def _standing_stay(self, item: Item, version: int) -> Stay | None:
        time_s = self._changes[version - 1] if version else -np.inf
        stay = _stay_at(item.stays, float(time_s))
        return stay if stay.where in STANDS else None

    def _state(
        self,
        time_s: float,
        n: int,
        present: Sequence[NDArray[np.int64]],
        poses: Sequence[Poses | None],
        matrices: Sequence[NDArray[np.float32] | None],
    ) -> SceneState:
        rows = {a: int(present[a][n]) for a in range(len(present)) if present[a][n] >= 0}
        posed = {a: p for a, row in rows.items() if (p := poses[a]) is not None and row >= 0}
        walks = {a: self.timeline.actors[a].performance.walk for a in rows}
        carriers = {a: self.timeline.actors[a].performance.carrier for a in rows}
        carried = self._carrying.at(
            time_s,
            {a: (p.palm[rows[a]], p.palm_rotation[rows[a]]) for a, p in posed.items()},
            {a: p.carrier[rows[a]] for a, p in posed.items()},
        )
        brought = [a for a in rows if carriers[a] is not Carrier.NONE]
        skinned = [m[rows[a]] for a in rows if (m := matrices[a]) is not None]
        # Every skeleton has the same bones; a shop without anybody, at least one.
        bones = max((len(actor.character.skeleton.names) for actor in self.timeline.actors), default=1)
        return SceneState(
            time_s=time_s,
            actors=np.array(list(rows), np.int64),
            matrices=np.array(skinned, np.float32).reshape(-1, bones, 3, 4),
            joints=np.array([p.joint[rows[a]] for a, p in posed.items()]).reshape(-1, bones, 3),
            palms=np.array([p.palm[rows[a]] for a, p in posed.items()]).reshape(-1, 2, 3),
            xy=np.array(
                [[np.interp(time_s, walks[a].time_s, walks[a].xy[:, axis]) for axis in (0, 1)] for a in rows]
            ).reshape(-1, 2),
            heading=np.array([np.interp(time_s, walks[a].time_s, walks[a].heading) for a in rows]),
            item_product=tuple(self.timeline.moved[index].product for index, _, _ in carried),
            item_pose=np.array([pose for _, _, pose in carried], np.float32).reshape(-1, 4, 4),
            item_index=np.array([index for index, _, _ in carried], np.int64),
            item_actor=np.array([actor for _, actor, _ in carried], np.int64),
            carrier_kind=tuple(carriers[a] for a in brought),
            carrier_pose=np.array([posed[a].carrier[rows[a]] for a in brought], np.float32).reshape(-1, 4, 4),
            carrier_actor=np.array(brought, np.int64),
        )


def _stay_at(stays: Sequence[Stay], time_s: float) -> Stay:
    """The stay that holds at ``time_s``; before the first, the first."""
    now = stays[0]
    for stay in stays[1:]:
        if stay.start_s > time_s:
            break
        now = stay
    return now


def _change_times(moved: Sequence[Item]) -> NDArray[np.float64]:
    times = {
        after.start_s
        for item in moved
        for before, after in zip(item.stays, item.stays[1:], strict=False)
        if before.where in STANDS or after.where in STANDS
    }
    return np.array(sorted(times))


def _corners(stay: Stay, size_m: NDArray[np.float64]) -> NDArray[np.float64]:
    unit = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
    pose = np.array(stay.pose)
    return np.asarray((unit * size_m) @ pose[:3, :3].T + pose[:3, 3])
