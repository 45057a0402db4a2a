"""A corner of a shop with one shelf, and evidence made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from store.catalogue import Catalogue, Package, Product, check_digit
from store.events import Event, ProductEvent, ProductSettled
from store.furniture import Fixture, Shelf, Slot
from store.layout import Floor, Plan, Plate
from vision.floor import FloorTracks
from vision.shop.attribution import Attributor
from vision.shop.evidence import HandChange, Meeting, Pair, PlateStep, Reach, SlotChange, Stop

START = 1_767_254_400.0
ANNA, BEN = 1, 2
NAMES = {ANNA: "anna", BEN: "ben"}
WEIGHTS = {"beans": 330.0, "oats": 482.0, "rice": 1000.0, "soap": 120.0, "tea": 250.0}
TAKES = HandChange(0.05, 0.95)
RETURNS = HandChange(0.95, 0.05)
IDLE = HandChange(0.05, 0.05)
EMPTY, FULL, UNSEEN = (0.02, 0.02), (0.02, 0.98), (0.5, 0.5)
"""Both hands of somebody: that they hold something."""


def gtin(product: str) -> str:
    digits = f"{1000 + list(WEIGHTS).index(product):013d}"
    return digits + check_digit(digits)


def catalogue() -> Catalogue:
    return Catalogue(
        products=tuple(
            Product(
                id=id, gtin=gtin(id), name=id, brand="b", package=Package.BOX, size_m=(0.1, 0.1, 0.1), weight_g=grams,
                price=100,
            )
            for id, grams in WEIGHTS.items()
        )
    )  # fmt: skip


def plan(plates: bool = True) -> Plan:
    """One shelf that looks along +y. Slots of 0.4 m: beans and oats on plate p, rice on q, tea on none."""
    where = {"beans": "p", "oats": "p", "rice": "q", "tea": None}
    slots = tuple(
        Slot(product=product, at_m=0.4 * place, width_m=0.4, plate=plate if plates else None, name=product)
        for place, (product, plate) in enumerate(where.items())
    )
    return Plan(
        store="corner",
        floor=Floor(polygon=((-3, -3), (3, -3), (3, 3), (-3, 3))),
        plates=(Plate(name="p"), Plate(name="q")) if plates else (),
        fixtures=(
            Fixture(
                name="s", xy=(0.0, -0.3), heading_deg=90.0, length_m=1.6, depth_m=0.6, height_m=1.8,
                shelves=(Shelf(z_m=1.0, depth_m=0.5, slots=slots, name="1"),),
            ),
        ),
    )  # fmt: skip


def slot(product: str) -> str:
    return f"s/1/{product}"


def front(product: str) -> tuple[float, float]:
    """Where one stands before a slot."""
    (placed,) = [placed for placed in plan().slots() if placed.id == slot(product)]
    return placed.corner[0] + placed.along[0] * 0.2, 0.4


def reach(at_s: float, who: int, slots: str | Mapping[str, float], hand: int = 1) -> Reach:
    """A hand in slots of these products from 0.4 s before to 0.4 s after ``at_s``."""
    spread = {slots: 1.0} if isinstance(slots, str) else slots
    x, y = front(max(spread, key=lambda product: spread[product]))
    where = {slot(product): p for product, p in spread.items()}
    moment = START + at_s
    return Reach(who, hand, moment - 0.4, moment + 0.4, moment, (x, 0.0, 1.1), (x, y), where, ("c1",))


def step(at_s: float, grams: float, plate: str = "p") -> PlateStep:
    return PlateStep(plate, START + at_s - 0.3, START + at_s + 0.6, grams, 1.2)


def change(product: str, taken: float, returned: float) -> SlotChange:
    """Pictures of the slot of a product, which tell one package from two."""
    return SlotChange(slot(product), {-2: taken - 2.0, -1: taken, 1: returned, 2: returned - 2.0}, ("c2",))


def stop(who: int, from_s: float, to_s: float, product: str, before: Pair, after: Pair) -> Stop:
    """Somebody stood before the slot of a product, with what their hands held before and after."""
    return Stop(who, START + from_s, START + to_s, front(product), before, after)


def meeting(giver: int, taker: int, at_s: float, cameras: tuple[str, ...] = ()) -> Meeting:
    """Two stand together for a second: a hand of one is full before, one of the other afterwards."""
    hands = {giver: (FULL, EMPTY), taker: (EMPTY, FULL)}
    one, other = min(hands), max(hands)
    before, after = (hands[one][0], hands[other][0]), (hands[one][1], hands[other][1])
    at = START + at_s
    return Meeting((one, other), at - 0.5, at + 0.5, at, before, after, cameras=cameras)


def tracks(places: Mapping[int, tuple[float, float]]) -> FloorTracks:
    n = len(places)
    state = np.zeros((n, 4))
    state[:, :2] = np.array(list(places.values())).reshape(n, 2)
    ids = np.array(list(places), np.int64)
    return FloorTracks.of(ids, state, np.tile(np.eye(4) * 0.01, (n, 1, 1)), np.ones(n), np.ones((n, 1), np.bool_))


def run(
    attributor: Attributor, until_s: float, places: Mapping[int, tuple[float, float]], *, plates: bool = False
) -> list[Event]:
    """Five moments a second until ``until_s``; with ``plates`` they have told everything at once."""
    events: list[Event] = []
    since = getattr(attributor, "told_s", 0.0)
    for moment in np.arange(since + 0.2, until_s + 1e-6, 0.2):
        if plates:
            attributor.plates_told({"p": START + moment, "q": START + moment})
        events += attributor.update(START + moment, tracks(places))
        attributor.told_s = moment  # type: ignore[attr-defined]
    return events


def settled(events: Iterable[Event]) -> list[ProductEvent]:
    """The product events as they stand in the end."""
    found: dict[str, ProductEvent] = {}
    for event in events:
        if isinstance(event, ProductSettled):
            names = ("track_id", "gtin", "confidence", "who", "what")
            told = found[event.settles]
            found[told.id] = told.model_copy(update={name: getattr(event, name) for name in names})
        elif isinstance(event, ProductEvent):
            assert event.id not in found
            found[event.id] = event
    return list(found.values())


def sure(events: Iterable[Event]) -> list[tuple[str, str, str]]:
    """(kind, track, GTIN) of what probably happened in the end, by its likeliest who and what."""
    return [(e.type.partition(".")[2], e.track_id, e.gtin) for e in settled(events) if e.confidence >= 0.5]


def attributor(plates: bool = True, **options) -> Attributor:
    """Of the corner; tracks 1 and 2 are called anna and ben."""
    return Attributor(plan(plates), catalogue(), NAMES.__getitem__, **options)


def take(watch: Attributor, at_s: float, who: int, product: str) -> None:
    watch.add_reach(reach(at_s, who, product), TAKES, [change(product, 5.0, -5.0)])
