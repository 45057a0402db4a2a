"""Ranges of time, half-open, and their division into buckets or minutes."""

from __future__ import annotations

import math
from typing import Final

MOST_BUCKETS: Final = 20_000


class RangeError(ValueError):
    """A range of time that asks for nothing, or for too much."""


def check_range(start: float, end: float) -> None:
    """Raise ``RangeError`` unless [start, end), seconds UTC, holds some time."""
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        raise RangeError(f"a range needs a start before its end, got start {start} and end {end} (seconds, UTC)")


def buckets(start: float, end: float, bucket_s: float) -> list[tuple[float, float]]:
    """[start, end) in parts of ``bucket_s`` seconds, the last cut off at ``end``.

    Raises ``RangeError`` for an empty range, a bucket without length, and more than ``MOST_BUCKETS`` buckets.
    """
    check_range(start, end)
    if not (math.isfinite(bucket_s) and bucket_s > 0):
        raise RangeError(f"a bucket must last longer than 0 s, got {bucket_s}")
    count = math.ceil((end - start) / bucket_s)
    if count > MOST_BUCKETS:
        raise RangeError(
            f"{end - start:.0f} s in buckets of {bucket_s:g} s are {count} buckets, at most {MOST_BUCKETS} are given: "
            "ask for larger buckets or a shorter range"
        )
    return [(start + i * bucket_s, min(start + (i + 1) * bucket_s, end)) for i in range(count)]


def minutes(start: float, end: float) -> tuple[int, int]:
    """The minutes (seconds // 60) of which any part lies in [start, end), as a half-open range."""
    check_range(start, end)
    return math.floor(start / 60), math.ceil(end / 60)
