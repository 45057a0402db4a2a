"""What changed on the shelves: the slots' pictures before and after a hand was there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.catalogue import Catalogue
from store.layout import Plan
from vision.shop.evidence import SlotChange
from vision.shop.moment import ShopMoment
from vision.shop.slot_answers import Compared, answer
from vision.shop.slot_change import Goods, cells_of, deviations, gain, lit
from vision.shop.slot_counts import features, shipped
from vision.shop.slot_memory import Composite, SlotMemory
from vision.shop.slot_views import SlotViews, front_of

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

NEAR_M = 1.5  # from a slot's front, within which a person may change it
REFRESH_S = 2.0  # how often a slot is looked at that nobody is near
AROUND_M = 0.8  # between slots that the light falls on alike
BESIDE_M = 0.4  # from the slots asked for, of those that light and noise are told from too
USUAL = 0.25  # the median of deviations where nothing happened
FEWEST_LOOKS = 2  # at a point, before and after


class ShelfWatcher:
    """Looks at the slots of ``plan`` in every camera's pictures, and says how they changed between two times.

    ``catalogue`` tells how large the packages are; without it they are as large as their slots allow.
    """

    def __init__(self, plan: Plan, cameras: Sequence[CameraModel], catalogue: Catalogue | None = None) -> None:
        slots = plan.slots()
        sizes = {} if catalogue is None else {product.id: product.size_m for product in catalogue.products}
        self._place = {slot.id: i for i, slot in enumerate(slots)}
        self._goods = [Goods.of(slot, sizes.get(slot.slot.product)) for slot in slots]
        self._cells = [cells_of(goods, slot) for goods, slot in zip(self._goods, slots, strict=True)]
        self._network = shipped()
        self._front = np.array([front_of(slot) for slot in slots]).reshape(-1, 3)
        self._views = {camera.camera: SlotViews.of(plan, camera) for camera in cameras}
        self._memory = {name: SlotMemory(len(views)) for name, views in self._views.items()}

    def update(self, moment: ShopMoment) -> None:
        """Remember what the slots near people look like, and from time to time the others."""
        apart = np.linalg.norm(self._front[:, None, :2] - moment.tracks.xy[None], axis=2)
        near = apart.min(axis=1, initial=np.inf) <= NEAR_M
        for name, picture in moment.pictures.items():
            if (views := self._views.get(name)) is None:
                continue
            memory = self._memory[name]
            age = memory.age_s(picture.captured_at, np.arange(len(views)))
            rows = np.flatnonzero(near[views.slots] | (age >= REFRESH_S))
            if len(rows):
                free = views.free(picture.covered, rows)
                memory.add(picture.captured_at, rows, views.patches(picture.image, rows), free)

    def reset(self) -> None:
        """Forget every look."""
        for memory in self._memory.values():
            memory.reset()

    def change(
        self,
        slot_ids: Sequence[str],
        before_s: Sequence[float],
        after_s: Sequence[float],
        *,
        since_s: Mapping[str, float] | None = None,
        until_s: Mapping[str, float] | None = None,
    ) -> list[SlotChange]:
        """How each of k ``slot_ids`` differs between its looks up to ``before_s`` (k,) and since ``after_s`` (k,).

        A slot's looks older than its ``since_s`` and younger than its ``until_s`` are left out: when other hands were
        there before, and after. Asked again when more was seen, the answer may know more. A slot without looks has no
        ``cameras`` and likelihoods of 0. Raises ``KeyError`` for a slot that the plan has not.
        """
        asked = np.array([self._place[slot] for slot in slot_ids], np.int64)
        low, high = np.full(len(self._place), -np.inf), np.full(len(self._place), np.inf)
        # Slots beside them tell of light and noise: before and after anything happened to any of them.
        until, then = (
            np.full(len(self._place), edge) for edge in (min(before_s, default=0.0), max(after_s, default=0.0))
        )
        until[asked], then[asked] = before_s, after_s
        for bound, given in ((low, since_s), (high, until_s)):
            for slot, time_s in (given or {}).items():
                bound[self._place[slot]] = time_s
        looks: dict[int, list[Compared]] = {place: [] for place in asked.tolist()}
        for name, views in self._views.items():
            apart = np.linalg.norm(self._front[views.slots][:, None] - self._front[asked][None], axis=2)
            rows = np.flatnonzero(apart.min(axis=1, initial=np.inf) <= BESIDE_M)
            before = self._memory[name].before(rows, until[views.slots[rows]], low[views.slots[rows]])
            after = self._memory[name].after(rows, then[views.slots[rows]], high[views.slots[rows]])
            for place, compared in self._compared(views, rows, asked, before, after):
                looks[place].append(compared)
        return [
            answer(slot, self._cells[place], looks[place]) for slot, place in zip(slot_ids, asked.tolist(), strict=True)
        ]

    def _compared(
        self, views: SlotViews, rows: Ints, asked: Ints, before: Composite, after: Composite
    ) -> Iterator[tuple[int, Compared]]:
        """The slots of ``rows`` (k,) that are ``asked`` for and of which enough was seen ``before`` and ``after``."""
        slots = views.slots[rows]
        seen = (before.count >= FEWEST_LOOKS) & (after.count >= FEWEST_LOOKS)
        close = np.linalg.norm(self._front[slots][:, None] - self._front[slots][None], axis=2) <= AROUND_M
        light = [gain(before.patch[near], after.patch[near], seen[near]) for near in close]
        was = lit(before.patch, np.array(light, np.float32).reshape(-1, 1, 1, 3))
        deviation = deviations(was, after.patch, np.maximum(before.spread, after.spread))
        # Most points show nothing new: what they differ by is this camera's noise.
        noise = max(float(np.median(deviation[seen])) / USUAL, 1.0) if seen.any() else 1.0
        for k in np.flatnonzero(np.isin(slots, asked)).tolist():
            place = int(slots[k])
            # What only one of them shows is as good as unchanged.
            first = np.where(before.count[k, ..., None] > 0, was[k], after.patch[k])
            then = np.where(after.count[k, ..., None] > 0, after.patch[k], first)
            known = self._goods[place], self._cells[place]
            told = features(first, then, deviation[k] / noise, seen[k], views, int(rows[k]), *known)
            if np.isfinite(told).any():
                times = float(before.first_s[k][seen[k]].min()), float(after.last_s[k][seen[k]].max())
                yield place, Compared(views.camera, self._network.likelihoods(told), *times)
