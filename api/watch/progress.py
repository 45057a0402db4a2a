"""The progress bar of `aisle watch`, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.watch.run import WatchedCamera

_PLAIN_EVERY_S = 10.0


@contextmanager
def show_progress() -> Iterator[Callable[[Sequence[WatchedCamera]], None]]:
    """A bar a camera with frames a second, people and time left; a line now and then where there is no terminal."""
    console = Console(stderr=True)
    began = time.monotonic()
    if not console.is_terminal:
        said_at = began

        def say(cameras: Sequence[WatchedCamera]) -> None:
            nonlocal said_at
            if time.monotonic() - said_at >= _PLAIN_EVERY_S:
                said_at = time.monotonic()
                for camera in cameras:
                    of = camera.source.frame_count
                    console.print(
                        f"{camera.view.camera}: {camera.state.frames}{f' of {of}' if of else ''} frames, "
                        f"{_rate(camera, began):.1f} frames/s, {camera.state.people} people",
                        highlight=False,
                        soft_wrap=True,
                    )

        yield say
        return
    progress = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} frames"),
        TextColumn("{task.fields[rate]:.1f} frames/s"),
        TextColumn("{task.fields[people]} people, {task.fields[now]} now"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks: dict[str, TaskID] = {}

    def update(cameras: Sequence[WatchedCamera]) -> None:
        for camera in cameras:
            name = camera.view.camera
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=camera.source.frame_count, rate=0.0, people=0, now=0)
            state = camera.state
            progress.update(
                tasks[name], completed=state.frames, rate=_rate(camera, began), people=state.people, now=state.now
            )

    with progress:
        yield update


def _rate(camera: WatchedCamera, began: float) -> float:
    return camera.state.frames / max(time.monotonic() - began, 1e-3)
