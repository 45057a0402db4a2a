"""Times and ranges as they stand in a query: mandatory, in order, and not longer than can be answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import BeforeValidator, WithJsonSchema

from api.problems import Problem

LONGEST_S: Final = 400 * 86400.0
MOST_BUCKETS: Final = 5000
_EPOCH: Final = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_SPACED_OFFSET: Final = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)", re.ASCII)
_HELP: Final = "write ISO 8601 such as 2026-11-22T09:00:00Z (without a zone it is UTC), or seconds since 1970"
_LATEST: Final = 253402300800.0


class BadInstantError(ValueError):
    """A text that is no time."""


def parse_instant(text: Any) -> float:
    """Seconds since 1970 from ISO 8601 or from a number of seconds. Raises ``BadInstantError`` with how to write it."""
    if not isinstance(text, str):
        raise BadInstantError(_HELP)
    if _EPOCH.fullmatch(text):
        seconds = float(text)
    else:
        try:
            # A plus sign that was not percent-encoded arrives as a space.
            moment = datetime.fromisoformat(_SPACED_OFFSET.sub("+", text))
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise BadInstantError(f"{text[:40]!r} is no time; {_HELP}") from None
    if not 0 <= seconds < _LATEST:
        raise BadInstantError(f"{text[:40]!r} is not between the years 1970 and 9999")
    return seconds


Instant = Annotated[
    float,
    BeforeValidator(parse_instant),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "pattern": r"^\d{1,10}(\.\d{1,6})?$"},
            ]
        }
    ),
]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From ``start`` until before ``end``, in seconds since 1970."""

    start: float
    end: float

    def check_buckets(self, bucket_s: float) -> None:
        """Raise a 422 problem when buckets of this length are too many for one answer."""
        count = (self.end - self.start) / bucket_s
        if count > MOST_BUCKETS:
            raise Problem(
                422,
                "too-many-buckets",
                "Too many buckets",
                f"The range holds {count:.0f} buckets of {bucket_s:g} s, and one answer holds {MOST_BUCKETS}. "
                "Ask for longer buckets or a shorter range.",
            )


def time_range(
    start: Annotated[
        Instant,
        Query(alias="from", description=f"Begin of the range, included: {_HELP}.", examples=["2026-11-22T09:00:00Z"]),
    ],
    end: Annotated[
        Instant,
        Query(alias="to", description=f"End of the range, not included: {_HELP}.", examples=["2026-11-22T18:00:00Z"]),
    ],
) -> TimeRange:
    """The range of a query. Raises a 422 problem for one that is empty, reversed or too long."""
    if start >= end:
        raise Problem(
            422,
            "empty-range",
            "Empty range",
            f"'from' ({_iso(start)}) is not before 'to' ({_iso(end)}). Swap them, or make the range longer.",
        )
    if end - start > LONGEST_S:
        raise Problem(
            422,
            "range-too-long",
            "Range too long",
            f"The range spans {(end - start) / 86400:.0f} days; the longest is {LONGEST_S / 86400:.0f}. Ask in parts.",
        )
    return TimeRange(start, end)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
