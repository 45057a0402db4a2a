"""The registry folder: networks that were trained here, each with its facts, card and reference answers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.entries import Registered, Shipped, WeightEntry
from models.errors import FactsError, UnknownWeightsError
from models.facts import TASKS, Facts, read_facts, write_facts
from store.settings import load_settings

NETWORK: Final = "network.onnx"
FACTS: Final = "facts.json"
CARD: Final = "card.md"
REFERENCE: Final = "reference.npz"
SHIPPED_DIR: Final = Path(__file__).parent / "shipped"


def registry_dir() -> Path:
    """The setting ``models`` (``AISLE_MODELS``), or ``models`` in the folder of the shop's data.

    It is no cache: a promoted network and the history of promotions cannot be fetched again.
    """
    return load_settings().models_dir


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered network. ``id`` is its folder's name, and names it in every command."""

    folder: Path
    facts: Facts

    @property
    def id(self) -> str:
        """NAME-YYYYMMDD-HHMMSS-HASH: when it was made, in UTC, and how the hash of its network begins."""
        return self.folder.name

    @property
    def network(self) -> Path:
        """Its ONNX file."""
        return self.folder / NETWORK

    @property
    def card(self) -> Path:
        """What it is for, what it was trained on, where it fails."""
        return self.folder / CARD

    @property
    def reference(self) -> Path:
        """Real inputs, and what torch answered to them."""
        return self.folder / REFERENCE

    def entry(self) -> WeightEntry:
        """It as an entry of the registry of weights."""
        return entry_from(self.facts, Registered(self.network), self.id)


def entry_from(facts: Facts, source: Registered | Shipped, name: str) -> WeightEntry:
    """The entry of a network with these facts."""
    return WeightEntry(
        name=name,
        task=TASKS[facts.role],
        source=source,
        sha256=facts.sha256,
        licence=facts.licence,
        input=facts.input,
        trained_on=facts.trained_on,
        metrics=facts.metrics,
        role=facts.role,
    )


def facts_of(entry: WeightEntry) -> Facts:
    """The facts of a shipped network or a candidate. Raises ``FactsError``, also where it comes from a wheel."""
    if isinstance(entry.source, Registered):
        return read_facts(entry.source.file.parent / FACTS)
    if isinstance(entry.source, Shipped):
        return read_facts(entry.source.file.with_suffix(".json"))
    raise FactsError(f"{entry.name} was not trained by Aisle: there are no facts beyond its entry")


def card_of(entry: WeightEntry) -> Path:
    """The card of a shipped network or a candidate. Raises ``FactsError`` where it comes from a wheel."""
    if isinstance(entry.source, Registered):
        return entry.source.file.with_name(CARD)
    if isinstance(entry.source, Shipped):
        return entry.source.file.with_suffix(".md")
    raise FactsError(f"{entry.name} has no card: it was not trained by Aisle")


def shipped() -> Iterator[WeightEntry]:
    """The entries of the networks that come with Aisle, by name. Raises ``FactsError``."""
    for path in sorted(SHIPPED_DIR.glob("*.json")):
        yield entry_from(read_facts(path), Shipped(path.with_suffix(".onnx")), path.stem)


def candidates(registry: Path, broken: Callable[[FactsError], None] = lambda error: None) -> Iterator[Candidate]:
    """Every candidate, oldest first within a name; ``broken`` is told of folders whose facts cannot be read."""
    for folder in sorted((registry / "candidates").glob("[!.]*")):
        try:
            yield Candidate(folder, read_facts(folder / FACTS))
        except FactsError as error:
            broken(error)


def candidate_of(name: str, registry: Path) -> Candidate:
    """The candidate of that id. Raises ``UnknownWeightsError``, or ``FactsError`` where its facts are broken."""
    folder = registry / "candidates" / name
    if not name or folder.name != name or name.startswith(".") or not folder.is_dir():
        known = ", ".join(each.id for each in candidates(registry)) or "none"
        raise UnknownWeightsError(f"no candidate {name!r} in {registry}; there are: {known}")
    return Candidate(folder, read_facts(folder / FACTS))


def register(fill: Callable[[Path], Facts], registry: Path) -> Candidate:
    """Add a candidate: ``fill`` writes network, card and reference into the folder it is given, and says the facts.

    The folder gets its name when all is written and on the disk, so that nobody meets half a candidate.
    """
    home = registry / "candidates"
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
        part = Path(scratch) / "candidate"
        part.mkdir()
        facts = fill(part)
        write_facts(part / FACTS, facts)
        for path in part.iterdir():
            _to_disk(path)
        target = home / f"{facts.name}-{facts.created:%Y%m%d-%H%M%S}-{facts.sha256[:8]}"
        # The same network registered twice within a second is one candidate.
        if not target.exists():
            os.rename(part, target)
    _to_disk(home)
    return Candidate(target, facts)


def remove(candidate: Candidate) -> None:
    """Delete a candidate; it vanishes at once, and its files after that."""
    gone = candidate.folder.with_name(f".gone-{candidate.id}")
    os.rename(candidate.folder, gone)
    shutil.rmtree(gone)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
