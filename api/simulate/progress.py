"""The progress bar of `aisle simulate`, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from datasets.simulation.filming.dataset import Progress as Step

_PLAIN_EVERY_S = 10.0


class Tally:
    """How many pictures of each run are done, and which runs were there before."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.steps: dict[str, Step] = {}

    def hear(self, step: Step) -> None:
        """Note a step."""
        self.steps[step.run] = step

    @property
    def drawn(self) -> int:
        """Pictures drawn by now."""
        return sum(step.done for step in self.steps.values() if not step.skipped)

    @property
    def rate(self) -> float:
        """Pictures a second since the beginning."""
        return self.drawn / max(time.monotonic() - self.began, 1e-3)


@contextmanager
def show_progress(runs: int) -> Iterator[tuple[Tally, Callable[[Step], None]]]:
    """A bar a run that is under way and one for all; a line now and then where there is no terminal."""
    console = Console(stderr=True)
    tally = Tally()
    if not console.is_terminal:
        said_at = tally.began

        def say(step: Step) -> None:
            nonlocal said_at
            tally.hear(step)
            if time.monotonic() - said_at >= _PLAIN_EVERY_S:
                said_at = time.monotonic()
                console.print(
                    f"{step.run}: {step.done} of {step.total} pictures, {tally.rate:.1f} frames/s",
                    highlight=False,
                    soft_wrap=True,
                )

        yield tally, say
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    bars = Progress(*columns, TimeElapsedColumn(), console=console)
    whole = bars.add_task("all runs", total=runs, said="")
    tasks: dict[str, TaskID] = {}

    def update(step: Step) -> None:
        tally.hear(step)
        if step.run not in tasks:
            tasks[step.run] = bars.add_task(step.run, total=step.total, said="")
        bars.update(tasks[step.run], completed=step.done, said=f"{step.done} of {step.total} pictures")
        finished = sum(each.done >= each.total for each in tally.steps.values())
        bars.update(whole, completed=finished, said=f"{tally.rate:.1f} frames/s")
        if step.done >= step.total:
            bars.update(tasks[step.run], visible=False)

    with bars:
        yield tally, update
