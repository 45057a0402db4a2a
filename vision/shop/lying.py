"""Things that somebody lays on the floor, or picks up from it: what several cameras see change at one place of it.

From each camera a thing hides the floor that it stands on and some of that behind it. What all cameras see changed at
one cell is at that cell (the visual hull, cut with the floor: Laurentini, 1994). The floor is looked at where nobody is
near, for bodies and their shadows come and go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.catalogue import Catalogue
from store.layout import Plan
from vision.shop.evidence import Lying
from vision.shop.floor_memory import SETTLE_S, FloorMemory, most
from vision.shop.floor_views import CELL_M, Bools, FloorChart, FloorView, Image
from vision.shop.lying_sizes import LyingSizes
from vision.shop.moment import ShopMoment

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_M: Final = 0.75  # of anybody, the floor is not looked at
EVERY_S: Final = 0.5  # between looks
RECENT_S: Final = 4.0  # cameras that looked since then have a say
FEWEST: Final = 2  # cameras that see a thing
SHARE: Final = 0.7  # of those that look at a cell
SIZE: Final = (2, 40)  # cells that a thing stands on
SAME_M: Final = 0.2  # from where a thing lies nothing else is found
SEEN: Final = 0.5  # of a thing's cells, for a look at it
LIKE: Final = 0.7  # of the cells seen, which tell whether it is there
MOST: Final = 200  # things that are remembered
AROUND_M: Final = 0.7  # the light and the view change with a thing
ALONE: Final = 0.3  # of the cells around a thing that may look changed


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """How a thing looks to a camera: the ``cells`` (rows, columns) that it hides, their look ``without`` and ``under``
    it (k, 3).
    """

    cells: tuple[Ints, Ints]
    without: NDArray[np.float32]
    under: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Thing:
    """What lies at ``xy`` since ``there_s``, and since when each camera sees that it is gone; seconds."""

    xy: Float
    sides: Mapping[str, _Sides]
    there_s: float
    gone_s: dict[str, float] = field(default_factory=dict)

    def see(self, camera: str, time_s: float, look: Image, free: Bools) -> None:
        """Take a camera's look (rows, columns, 3), of which ``free`` cells count."""
        if (own := self.sides.get(camera)) is None:
            return
        seen = free[own.cells]
        if seen.mean() < SEEN:
            return
        now = look[own.cells][seen].astype(np.float32)
        gone = float((most(now - own.without[seen]) < most(now - own.under[seen])).mean())
        if gone >= LIKE:
            self.gone_s.setdefault(camera, time_s)
            return
        self.gone_s.pop(camera, None)
        if gone <= 1.0 - LIKE:
            self.there_s = max(self.there_s, time_s)

    def is_gone(self, now_s: float) -> bool:
        """Whether as many cameras as it takes have seen nothing of it for long enough, and none has seen it since."""
        long = [since_s for since_s in self.gone_s.values() if self.there_s < since_s <= now_s - SETTLE_S]
        return len(long) >= FEWEST


