"""What a scenario file may say. The fields of every step are listed here; the families' files show them in use.

Where a number is wanted, ``[low, high]`` lets the seed draw one; where a word is wanted, a list lets it choose.
A slot is meant by its name under ``slots:`` or by its id in the plan.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from datasets.simulation.performance import Carrier
from store.catalogue import Package
from store.views import Coordinate, Name, Part, Point, unique_names


def _range(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value, value)


def _choices(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"a range is [low, high], found {list(value)}")
    return value


Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
SecondsRange = Annotated[tuple[Seconds, Seconds], BeforeValidator(_range), AfterValidator(_rising)]
Speed = Annotated[float, Field(ge=0.3, le=2.0)]
Aside = Annotated[float, Field(ge=-0.6, le=0.6)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hand = Literal["left", "right", "any"]
Height = Literal["low", "middle", "high"]


class SlotChoice(Part):
    """Which slot is meant: all that is said must hold, the seed draws among the slots left. Slots of different names
    differ.

    ``id`` is a slot's id, ``product`` what stands in it, ``package`` its kind, ``height`` of its board (low below
    0.7 m, high from 1.35 m), ``fixture`` the furniture's name. ``next_to`` a slot: beside it on the same board.
    ``near`` it: 0.28 to 0.42 m along the same side, ``right_of`` it: near and to the right for who looks at the
    shelf; ``far_from``: 2 m or more away. ``lookalike_of``: another product of the same family; ``same_weight_as``:
    another product of the same grams. ``plate``: on a weight plate (or not).
    ``gap``: its front rows are empty at first, so that something can be put there. ``pocket``: its product fits into
    a pocket. ``stock`` is the least number of packages.
    """

    id: Name | None = None
    product: Name | None = None
    package: Annotated[tuple[Package, ...], BeforeValidator(_choices)] = ()
    height: Annotated[tuple[Height, ...], BeforeValidator(_choices)] = ()
    fixture: Name | None = None
    next_to: Name | None = None
    near: Name | None = None
    right_of: Name | None = None
    far_from: Name | None = None
    lookalike_of: Name | None = None
    same_weight_as: Name | None = None
    plate: bool | None = None
    gap: bool = False
    pocket: bool = False
    stock: Annotated[int, Field(ge=1)] = 1


class AtSlot(Part):
    """``slot``, and where to stand for it: ``before`` another slot, ``aside_m`` to the right (or left, below 0)."""

    slot: Name
    before: Name | None = None
    aside_m: Aside = 0.0


class Take(AtSlot):
    """Take ``quantity`` packages; the hand rests on each for ``hold_s`` before it lifts it.

    ``hand: both`` takes one with each hand at once. ``into`` says where each goes then (the last of those kept in hands
    too). ``product`` names (by slot or id) which product is meant where a foreign one stands there. ``together``: wait
    before the shelf for all who have a take with this label.
    """

    hand: Literal["left", "right", "both", "any"] = "any"
    quantity: Annotated[int, Field(ge=1, le=12)] = 1
    hold_s: SecondsRange = (0.0, 0.0)
    into: Literal["hand", "bag", "pocket"] = "hand"
    product: Name | None = None
    together: Name | None = None


class Return(Part):
    """Put what a hand holds back into its own slot, or into ``slot``; ``product`` where hands hold different ones."""

    slot: Name | None = None
    hand: Hand = "any"
    product: Name | None = None
    hold_s: SecondsRange = (0.0, 0.0)
    before: Name | None = None
    aside_m: Aside = 0.0


class Held(Part):
    """What a hand holds; ``any`` is a hand that holds something."""

    hand: Hand = "any"


class TakeOut(Part):
    """Take ``product`` (by slot or id; the last that went in by default) out of bag, basket, trolley or pocket."""

    product: Name | None = None
    hand: Hand = "any"


class HandOver(Held):
    """Give what ``hand`` holds to ``to``, who has a ``receive`` step from this person."""

    to: Name


class Receive(Held):
    """Take what ``giver`` hands over; written ``from: NAME``."""

    giver: Name = Field(alias="from")


class Exchange(Part):
    """Swap what is held in one hand with ``other``, who has the same step; written ``with: NAME``."""

    other: Name = Field(alias="with")


class Touch(AtSlot):
    """Touch a package in ``slot`` for ``for_s`` and leave it there."""

    hand: Hand = "any"
    for_s: SecondsRange = (0.4, 1.2)


class Browse(AtSlot):
    """Look at ``slot`` for ``for_s``."""

    for_s: SecondsRange = (2.0, 6.0)


class WaitFor(Part):
    """Stand for ``for_s``, and until ``until_s``."""

    for_s: SecondsRange = (0.0, 0.0)
    until_s: Seconds = 0.0


class MeetAt(Part):
    """Wait for the others who have a step with this ``label``, ``parties`` in all."""

    label: Name
    parties: Annotated[int, Field(ge=2, le=20)] = 2


class WalkTo(Part):
    """Walk to a point on the floor, before a slot, or to a gate."""

    xy: Point | None = None
    slot: Name | None = None
    gate: Name | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(value is not None for value in (self.xy, self.slot, self.gate)) != 1:
            raise ValueError("walk_to needs one of xy, slot and gate")
        return self


class StandBetween(Part):
    """Stand where the body hides ``slot`` from as many cameras as can be."""

    slot: Name


class PickUp(Part):
    """Pick up what lies on the floor: ``product`` by slot or id, or what lies nearest."""

    product: Name | None = None
    hand: Hand = "any"


class Restock(AtSlot):
    """Staff: fill ``quantity`` packages into ``slot``, which they brought in a trolley, or in the carrier they have."""

    quantity: Annotated[int, Field(ge=1, le=12)] = 2


class Leave(Part):
    """Go out, by ``gate`` or the nearest one that leads out."""

    gate: Name | None = None


# The field of each step that a bare word or number stands for: ``take: a`` is ``take: {slot: a}``.
_SHORT = {
    "take": "slot",
    "return": "slot",
    "put_in_bag": "hand",
    "put_in_pocket": "hand",
    "drop": "hand",
    "take_out": "product",
    "hand_over": "to",
    "receive": "from",
    "exchange": "with",
    "touch": "slot",
    "browse": "slot",
    "wait": "for_s",
    "meet": "label",
    "walk_to": "slot",
    "stand_between": "slot",
    "pick_up": "product",
    "restock": "slot",
    "leave": "gate",
}


class Step(Part):
    """One step: exactly one of these fields."""

    take: Take | None = None
    put: Return | None = Field(default=None, alias="return")
    put_in_bag: Held | None = None
    put_in_pocket: Held | None = None
    take_out: TakeOut | None = None
    hand_over: HandOver | None = None
    receive: Receive | None = None
    exchange: Exchange | None = None
    drop: Held | None = None
    touch: Touch | None = None
    browse: Browse | None = None
    wait: WaitFor | None = None
    meet: MeetAt | None = None
    walk_to: WalkTo | None = None
    stand_between: StandBetween | None = None
    pick_up: PickUp | None = None
    restock: Restock | None = None
    leave: Leave | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelt_out(cls, value: Any) -> Any:
        """Bare words (``leave``) and short values (``take: a``) as full steps."""
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            raise ValueError(f"a step is one of {', '.join(_SHORT)}; found {', '.join(map(str, value)) or 'none'}")
        ((name, body),) = value.items()
        if name in _SHORT and not isinstance(body, dict | Part):
            body = {} if body is None else {_SHORT[name]: body}
        return {name: body}

    @property
    def does(self) -> Part:
        """The step's own fields."""
        told = (getattr(self, name) for name in type(self).model_fields)
        return next(value for value in told if isinstance(value, Part))


