"""The facts of the shop: the event types of the whole product, and how they are written as CloudEvents 1.0."""

from __future__ import annotations

import secrets
import time as _time
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, model_validator

Gtin = Annotated[str, Field(pattern=r"^\d{14}$")]
Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


# The years that CloudEvents' timestamps (RFC 3339) and Python's datetime share, counted from 1970.
Timestamp = Annotated[float, Field(ge=0.0, lt=253_402_300_799.0)]
_SOURCE = "/stores/"


class UnknownEventTypeError(ValueError):
    """A CloudEvent names a type that is not in the vocabulary."""


def new_event_id() -> str:
    """An id that sorts by creation time: 48 bits of milliseconds, then 80 random bits, as 32 hex digits."""
    return f"{_time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


class Event(BaseModel):
    """What every event carries.

    ``time`` is seconds since 1970 in UTC, on the clock of the footage (``Frame.captured_at``). ``cameras`` are the
    cameras that the fact rests on, ``confidence`` the probability that it is true, and ``evidence`` the ids of
    blurred pictures that show it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: ClassVar[str]
    id: str = Field(default_factory=new_event_id, min_length=1, max_length=128)
    store: str
    time: Timestamp
    cameras: tuple[str, ...] = ()
    confidence: Confidence = 1.0
    evidence: tuple[str, ...] = ()

    def to_cloudevent(self) -> dict[str, Any]:
        """The event as a CloudEvents 1.0 object in JSON format; the inverse of ``from_cloudevent``."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": _SOURCE + quote(self.store, safe=""),
            "type": self.type,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(timespec="microseconds"),
            "datacontenttype": "application/json",
            "data": self.model_dump(mode="json", exclude={"id", "store", "time"}),
        }


class PersonEntered(Event):
    """A person was confirmed and counts from now on. ``track_id`` is random and lives for one visit."""

    type: ClassVar[str] = "person.entered"
    track_id: str


class PersonMoved(Event):
    """Where one camera saw people during about a second: parallel lists, one row a person and frame.

    ``time_s`` is each row's own time; ``xy`` the foot point in pixels of a picture of ``size`` (width, height);
    ``xy_m`` the same on the floor in metres where the camera is calibrated, else None. ``time`` is the last row's.
    """

    type: ClassVar[str] = "person.moved"
    camera: str
    size: tuple[int, int]
    track_id: tuple[str, ...]
    time_s: tuple[float, ...]
    xy: tuple[tuple[float, float], ...]
    xy_m: tuple[tuple[float, float], ...] | None = None

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        n = len(self.track_id)
        lengths = {"time_s": len(self.time_s), "xy": len(self.xy)}
        if self.xy_m is not None:
            lengths["xy_m"] = len(self.xy_m)
        wrong = {name: length for name, length in lengths.items() if length != n}
        if wrong:
            raise ValueError(f"person.moved needs lists as long as track_id ({n}), got {wrong}")
        return self


class PersonLeft(Event):
    """A person is no longer followed. ``entered_at`` and ``time`` bound the visit."""

    type: ClassVar[str] = "person.left"
    track_id: str
    entered_at: float


class ShelfReached(Event):
    """A hand entered a slot."""

    type: ClassVar[str] = "shelf.reached"
    track_id: str
    slot: str


class ProductEvent(Event):
    """What the events about products share; ``quantity`` counts packages."""

    track_id: str
    gtin: Gtin
    slot: str | None = None
    quantity: int = Field(default=1, ge=1)


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


class SessionOpened(Event):
    """A gate let somebody in; every later message of the visit carries ``session_id``."""

    type: ClassVar[str] = "session.opened"
    session_id: str
    gate: str


class SessionClosed(Event):
    """The people of a session went out."""

    type: ClassVar[str] = "session.closed"
    session_id: str
    gate: str


class BasketLine(BaseModel):
    """One product in a basket or on a receipt; ``unit_price`` in the smallest unit of the currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gtin: Gtin
    quantity: int
    unit_price: int
    confidence: Confidence = 1.0


class BasketEvent(Event):
    """What the events about a basket and its receipt share."""

    session_id: str
    lines: tuple[BasketLine, ...]


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


class ShelfLow(Event):
    """A slot is nearly empty; ``remaining`` packages are left."""

    type: ClassVar[str] = "shelf.low"
    slot: str
    gtin: Gtin
    remaining: int


class LineCrossed(Event):
    """Somebody crossed a footfall line. ``in`` is from the left-hand side of the line's direction to its right."""

    type: ClassVar[str] = "line.crossed"
    line: str
    direction: Literal["in", "out"]


class ZoneEntered(Event):
    """Somebody's stay in a zone began."""

    type: ClassVar[str] = "zone.entered"
    zone: str


class ZoneLeft(Event):
    """Somebody's stay in a zone ended after ``dwell_s`` seconds."""

    type: ClassVar[str] = "zone.left"
    zone: str
    dwell_s: float = Field(ge=0.0)


class ZoneQueue(Event):
    """A zone holds ``people``, as many as its queue limit or more."""

    type: ClassVar[str] = "zone.queue"
    zone: str
    people: int


class CameraDegraded(Event):
    """A camera gives fewer or worse pictures than it should; ``reason`` never holds a credential."""

    type: ClassVar[str] = "camera.degraded"
    reason: str


class CameraRecovered(Event):
    """A degraded camera works again."""

    type: ClassVar[str] = "camera.recovered"


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        PersonEntered,
        PersonMoved,
        PersonLeft,
        ShelfReached,
        ProductTaken,
        ProductReturned,
        ProductMisplaced,
        ProductHandedOver,
        SessionOpened,
        SessionClosed,
        BasketChanged,
        ReceiptDrafted,
        ReceiptIssued,
        ReceiptCorrected,
        ShelfLow,
        LineCrossed,
        ZoneEntered,
        ZoneLeft,
        ZoneQueue,
        CameraDegraded,
        CameraRecovered,
    )
}


def from_cloudevent(document: dict[str, Any]) -> Event:
    """Read an event that ``Event.to_cloudevent`` wrote.

    Raises ``UnknownEventTypeError`` for a type outside the vocabulary, ``ValueError`` (pydantic's ``ValidationError``
    among them) for a document that is no CloudEvent of ours.
    """
    kind = document.get("type")
    cls = EVENT_TYPES.get(str(kind))
    if cls is None:
        raise UnknownEventTypeError(f"unknown event type {kind!r}; known: {', '.join(sorted(EVENT_TYPES))}")
    missing = {"specversion", "id", "source", "time", "data"} - document.keys()
    if missing:
        raise ValueError(f"not a CloudEvent: {', '.join(sorted(missing))} missing")
    source, moment, data = document["source"], document["time"], document["data"]
    if document["specversion"] != "1.0":
        raise ValueError(f"CloudEvents {document['specversion']!r} is not understood, only 1.0")
    if not isinstance(source, str) or not source.startswith(_SOURCE):
        raise ValueError(f"the source of an event of ours begins with {_SOURCE}, found {source!r}")
    if not isinstance(moment, str) or not isinstance(data, dict):
        raise ValueError("not a CloudEvent of ours: time must be a string and data an object")
    time = datetime.fromisoformat(moment)
    if time.tzinfo is None:
        raise ValueError(f"the time of an event needs its offset from UTC, found {moment!r}")
    return cls.model_validate(
        {**data, "id": document["id"], "store": unquote(source.removeprefix(_SOURCE)), "time": time.timestamp()}
    )
