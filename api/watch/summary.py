"""What a run of `aisle watch` says at its end: a few lines a camera, and the report."""

from __future__ import annotations

import time
from pathlib import Path

from api.report import Watched, collect_report, write_report
from api.watch.run import Watch, WatchedCamera
from insights import queries
from store.records import Records
from store.settings import Settings
from vision.pipeline import network_size

_AFTER_S = 1.0


def summarise(watch: Watch, records: Records, settings: Settings) -> list[str]:
    """The lines to print for each camera, from what the records hold of its footage."""
    return [_summary(camera, watch.wall_s, records, settings) for camera in watch.cameras]


def _summary(camera: WatchedCamera, wall_s: float, records: Records, settings: Settings) -> str:
    name, state = camera.view.camera, camera.state
    early = ", ended early" if state.error is not None else ""
    if state.began_at is None or state.newest_at is None:
        return f"{name}: no frame was watched{early}"
    start, end = state.began_at, state.newest_at + _AFTER_S
    seconds = state.newest_at - start + 1 / camera.source.frame_rate
    rate = state.frames / wall_s if wall_s > 0 else 0.0
    people = _plural(state.people, "person", "people") if state.people else "nobody was seen"
    lines = [f"{name}: {people} in {seconds:.1f} s of footage ({state.frames} frames, {rate:.1f} frames/s{early})"]
    for line in camera.view.lines:
        crossed = queries.crossings(records, settings.store, name, start, end, line.name)
        into = sum(each.direction == "in" for each in crossed)
        lines.append(f"  line {line.name}: {into} in, {len(crossed) - into} out")
    for zone in camera.view.zones:
        if not zone.staff:
            dwell = queries.dwell(records, settings.store, name, zone.name, start, end)
            mean = "" if dwell.mean_s is None else f", {dwell.mean_s:.1f} s on average"
            lines.append(f"  zone {zone.name}: {_plural(dwell.count, 'stay', 'stays')}{mean}")
    if not state.people:
        width, height = network_size(camera.view.size)
        lines.append(
            f"  Is somebody there, but small? --size {2 * width}x{2 * height} finds smaller ones, more slowly."
        )
    return "\n".join(lines)


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def write_reports(folder: Path, watch: Watch, records: Records, settings: Settings) -> Path | None:
    """Write the report of every camera that gave a frame into ``folder``; returns its page, None without a frame."""
    watched = [
        Watched(
            view=camera.view,
            source=camera.label,
            frames=camera.state.frames,
            frame_rate=camera.source.frame_rate,
            started_at=camera.state.began_at,
            ended_at=camera.state.newest_at,
            dropped=camera.source.dropped,
            wall_s=watch.wall_s,
            video=camera.video.name if camera.video is not None else None,
            tracks=camera.tracks.name if camera.tracks is not None else None,
            background=camera.background.picture() if camera.background is not None else None,
        )
        for camera in watch.cameras
        if camera.state.began_at is not None and camera.state.newest_at is not None
    ]
    if not watched:
        return None
    data = collect_report(records, settings.store, watched, min_visitors=settings.min_visitors, written_at=time.time())
    return write_report(folder, data)
