"""What people hold and what lies astray, by the facts so far."""

from __future__ import annotations

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from vision.shop.facts import Fact, people_of
from vision.shop.goods import Goods
from vision.shop.weighing import AttributionSettings

K = TypeVar("K", int, str)
_Entry = tuple[float, str, Fact]
_LEAST = 0.01
_MOST = 50  # old facts that are kept of a slot, for what they say of things astray


class _Pieces:
    """Packages that may be somewhere: each a product and a probability."""

    def __init__(self) -> None:
        self._found: dict[str, list[float]] = defaultdict(list)

    def add(self, product: str, probability: float) -> None:
        self._found[product].append(probability)

    def remove(self, product: str, probability: float) -> None:
        """The likeliest one goes."""
        mine = self._found.get(product)
        if mine:
            place = max(range(len(mine)), key=lambda i: mine[i])
            mine[place] *= 1.0 - probability

    def at_least_one(self) -> dict[str, float]:
        """By product, where it is more than negligible."""
        found = {product: 1.0 - math.prod(1.0 - p for p in mine) for product, mine in self._found.items()}
        return {product: p for product, p in found.items() if p >= _LEAST}


class Accounts:
    """Keeps facts by person and slot. ``stock`` is how many packages of its own product stood in a slot at first, where
    that is known; ``is_staff`` tells who may put down what nobody saw them take.
    """

    def __init__(
        self,
        goods: Goods,
        settings: AttributionSettings,
        stock: Mapping[str, int] | None = None,
        is_staff: Callable[[int], bool] = lambda who: False,
    ) -> None:
        self._goods, self._settings, self._is_staff = goods, settings, is_staff
        self._stock = dict(stock or {})
        self._by_person: dict[int, list[_Entry]] = defaultdict(list)
        self._by_slot: dict[str, list[_Entry]] = defaultdict(list)

    def add(self, fact: Fact) -> None:
        """Book a fact; its chances must not change while it is booked."""
        entry = (fact.time_s, f"{fact.source.name}/{fact.kind}/{fact.number}", fact)
        for who in people_of(fact):
            insort(self._by_person[who], entry)
        for slot in sorted({deed.slot for deed in fact.chances if deed.slot}):
            insort(self._by_slot[slot], entry)

    def remove(self, fact: Fact) -> None:
        """Take a fact out of the books."""
        for who in people_of(fact):
            _drop(self._by_person, who, fact)
        for slot in {deed.slot for deed in fact.chances if deed.slot}:
            _drop(self._by_slot, slot, fact)

    def facts_of(self, who: int) -> list[Fact]:
        """The facts that a person may have part in, in order of time."""
        return [fact for *_, fact in self._by_person.get(who, ())]

    def facts_at(self, slot: str) -> list[Fact]:
        """The facts that a slot may have part in, in order of time."""
        return [fact for *_, fact in self._by_slot.get(slot, ())]

    def stock_at_first(self, slot: str) -> int | None:
        """How many packages of its own product stood in a slot before its facts; None where that is unknown."""
        return self._stock.get(slot)

    def held(self, who: int, before_s: float) -> Mapping[str, float]:
        """The probability that a person has one of each product."""
        pieces = _Pieces()
        for time_s, _, fact in self._by_person.get(who, ()):
            if time_s < before_s:
                _apply(pieces, fact, who)
        return pieces.at_least_one()

    def unheld(self, who: int) -> float:
        """The chance that a person puts down what nobody saw them take: more, the more they seem to have done so."""
        settings, pieces = self._settings, _Pieces()
        odds = settings.stockers / (1 - settings.stockers)
        usual, stocking = (settings.reach_returns * p for p in (settings.unheld, settings.stocks))
        for _, _, fact in self._by_person.get(who, ()):
            if fact.kind == "put":
                held = pieces.at_least_one()
                put = sum(p * (1 - held.get(d.product, 0.0)) for d, p in fact.chances.items() if d.who == who)
                odds *= put * stocking / usual + (1 - put) * (1 - stocking) / (1 - usual)
            _apply(pieces, fact, who)
        share = 1.0 if self._is_staff(who) else odds / (1 + odds)
        return share * settings.stocks + (1 - share) * settings.unheld

    def astray(self, slot: str, before_s: float) -> Mapping[str, float]:
        """The probability that one of each product lies in a slot that is not its own."""
        pieces, home = _Pieces(), self._goods.home(slot)
        for time_s, _, fact in self._by_slot.get(slot, ()):
            if time_s < before_s:
                for deed, p in fact.likely().items():
                    if deed.slot == slot and deed.product != home:
                        (pieces.add if deed.kind == "put" else pieces.remove)(deed.product, p)
        return pieces.at_least_one()

    def empty(self, slot: str, before_s: float) -> float:
        """The probability that nothing of a slot's own product is left in it; 0 where the stock is unknown."""
        if slot not in self._stock:
            return 0.0
        mean, variance, home = float(self._stock[slot]), 0.02, self._goods.home(slot)
        for time_s, _, fact in self._by_slot.get(slot, ()):
            if time_s < before_s:
                p = sum(p for deed, p in fact.likely().items() if deed.slot == slot and deed.product == home)
                mean += p if fact.kind == "put" else -p
                variance += p * (1 - p)
        return 0.5 * math.erfc((mean - 0.5) / math.sqrt(2 * variance))

    def forget(self, gone: Iterable[int], before_s: float) -> None:
        """Forget people who are gone, and close the books of slots on what was before ``before_s``."""
        for who in gone:
            self._by_person.pop(who, None)
        for slot, entries in list(self._by_slot.items()):
            if entries[0][0] < before_s:
                self._close(slot, before_s)

    def _close(self, slot: str, before_s: float) -> None:
        """Old facts of a slot count in its stock from now on; what lies astray there stays known."""
        home = self._goods.home(slot)
        kept = []
        for entry in self._by_slot[slot]:
            fact = entry[2]
            if entry[0] >= before_s or any(deed.product != home for deed in fact.chances):
                kept.append(entry)
            elif slot in self._stock:
                many = round(sum(p for deed, p in fact.likely().items() if deed.slot == slot))
                self._stock[slot] += many if fact.kind == "put" else -many
        self._by_slot[slot] = kept[-_MOST:]
        if not kept:
            del self._by_slot[slot]


def _apply(pieces: _Pieces, fact: Fact, who: int) -> None:
    """What a fact does to what ``who`` holds."""
    by_product: dict[str, float] = defaultdict(float)
    for deed, p in fact.likely().items():
        if who in (deed.who, fact.to):
            by_product[deed.product] += p
    comes = fact.kind == "take" or (fact.kind == "hand" and who == fact.to)
    for product, p in by_product.items():
        (pieces.add if comes else pieces.remove)(product, p)


def _drop(entries: dict[K, list[_Entry]], key: K, fact: Fact) -> None:
    kept = [entry for entry in entries.get(key, ()) if entry[2] is not fact]
    if kept:
        entries[key] = kept
    else:
        entries.pop(key, None)
