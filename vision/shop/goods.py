"""What stands where by the plan, and what it weighs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from store.catalogue import Catalogue, Product
from store.furniture import PlacedSlot
from store.layout import Plan


class Goods:
    """Looks up slots, products and plates. ``slots`` by id in the plan's order; ``products`` by id.

    ``plate_of`` has the slots that stand on plates, ``on_plate`` the slots of each plate.
    """

    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        self.slots: Mapping[str, PlacedSlot] = {placed.id: placed for placed in plan.slots()}
        self.products: Mapping[str, Product] = {product.id: product for product in catalogue.products}
        self.plate_of: dict[str, str] = {}
        on_plate: dict[str, list[str]] = defaultdict(list)
        for id, placed in self.slots.items():
            catalogue.product(placed.slot.product)  # raises PlanError: the plan names a product that is not there
            if placed.slot.plate is not None:
                self.plate_of[id] = placed.slot.plate
                on_plate[placed.slot.plate].append(id)
        self.on_plate: Mapping[str, Sequence[str]] = on_plate
        self._front = {id: _front(placed) for id, placed in self.slots.items()}
        self._ids = sorted(self.products, key=lambda id: (self.products[id].weight_g, id))
        self._grams = np.array([self.products[id].weight_g for id in self._ids])

    def home(self, slot: str) -> str:
        """The id of the product that belongs in a slot."""
        return self.slots[slot].slot.product

    def grams(self, product: str) -> float:
        """What one package weighs."""
        return self.products[product].weight_g

    def gtin(self, product: str) -> str:
        """The GTIN-14 of a product."""
        return self.products[product].gtin

    def weighing(self, grams: float, within_g: float) -> list[str]:
        """The products of about so many grams, lightest first."""
        low, high = np.searchsorted(self._grams, (grams - within_g, grams + within_g))
        return self._ids[low:high]

    def distance_m(self, slot: str, xy: tuple[float, float]) -> float:
        """How far a place on the floor is from the middle of a slot's front edge, along the floor."""
        x, y = self._front[slot]
        return math.hypot(x - xy[0], y - xy[1])


def _front(placed: PlacedSlot) -> tuple[float, float]:
    half = placed.width_m / 2
    return placed.corner[0] + placed.along[0] * half, placed.corner[1] + placed.along[1] * half
