"""Hours of footage from a looped file through all of `aisle watch`: do memory and the bus's memory stay flat?

python -m benchmarks.soak [--video FILE] [--hours 2] [--real-detector]

The clip is decoded again in each round, and everything behind it is what `aisle watch --serve` runs: tracker and look
back, facts, the bus on its embedded server, insights, SQLite, blurring, the background of the heatmap, and the pages,
with a viewer who comes and goes and a listener to the events. Only detection is shortened: a picture goes through the
network the first time round, from then on its boxes come from a table, but for every 25th picture, which is detected
again. With `--real-detector` every picture is detected, which takes several times as long.

What is compared are medians over tenths of the run, counted from when the bus is as full as it is set to be.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select

from api.app import create_app
from api.live import LiveFrames
from api.logs import log_to_stderr
from api.serve import PageServer
from api.watch.options import WatchOptions
from api.watch.run import Watch, WatchedCamera
from benchmarks.onlookers import Onlookers
from benchmarks.replay import ReplayedPeople
from cameras.frame import FrameSource
from cameras.open import open_source
from models.people import open_person_detector
from store import tables
from store.bus import Bus
from store.plan import Line, Zone
from store.records import Records
from store.settings import Settings, load_settings
from vision.pipeline import PersonWatcher, network_size

FLAT = 0.05
CLIPS = "out/demo/film/*/minute-*/cameras/door-in/door-in.mp4"
_MB = 1e6
_HEAD = " footage  frames   RSS MB  bus MB  events threads  files  SQLite MB"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process held after ``footage_s`` seconds of footage; sizes in bytes."""

    footage_s: float
    frames: int
    resident: int
    bus: int
    events: int
    threads: int
    files: int
    records: int

    def __str__(self) -> str:
        hours, seconds = divmod(round(self.footage_s), 3600)
        return (
            f"{hours:>3}:{seconds // 60:02}:{seconds % 60:02}  {self.frames:>6} {self.resident / _MB:>8.1f} "
            f"{self.bus / _MB:>7.2f} {self.events:>7} {self.threads:>7} {self.files:>6} {self.records / _MB:>10.2f}"
        )


class Sampler:
    """Takes a sample every ``every_s`` seconds of footage, prints it, and stops the watch after ``length_s``."""

    def __init__(self, watch: Watch, bus: Bus, settings: Settings, *, length_s: float, every_s: float) -> None:
        self.samples: list[Sample] = []
        self._watch, self._bus, self._folder = watch, bus, settings.data_dir
        self._length_s, self._every_s = length_s, every_s

    def footage_time(self) -> float | None:
        """When the newest picture was captured."""
        return self._watch.cameras[0].state.newest_at

    def __call__(self, cameras: Sequence[WatchedCamera]) -> None:
        """Look how far the watch is."""
        state = cameras[0].state
        if state.newest_at is None or state.began_at is None:
            return
        footage_s = state.newest_at - state.began_at
        if footage_s >= len(self.samples) * self._every_s and not self._watch.stop.is_set():
            self.samples.append(self._sample(footage_s, state.frames))
            typer.echo(str(self.samples[-1]))
        if footage_s >= self._length_s:
            self._watch.stop.set()

    def _sample(self, footage_s: float, frames: int) -> Sample:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return Sample(
            footage_s,
            frames,
            pages * os.sysconf("SC_PAGE_SIZE"),
            self._bus.memory_bytes(),
            self._bus.length(),
            len(os.listdir("/proc/self/task")),
            len(os.listdir("/proc/self/fd")),
            sum(path.stat().st_size for path in self._folder.glob("aisle.sqlite3*")),
        )


