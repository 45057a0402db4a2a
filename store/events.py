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
    "FloorAudited",
    "GateDecided",
    "Gtin",
    "LineCrossed",
    "PersonEntered",
    "PersonIsStaff",
    "PersonLeft",
    "PersonMoved",
    "PersonPassed",
    "PersonTogether",
    "PlateRead",
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
    """A person was confirmed and counts from now on. ``track_id`` is random and lives for one visit.

    With one of ``cameras`` it is a visit to that camera's picture; where people are followed over the floor it is one
    visit to the shop, and ``cameras`` are those that saw the person first.
    """

    type: ClassVar[str] = "person.entered"
    track_id: str


class PersonMoved(Event):
    """Where people were during about a second: parallel lists, one row a person and moment.

    Either where one ``camera`` saw them: ``xy`` is the foot point in pixels of a picture of ``size`` (width, height),
    ``xy_m`` the same on the floor in metres where the camera is calibrated, else None. Or, with ``camera``, ``size``
    and ``xy`` None, where they were on the floor by all cameras together: each person once a moment, in ``xy_m``;
    ``seen_by`` has for each row the places in ``cameras`` of those that saw the person then. Both forms name a person
    who is followed over the floor by the same track. ``time_s`` is each row's own time, ``time`` the last row's.
    """

    type: ClassVar[str] = "person.moved"
    camera: str | None = None
    size: tuple[int, int] | None = None
    track_id: tuple[str, ...]
    time_s: tuple[float, ...]
    xy: tuple[tuple[float, float], ...] | None = None
    xy_m: tuple[tuple[float, float], ...] | None = None
    seen_by: tuple[tuple[int, ...], ...] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if len({self.camera is None, self.size is None, self.xy is None}) > 1:
            raise ValueError("person.moved needs camera, size and xy together, or none of them")
        if self.camera is None and self.xy_m is None:
            raise ValueError("person.moved without a camera needs xy_m")
        return self

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        n = len(self.track_id)
        lists = {"time_s": self.time_s, "xy": self.xy, "xy_m": self.xy_m, "seen_by": self.seen_by}
        wrong = {name: len(each) for name, each in lists.items() if each is not None and len(each) != n}
        if wrong:
            raise ValueError(f"person.moved needs lists as long as track_id ({n}), got {wrong}")
        return self

    @model_validator(mode="after")
    def _known_cameras(self) -> Self:
        seen = {place for row in self.seen_by or () for place in row}
        if not seen <= set(range(len(self.cameras))):
            raise ValueError(f"person.moved says seen_by camera {max(seen)} of {len(self.cameras)}")
        return self

    def rows_cameras(self, row: int) -> tuple[str, ...]:
        """The cameras on which a row rests."""
        return self.cameras if self.seen_by is None else tuple(self.cameras[place] for place in self.seen_by[row])


class PersonLeft(Event):
    """A person is no longer followed. ``entered_at`` and ``time`` bound the visit, ``cameras`` all that saw them."""

    type: ClassVar[str] = "person.left"
    track_id: str
    entered_at: float


class PersonIsStaff(Event):
    """A visit is staff's, by the vest that they wear: ``confidence`` is the probability. Told once a visit.

    Shoppers' counts leave the visit out. It opens no gate and makes nothing free: for that a code is shown.
    """

    type: ClassVar[str] = "person.is_staff"
    track_id: str


class PersonTogether(Event):
    """These visits came together, and mostly stay together: a family, a couple. ``confidence`` is the probability of
    the least sure of them. Told when the first one leaves, by when and where they came in and how near they walk.
    """

    type: ClassVar[str] = "person.together"
    track_id: tuple[str, ...] = Field(min_length=2)


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


class FloorAudited(Event):
    """How well following people over the floor adds up, over the last ``period_s`` seconds.

    ``entries`` and ``exits`` are tracks that began and ended at gates, ``begun_away`` and ``ended_away`` those that did
    so elsewhere; ``doubled`` are pairs of tracks that stayed at one place and never were seen apart. Of ``inside``
    people at the end there were ``inside_before`` at the beginning; ``sigma`` is the standard deviation of ``inside``.
    ``fails`` names what does not add up.
    """

    type: ClassVar[str] = "floor.audited"
    period_s: float = Field(ge=0.0)
    entries: int = Field(ge=0)
    exits: int = Field(ge=0)
    inside_before: int = Field(ge=0)
    inside: int = Field(ge=0)
    sigma: float = Field(ge=0.0)
    begun_away: int = Field(ge=0)
    ended_away: int = Field(ge=0)
    doubled: int = Field(ge=0)
    fails: tuple[Literal["balance", "begins", "ends", "twice"], ...] = ()


class PlateRead(Event):
    """What weight plates read: parallel lists, one row a reading, in order of time for each plate.

    ``time_s`` is each row's own time on the shop's clock, seconds since 1970 in UTC; ``time`` the last row's.
    """

    type: ClassVar[str] = "plate.read"
    plate: tuple[str, ...]
    time_s: tuple[Timestamp, ...]
    grams: tuple[float, ...]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if not len(self.plate) == len(self.time_s) == len(self.grams):
            lengths = len(self.plate), len(self.time_s), len(self.grams)
            raise ValueError(f"plate.read needs lists of one length, got plate, time_s, grams of {lengths}")
        return self


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        PersonEntered,
        PersonIsStaff,
        PersonMoved,
        PersonLeft,
        PersonTogether,
        PersonPassed,
        PlateRead,
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
        FloorAudited,
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
