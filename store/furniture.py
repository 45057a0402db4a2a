"""Furniture with shelves: what stands on which board, and where in the room that is.

Metres; x and y on the floor, z up. The front of a piece of furniture faces ``heading_deg`` (0 looks along +x, 90 along
+y); left and right are those of a shopper who stands before it and looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from store.faults import Fault, Loc, refuse, repeated
from store.views import Coordinate, Name, Part, Point

Metres = Annotated[float, Field(gt=0.0, lt=1000.0)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
"""A name that is a piece of a slot's id: without a slash."""
Side = Literal["front", "back"]

PANEL_M = 0.04  # the back panel of a one-sided fixture, or the middle panel of a two-sided one
BOARD_M = 0.03  # thickness of a board
_EXACT_M = 1e-6  # lengths nearer than this are the same


class Slot(Part):
    """A place on a shelf for one product: ``facings`` side by side, ``rows`` behind one another, ``layers`` stacked.

    ``at_m`` is its left edge from the shelf's left end. ``product`` is a product's id in the catalogue. ``plate`` names
    the weight plate under it. A slot without a name is called by its number on the shelf, from 1 at the left.
    """

    product: Name
    at_m: Annotated[float, Field(ge=0.0, lt=1000.0)]
    width_m: Metres
    facings: Annotated[int, Field(ge=1, le=50)] = 1
    rows: Annotated[int, Field(ge=1, le=50)] = 1
    layers: Annotated[int, Field(ge=1, le=10)] = 1
    plate: Name | None = None
    name: Word | None = None


class Shelf(Part):
    """A board with its upper face at ``z_m``. One without a name is called by its number on its side, from 1 below."""

    z_m: Annotated[float, Field(ge=0.0, lt=1000.0)]
    depth_m: Metres
    side: Side = "front"
    slots: tuple[Slot, ...] = ()
    name: Word | None = None


class Fixture(Part):
    """A piece of furniture with shelves; its middle stands at ``xy``.

    A gondola may be two-sided: with shelves on its back too. It must have room for its shelves, and they for their
    slots.
    """

    name: Word
    kind: Literal["gondola", "fridge", "table"] = "gondola"
    xy: Point
    heading_deg: Coordinate = 0.0
    length_m: Metres
    depth_m: Metres
    height_m: Metres
    shelves: tuple[Shelf, ...] = ()

    @property
    def two_sided(self) -> bool:
        """Whether it has shelves on its back."""
        return any(shelf.side == "back" for shelf in self.shelves)

    @property
    def board_depth_m(self) -> float:
        """The room for boards on a side: from the panel to the front edge."""
        if self.kind == "table":
            return self.depth_m
        return (self.depth_m - PANEL_M) / 2 if self.two_sided else self.depth_m - PANEL_M

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(_faults(self))
        return self


@dataclass(frozen=True, slots=True)
class PlacedSlot:
    """A slot in the room.

    ``corner`` (x, y, z) is its left front corner on the board; ``along`` the unit vector to the right, ``normal`` the
    one out of the shelf towards the shopper, both (x, y). The slot fills ``width_m`` along, ``depth_m`` against the
    normal and ``headroom_m`` upwards to the next board (or infinity). ``loc`` is its place in the plan.
    """

    id: str
    slot: Slot
    fixture: str
    shelf: str
    side: Side
    corner: tuple[float, float, float]
    along: tuple[float, float]
    normal: tuple[float, float]
    width_m: float
    depth_m: float
    headroom_m: float
    loc: Loc = ()


def footprint(fixture: Fixture) -> tuple[Point, Point, Point, Point]:
    """The corners of a fixture on the floor, counter-clockwise, from the right end of its front."""
    turn = math.radians(fixture.heading_deg)
    c, s = math.cos(turn), math.sin(turn)

    def corner(ahead: float, aside: float) -> Point:
        ahead, aside = ahead * fixture.depth_m / 2, aside * fixture.length_m / 2
        return (fixture.xy[0] + c * ahead - s * aside, fixture.xy[1] + s * ahead + c * aside)

    return corner(1, 1), corner(-1, 1), corner(-1, -1), corner(1, -1)


def shelf_frame(fixture: Fixture, side: Side) -> tuple[Point, Point, Point]:
    """Left end of the back edge of a side's boards, unit vector along to the right, unit normal towards the shopper."""
    turn = math.radians(fixture.heading_deg + (180.0 if side == "back" else 0.0))
    normal = (math.cos(turn), math.sin(turn))
    along = (-normal[1], normal[0])
    back = PANEL_M / 2 if fixture.two_sided else PANEL_M - fixture.depth_m / 2
    if fixture.kind == "table":
        back = -fixture.depth_m / 2
    left = -fixture.length_m / 2
    x, y = (fixture.xy[i] + normal[i] * back + along[i] * left for i in (0, 1))
    return (x, y), along, normal


