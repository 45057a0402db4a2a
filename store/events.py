"""The facts of the shop: the event types of the whole product, and how they are read from CloudEvents 1.0.

Those about products, sessions, baskets and receipts stand in ``store.shopping``, what all share in ``store.event``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal, Self
from urllib.parse import unquote

from pydantic import Field, model_validator

from store.event import SOURCE, Confidence, Event, Gtin, Timestamp, new_event_id
from store.shopping import (
    BasketChanged,
    BasketEvent,
    BasketLine,
    Chance,
    GateDecided,
    PersonPassed,
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductSettled,
    ProductTaken,
    ReceiptCorrected,
    ReceiptDisputed,
    ReceiptDrafted,
    ReceiptIssued,
    ReviewRequested,
    Role,
    SessionChecked,
    SessionClosed,
    SessionJoined,
    SessionLeft,
    SessionOpened,
    ShelfReached,
    Way,
)

__all__ = [
    "EVENT_TYPES",
    "BasketChanged",
    "BasketEvent",
    "BasketLine",
    "CameraDegraded",
    "CameraRecovered",
    "Chance",
    "Confidence",
    "Event",
    "GateDecided",
    "Gtin",
    "LineCrossed",
    "PersonEntered",
    "PersonLeft",
    "PersonMoved",
    "PersonPassed",
    "ProductEvent",
    "ProductHandedOver",
    "ProductMisplaced",
    "ProductReturned",
    "ProductSettled",
    "ProductTaken",
    "ReceiptCorrected",
    "ReceiptDisputed",
    "ReceiptDrafted",
    "ReceiptIssued",
    "ReviewRequested",
    "Role",
    "SessionChecked",
    "SessionClosed",
    "SessionJoined",
    "SessionLeft",
    "SessionOpened",
    "ShelfLow",
    "ShelfReached",
    "Timestamp",
    "UnknownEventTypeError",
    "Way",
    "ZoneEntered",
    "ZoneLeft",
    "ZoneQueue",
    "from_cloudevent",
    "new_event_id",
]


class UnknownEventTypeError(ValueError):
    """A CloudEvent names a type that is not in the vocabulary."""


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
        PersonPassed,
        ShelfReached,
        ProductTaken,
        ProductReturned,
        ProductMisplaced,
        ProductHandedOver,
        ProductSettled,
        SessionOpened,
        SessionJoined,
        SessionLeft,
        SessionChecked,
        SessionClosed,
        GateDecided,
        BasketChanged,
        ReceiptDrafted,
        ReceiptIssued,
        ReceiptCorrected,
        ReceiptDisputed,
        ReviewRequested,
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
    if not isinstance(source, str) or not source.startswith(SOURCE):
        raise ValueError(f"the source of an event of ours begins with {SOURCE}, found {source!r}")
    if not isinstance(moment, str) or not isinstance(data, dict):
        raise ValueError("not a CloudEvent of ours: time must be a string and data an object")
    time = datetime.fromisoformat(moment)
    if time.tzinfo is None:
        raise ValueError(f"the time of an event needs its offset from UTC, found {moment!r}")
    return cls.model_validate(
        {**data, "id": document["id"], "store": unquote(source.removeprefix(SOURCE)), "time": time.timestamp()}
    )
