"""Where files that can be fetched or made again are kept, and how what nobody uses goes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/aisle``, or ``~/.cache/aisle`` where that variable is unset or, against its rules, relative."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "aisle"


def note_use(path: Path) -> None:
    """Let a kept file or folder count as used now; nothing where it cannot be written."""
    with suppress(OSError):
        os.utime(path)


def drop_beyond(paths: Iterable[Path], most: int) -> None:
    """Remove the files of ``paths`` but for the ``most`` used last."""
    for path in sorted(paths, key=_last_use, reverse=True)[most:]:
        with suppress(OSError):  # another process may have been quicker
            path.unlink()


def drop_unused(folders: Iterable[Path], days: float) -> None:
    """Remove those ``folders``, and all in them, that were not used for so many days."""
    for folder in folders:
        if 0.0 < _last_use(folder) < time.time() - days * 86_400:
            shutil.rmtree(folder, ignore_errors=True)


def _last_use(path: Path) -> float:
    """Seconds since 1970; 0 for what another process has just removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
