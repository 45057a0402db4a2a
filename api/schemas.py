"""The answers of the interface. Times are seconds since 1970 in UTC, on the clock of the footage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_TIME = 1_795_338_000.0
Pair = Annotated[list[float], Field(min_length=2, max_length=2)]


class Answer(BaseModel):
    """What all answers share: they are read from the objects of `insights`."""

    model_config = ConfigDict(from_attributes=True)


class LineInfo(Answer):
    """A footfall line. Looking from `a` to `b`, going from the left to the right is `in`."""

    name: str = Field(examples=["door"])
    a: Pair = Field(description="One end, in pixels.", examples=[[384.0, 0.0]])
    b: Pair = Field(description="The other end, in pixels.", examples=[[384.0, 576.0]])


class ZoneInfo(Answer):
    """An area of the picture."""

    name: str = Field(examples=["till"])
    polygon: list[Pair] = Field(description="Corners, in pixels.")
    staff: bool = Field(description="Whether people in it are left out of shoppers' counts.")
    queue_limit: int | None = Field(description="As many people make a queue; null: never.")


class CameraInfo(Answer):
    """A camera, and what of it can be asked for."""

    camera: str = Field(examples=["entrance"])
    width: int = Field(description="Pixels.", examples=[768])
    height: int = Field(description="Pixels.", examples=[576])
    first_seen: float = Field(description="Time of its first footage.", examples=[_TIME])
    last_seen: float = Field(description="Time of its newest footage.", examples=[_TIME + 3600])
    live: bool = Field(description="Whether this process has live pictures of it.")
    preview: bool = Field(description="Whether a blurred preview picture is kept.")
    floor: bool = Field(description="Whether it is calibrated, so that floor heatmaps can be had.")
    lines: list[LineInfo]
    zones: list[ZoneInfo]


class FootfallBucket(Answer):
    """Crossings from `start` until before `end`."""

    start: float = Field(examples=[_TIME])
    end: float = Field(examples=[_TIME + 3600])
    count_in: int = Field(examples=[12])
    count_out: int = Field(examples=[9])


class Footfall(Answer):
    """Crossings of one line, or of all lines of a camera, or of all cameras."""

    camera: str | None
    line: str | None
    bucket_s: float
    count_in: int = Field(description="Sum over the range.")
    count_out: int = Field(description="Sum over the range.")
    buckets: list[FootfallBucket]


class DwellBin(Answer):
    """Stays from `start_s` until less than `end_s` seconds long; null: no upper end."""

    start_s: float
    end_s: float | None
    count: int


class Dwell(Answer):
    """How long people stayed in a zone: stays that began in the range."""

    camera: str
    zone: str
    count: int = Field(description="Stays.")
    mean_s: float | None = Field(description="Seconds; null without stays.")
    median_s: float | None
    p90_s: float | None = Field(description="Nine of ten stays were shorter.")
    histogram: list[DwellBin]


class OccupancyBucket(Answer):
    """People present from `start` until before `end`."""

    start: float
    end: float
    person_seconds: float = Field(description="Sum of everybody's seconds in it.")
    mean: float = Field(description="People present on average.")
    peak: int = Field(description="The most people at one moment.")


class Occupancy(Answer):
    """How many people were present over time."""

    camera: str
    zone: str | None = Field(description="Null: the whole picture.")
    bucket_s: float
    buckets: list[OccupancyBucket]


class Present(Answer):
    """How many people are there now."""

    camera: str
    live: bool = Field(description="False: nothing has been heard from this camera for a while.")
    time: float | None = Field(description="Time of the newest footage heard of.")
    people: int = Field(description="People in the picture.")
    zones: dict[str, int] = Field(description="People by zone, zones without people may be missing.")


class Visits(Answer):
    """Visits that began in the range; a visit is one person's stay in a camera's picture."""

    camera: str | None
    count: int
    mean_s: float | None = Field(description="Seconds; null without visits.")
    median_s: float | None


class Heatmap(Answer):
    """Where people were. A cell is null where nobody was, or fewer than `min_visitors` visits."""

    camera: str
    space: Literal["image", "floor"]
    cell: float = Field(description="Side of a cell, in pixels (image) or metres (floor).")
    origin: Pair = Field(description="Upper left corner of the grid, in the same unit.")
    min_visitors: int
    hidden: int = Field(description="Cells that were entered, but by fewer than `min_visitors` visits.")
    rows: int
    columns: int
    seconds: list[list[float | None]] = Field(description="Person-seconds by row and column.")
    visitors: list[list[int | None]] = Field(description="Visits by row and column.")


class FloorHeatmap(Answer):
    """Where people were on the floor, and what cameras see of it. Row 0 has the smallest y."""

    cell: float = Field(description="Side of a cell, metres.")
    origin: Pair = Field(description="Corner of the grid with the smallest x and y, metres.")
    min_visitors: int
    hidden: int = Field(description="Cells that were entered, but by fewer than `min_visitors` visits.")
    rows: int
    columns: int
    seconds: list[list[float | None]] = Field(description="Person-seconds; null: nobody, or too few visits.")
    visitors: list[list[int | None]] = Field(description="Visits; null: nobody, or too few.")
    cameras: list[list[int | None]] = Field(
        description="How many cameras see somebody who stands there; 0: nothing is known of the cell; null: nobody can "
        "stand there."
    )
    error_cm: list[list[float | None]] = Field(
        description="Expected error of a place in one look of all cameras that see it (root mean square, cm)."
    )
    seen: float = Field(description="Share of the floor that a camera sees.")
    seen_twice: float = Field(description="Share of the floor that two cameras or more see.")


class Definition(Answer):
    """What a number means."""

    name: str = Field(examples=["dwell"])
    title: str = Field(examples=["Dwell"])
    text: str


class Part(Answer):
    """Whether a part works."""

    ok: bool
    detail: str


class Readiness(Answer):
    """Whether this process can answer questions."""

    ready: bool
    parts: dict[str, Part]