class Person(Part):
    """Somebody in the scenario: comes in by ``gate`` (one that the seed chooses) at ``at_s``, does, and leaves.

    ``behind`` names whom the person follows through the gate. Shoppers with the same ``session`` came in on one code;
    without the field each has an own one, and ``session: none`` has none, as staff. ``character`` is a number in the
    cast.
    """

    name: Name
    role: Literal["shopper", "staff"] = "shopper"
    gate: Name | None = None
    at_s: SecondsRange = (0.0, 0.0)
    behind: Name | None = None
    carrier: Annotated[tuple[Carrier, ...], BeforeValidator(_choices), Field(min_length=1)] = (Carrier.NONE,)
    session: Name | None = None
    speed_mps: Annotated[tuple[Speed, Speed], BeforeValidator(_range), AfterValidator(_rising)] = (0.95, 1.25)
    character: Annotated[int, Field(ge=0, lt=1000)] | None = None
    does: tuple[Step, ...] = ()


class Crowd(Part):
    """``people`` shoppers who come at ``per_minute`` (a Poisson process) with lists of ``items`` products each.

    ``browse`` and ``put_back`` are the chances, for each product of a list, to look at another slot
    first, and to put it back at once. ``together`` is the chance to come with somebody else in one
    session.
    """

    people: Annotated[int, Field(ge=1, le=200)]
    per_minute: Annotated[float, Field(gt=0.0, le=120.0)] = 12.0
    items: tuple[Annotated[int, Field(ge=0, le=20)], Annotated[int, Field(ge=0, le=20)]] = (1, 4)
    browse: Share = 0.3
    put_back: Share = 0.12
    together: Share = 0.15

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        _rising(self.items)
        return self


