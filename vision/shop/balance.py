"""Mass balance: nobody lets go of what they do not hold, and nothing comes out of an empty slot.

What people do is first weighed by what was known before. What they do later says more of it: who puts back a package
must have taken one. A chain of facts about one person, or one slot, is therefore weighed as a whole (Bayes' rule over
all its explanations, of which the likeliest are kept): each explanation counts less for every package that it lets go
of from where there is none. The facts' own probabilities are what they were before; what the balance makes of them is
kept apart, so that weighing again, with more known, begins from the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.shop.accounts import Accounts
from vision.shop.deeds import Deed
from vision.shop.facts import Fact, people_of
from vision.shop.goods import Goods
from vision.shop.weighing import NOBODY, AttributionSettings

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Change = Callable[[Fact, Deed], tuple[str, int] | None]
"""What a deed changes in a chain: a product, and how many packages come (1) or go (-1)."""

_BEAM = 200  # explanations of a chain that are kept
_LEAST = 0.02  # chances less likely than that are weighed together
_MOST = 12  # facts in a chain, the newest


@dataclass(frozen=True, slots=True, eq=False)
class _Explanations:
    """b explanations, likeliest first: how likely each is (``weight``), what is ``there`` by it (b, products), which
    choice it makes of each fact (``chosen``, (b, facts)), and its ``rank`` (b,) among all by these choices, in order.
    """

    weight: Float
    there: Int
    chosen: Int
    rank: Int


class Balance:
    """Weighs the chains of people and slots in ``accounts``, as far as ``settings.balance_s`` goes back."""

    def __init__(self, accounts: Accounts, goods: Goods, settings: AttributionSettings) -> None:
        self._accounts, self._goods, self._settings = accounts, goods, settings

    def weigh(self, parties: Iterable[int | str], now_s: float) -> None:
        """Weigh the facts of ``parties`` (track ids and slots) anew, and those of all who may share them."""
        people, slots = self._linked(parties, now_s)
        for who in sorted(people):
            for fact in self._recent(self._accounts.facts_of(who), now_s):
                fact.balanced = None
        for slot in sorted(slots):
            for fact in self._recent(self._accounts.facts_at(slot), now_s):
                fact.balanced = None
        for who in sorted(people):
            facts = self._recent(self._accounts.facts_of(who), now_s)
            unseen = self._accounts.unheld(who) if len(facts) > 1 else 1.0
            self._apply(facts, person_change(who), {}, unseen)
        for slot in sorted(slots):
            stock = self._accounts.stock_at_first(slot)
            facts = self._recent(self._accounts.facts_at(slot), now_s)
            if stock is not None and len(facts) > stock:
                home = self._goods.home(slot)
                self._apply(facts, slot_change(slot, home), {home: stock}, self._settings.restocked)

    def _linked(self, parties: Iterable[int | str], now_s: float) -> tuple[set[int], set[str]]:
        people: set[int] = set()
        slots = {party for party in parties if isinstance(party, str) and party}
        waiting = [party for party in parties if isinstance(party, int) and party != NOBODY]
        while waiting:
            who = waiting.pop()
            if who in people:
                continue
            people.add(who)
            for fact in self._recent(self._accounts.facts_of(who), now_s):
                waiting += [other for other in people_of(fact) if other not in people]
        return people, slots

    def _recent(self, facts: Sequence[Fact], now_s: float) -> list[Fact]:
        return [fact for fact in facts if fact.time_s >= now_s - self._settings.balance_s]

    @staticmethod
    def _apply(facts: Sequence[Fact], change: Change, start: Mapping[str, int], unseen: float) -> None:
        for place, chances in rebalanced(facts, change, start, unseen).items():
            facts[place].balanced = chances


def person_change(who: int) -> Change:
    """What deeds change in what a person holds."""

    def change(fact: Fact, deed: Deed) -> tuple[str, int] | None:
        if fact.kind == "hand" and fact.to == who:
            return deed.product, 1
        if deed.who != who:
            return None
        return deed.product, 1 if deed.kind == "take" else -1

    return change


def slot_change(slot: str, product: str) -> Change:
    """What deeds change in the stock of a slot's own product."""

    def change(_: Fact, deed: Deed) -> tuple[str, int] | None:
        if deed.slot != slot or deed.product != product:
            return None
        return product, 1 if deed.kind == "put" else -1

    return change


