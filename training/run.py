"""The folder of one training run: its recipe, its last checkpoints, its curves.

recipe.json                       what the run was started with
checkpoint-00000400-89ab….pt      the last two, named by step and by the hash of their bytes
metrics.jsonl                     a line a logged step: {"step": 20, "loss": 0.7}
events.out.tfevents.*             the same for TensorBoard
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import torch

from training.errors import DiskFullError, RecipeChangedError

RECIPE: Final = "recipe.json"
METRICS: Final = "metrics.jsonl"
KEPT: Final = 2
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Run:
    """A run's folder, open. Whatever is in it is whole: files appear under their names when all of them is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._events: Any = None
        self._from = -1

    @classmethod
    def open(cls, folder: Path, recipe: Mapping[str, Any]) -> Self:
        """Make the folder, or go on with the run in it.

        ``recipe`` is anything that JSON can say. Raises ``RecipeChangedError`` naming what differs where the folder
        holds a run of another recipe, and ``DiskFullError``.
        """
        folder.mkdir(parents=True, exist_ok=True)
        said = json.dumps(recipe, indent=1, sort_keys=True, default=str)
        path = folder / RECIPE
        if not path.exists():
            _write_whole(path, said.encode() + b"\n")
            return cls(folder)
        before, now = json.loads(path.read_text(encoding="utf-8")), json.loads(said)
        if before != now:
            raise RecipeChangedError(
                f"{folder} holds a run of another recipe ({'; '.join(_differences(before, now))}): "
                "give another folder, or remove this one to begin anew"
            )
        return cls(folder)

    def load(self, device: str | torch.device = "cpu") -> dict[str, Any] | None:
        """The newest whole checkpoint with its ``step``, tensors on ``device``; None where there is none yet.

        Torn and altered files, of which the bytes are not those of the name's hash, are passed over.
        """
        for path in self._checkpoints():
            data = path.read_bytes()
            if path.stem.endswith(_digest(data)):
                saved: dict[str, Any] = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
                self._from = int(saved["step"])
                return saved
        return None

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint and remove all but the newest two.

        ``state`` holds tensors, numbers, texts, and lists and dictionaries of them. Raises ``DiskFullError``; the
        checkpoints that were there stay.
        """
        buffer = io.BytesIO()
        torch.save({**state, "step": step}, buffer)
        data = buffer.getvalue()
        _write_whole(self.folder / f"checkpoint-{step:08d}-{_digest(data)}.pt", data)
        for path in self._checkpoints()[KEPT:]:
            path.unlink(missing_ok=True)

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add to the curves. The first call after ``load`` drops what had been logged beyond the checkpoint.

        Raises ``DiskFullError``.
        """
        with disk_full_named(self.folder / METRICS):
            if self._events is None:
                self._open_logs()
            row = {"step": step, **{name: float(value) for name, value in scalars.items()}}
            with (self.folder / METRICS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            for name, value in scalars.items():
                self._events.add_scalar(name, float(value), step)

    def begin_after(self, step: int) -> None:
        """Drop what was logged beyond ``step``, for a trainer that has checkpoints of its own."""
        self.close()
        self._from = step

    def metrics(self) -> list[dict[str, float]]:
        """What was logged, in order; a line that a kill cut off is left out."""
        path = self.folder / METRICS
        rows: list[dict[str, float]] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
        return rows

    def close(self) -> None:
        """Write what is not yet written; safe to call twice."""
        events, self._events = self._events, None
        if events is not None:
            events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _checkpoints(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-*.pt"), reverse=True)

    def _open_logs(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        kept = [row for row in self.metrics() if row["step"] <= self._from]
        _write_whole(self.folder / METRICS, "".join(json.dumps(row) + "\n" for row in kept).encode())
        self._events = SummaryWriter(str(self.folder), purge_step=self._from + 1)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, even after a power cut. Raises ``DiskFullError``."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with disk_full_named(path, len(data)), part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def disk_full_named(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn what the system says of a full disk into ``DiskFullError`` with ``path`` and the bytes ``needed``."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(path.parent).free
        what = f"it takes {needed:,} bytes, {free:,} are free" if needed else f"{free:,} bytes are free"
        raise DiskFullError(
            f"{path} cannot be written ({os.strerror(error.errno)}): {what}. Make room and start again: "
            "the run goes on from its last checkpoint"
        ) from error


def _differences(before: Any, now: Any, at: str = "") -> Iterator[str]:
    """What differs between two recipes, such as "optimizer.rate 0.1, now 0.2"."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(key), now.get(key), f"{at}.{key}" if at else key)
    elif before != now:
        yield f"{at} was {json.dumps(before)}, now {json.dumps(now)}"
