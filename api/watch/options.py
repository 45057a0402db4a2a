"""What was asked of `aisle watch`, checked, and the view of every camera that follows from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import ValidationError

from cameras.floor import with_homography
from cameras.frame import FrameSource
from cameras.uri import LIVE, camera_name, kind_of, redact
from store.layout import Plan
from store.views import CameraView, Homography, Line, PlanError, Zone
from vision.pipeline import DEFAULT_WEIGHTS


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
    weights: str = DEFAULT_WEIGHTS
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


def is_live(source: str) -> bool:
    """Whether this address is a camera's, not a recording's. Raises ``UnsupportedSourceError``."""
    return kind_of(source) in LIVE


def camera_names(sources: Sequence[str]) -> list[str]:
    """A name for each source, after its address; sources of one name are numbered, and no two names are the same."""
    wanted = [camera_name(source) for source in sources]
    names: list[str] = []
    for base in wanted:
        free = (f"{base}-{number}" for number in itertools.count(1))
        names.append(base if wanted.count(base) == 1 else next(n for n in free if n not in {*names, *wanted}))
    return names


def check_options(options: WatchOptions) -> None:
    """Raise ``OptionError`` where an option holds for none of the sources."""
    if all(is_live(source) for source in options.sources):
        for option, given in (("--loop", options.loop), ("--start", options.start is not None)):
            if given:
                raise OptionError(f"{option} is for recordings, and {redact(options.sources[0])} is live: leave it out")
    if options.plan is not None and len(unplanned(options)) == len(options.sources):
        planned = ", ".join(view.camera for view in options.plan.cameras) or "none"
        raise OptionError(
            f"--plan has the cameras {planned}, and the sources are {', '.join(unplanned(options))}: name the plan's "
            "cameras after the sources"
        )


def unplanned(options: WatchOptions) -> list[str]:
    """The cameras that a plan leaves out; none where there is no plan."""
    if options.plan is None:
        return []
    planned = {view.camera for view in options.plan.cameras}
    return [name for name in camera_names(options.sources) if name not in planned]


def file_name(camera: str) -> str:
    """A camera's name as part of the name of a file."""
    return quote(camera, safe=" ").replace(" ", "-")


def view_of(source: FrameSource, options: WatchOptions) -> CameraView:
    """The source's view: the plan's where it names the camera, else what the options say.

    Raises ``PlanError`` where a plan was made for another picture size, or a line or zone lies outside the picture.
    """
    planned = {view.camera: view for view in (options.plan.cameras if options.plan else ())}.get(source.camera)
    if planned is not None:
        check_size(planned, source.size)
        return _within(with_homography(planned))
    try:
        view = CameraView(
            camera=source.camera,
            size=source.size,
            lines=options.lines,
            zones=options.zones,
            homography=options.homography,
        )
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise PlanError(f"camera {source.camera}: {reason}") from None
    return _within(view)


def check_size(view: CameraView, size: tuple[int, int]) -> None:
    """Raise ``PlanError`` where a plan's view is not for pictures of ``size`` (width, height)."""
    if view.size != size:
        raise PlanError(
            f"camera {view.camera}: the plan was made for pictures of {view.size[0]}x{view.size[1]}, "
            f"the footage has {size[0]}x{size[1]}"
        )


def _within(view: CameraView) -> CameraView:
    """The view, if people in its picture could cross every line. Raises ``PlanError``."""
    width, height = view.size
    for line in view.lines:
        (x1, y1), (x2, y2) = line.a, line.b
        if max(x1, x2) <= 0 or max(y1, y2) <= 0 or min(x1, x2) >= width or min(y1, y2) >= height:
            raise PlanError(
                f"camera {view.camera}: line {line.name} lies outside the picture of {width}x{height} pixels"
            )
    return view
