"""What every event is: its id, its time, what it rests on, and how it is written as a CloudEvent 1.0."""

from __future__ import annotations

import secrets
import time as _time
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

Gtin = Annotated[str, Field(pattern=r"^\d{14}$")]
Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


# The years that CloudEvents' timestamps (RFC 3339) and Python's datetime share, counted from 1970.
Timestamp = Annotated[float, Field(ge=0.0, lt=253_402_300_799.0)]
SOURCE: Final = "/stores/"


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
            "source": SOURCE + quote(self.store, safe=""),
            "type": self.type,
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(timespec="microseconds"),
            "datacontenttype": "application/json",
            "data": self.model_dump(mode="json", exclude={"id", "store", "time"}),
        }
