"""Why a receipt is wrong: what the system said, event by event, beside what happened. A guess, for whoever looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from store.events import (
    Event,
    ProductEvent,
    ProductHandedOver,
    ProductSettled,
    ProductTaken,
)
from training.evaluate.checkout_identity import Identities
from training.evaluate.checkout_truth import ClipTruth, hands

NEAR_S: Final = 1.5  # what is told of the same act is told within so much of it
_SURE: Final = 0.5  # what is less likely is not charged

Cause = Literal[
    "session binding", "tracking", "wrong person", "wrong slot", "wrong direction", "missed reach", "missed return",
    "missed hand-over", "false take", "false return", "unsure", "unclear",
]  # fmt: skip
_Way = Literal["out", "in", "over"]
_MISSED: Final[Mapping[_Way, Cause]] = {"out": "missed reach", "in": "missed return", "over": "missed hand-over"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A product of which a receipt has ``got`` packages for ``expected``; ``time_s`` and ``slot`` are where to look,
    ``person`` is whom, by the track that the event names; None where that is not known.
    """

    gtin: str
    expected: int
    got: int
    cause: Cause
    time_s: float | None = None
    slot: str | None = None
    person: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def told_products(facts: Iterable[Event]) -> list[ProductEvent]:
    """The product events among ``facts`` as they were settled at last, in order of time."""
    found: dict[str, ProductEvent] = {}
    settled: dict[str, ProductSettled] = {}
    for fact in facts:
        if isinstance(fact, ProductSettled):
            settled[fact.settles] = fact
        elif isinstance(fact, ProductEvent):
            found.setdefault(fact.id, fact)
    for id, word in settled.items():
        if id in found:
            said: dict[str, Any] = {
                name: getattr(word, name) for name in ("track_id", "gtin", "quantity", "who", "what", "confidence")
            }
            if isinstance(found[id], ProductHandedOver) and word.to_track_id is not None:
                said["to_track_id"] = word.to_track_id
            found[id] = found[id].model_copy(update=said)
    return sorted(found.values(), key=lambda event: event.time)


class Causes:
    """Guesses at mistakes of one run. ``joined`` has the session of each track that belongs to one."""

    def __init__(
        self, truth: ClipTruth, told: list[ProductEvent], identities: Identities, joined: dict[str, str]
    ) -> None:
        self._truth, self._identities, self._joined = truth, identities, joined
        self._told = [event for event in told if event.confidence >= _SURE]
        self._unsure = [event for event in told if event.confidence < _SURE]

    def of(self, session: str, gtin: str, expected: int, got: int) -> Mistake:
        """Why a session's receipt has ``got`` packages of a product and not ``expected``."""
        mine = {person.track for person in self._truth.members(session)}
        tracks = {track for track, its in self._joined.items() if its == session}
        shown = {self._identities.person.get(track) for track in tracks}
        happened = [e for e in self._truth.products if e.gtin == gtin and mine & set(hands(e))]
        said = [e for e in self._told if e.gtin == gtin and tracks & set(hands(e))]
        if shown != mine:
            return Mistake(gtin, expected, got, "session binding", *_where([*happened, *said]))
        guesses = [*self._missed(happened, said, mine), *self._made_up(said, happened, mine)]
        # First what would explain that there is too little, or too much.
        guesses.sort(key=lambda guess: guess[2] != (expected > got))
        if not guesses:
            return Mistake(gtin, expected, got, "unclear", *_where([*happened, *said]))
        cause, event, _ = guesses[0]
        if cause == "missed reach" and any(_near(e, event) and e.gtin == gtin for e in self._unsure):
            cause = "unsure"
        return Mistake(gtin, expected, got, cause, *_where([event]))

    def _missed(
        self, happened: list[ProductEvent], said: list[ProductEvent], mine: set[str]
    ) -> Iterator[tuple[Cause, ProductEvent, bool]]:
        """What happened and was not told so; and whether it would add a package to the receipt."""
        free = list(said)
        for event in happened:
            way = _way(event)
            same = next((e for e in free if _way(e) == way and _near(e, event)), None)
            if same is not None:
                free.remove(same)
                continue
            adds = way == "out" or (way == "over" and event.track_id not in mine)
            yield self._why_missed(event, way), event, adds

    def _why_missed(self, event: ProductEvent, way: _Way) -> Cause:
        near = [e for e in self._told if _near(e, event)]
        person = event.track_id
        if any(_way(e) == way and e.gtin == event.gtin for e in near):
            shows = {self._identities.at(e.track_id, event.time) for e in near if e.gtin == event.gtin}
            return "tracking" if person in shows else "wrong person"
        by_them = [e for e in near if self._identities.at(e.track_id, event.time) == person]
        if any(_way(e) == way for e in by_them):
            return "wrong slot"
        if any(e.gtin == event.gtin for e in by_them):
            return "wrong direction"
        return _MISSED[way]

    def _made_up(
        self, said: list[ProductEvent], happened: list[ProductEvent], mine: set[str]
    ) -> Iterator[tuple[Cause, ProductEvent, bool]]:
        """What was told and did not happen so; and whether a package less on the receipt came of it."""
        free = list(happened)
        for event in said:
            way = _way(event)
            same = next((e for e in free if _way(e) == way and _near(e, event)), None)
            if same is not None:
                free.remove(same)
                continue
            yield self._why_made_up(event, way, mine), event, way != "out"

    def _why_made_up(self, event: ProductEvent, way: _Way, mine: set[str]) -> Cause:
        near = [e for e in self._truth.products if _near(e, event)]
        if any(_way(e) == way and e.gtin == event.gtin and e.track_id not in mine for e in near):
            return "wrong person"
        if any(_way(e) == way and e.track_id in mine for e in near):
            return "wrong slot"
        if any(e.gtin == event.gtin and e.track_id in mine for e in near):
            return "wrong direction"
        return "false take" if way == "out" else "false return"


def _way(event: ProductEvent) -> _Way:
    if isinstance(event, ProductHandedOver):
        return "over"
    return "out" if isinstance(event, ProductTaken) else "in"


def _near(one: ProductEvent, other: ProductEvent) -> bool:
    return abs(one.time - other.time) <= NEAR_S


def _where(events: Sequence[ProductEvent]) -> tuple[float | None, str | None, str | None]:
    """Time, slot and track of the first."""
    return (events[0].time, events[0].slot, events[0].track_id) if events else (None, None, None)