class LyingFinder:
    """Finds what is laid on the floor of ``plan``, which has one, and what is picked up again.

    ``catalogue`` tells how large packages are. Times must rise from moment to moment.
    """

    def __init__(self, plan: Plan, cameras: Sequence[CameraModel], catalogue: Catalogue) -> None:
        self._chart = FloorChart.of(plan)
        self._views = {view.camera.camera: view for view in FloorView.all_of(plan, self._chart, cameras)}
        self._sizes = LyingSizes(catalogue, self._chart)
        self.reset()

    def reset(self) -> None:
        """Forget what the floor looks like and what lies on it."""
        self._memory = {name: FloorMemory.of(self._chart.shape) for name in self._views}
        self._lying: dict[int, _Thing] = {}
        self._number, self._told_s = 0, -np.inf

    def update(self, moment: ShopMoment) -> list[Lying]:
        """What was laid down or picked up, as soon as those who stood there are away."""
        near = self._chart.around(moment.tracks.xy, NEAR_M)
        for name, memory in self._memory.items():
            memory.leave(near)
            picture = moment.pictures.get(name)
            if picture is not None and picture.captured_at >= memory.looked_s + EVERY_S:
                view = self._views[name]
                free = view.free(picture.covered) & ~near
                look = view.look(picture.image)
                memory.see(picture.captured_at, look, free)
                for thing in self._lying.values():
                    thing.see(name, picture.captured_at, look, free)
        if moment.time_s < self._told_s + EVERY_S:
            return []
        self._told_s = moment.time_s
        gone = [self._gone(number) for number, thing in [*self._lying.items()] if thing.is_gone(moment.time_s)]
        return gone + self._found(moment.time_s)

    def _gone(self, number: int) -> Lying:
        """A thing that was picked up; what the floor looks like there is learned anew."""
        thing = self._lying.pop(number)
        for memory in self._memory.values():
            memory.forget(self._chart.around(thing.xy[None], AROUND_M))
        place = (float(thing.xy[0]), float(thing.xy[1]))
        return Lying(number, place, thing.there_s, min(thing.gone_s.values()), gone=True, cameras=tuple(thing.gone_s))

    def _found(self, now_s: float) -> list[Lying]:
        changed = {name: memory.changed(now_s) for name, memory in self._memory.items()}
        if sum(each.any() for each in changed.values()) < FEWEST:
            return []
        # Who learned what the floor looks like after the change has no say.
        since_s = np.min([np.where(changed[name], self._memory[name].since_s, np.inf) for name in changed], axis=0)
        recent = {
            name: (memory.known_s < since_s) & (memory.seen_s >= now_s - RECENT_S)
            for name, memory in self._memory.items()
        }
        agree = np.sum([changed[name] & recent[name] for name in changed], axis=0)
        standing = (agree >= FEWEST) & (agree >= SHARE * np.sum(list(recent.values()), axis=0))
        count, label, stats, middle = cv2.connectedComponentsWithStats(standing.astype(np.uint8), connectivity=8)
        found: list[Lying] = []
        for number in range(1, count):
            xy = self._chart.low + (middle[number] + 0.5) * CELL_M
            known = any(math.dist(xy, each.xy) <= AROUND_M for each in found)
            known |= any(math.dist(xy, each.xy) <= SAME_M for each in self._lying.values())
            size = stats[number, cv2.CC_STAT_AREA]
            if not known and SIZE[0] <= size <= SIZE[1] and self._alone(xy, changed, recent):
                thing = self._laid(xy, label == number, changed, recent)
                found += [thing] if thing.before_s <= thing.after_s + EVERY_S else []
        return found

    def _alone(self, xy: Float, changed: Mapping[str, Bools], recent: Mapping[str, Bools]) -> bool:
        """Whether most of the floor around a place is as usual for each camera."""
        around = self._chart.around(xy[None], AROUND_M)
        return all((changed[name] & recent[name])[around].mean() <= ALONE for name in changed)

    def _laid(self, xy: Float, cells: Bools, changed: Mapping[str, Bools], recent: Mapping[str, Bools]) -> Lying:
        """The thing that stands on ``cells``; from now on it belongs to the floor's usual look."""
        hidden = {name: _linked(changed[name], cells) for name in changed if (changed[name] & cells).any()}
        sides, before_s, after_s = {}, -np.inf, np.inf
        for name, own in hidden.items():
            memory = self._memory[name]
            sides[name] = _Sides(_places(own), memory.usual[own], memory.other[own])
            before_s = max(before_s, float(np.median(memory.calm_s[own & cells])))
            after_s = min(after_s, float(np.median(memory.since_s[own & cells])))
        around = self._chart.around(xy[None], AROUND_M)
        for name, memory in self._memory.items():
            done = changed[name] & recent[name]
            memory.forget(around & ~done & (np.isfinite(memory.since_s) | ~recent[name]))
            memory.take_up(around & done)
        self._number += 1
        self._lying[self._number] = _Thing(xy, sides, after_s)
        while len(self._lying) > MOST:
            del self._lying[next(iter(self._lying))]
        cells_of = {name: int(own.sum()) for name, own in hidden.items()}
        sizes = self._sizes.logs(xy, cells_of, self._views)
        place = (float(xy[0]), float(xy[1]))
        return Lying(self._number, place, before_s, after_s, gone=False, products=sizes, cameras=tuple(hidden))


def _places(cells: Bools) -> tuple[Ints, Ints]:
    rows, columns = np.nonzero(cells)
    return rows.astype(np.int64), columns.astype(np.int64)


def _linked(changed: Bools, cells: Bools) -> Bools:
    """The changed cells that hang together with ``cells``."""
    _, label = cv2.connectedComponents(changed.astype(np.uint8), connectivity=8)
    return np.asarray(np.isin(label, np.setdiff1d(label[cells], [0])))