class ListedEvent(Part):
    """Somebody takes ``product`` from ``slot``, or returns it there, at ``time_s``: when the package leaves the shelf
    or the hand.
    """

    person: Name
    product: Name
    slot: Name
    kind: Literal["take", "return"]
    time_s: Seconds


class Light(Part):
    """From ``at_s`` the lights have ``level`` (1 is normal) and ``colour`` (r, g, b), faded over ``fade_s``."""

    at_s: SecondsRange
    level: Annotated[
        tuple[Annotated[float, Field(ge=0.0, le=3.0)], Annotated[float, Field(ge=0.0, le=3.0)]],
        BeforeValidator(_range),
        AfterValidator(_rising),
    ] = (1.0, 1.0)
    colour: tuple[Coordinate, Coordinate, Coordinate] = (1.0, 1.0, 1.0)
    fade_s: SecondsRange = (0.3, 0.3)


class Outage(Part):
    """``camera`` (the seed draws one without it) gives no picture from ``at_s`` for ``for_s``."""

    camera: Name | None = None
    at_s: SecondsRange
    for_s: SecondsRange = (5.0, 5.0)


class Scenario(Part):
    """Who does what in the shop. Made by ``load_scenario`` or ``family``.

    ``gaps`` is the share of packages that are sold already when it begins. ``duration_s`` ends it at that time; without
    it, it ends when everybody has left.
    """

    name: Name
    duration_s: Annotated[float, Field(gt=0.0, le=3600.0)] | None = None
    gaps: Annotated[float, Field(ge=0.0, le=0.9)] = 0.04
    slots: dict[Name, SlotChoice] = Field(default_factory=dict)
    people: tuple[Person, ...] = ()
    crowd: Crowd | None = None
    events: tuple[ListedEvent, ...] = ()
    lights: tuple[Light, ...] = ()
    outages: tuple[Outage, ...] = ()
    _lines: dict[tuple[int | str, ...], int] = PrivateAttr(default_factory=dict)
    _file: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique_names("people", [person.name for person in self.people])
        if not self.people and self.crowd is None and not self.events:
            raise ValueError("a scenario needs people, a crowd or events")
        return self

    def where(self, *loc: int | str) -> str:
        """Where the part at ``loc`` (as ``("people", 0, "does", 2)``) was read: the file and the line, if any."""
        place = loc
        while place and place not in self._lines:
            place = place[:-1]
        if self._file and place in self._lines:
            return f"scenario {self._file}, line {self._lines[place]}"
        return f"scenario {self.name}, {'.'.join(map(str, loc))}"
