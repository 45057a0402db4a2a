"""What the demo shows in a terminal: lines of what happens, and below them how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_PLAIN_EVERY_S: Final = 10.0
Step = Callable[[float, float, str], None]
"""How far a stage is: done, of how much, and in words."""


class Screen:
    """Says lines and shows one stage at a time, on ``console``. Safe to share between threads."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True)
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text, highlight=False, markup=False)

    def show(self, thing: RenderableType) -> None:
        """A table."""
        self.console.print(thing)

    @contextmanager
    def stage(self, what: str) -> Iterator[Step]:
        """A bar for as long as the block lasts; where there is no terminal, a line every ten seconds."""
        if self.console.is_terminal:
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[said]}"),
            )
            with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as bars:
                task = bars.add_task(what, total=None, said="")
                yield lambda done, total, said: bars.update(task, completed=done, total=total, said=said)
            return
        said, over = [""], threading.Event()

        def tell() -> None:
            while not over.wait(_PLAIN_EVERY_S):
                self.say(f"{what}: {said[0] or 'under way'}, {time.monotonic() - began:.0f} s")

        def step(done: float, total: float, words: str) -> None:
            said[0] = words

        began = time.monotonic()
        thread = threading.Thread(target=tell, name="aisle-demo-progress", daemon=True)
        thread.start()
        try:
            yield step
        finally:
            over.set()
            thread.join(timeout=5)
