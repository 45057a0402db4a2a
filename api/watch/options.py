"""What was asked of `aisle watch`, checked, and the view of every camera that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import ValidationError

from cameras.frame import FrameSource
from store.views import CameraView, Homography, Line, Plan, PlanError, Zone


class OptionError(ValueError):
    """An option that cannot be used: which, why, and what is expected."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """``lines``, ``zones`` and ``homography`` hold for every source that ``plan`` does not name.

    ``size`` is the detector's input (width, height), ``start`` the time of a recording's first frame in seconds since
    1970 in UTC.
    """

    sources: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    homography: Homography | None = None
    plan: Plan | None = None
    frame_rate: float | None = None
    start: float | None = None
    weights: str = "efficientdet-lite0"
    size: tuple[int, int] | None = None
    device: str = "cpu"
    loop: bool = False


def parse_size(text: str) -> tuple[int, int]:
    """Read ``WIDTHxHEIGHT``. Raises ``OptionError``."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0):
        raise OptionError(f"--size {text!r}: expected WIDTHxHEIGHT in pixels, such as 640x384")
    return int(width), int(height)


def parse_start(text: str) -> float:
    """Read an ISO 8601 time (UTC where it names no zone) as seconds since 1970. Raises ``OptionError``."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise OptionError(f"--start {text!r}: expected a time such as 2026-03-01T09:00:00") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def camera_names(sources: Sequence[str]) -> list[str]:
    """A name for each source, after its address; sources of one name are numbered."""
    from cameras.uri import camera_name

    names = [camera_name(source) for source in sources]
    return [name if names.count(name) == 1 else f"{name}-{names[: i + 1].count(name)}" for i, name in enumerate(names)]


def file_name(camera: str) -> str:
    """A camera's name as part of the name of a file."""
    return quote(camera, safe=" ").replace(" ", "-")


def view_of(source: FrameSource, options: WatchOptions) -> CameraView:
    """The source's view: the plan's where it names the camera, else what the options say.

    Raises ``PlanError`` where a plan was made for another picture size, or a zone lies outside the picture.
    """
    planned = {view.camera: view for view in (options.plan.cameras if options.plan else ())}.get(source.camera)
    if planned is not None:
        if planned.size != source.size:
            raise PlanError(
                f"camera {source.camera}: the plan was made for pictures of {planned.size[0]}x{planned.size[1]}, "
                f"the footage has {source.size[0]}x{source.size[1]}"
            )
        return planned
    try:
        return CameraView(
            camera=source.camera,
            size=source.size,
            lines=options.lines,
            zones=options.zones,
            homography=options.homography,
        )
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise PlanError(f"camera {source.camera}: {reason}") from None
