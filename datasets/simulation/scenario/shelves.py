"""What stands in each slot while a scenario runs: which package a hand can take, where one can be put."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.placement import GAP_M, capacity, standing_poses
from store.catalogue import Catalogue, Product
from store.layout import PlacedSlot

Pose = NDArray[np.float64]
TOUCH_M = 0.003  # packages may come this near one another
FRONT_M = 0.015  # from the board's edge to the front row
NEAR_M = 0.25  # how far from the edge a package is put into an empty column


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """A package in a slot: its ``pose`` (4, 4) in the shop, and ``low``, ``high`` (3,), the corners of its box along
    the slot, from its front edge inwards, and upwards from its board.
    """

    product: str
    pose: Pose
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(eq=False)
class Contents:
    """The packages in one slot, by item number. A ``busy`` one stands there, or is about to, under somebody's hand."""

    slot: PlacedSlot
    standing: dict[int, Standing] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)

    def add(self, item: int, product: Product, pose: Pose) -> None:
        """Let ``item`` stand at ``pose``."""
        middle = self._local(pose[:3, 3])
        half = np.array([product.size_m[0] / 2, product.size_m[1] / 2, 0.0])
        low = middle - half
        high = middle + half + [0.0, 0.0, product.size_m[2]]
        self.standing[item] = Standing(product.id, pose, low, high)

    def remove(self, item: int) -> None:
        """Take ``item`` away."""
        del self.standing[item]
        self.busy.discard(item)

    def count(self, product: str) -> int:
        """How many packages of ``product`` stand here."""
        return sum(package.product == product for package in self.standing.values())

    def reachable(self, product: str, beside_m: float, able: Callable[[Standing], bool] = lambda _: True) -> int | None:
        """The package of ``product`` that a hand takes: nothing before it or on it, nearest to the front, then to
        ``beside_m`` from the slot's left edge, the first that the hand is ``able`` to take. None where there is none.
        """
        wanted = [i for i, package in self.standing.items() if package.product == product and i not in self.busy]
        clear = [i for i in wanted if not self._is_behind(i)] or [i for i in wanted if not self._is_under(i)]

        def effort(item: int) -> tuple[float, float, float, int]:
            package = self.standing[item]
            row = round(float(package.low[1]) / 0.02)
            return (row, -float(package.low[2]), abs(float(package.low[0] + package.high[0]) / 2 - beside_m), item)

        return next((item for item in sorted(clear, key=effort) if able(self.standing[item])), None)

    def free_place(self, product: Product, own: bool, beside_m: float) -> Pose | None:
        """Where a package of ``product`` can be put: (4, 4), or None. ``own`` says that the slot is made for it.

        An own product stands in the next place of a column, another at the board's edge before what stands there.
        """
        places = self._own_places(product) if own else self._edge_places(product)
        fitting = [pose for pose in places if self._is_free(product, pose)]
        return min(fitting, key=lambda pose: abs(float(self._local(pose[:3, 3])[0]) - beside_m), default=None)

    def _own_places(self, product: Product) -> Iterable[Pose]:
        poses = standing_poses(self.slot, product)
        _, rows, layers = poses.shape[:3]
        for column in poses:
            taken = np.array([[not self._is_clear(product, column[r, n]) for n in range(layers)] for r in range(rows)])
            filled = np.flatnonzero(taken.any(axis=1))
            if not len(filled):
                step = product.size_m[1] + GAP_M
                yield column[min(rows - 1, int(NEAR_M / step)), 0]
                continue
            front = int(filled[0])
            height = int(taken[front].sum())
            if height < layers:
                yield column[front, height]
            elif front > 0:
                yield column[front - 1, 0]

    def _edge_places(self, product: Product) -> Iterable[Pose]:
        width, depth, height = product.size_m
        spare = self.slot.width_m - width
        if spare < -2 * TOUCH_M or height > self.slot.headroom_m - 0.02 or depth > self.slot.depth_m:
            return
        along, normal = np.array(self.slot.along), np.array(self.slot.normal)
        for beside in width / 2 + np.linspace(min(spare / 2, 0.0), max(spare, spare / 2), 9):
            pose = np.eye(4)
            pose[:2, 0], pose[:2, 1] = along, -normal
            pose[:2, 3] = np.array(self.slot.corner[:2]) + along * beside - normal * (FRONT_M + depth / 2)
            pose[2, 3] = self.slot.corner[2]
            yield pose

    def _is_free(self, product: Product, pose: Pose) -> bool:
        """No package where it shall stand, and none between there and the front."""
        return self._is_clear(product, pose, reach=True)

    def _is_clear(self, product: Product, pose: Pose, reach: bool = False) -> bool:
        middle = self._local(pose[:3, 3])
        half = np.array([product.size_m[0] / 2, product.size_m[1] / 2, 0.0])
        low, high = middle - half + TOUCH_M, middle + half + [0.0, 0.0, product.size_m[2]] - TOUCH_M
        if reach:
            low[1] = 0.0
        return all(bool((low >= p.high).any() or (high <= p.low).any()) for p in self.standing.values())

    def _is_behind(self, item: int) -> bool:
        package = self.standing[item]
        return self._is_under(item) or any(
            other.high[1] <= package.low[1] + TOUCH_M and _overlap(package, other, 0) > TOUCH_M
            for other in self.standing.values()
        )

    def _is_under(self, item: int) -> bool:
        package = self.standing[item]
        return any(
            other.low[2] >= package.high[2] - TOUCH_M
            and min(_overlap(package, other, 0), _overlap(package, other, 1)) > TOUCH_M
            for other in self.standing.values()
        )

    def _local(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = point - self.slot.corner
        return np.array([offset[:2] @ self.slot.along, -(offset[:2] @ self.slot.normal), offset[2]])


def _overlap(a: Standing, b: Standing, axis: int) -> float:
    return float(min(a.high[axis], b.high[axis]) - max(a.low[axis], b.low[axis]))


def draw_stock(
    slots: Iterable[PlacedSlot],
    catalogue: Catalogue,
    seed: int,
    *,
    sold: float,
    gaps: Iterable[str] = (),
    least: Mapping[str, int] | None = None,
) -> dict[str, Pose]:
    """Poses (k, 4, 4) of the packages of each slot at the beginning: full but for ``sold`` (a share), from the front.

    Of the slots ``gaps`` the front rows are empty to a depth of ``GAP_DEPTH_M``; those in ``least`` keep that many
    packages if they hold as many.
    """
    stock = {}
    gaps, least = set(gaps), least or {}
    for number, slot in enumerate(slots):
        rng = np.random.default_rng([seed, 31, number])
        product = catalogue.product(slot.slot.product)
        poses = standing_poses(slot, product)
        facings, rows, layers = poses.shape[:3]
        stands = np.ones((facings, rows, layers), bool)
        depth = product.size_m[1] + GAP_M
        spare = facings * rows * layers - least.get(slot.id, 0)
        for column in stands:
            away = int(rng.binomial(rows * layers, sold))
            if slot.id in gaps:
                away = layers * min(rows, int(np.ceil((GAP_DEPTH_M - FRONT_M) / depth)))
            else:
                away = max(min(away, spare), 0)
                spare -= away
            # From the front row backwards, in each row from the top.
            order = np.arange(rows * layers).reshape(rows, layers)[:, ::-1].reshape(-1)[:away]
            column.reshape(-1)[order] = False
        stock[slot.id] = poses[stands]
    return stock


GAP_DEPTH_M = 0.21  # what the deepest package needs before a row


def contents_of(slots: Iterable[PlacedSlot], catalogue: Catalogue, stock: Mapping[str, Pose]) -> dict[str, Contents]:
    """The slots as ``stock`` fills them, by id; items are numbered in the order of slots and places."""
    found: dict[str, Contents] = {}
    item = 0
    for slot in slots:
        found[slot.id] = contents = Contents(slot)
        product = catalogue.product(slot.slot.product)
        for pose in stock[slot.id]:
            contents.add(item, product, pose)
            item += 1
    return found


def fits_slot(slot: PlacedSlot, product: Product) -> int:
    """How many packages of ``product`` a full slot holds."""
    facings, rows, layers = capacity(slot, product)
    return max(facings, 0) * max(rows, 0) * max(layers, 0)