def rebalanced(
    facts: Sequence[Fact], change: Change, start: Mapping[str, int], unseen: float
) -> dict[int, dict[Deed, float]]:
    """The chances of ``facts`` (in order of time) that come out otherwise, by their places.

    ``start`` is what was there before them, ``unseen`` the chance that something was there that no fact brought.
    """
    goes = {found[0] for fact in facts for deed in fact.likely() if (found := change(fact, deed)) and found[1] < 0}
    places = [
        place
        for place, fact in enumerate(facts)
        if any((found := change(fact, deed)) and found[0] in goes for deed in fact.likely())
    ][-_MOST:]
    if not goes or len(places) + sum(start.get(product, 0) for product in goes) < 2:
        return {}
    column = {product: number for number, product in enumerate(sorted(goes))}
    first = np.array([[start.get(product, 0) for product in column]], np.int64)
    beam = _Explanations(np.ones(1), first, np.zeros((1, 0), np.int64), np.zeros(1, np.int64))
    choices = [_choices(facts[place], change, column) for place in places]
    for options in choices:
        beam = _continued(beam, options, unseen)
    share = beam.weight / beam.weight.sum()
    return {
        place: _scaled(options, np.bincount(beam.chosen[:, number], share, len(options)).tolist())
        for number, (place, options) in enumerate(zip(places, choices, strict=True))
    }


@dataclass(frozen=True, slots=True)
class _Choice:
    """Deeds that change the same, with their chances; the rest, without any deed, that nothing happened."""

    deeds: tuple[tuple[Deed, float], ...]
    probability: float
    column: int = -1
    count: int = 0


def _choices(fact: Fact, change: Change, column: Mapping[str, int]) -> list[_Choice]:
    groups: dict[tuple[int, int], list[tuple[Deed, float]]] = {}
    for deed, probability in fact.likely().items():
        found = change(fact, deed)
        counts = found is not None and found[0] in column and probability >= _LEAST
        key = (column[found[0]], found[1]) if found is not None and counts else (-1, 0)
        groups.setdefault(key, []).append((deed, probability))
    choices = [_Choice(tuple(deeds), sum(p for _, p in deeds), *key) for key, deeds in sorted(groups.items())]
    rest = 1.0 - sum(choice.probability for choice in choices)
    return [*choices, _Choice((), rest)] if rest > 1e-9 else choices


def _continued(beam: _Explanations, options: Sequence[_Choice], unseen: float) -> _Explanations:
    """Each explanation with each choice; the likeliest of them, of equal ones those with the earlier choices.

    A choice that takes from nothing counts ``unseen`` times; over all explanations together it keeps its probability,
    in which what was known before is weighed already.
    """
    column = np.array([choice.column for choice in options])
    count = np.array([choice.count for choice in options])
    probability = np.array([choice.probability for choice in options])
    fits = np.where((count < 0) & (beam.there[:, column] == 0), unseen, 1.0)  # (b, options)
    mean = beam.weight @ fits / beam.weight.sum()
    weight = (beam.weight[:, None] * fits * (probability / mean)).ravel()
    rank = (beam.rank[:, None] * len(options) + np.arange(len(options))).ravel()
    kept = np.lexsort((rank, -weight))[:_BEAM]
    row, number = np.divmod(kept, len(options))
    there = beam.there[row]
    there[np.arange(len(kept)), column[number]] += count[number]
    chosen = np.column_stack([beam.chosen[row], number])
    return _Explanations(weight[kept], np.maximum(there, 0), chosen, np.argsort(np.argsort(rank[kept])))


def _scaled(options: Sequence[_Choice], posterior: Sequence[float]) -> dict[Deed, float]:
    found: dict[Deed, float] = {}
    for choice, after in zip(options, posterior, strict=True):
        times = after / choice.probability if choice.probability > 0 else 0.0
        found |= {deed: p * times for deed, p in choice.deeds}
    return found