def settled(samples: Sequence[Sample], stream_length: int) -> Sequence[Sample]:
    """The samples after the warm-up: from when the bus is full, or after the first tenth where that comes too late."""
    first_half = samples[: len(samples) // 2]
    full = next((i for i, each in enumerate(first_half) if each.events >= stream_length), None)
    return samples[len(samples) // 10 if full is None else full :]


def judge(name: str, samples: Sequence[Sample], values: Sequence[float]) -> bool:
    """Print how the last tenth of ``values`` compares to the second, and what they gain an hour; True when flat."""
    tenth = max(1, len(values) // 10)
    early, late = statistics.median(values[tenth : 2 * tenth]), statistics.median(values[-tenth:])
    slope = statistics.linear_regression([each.footage_s for each in samples], values).slope
    flat = abs(late / early - 1) <= FLAT
    typer.echo(
        f"{name:<14} second tenth {early / _MB:8.2f} MB, last tenth {late / _MB:8.2f} MB, ratio {late / early:.3f}, "
        f"trend {slope * 3600 / _MB:+.2f} MB an hour of footage; flat within {FLAT:.0%}: {'yes' if flat else 'NO'}"
    )
    return flat


def find_clip(video: Path | None) -> Path:
    """The clip that was asked for, or that of the demo. Ends the command where there is none."""
    found = video or next(iter(sorted(Path().glob(CLIPS))), Path(CLIPS))
    if not found.exists():
        typer.echo(f"soak: no clip at {found}: run `make demo SERVE=0`, or give VIDEO=FILE", err=True)
        raise typer.Exit(2)
    return found


def plan_for(clip: Path, start: float, frame_rate: float | None) -> tuple[WatchOptions, tuple[int, int]]:
    """What to watch: a line down the middle and a zone, as in the demo; and the size of the pictures."""
    with open_source(str(clip)) as source:
        width, height = source.size
    corners = ((0.26, 0.38), (0.73, 0.38), (0.78, 0.75), (0.21, 0.75))
    options = WatchOptions(
        sources=(str(clip),),
        lines=(Line(name="door", a=(width / 2, 0), b=(width / 2, height)),),
        zones=(Zone(name="crossing", polygon=tuple((round(x * width), round(y * height)) for x, y in corners)),),
        frame_rate=frame_rate,
        start=start,
        loop=True,
    )
    return options, (width, height)


def main(
    video: Annotated[Path | None, typer.Option(help="The clip to repeat; by default that of the demo.")] = None,
    hours: Annotated[float, typer.Option(min=0.05, help="Hours of footage.")] = 2.0,
    frame_rate: Annotated[float | None, typer.Option(help="Frames a second, where the header is wrong.")] = None,
    every: Annotated[float, typer.Option(min=1.0, help="Seconds of footage from sample to sample.")] = 60.0,
    real_detector: Annotated[bool, typer.Option(help="Detect people in every picture anew.")] = False,
    again_every: Annotated[int, typer.Option(min=1, help="Else detect anew in one of so many pictures.")] = 25,
) -> None:
    """Watch a looped clip and print what memory does; ends with code 1 when it is not flat within 5 %."""
    log_to_stderr()
    clip = find_clip(video)
    options, size = plan_for(clip, time.time() - hours * 3600, frame_rate)
    replay = ReplayedPeople(
        open_person_detector(size=network_size(size)), again_every=1 if real_detector else again_every
    )

    def watcher_for(source: FrameSource) -> PersonWatcher:
        return PersonWatcher(replay, source.frame_rate)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aisle-soak-")))
        settings = load_settings(port=0, min_visitors=1).model_copy(update={"data_dir": folder, "database_url": None})
        records = stack.enter_context(Records.open(settings))
        bus = stack.enter_context(Bus.open(settings))
        live = LiveFrames()
        watch = stack.enter_context(Watch(options, settings, bus, records, live=live, watcher_for=watcher_for))
        server = stack.enter_context(PageServer(create_app(settings, bus=bus, records=records, live=live), settings))
        sampler = Sampler(watch, bus, settings, length_s=hours * 3600, every_s=min(every, hours * 60))
        onlookers = Onlookers(server.link(), watch.cameras[0].view.camera, sampler.footage_time)
        typer.echo(
            f"{hours:g} h of {clip}, {size[0]}x{size[1]}, {watch.cameras[0].source.frame_rate:g} frames a second"
        )
        typer.echo(
            "every picture goes through the detector"
            if real_detector
            else f"detection is replayed from the second round on, but for 1 picture in {again_every}; all else is real"
        )
        typer.echo(_HEAD)
        with onlookers.looking():
            watch.run(sampler)
        state = watch.cameras[0].state
        typer.echo(
            f"{state.frames} frames in {watch.wall_s:.0f} s ({state.frames / watch.wall_s:.0f} a second), "
            f"{state.people} people; {replay.detected} pictures detected ({replay.differed} unlike the first time), "
            f"{replay.replayed} replayed"
        )
        typer.echo(
            f"viewer and listener: {onlookers.events} events, {onlookers.pictures} pictures, {onlookers.answers} "
            f"answers, {onlookers.refused} refused; events lost on the bus: {bus.lost}"
        )
        with records.read() as connection:
            rows = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables.metadata.sorted_tables
            }
        typer.echo("rows: " + ", ".join(f"{name} {count}" for name, count in rows.items() if count))
        if state.error is not None:
            typer.echo(f"soak: the footage broke off: {state.error}", err=True)
            raise typer.Exit(1)
        after = settled(sampler.samples, settings.stream_length)
        if after[0].events < settings.stream_length:
            typer.echo(f"the bus, set to keep {settings.stream_length} events, filled for too long: give more hours")
        typer.echo(f"after the warm-up of {after[0].footage_s / 60:.0f} min of footage ({len(after)} samples):")
        resident = judge("process (RSS)", after, [each.resident for each in after])
        on_bus = judge("bus (Redis)", after, [each.bus for each in after])
    if not (resident and on_bus):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