def placed_slots(fixture: Fixture, loc: Loc = ()) -> Iterator[PlacedSlot]:
    """The slots of a fixture in the room; ``loc`` is the fixture's place in the plan.

    Front before back, boards from below. Ids: ``FIXTURE/SHELF/SLOT``, ``FIXTURE/back-SHELF/SLOT``.
    """
    for side in ("front", "back"):
        shelves = _from_below(fixture, side)
        origin, along, normal = shelf_frame(fixture, side)
        for index, shelf, name in shelves:
            above = [other.z_m for _, other, _ in shelves if other.z_m > shelf.z_m]
            headroom = (min(above) - BOARD_M if above else math.inf) - shelf.z_m
            x, y = (origin[i] + normal[i] * shelf.depth_m for i in (0, 1))
            for place, slot in enumerate(shelf.slots):
                yield PlacedSlot(
                    id=f"{fixture.name}/{_called(side, name)}/{slot.name or place + 1}",
                    slot=slot,
                    fixture=fixture.name,
                    shelf=name,
                    side=side,
                    corner=(x + along[0] * slot.at_m, y + along[1] * slot.at_m, shelf.z_m),
                    along=along,
                    normal=normal,
                    width_m=slot.width_m,
                    depth_m=shelf.depth_m,
                    headroom_m=headroom,
                    loc=(*loc, "shelves", index, "slots", place),
                )


def _called(side: Side, shelf: str) -> str:
    return f"back-{shelf}" if side == "back" else shelf


def _from_below(fixture: Fixture, side: Side) -> list[tuple[int, Shelf, str]]:
    """Place in the plan, shelf and name of a side's shelves."""
    shelves = sorted(((i, s) for i, s in enumerate(fixture.shelves) if s.side == side), key=lambda item: item[1].z_m)
    return [(i, shelf, shelf.name or str(number)) for number, (i, shelf) in enumerate(shelves, 1)]


def _faults(fixture: Fixture) -> Iterator[Fault]:
    deepest = fixture.board_depth_m
    for i, shelf in enumerate(fixture.shelves):
        if shelf.side == "back" and fixture.kind != "gondola":
            yield Fault(("shelves", i, "side"), f"{fixture.name} is a {fixture.kind}, which has no shelves on its back")
        if shelf.z_m > fixture.height_m + _EXACT_M:
            what = f"a shelf at {shelf.z_m:g} m is above {fixture.name}, which is {fixture.height_m:g} m high"
            yield Fault(("shelves", i, "z_m"), what)
        if shelf.depth_m > deepest + _EXACT_M:
            half = " on a side" if fixture.two_sided else ""
            what = f"a shelf of {shelf.depth_m:g} m is deeper than {fixture.name}, which has {deepest:.3g} m{half}"
            yield Fault(("shelves", i, "depth_m"), what + (" before its panel" if fixture.kind != "table" else ""))
        yield from _slot_faults(fixture, i, shelf)
    names: list[tuple[Loc, str]] = []
    for side in ("front", "back"):
        shelves = _from_below(fixture, side)
        names += [(("shelves", i), _called(side, name)) for i, _, name in shelves]
        for (_, low, _), (i, high, _) in pairwise(shelves):
            if high.z_m - low.z_m < BOARD_M - _EXACT_M:
                what = f"shelves of {fixture.name} at {low.z_m:g} m and {high.z_m:g} m on its {side} are in one place"
                yield Fault(("shelves", i, "z_m"), what)
    yield from repeated(f"shelves of {fixture.name}", sorted(names))


def _slot_faults(fixture: Fixture, index: int, shelf: Shelf) -> Iterator[Fault]:
    end, before = -math.inf, ""
    for j, slot in sorted(enumerate(shelf.slots), key=lambda item: item[1].at_m):
        loc = ("shelves", index, "slots", j)
        if slot.at_m + slot.width_m > fixture.length_m + _EXACT_M:
            what = f"the slot of {slot.product} ends at {slot.at_m + slot.width_m:.4g} m"
            yield Fault(loc, f"{what}, outside its shelf of {fixture.length_m:g} m")
        if slot.at_m < end - _EXACT_M:
            what = f"the slot of {slot.product} begins at {slot.at_m:g} m"
            yield Fault(loc, f"{what}, before that of {before} ends at {end:.4g} m")
        if slot.at_m + slot.width_m > end:
            end, before = slot.at_m + slot.width_m, slot.product
    names = [(("shelves", index, "slots", j), slot.name or str(j + 1)) for j, slot in enumerate(shelf.slots)]
    yield from repeated(f"slots of a shelf of {fixture.name}", names)
