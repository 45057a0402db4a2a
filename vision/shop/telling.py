"""Facts as events: what is told first, and told anew when it turns out otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from store.events import (
    Chance,
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductSettled,
    ProductTaken,
)
from vision.shop.facts import Fact
from vision.shop.goods import Goods
from vision.shop.weighing import NOBODY, AttributionSettings

UNKNOWN = "unknown"
"""The track of an event that nobody who is followed can have done."""
_LEAST = 0.005  # a chance less likely than that is not told
By = Literal["evidence", "balance"]


class Teller:
    """Makes the events of one store. ``track_name`` gives the name of a track that events use.

    An event's id depends on the store and what the fact hangs on alone, so that the same evidence gives the same event.
    """

    def __init__(
        self, store: str, goods: Goods, track_name: Callable[[int], str], settings: AttributionSettings
    ) -> None:
        self._store, self._goods, self._name, self._settings = store, goods, track_name, settings
        self._said: dict[str, tuple[ProductEvent, int, By]] = {}

    def id_of(self, fact: Fact) -> str:
        """32 hex digits."""
        return _derived(self._store, fact.source.name, fact.kind, str(fact.number))

    def knows(self, fact: Fact) -> bool:
        """Whether the fact has been told."""
        return self.id_of(fact) in self._said

    def tell(self, fact: Fact) -> ProductEvent | None:
        """The event of a fact that was not told yet; None while it is too unlikely."""
        said = self._body(fact)
        if fact.confidence < self._settings.tell_at or said is None:
            return None
        kind = self._kind(fact, said)
        if fact.kind == "hand":
            said["to_track_id"] = self._name(fact.to)
        event = kind(id=self.id_of(fact), store=self._store, time=fact.time_s, slot=fact.slot or None, **said)
        self._said[event.id] = (event, 0, "evidence")
        return event

    def tell_anew(self, fact: Fact, now_s: float) -> ProductSettled | None:
        """What a fact that was told turned out to be; None while that is about what was told.

        ``by`` is the balance where the evidence alone would not have changed it, and what came later, which would not
        hold against a balance otherwise.
        """
        told, times, by = self._said[self.id_of(fact)]
        said = self._body(fact)
        if said is None:
            said = {**self._body_of(told), "confidence": 0.0}
        if not self._moved(self._body_of(told), said):
            return None
        alone = self._body(replace(fact, balanced=None))
        if fact.balanced is not None and alone is not None and not self._moved(self._body_of(told), alone):
            by = "balance"
        if fact.kind == "hand":
            said["to_track_id"] = self._name(fact.to)
        settled = ProductSettled(
            id=_derived(told.id, "settled", str(times)),
            store=self._store,
            time=max(now_s, fact.time_s),
            slot=told.slot,
            settles=told.id,
            by=by,
            **said,
        )
        self._said[told.id] = (told.model_copy(update=self._body_of(settled)), times + 1, by)
        return settled

    def _moved(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether two sayings differ by much, or one is sure of something and the other not."""
        a, b = _joint(one), _joint(other)
        pairs = [(a.get(key, 0.0), b.get(key, 0.0)) for key in a.keys() | b.keys()]
        sure = self._settings.sure
        return any(abs(p - q) >= self._settings.retell or (p >= sure) != (q >= sure) for p, q in pairs)

    def forget(self, fact: Fact) -> None:
        """A fact of which nothing more will be told."""
        self._said.pop(self.id_of(fact), None)

    def _body(self, fact: Fact) -> dict[str, Any] | None:
        """Who, what and how sure, as events say it; None of a fact that has no chance any more."""
        if fact.confidence < _LEAST / 10:
            return None
        who: dict[str, float] = {}
        for track, p in fact.who().items():
            if track != NOBODY:
                who[self._name(track)] = who.get(self._name(track), 0.0) + p
        what = {self._goods.gtin(product): p for product, p in fact.what().items()}
        track_id = max(who, key=lambda name: who[name], default=UNKNOWN)
        gtin = max(what, key=lambda name: what[name])
        return {
            "track_id": track_id,
            "gtin": gtin,
            "confidence": round(fact.confidence, 4),
            "who": _chances(who) or (Chance(id=UNKNOWN, probability=1.0),),
            "what": _chances(what),
            "cameras": fact.source.cameras,
        }

    @staticmethod
    def _body_of(event: ProductEvent) -> dict[str, Any]:
        names = ("track_id", "gtin", "confidence", "who", "what", "cameras")
        return {name: getattr(event, name) for name in names}

    def _kind(self, fact: Fact, said: Mapping[str, Any]) -> type[ProductEvent]:
        if fact.kind == "hand":
            return ProductHandedOver
        if fact.kind == "take":
            return ProductTaken
        own = self._goods.gtin(self._goods.home(fact.slot)) if fact.slot else None  # the floor is nothing's place
        return ProductReturned if said["gtin"] == own else ProductMisplaced


def _chances(spread: Mapping[str, float]) -> tuple[Chance, ...]:
    """Rounded down, so that they never add up to more than 1; the likeliest is always there."""
    best = max(spread.values(), default=0.0)
    return tuple(
        Chance(id=id, probability=int(p * 10_000) / 10_000) for id, p in spread.items() if p >= _LEAST or p == best
    )


def _joint(said: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    return {
        (who.id, what.id): said["confidence"] * who.probability * what.probability
        for who in said["who"]
        for what in said["what"]
    }


def _derived(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
