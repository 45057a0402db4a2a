"""Which slots of a plan a scenario means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.scenario.schema import Scenario, SlotChoice
from datasets.simulation.scenario.shelves import fits_slot
from store.catalogue import Catalogue, Product
from store.layout import PlacedSlot

LOW_M, HIGH_M = 0.7, 1.35  # boards below are low, from this on high
NEAR_M = (0.28, 0.42)
FAR_M = 2.0
POCKET_M = (0.09, 0.09, 0.21)  # the largest package that goes into a pocket, shortest side first

Bound = dict[str, PlacedSlot]


def fits_pocket(product: Product) -> bool:
    """Whether ``product`` goes into a pocket."""
    return all(side <= most for side, most in zip(sorted(product.size_m), POCKET_M, strict=True))


def bind_slots(
    scenario: Scenario,
    slots: tuple[PlacedSlot, ...],
    catalogue: Catalogue,
    seed: int,
    reachable: Callable[[PlacedSlot], bool],
) -> Bound:
    """The slot for each name under ``slots:``, drawn by ``seed`` among those that fit.

    A slot given by id is taken as it is; any other must be ``reachable``. Raises ``ScenarioError`` with the line for an
    unknown slot, product or name, and for a choice that no slot fits.
    """
    names = list(scenario.slots)
    for number, name in enumerate(names):
        _check_words(scenario, name, names[:number], slots, catalogue)
    rng = np.random.default_rng([seed, 11])
    products = {product.id: product for product in catalogue.products}
    order = {name: rng.permutation(len(slots)) for name in names}
    furthest = 0
    tries = 0

    def bind(number: int, bound: Bound) -> Bound | None:
        nonlocal furthest, tries
        furthest = max(furthest, number)
        if number == len(names):
            return bound
        choice = scenario.slots[names[number]]
        for index in order[names[number]]:
            slot = slots[index]
            if slot.id in {other.id for other in bound.values()} or not _fits(slot, choice, bound, products):
                continue
            if choice.id is None and not reachable(slot):
                continue
            tries += 1
            found = bind(number + 1, {**bound, names[number]: slot})
            if found is not None or tries > 5000:
                return found
        return None

    bound = bind(0, {})
    if bound is None:
        name = names[furthest]
        wanted = ", ".join(
            f"{k}: {v}" for k, v in scenario.slots[name].model_dump(mode="json", exclude_defaults=True).items()
        )
        raise UnluckyDrawError(
            f"{scenario.where('slots', name)}: no slot that can be reached fits {name} ({wanted or 'any'}) beside the "
            "slots named before it"
        )
    return bound


def _check_words(
    scenario: Scenario, name: str, earlier: list[str], slots: tuple[PlacedSlot, ...], catalogue: Catalogue
) -> None:
    choice = scenario.slots[name]
    for field in ("next_to", "near", "right_of", "far_from", "lookalike_of", "same_weight_as"):
        other = getattr(choice, field)
        if other is not None and other not in earlier:
            known = ", ".join(earlier) or "none"
            raise ScenarioError(
                f"{scenario.where('slots', name, field)}: no slot is called {other!r} before {name}; there are: {known}"
            )
    if choice.id is not None:
        slot_called(choice.id, slots, scenario.where("slots", name, "id"))
    if choice.product is not None:
        product_called(choice.product, catalogue, scenario.where("slots", name, "product"))
    if choice.fixture is not None and choice.fixture not in {slot.fixture for slot in slots}:
        known = ", ".join(dict.fromkeys(slot.fixture for slot in slots))
        raise ScenarioError(
            f"{scenario.where('slots', name, 'fixture')}: no fixture {choice.fixture!r} with slots; there are: {known}"
        )


def slot_called(id: str, slots: tuple[PlacedSlot, ...], where: str) -> PlacedSlot:
    """The slot with ``id``. Raises ``ScenarioError`` that begins with ``where``."""
    for slot in slots:
        if slot.id == id:
            return slot
    shown = ", ".join(slot.id for slot in slots[:4])
    raise ScenarioError(f"{where}: no slot {id!r}; the plan has {len(slots)}, as {shown}")


def product_called(id: str, catalogue: Catalogue, where: str) -> Product:
    """The product with ``id``. Raises ``ScenarioError`` that begins with ``where``."""
    for product in catalogue.products:
        if product.id == id:
            return product
    raise ScenarioError(f"{where}: no product {id!r} in the catalogue of {len(catalogue.products)} products")


def _fits(slot: PlacedSlot, choice: SlotChoice, bound: Bound, products: Mapping[str, Product]) -> bool:
    product = products[slot.slot.product]
    z = slot.corner[2]
    height = "low" if z < LOW_M else "high" if z >= HIGH_M else "middle"
    others = {field: bound[name] for field in _RELATIONS if (name := getattr(choice, field)) is not None}
    return (
        choice.id in (None, slot.id)
        and choice.product in (None, product.id)
        and (not choice.package or product.package in choice.package)
        and (not choice.height or height in choice.height)
        and choice.fixture in (None, slot.fixture)
        and choice.plate in (None, slot.slot.plate is not None)
        and (not choice.pocket or fits_pocket(product))
        and fits_slot(slot, product) >= choice.stock
        and all(_RELATIONS[field](slot, other, products) for field, other in others.items())
    )


def middle(slot: PlacedSlot) -> tuple[float, float]:
    """The middle of the slot's front edge on the floor, (x, y) metres."""
    return (
        slot.corner[0] + slot.along[0] * slot.width_m / 2,
        slot.corner[1] + slot.along[1] * slot.width_m / 2,
    )


def _same_side(a: PlacedSlot, b: PlacedSlot) -> bool:
    return (a.fixture, a.side) == (b.fixture, b.side)


def _beside(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    apart = math.dist(middle(a), middle(b)) - (a.width_m + b.width_m) / 2
    return _same_side(a, b) and a.shelf == b.shelf and apart < 0.12


def _near(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    level = abs(a.corner[2] - b.corner[2]) < 0.45
    return _same_side(a, b) and level and NEAR_M[0] <= math.dist(middle(a), middle(b)) <= NEAR_M[1]


def _right(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    way = (a.corner[0] - b.corner[0]) * b.along[0] + (a.corner[1] - b.corner[1]) * b.along[1]
    return _near(a, b, products) and way > 0.0


def _far(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    return math.dist(middle(a), middle(b)) >= FAR_M


def _alike(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    one, other = products[a.slot.product], products[b.slot.product]
    return one.id != other.id and one.family is not None and one.family == other.family


def _same_weight(a: PlacedSlot, b: PlacedSlot, products: Mapping[str, Product]) -> bool:
    one, other = products[a.slot.product], products[b.slot.product]
    return one.id != other.id and one.weight_g == other.weight_g


_RELATIONS: dict[str, Callable[[PlacedSlot, PlacedSlot, Mapping[str, Product]], bool]] = {
    "next_to": _beside,
    "near": _near,
    "right_of": _right,
    "far_from": _far,
    "lookalike_of": _alike,
    "same_weight_as": _same_weight,
}
