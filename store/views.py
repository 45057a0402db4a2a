"""The parts of a plan: what each camera sees, the lines that are counted, the zones, and the way to the floor."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]
Row = tuple[Coordinate, Coordinate, Coordinate]
Homography = tuple[Row, Row, Row]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PlanError(ValueError):
    """A plan, line, zone or homography that cannot be used: where it is, what is wrong, what is expected."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Part):
    """A footfall line in pixels. Looking from ``a`` to ``b``, going from the left to the right is ``in``."""

    name: Name
    a: Point
    b: Point

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.a == self.b:
            raise ValueError(f"line {self.name} has no length: both ends are {self.a}")
        return self


class Zone(_Part):
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


class CameraView(_Part):
    """What one camera sees: ``size`` (width, height) in pixels, ``homography`` from pixels to metres on the floor."""

    camera: Name
    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    homography: Homography | None = None

    @field_validator("homography")
    @classmethod
    def _invertible(cls, value: Homography | None) -> Homography | None:
        return None if value is None else check_homography(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique(f"lines of camera {self.camera}", [line.name for line in self.lines])
        _unique(f"zones of camera {self.camera}", [zone.name for zone in self.zones])
        width, height = self.size
        for zone in self.zones:
            xs, ys = zip(*zone.polygon, strict=True)
            if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= width or min(ys) >= height:
                raise ValueError(f"zone {zone.name} lies outside the picture of {width}x{height} pixels")
        return self


class Plan(_Part):
    """A shop and its cameras."""

    store: str
    cameras: tuple[CameraView, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _unique("cameras", [view.camera for view in self.cameras])
        return self

    def view(self, camera: str) -> CameraView:
        """The view of ``camera``. Raises ``PlanError`` naming the cameras that there are."""
        for view in self.cameras:
            if view.camera == camera:
                return view
        known = ", ".join(view.camera for view in self.cameras) or "none"
        raise PlanError(f"no camera {camera!r} in the plan of {self.store}; there are: {known}")


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


def _unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} must have different names, found twice: {', '.join(twice)}")
