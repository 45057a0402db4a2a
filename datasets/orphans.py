"""Processes of a pool do not outlive the one that works with them."""

from __future__ import annotations

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, however that came: for a pool's initialiser.

    A pool whose owner is killed would otherwise work on, for hours. Does nothing in a process that nobody started by
    ``multiprocessing``.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)  # whatever it does: nobody is there to take the result

    threading.Thread(target=wait, name="parent", daemon=True).start()
