"""What shoppers do, as events: products, sessions, gates, baskets, receipts and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from store.event import Confidence, Event, Gtin

Role = Literal["customer", "staff", "tester"]
Way = Literal["in", "out"]
Reference = Annotated[str, Field(min_length=1, max_length=128)]
Word = Annotated[str, Field(min_length=1, max_length=64)]

MOST_PACKAGES = 1_000
"""More packages than this nobody takes at once."""
_ROUNDING = 1e-6


class ShelfReached(Event):
    """A hand entered a slot."""

    type: ClassVar[str] = "shelf.reached"
    track_id: str
    slot: str


class Chance(BaseModel):
    """One of several possibilities that exclude each other: an id, and its probability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    probability: Confidence


class ProductEvent(Event):
    """What the events about products share; ``quantity`` counts packages.

    ``confidence`` is the probability that it happened at all. While it is unclear whose hand it was, ``who`` spreads
    that over track ids, and ``what`` over GTINs while it is unclear which product; empty, they stand for ``track_id``
    and ``gtin`` alone. Probabilities that do not add up to 1 leave the rest to nobody known. Both name the likeliest
    in ``track_id`` and ``gtin``. A later ``product.settled`` says what turned out.
    """

    track_id: str
    gtin: Gtin
    slot: str | None = None
    quantity: int = Field(default=1, ge=1, le=MOST_PACKAGES)
    who: tuple[Chance, ...] = ()
    what: tuple[Chance, ...] = ()

    @model_validator(mode="after")
    def _spread(self) -> Self:
        _check("who", self.who, self.track_id)
        _check("what", self.what, self.gtin)
        return self


def _check(field: str, chances: Sequence[Chance], likeliest: str) -> None:
    if not chances:
        return
    ids = [chance.id for chance in chances]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{field} names an id twice: {', '.join(ids)}")
    total = sum(chance.probability for chance in chances)
    if total > 1 + _ROUNDING:
        raise ValueError(f"the probabilities of {field} add up to {total:.6g}, more than 1")
    if likeliest not in ids:
        raise ValueError(f"{field} must name {likeliest!r}, the likeliest, among {', '.join(ids)}")


class ProductTaken(ProductEvent):
    """A product left its slot in somebody's hand."""

    type: ClassVar[str] = "product.taken"


class ProductReturned(ProductEvent):
    """A product went back to the slot it belongs in."""

    type: ClassVar[str] = "product.returned"


class ProductMisplaced(ProductEvent):
    """A product was put down where it does not belong."""

    type: ClassVar[str] = "product.misplaced"


class ProductHandedOver(ProductEvent):
    """A product went from one person's hand (``track_id``) to another's (``to_track_id``)."""

    type: ClassVar[str] = "product.handed_over"
    to_track_id: str


class ProductSettled(ProductEvent):
    """A correction: what the product event ``settles`` turned out to be. All but its kind, time and slot is replaced.

    A ``confidence`` of 0 says that it never happened. Of several, a person's (``review``) outranks mass balance, which
    outranks other evidence; among equals the latest holds. ``review_id`` names the review that it answers.
    """

    type: ClassVar[str] = "product.settled"
    settles: Reference
    by: Literal["evidence", "balance", "review"] = "evidence"
    to_track_id: str | None = None
    review_id: str | None = None


class PersonPassed(Event):
    """A person went in or out through a gate."""

    type: ClassVar[str] = "person.passed"
    track_id: str
    gate: str
    way: Way


class SessionOpened(Event):
    """A gate let somebody in; every later message of the visit carries ``session_id``.

    ``group_size`` people share it. ``member`` is an alias that only the records lead from to a member, and ``adult``
    whether the member's app vouches for the age.
    """

    type: ClassVar[str] = "session.opened"
    session_id: str
    gate: str
    role: Role = "customer"
    group_size: int = Field(default=1, ge=1)
    member: str | None = None
    adult: bool = False


class SessionJoined(Event):
    """A person belongs to a session; of several for one track the latest holds."""

    type: ClassVar[str] = "session.joined"
    session_id: str
    track_id: str


class SessionLeft(Event):
    """One of the people of a session went out."""

    type: ClassVar[str] = "session.left"
    session_id: str
    track_id: str
    gate: str


class SessionChecked(Event):
    """Staff looked at the age of whoever shops in a session."""

    type: ClassVar[str] = "session.checked"
    session_id: str
    adult: bool


class SessionClosed(Event):
    """A session is over: its people went out by ``gate``, never came in through it, or were not seen for too long."""

    type: ClassVar[str] = "session.closed"
    session_id: str
    gate: str
    reason: Literal["left", "turned_back", "lost"] = "left"


class GateDecided(Event):
    """What a gate is to do about who passes it, and why. ``total`` in the smallest unit of the currency."""

    type: ClassVar[str] = "gate.decided"
    gate: str
    way: Way
    open: bool
    reason: str
    session_id: str | None = None
    receipt_id: str | None = None
    total: int | None = None


class BasketLine(BaseModel):
    """One product in a basket or on a receipt; ``unit_price`` in the smallest unit of the currency.

    ``confidence`` is the probability that the quantity is right; ``checking`` while evidence may still change it.
    ``discount`` is what ``promotion`` takes off the whole line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gtin: Gtin
    quantity: int
    unit_price: int
    confidence: Confidence = 1.0
    state: Literal["sure", "checking"] = "sure"
    promotion: str | None = None
    discount: int = 0
    age_restricted: bool = False

    @property
    def amount(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_price - self.discount


class BasketEvent(Event):
    """What the events about a basket and its receipt share."""

    session_id: str
    lines: tuple[BasketLine, ...]

    @property
    def total(self) -> int:
        """What all lines cost together."""
        return sum(line.amount for line in self.lines)


class BasketChanged(BasketEvent):
    """The live basket of a session changed."""

    type: ClassVar[str] = "basket.changed"


class ReceiptDrafted(BasketEvent):
    """The session closed; lines may still be settled."""

    type: ClassVar[str] = "receipt.drafted"
    receipt_id: str


class ReceiptIssued(BasketEvent):
    """The receipt is final."""

    type: ClassVar[str] = "receipt.issued"
    receipt_id: str


class ReceiptCorrected(BasketEvent):
    """An issued receipt was wrong; these are its lines now, and why."""

    type: ClassVar[str] = "receipt.corrected"
    receipt_id: str
    reason: str


class ReceiptDisputed(Event):
    """Whoever pays says that a receipt is wrong: in the line ``gtin``, or as a whole."""

    type: ClassVar[str] = "receipt.disputed"
    receipt_id: str
    session_id: str
    gtin: Gtin | None = None


class ReviewRequested(Event):
    """A person is to look at the product event ``about``, whose line is doubtful or disputed.

    ``who`` and ``what`` are the alternatives and their probabilities. The answer is a ``product.settled`` with the same
    ``review_id``.
    """

    type: ClassVar[str] = "review.requested"
    review_id: str
    session_id: str
    about: Reference
    reason: Literal["unsure", "disputed"]
    track_id: str
    gtin: Gtin
    who: tuple[Chance, ...] = ()
    what: tuple[Chance, ...] = ()
