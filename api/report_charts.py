"""The charts of a report as geometry: bars, a grid and labels in the units of an SVG, which the template draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from insights.queries import Dwell, DwellBin, FootfallBucket, OccupancyBucket

FULL: Final = 1080  # the width of a chart across the page
HALF: Final = 520  # of one beside another
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 14, 28
_LABEL_PX: Final = 64
_SHORT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; ``kind`` chooses its colour, ``title`` is shown when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a place on an axis; ``zero`` is the base line."""

    at: float
    text: str
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of ``width`` by ``height``; ``summary`` says in words what it shows."""

    summary: str
    bars: tuple[Bar, ...]
    rows: tuple[Mark, ...]
    columns: tuple[Mark, ...]
    width: int
    legend: tuple[tuple[str, str], ...] = ()
    height: int = HEIGHT
    left: int = _LEFT

    @property
    def right(self) -> int:
        """Where the grid ends."""
        return self.width - _RIGHT


def footfall_chart(buckets: Sequence[FootfallBucket], width: int) -> Chart:
    """In above the base line, out below it."""
    above = max((bucket.count_in for bucket in buckets), default=0)
    below = max((bucket.count_out for bucket in buckets), default=0)
    scale = _Scale(-below, above)
    slots = _Slots(len(buckets), width)
    start = buckets[0].start if buckets else 0.0
    long = _is_long(buckets)
    bars = []
    for i, bucket in enumerate(buckets):
        when = moment(bucket.start, start, long)
        for count, kind in ((bucket.count_in, "in"), (-bucket.count_out, "out")):
            if count:
                bars.append(_bar(slots, scale, i, 0, count, kind, f"{when}: {abs(count)} {kind}"))
    total_in, total_out = sum(b.count_in for b in buckets), sum(b.count_out for b in buckets)
    return Chart(
        f"Crossings over time: {total_in} in, {total_out} out",
        tuple(bars),
        scale.rows(),
        _times([bucket.start for bucket in buckets], slots, long, start),
        width,
        legend=(("in", "In"), ("out", "Out")),
    )


def occupancy_chart(buckets: Sequence[OccupancyBucket], start: float, end: float, width: int) -> Chart:
    """The peak of every bucket, and in front of it the mean over the part of the bucket within [start, end)."""
    peak = max((bucket.peak for bucket in buckets), default=0)
    scale, slots = _Scale(0, peak), _Slots(len(buckets), width)
    long = _is_long(buckets)
    bars = []
    for i, bucket in enumerate(buckets):
        mean = mean_present(bucket, start, end)
        when = moment(max(bucket.start, start), start, long)
        title = f"{when}: {mean:.1f} on average, {bucket.peak} at most"
        bars += [_bar(slots, scale, i, 0, bucket.peak, "peak", title), _bar(slots, scale, i, 0, mean, "mean", title)]
    return Chart(
        f"People present over time, {peak} at most",
        tuple(bar for bar in bars if bar.height > 0),
        scale.rows(),
        _times([max(bucket.start, start) for bucket in buckets], slots, long, start),
        width,
        legend=(("mean", "On average"), ("peak", "At most")),
    )


def dwell_chart(dwell: Dwell, width: int) -> Chart:
    """How many stays lasted how long, up to the longest."""
    last = max((i for i, each in enumerate(dwell.histogram) if each.count), default=-1)
    bins = dwell.histogram[: max(last + 1, 4)]
    scale, slots = _Scale(0, max((each.count for each in bins), default=0)), _Slots(len(bins), width)
    bars, columns = [], []
    for i, each in enumerate(bins):
        name = _bin_name(each)
        columns.append(Mark(slots.middle(i), name))
        if each.count:
            bars.append(_bar(slots, scale, i, 0, each.count, "stay", f"{name}: {each.count}", value=str(each.count)))
    return Chart(f"{dwell.count} stays by length", tuple(bars), scale.rows(), tuple(columns), width)


def mean_present(bucket: OccupancyBucket, start: float, end: float) -> float:
    """Mean number of people over the part of the bucket that was watched."""
    watched = min(bucket.end, end) - max(bucket.start, start)
    return bucket.person_seconds / watched if watched > 0 else 0.0


def moment(time: float, start: float, long: bool) -> str:
    """A time on an axis: minutes and seconds since ``start``, or in ``long`` footage the time of day, UTC."""
    if long:
        return datetime.fromtimestamp(time, UTC).strftime("%H:%M")
    seconds = round(time - start)
    return f"{seconds // 60}:{seconds % 60:02d}"


def length(seconds: float) -> str:
    """A measured length of time for people: 4.2 s, 45 s, 2 min 10 s, 3 h 5 min."""
    return f"{seconds:.1f} s" if seconds < 9.95 else span(seconds)


def span(seconds: float) -> str:
    """A length of time in whole seconds for people: 5 s, 2 min, 1 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def _bin_name(each: DwellBin) -> str:
    first = span(each.start_s)
    if each.end_s is None:
        return f"{first} +"
    number, _, unit = first.rpartition(" ")
    last = span(each.end_s)
    return f"{number if last.endswith(unit) or not each.start_s else first} to {last}"


class _Scale:
    """The vertical axis from ``low`` (0 or below) to ``high``, with steps of whole numbers."""

    def __init__(self, low: float, high: float) -> None:
        high = max(high, low + 1)
        rough = (high - low) / 5
        power = 10 ** math.floor(math.log10(rough))
        self._step: int = max(1, round(next(power * n for n in (1, 2, 5, 10) if power * n >= rough)))
        self._low, self._high = math.floor(low / self._step), math.ceil(high / self._step)

    def at(self, value: float) -> float:
        low, high = float(self._low * self._step), float(self._high * self._step)
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    def rows(self) -> tuple[Mark, ...]:
        steps = range(self._low, self._high + 1)
        return tuple(Mark(round(self.at(i * self._step), 1), f"{abs(i) * self._step:,}", i == 0) for i in steps)


class _Slots:
    """The horizontal axis in ``count`` equal slots."""

    def __init__(self, count: int, width: int) -> None:
        self.width = (width - _LEFT - _RIGHT) / max(count, 1)

    def left(self, i: int) -> float:
        return _LEFT + i * self.width

    def middle(self, i: int) -> float:
        return round(_LEFT + (i + 0.5) * self.width, 1)


def _bar(
    slots: _Slots, scale: _Scale, i: int, start: float, end: float, kind: str, title: str, *, value: str = ""
) -> Bar:
    # Narrow bars on wide slots: two or three of them would else be walls.
    wide = min(slots.width * 0.8, 64)
    y1, y2 = scale.at(max(start, end)), scale.at(min(start, end))
    x = slots.left(i) + (slots.width - wide) / 2
    return Bar(round(x, 1), round(y1, 1), round(wide, 1), round(y2 - y1, 1), kind, title, value)


def _is_long(buckets: Sequence[FootfallBucket] | Sequence[OccupancyBucket]) -> bool:
    return bool(buckets) and buckets[-1].end - buckets[0].start > _SHORT_S


def _times(times: Sequence[float], slots: _Slots, long: bool, start: float) -> tuple[Mark, ...]:
    every = max(1, math.ceil(_LABEL_PX / slots.width))
    return tuple(Mark(slots.middle(i), moment(times[i], start, long)) for i in range(0, len(times), every))
