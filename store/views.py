"""What each camera of a plan sees: lens and pose, the lines that are counted, the zones, and the way to the floor."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]
Row = tuple[Coordinate, Coordinate, Coordinate]
Homography = tuple[Row, Row, Row]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PlanError(ValueError):
    """A plan, line, zone or homography that cannot be used: where it is, what is wrong, what is expected."""


class Part(BaseModel):
    """A piece of a plan: never changed once made, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(Part):
    """A footfall line in pixels. Looking from ``a`` to ``b``, going from the left to the right is ``in``."""

    name: Name
    a: Point
    b: Point

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.a == self.b:
            raise ValueError(f"line {self.name} has no length: both ends are {self.a}")
        return self


class Zone(Part):
    """An area in pixels: ``polygon`` is a simple polygon, not closed. ``staff`` zones are left out of shoppers' counts.

    ``queue_limit`` is the number of people at which the zone counts as a queue; None never does.
    """

    name: Name
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)]
    staff: bool = False
    queue_limit: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _is_simple(self) -> Self:
        from shapely import Polygon, is_valid_reason  # a line needs no geometry library

        polygon = Polygon(self.polygon)
        if not polygon.is_valid:
            raise ValueError(f"zone {self.name} is no simple polygon: {is_valid_reason(polygon)}")
        if polygon.area == 0:
            raise ValueError(f"zone {self.name} has no area")
        return self


class Lens(Part):
    """A camera's lens by OpenCV's model: focal length and centre in pixels of the view's ``size``.

    Either ``focal_px`` or ``horizontal_view_deg`` (the angle of view across the picture, before distortion) is given;
    ``centre_px`` is the middle of the picture unless told. ``distortion`` is (k1, k2, p1, p2, k3).
    """

    horizontal_view_deg: Annotated[float, Field(gt=5.0, lt=150.0)] | None = None
    focal_px: tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]] | None = None
    centre_px: Point | None = None
    distortion: tuple[Coordinate, Coordinate, Coordinate, Coordinate, Coordinate] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.horizontal_view_deg is None) == (self.focal_px is None):
            raise ValueError("a lens needs either horizontal_view_deg or focal_px")
        return self

    def focal(self, width: int) -> Point:
        """The focal lengths in pixels of pictures ``width`` pixels wide, which are those of the lens's view."""
        if self.focal_px is not None:
            return self.focal_px
        assert self.horizontal_view_deg is not None
        focal = width / 2 / math.tan(math.radians(self.horizontal_view_deg) / 2)
        return focal, focal

    def scaled(self, width: int, sx: float, sy: float) -> Lens:
        """The lens of a view ``width`` pixels wide in pictures ``sx`` times as wide and ``sy`` times as high."""
        changed: dict[str, object] = {}
        if self.focal_px is not None or sx != sy:
            fx, fy = self.focal(width)
            changed = {"focal_px": (fx * sx, fy * sy), "horizontal_view_deg": None}
        if self.centre_px is not None:
            changed["centre_px"] = (self.centre_px[0] * sx, self.centre_px[1] * sy)
        return self.model_copy(update=changed)


class Pose(Part):
    """Where a camera is, in metres of the shop, and where it looks.

    Either ``look_at``, a point in its middle (with ``roll_deg``, clockwise as seen from the camera), or ``rotation``,
    the 3x3 matrix from shop to camera axes (x right, y down, z ahead: OpenCV's).
    """

    position: Row
    look_at: Row | None = None
    roll_deg: Coordinate = 0.0
    rotation: Homography | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.look_at is None) == (self.rotation is None):
            raise ValueError("a pose needs either look_at or rotation")
        if self.look_at == self.position:
            raise ValueError("look_at is the camera's own position")
        if self.rotation is not None and not _turns(self.rotation):
            raise ValueError("rotation is no turn: its rows must be unit vectors at right angles, right-handed")
        return self


class CameraView(Part):
    """What one camera sees: ``size`` (width, height) in pixels, ``homography`` from pixels to metres on the floor.

    ``lens`` and ``pose`` say where it hangs and how it maps the shop; a camera with both needs no homography.
    ``clock_offset_s`` is how far its clock is ahead of the shop's: take it from its times.
    """

    camera: Name
    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    homography: Homography | None = None
    lens: Lens | None = None
    pose: Pose | None = None
    clock_offset_s: Annotated[float, Field(allow_inf_nan=False, ge=-60.0, le=60.0)] = 0.0

    @field_validator("homography")
    @classmethod
    def _invertible(cls, value: Homography | None) -> Homography | None:
        return None if value is None else check_homography(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique_names(f"lines of camera {self.camera}", [line.name for line in self.lines])
        unique_names(f"zones of camera {self.camera}", [zone.name for zone in self.zones])
        width, height = self.size
        for zone in self.zones:
            xs, ys = zip(*zone.polygon, strict=True)
            if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= width or min(ys) >= height:
                raise ValueError(f"zone {zone.name} lies outside the picture of {width}x{height} pixels")
        return self

    def at_size(self, size: tuple[int, int]) -> CameraView:
        """The same view in the pixels of pictures of ``size`` (width, height)."""
        if size == self.size:
            return self
        sx, sy = size[0] / self.size[0], size[1] / self.size[1]

        def fit(point: Point) -> Point:
            return point[0] * sx, point[1] * sy

        changed: dict[str, object] = {
            "size": size,
            "lines": tuple(line.model_copy(update={"a": fit(line.a), "b": fit(line.b)}) for line in self.lines),
            "zones": tuple(zone.model_copy(update={"polygon": tuple(map(fit, zone.polygon))}) for zone in self.zones),
        }
        if self.homography is not None:
            changed["homography"] = tuple((x / sx, y / sy, w) for x, y, w in self.homography)
        if self.lens is not None:
            changed["lens"] = self.lens.scaled(self.size[0], sx, sy)
        return self.model_copy(update=changed)


def check_homography(matrix: Homography) -> Homography:
    """Return ``matrix`` (3x3, pixels to metres) when it can be inverted, else raise ``PlanError``."""
    # In thousands of pixels, and each row by its largest entry: then a sound matrix is far from a rounded zero.
    rows = [(x * 1e3, y * 1e3, w) for x, y, w in matrix]
    sizes = [max(map(abs, row)) for row in rows]
    (a, b, c), (d, e, f), (g, h, i) = (tuple(v / (s or 1.0) for v in row) for row, s in zip(rows, sizes, strict=True))
    if abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) < 1e-12:
        raise PlanError(
            "homography is singular: it maps the picture onto a line or a point; give 4 points not in a row"
        )
    return matrix


def _turns(matrix: Homography) -> bool:
    x, y, z = matrix
    cross = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    square = [sum(a * b for a, b in zip(row, other, strict=True)) for row, other in ((x, x), (y, y), (x, y))]
    return all(abs(a - b) < 1e-3 for a, b in zip((*square, *cross), (1.0, 1.0, 0.0, *z), strict=True))


def unique_names(what: str, names: list[str]) -> None:
    """Raise ``ValueError`` naming what occurs twice in ``names``."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} must have different names, found twice: {', '.join(twice)}")
