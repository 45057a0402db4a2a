"""A place for one thing, the newest: a fast producer never waits for a slow consumer."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")

# Waiting without an end cannot be interrupted by Ctrl-C on every system.
_WAIT_S = 0.5


class Newest(Generic[T]):
    """Holds the newest item between two threads, and counts in ``dropped`` those that nobody took."""

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> None:
        """Put the newest item, in place of the one before if that is still there. Never blocks."""
        with self._changed:
            self.dropped += self._item is not None or self._closed
            self._item = None if self._closed else item
            self._changed.notify()

    def take(self) -> T | None:
        """Take the newest item, waiting for it; None once closed."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait(_WAIT_S)
            item, self._item = self._item, None
            return item

    def drop(self) -> None:
        """Count an item that was put aside before or after it was here."""
        with self._changed:
            self.dropped += 1

    def close(self) -> None:
        """Nothing comes any more; what is there is dropped."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = None
            self._closed = True
            self._changed.notify_all()
