"""The report of a run: one page with its pictures and tables in a folder, to be opened without a server."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.report_charts import FULL, HALF, dwell_chart, footfall_chart, length, occupancy_chart, span
from api.report_data import CameraReport, LineReport, ReportData, Watched, ZoneReport, collect_report
from cameras.uri import redact
from insights.pictures import render_heatmap
from insights.queries import Heatmap
from vision.blurred import only_blurred

__all__ = ["CameraReport", "LineReport", "ReportData", "Watched", "ZoneReport", "collect_report", "write_report"]

_TITLES: Final = {
    "visit": "Visits, or people counted",
    "line_crossing": "In and out",
    "zone_stay": "A stay in a zone",
    "dwell": "Dwell",
    "occupancy": "People present",
    "heatmap": "Heatmap",
    "hidden_cells": "Hidden cells",
    "queue": "Queue",
    "staff_zones": "Staff zones",
}


def write_report(folder: Path, data: ReportData) -> Path:
    """Write ``report.html`` with ``heatmap.png``, ``footfall.csv`` and ``zones.csv`` into ``folder``; return the page.

    With several cameras there is a ``heatmap-CAMERA.png`` for each. Every file is replaced as a whole. Raises
    ``OSError`` when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = _file_names([camera.name for camera in data.cameras])
    pages = []
    for camera, name in zip(data.cameras, names, strict=True):
        suffix = f"-{name}" if len(names) > 1 else ""
        pictures = []
        for heatmap in camera.heatmaps:
            file = f"heatmap{'-floor' if heatmap.space == 'floor' else ''}{suffix}.png"
            _write(folder / file, _heatmap_png(camera, heatmap))
            pictures.append((file, heatmap))
        pages.append(_camera_page(camera, pictures))
    _write(folder / "footfall.csv", _footfall_csv(data.cameras))
    _write(folder / "zones.csv", _zones_csv(data.cameras))
    files = [file for page in pages for file in _files(page)] + ["footfall.csv", "zones.csv"]
    template = _environment().get_template("report.html")
    page = template.render(data=data, pages=pages, files=files, sums=_sums(data), titles=_TITLES)
    _write(folder / "report.html", page.encode())
    return folder / "report.html"


def _camera_page(camera: CameraReport, pictures: Sequence[tuple[str, Heatmap]]) -> dict[str, Any]:
    watched = camera.watched
    seconds = sum(bucket.person_seconds for bucket in camera.occupancy)
    stayed = [zone for zone in camera.zones if zone.dwell.count]

    def wide(side_by_side: Sequence[object]) -> int:
        return FULL if len(side_by_side) == 1 else HALF

    return {
        "camera": camera,
        "watched": watched,
        "source": redact(watched.source),
        "pictures": pictures,
        # Grey ground without a cell tells nothing.
        "shown": [each for each in pictures if watched.background is not None or not each[1].empty],
        "lines": [(line, footfall_chart(line.buckets, wide(camera.lines))) for line in camera.lines],
        "zones": [(zone, dwell_chart(zone.dwell, wide(stayed))) for zone in camera.zones],
        "occupancy": occupancy_chart(camera.occupancy, watched.started_at, watched.end, FULL),
        "mean_present": seconds / watched.seconds,
    }


def _files(page: dict[str, Any]) -> list[str]:
    watched: Watched = page["watched"]
    return [file for file in (watched.video, watched.tracks) if file] + [file for file, _ in page["pictures"]]


def _sums(data: ReportData) -> dict[str, Any]:
    """What the cameras come to together."""
    watched = [camera.watched for camera in data.cameras]
    lines = [line for camera in data.cameras for line in camera.lines]
    return {
        "people": sum(camera.visits.count for camera in data.cameras),
        "count_in": sum(line.count_in for line in lines),
        "count_out": sum(line.count_out for line in lines),
        "has_lines": bool(lines),
        "peak": max((camera.peak for camera in data.cameras), default=0),
        "frames": sum(each.frames for each in watched),
        "seconds": sum(each.seconds for each in watched),
        # Cameras are watched side by side.
        "wall_s": max((each.wall_s or 0.0 for each in watched), default=0.0),
        "tracks": any(each.tracks for each in watched),
    }


def _example_line(size: tuple[int, int]) -> str:
    """A line down the middle of the picture."""
    return f"Door={size[0] // 2},0,{size[0] // 2},{size[1]}"


def _example_zone(size: tuple[int, int]) -> str:
    """The lower left quarter of the picture."""
    w, h = size
    return f"Shelf=0,{h // 2},{w // 2},{h // 2},{w // 2},{h},0,{h}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "length": lambda seconds: "-" if seconds is None else length(seconds),
        "span": span,
        "number": lambda value: f"{value:,.0f}",
        "when": lambda time: datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }
    environment.globals |= {"example_line": _example_line, "example_zone": _example_zone}
    return environment


def _heatmap_png(camera: CameraReport, heatmap: Heatmap) -> bytes:
    background = camera.watched.background
    if background is not None:
        only_blurred(background)
    if heatmap.space == "image" and heatmap.size is None:
        # The records know no camera that nobody passed.
        heatmap = replace(heatmap, size=camera.watched.view.size)
    behind = background.image if background is not None and heatmap.space == "image" else None
    return cv2.imencode(".png", render_heatmap(heatmap, behind))[1].tobytes()


def _footfall_csv(cameras: Sequence[CameraReport]) -> bytes:
    crossings = sorted((each for camera in cameras for each in camera.crossings), key=lambda each: each.time)
    return _csv(
        ("time", "camera", "line", "direction"),
        [(_iso(each.time), each.camera, each.line, each.direction) for each in crossings],
    )


def _zones_csv(cameras: Sequence[CameraReport]) -> bytes:
    # Only sums: a list of single stays could be joined to the paths of single people.
    return _csv(
        ("camera", "zone", "visits", "mean_s", "median_s", "p90_s", "most_at_once"),
        [
            (camera.name, zone.name, zone.dwell.count, *map(_seconds, _statistics(zone)), zone.peak)
            for camera in cameras
            for zone in camera.zones
        ],
    )


def _statistics(zone: ZoneReport) -> tuple[float | None, float | None, float | None]:
    return zone.dwell.mean_s, zone.dwell.median_s, zone.dwell.p90_s


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _file_names(cameras: Sequence[str]) -> list[str]:
    """A name for each camera that any file system takes, no two the same."""
    names: list[str] = []
    for camera in cameras:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", camera).strip("-.").lower() or "camera"
        name, n = plain, 1
        while name in names:
            n += 1
            name = f"{plain}-{n}"
        names.append(name)
    return names


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
