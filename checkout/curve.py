"""What reviews cost and what they save: the share of lines that people look at against the value charged wrongly.

An item is what one event brought into one session's basket: what a person would be asked about at once. It is as
certain as the least certain of its packages. Of a package with the probability p, charged from .5 on, the expected
wrong charge is its price times the smaller of p and 1 - p: charged though it was not taken, or missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from checkout.books import Books
from checkout.lines import SHOWN_AT, by_payer, packages
from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.recall import LONGEST_VISIT_S, facts_between
from checkout.sessions import Register
from store.events import Event, ProductSettled
from store.records import Records

PERIOD_S: Final = 7 * 86_400.0
"""From so much of the past the share that may be reviewed is turned into a threshold."""
LEAST_ITEMS: Final = 50
"""Fewer items say nothing about the next ones."""
_FOREVER: Final = 253_402_300_799.0
_POINTS: Final = 200
Package = tuple[str, int, tuple[str, int]]  # GTIN, price, unit


@dataclass(frozen=True, slots=True)
class Item:
    """What one event brought into one session's basket. Money is in the currency's smallest unit.

    ``certainty`` in [.5, 1] is without people's answers; ``charged`` and ``risk`` are what was charged by that, and how
    much of the charged and the missed is expected to be wrong. ``wrong`` is how much was, where a person said so.
    """

    session_id: str
    event_id: str
    certainty: float
    charged: float
    risk: float
    wrong: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Parallel arrays, from no review to all: were everything reviewed that is less certain than ``threshold``.

    ``rate`` is the share of items that people would look at; ``expected`` and ``known`` what is charged wrongly among
    the others, as a share of ``charged``, all that was charged: by the probabilities, and by what people found. The
    latter counts only mistakes that somebody found.
    """

    threshold: NDArray[np.float64]
    rate: NDArray[np.float64]
    expected: NDArray[np.float64]
    known: NDArray[np.float64]
    charged: float


def items(
    facts: Iterable[Event], start: float, end: float, prices: PriceBook, policy: Policy, *, answers: bool = True
) -> list[Item]:
    """The items of sessions that closed from ``start`` until before ``end`` and pay; without ``answers`` not ``wrong``.

    A pure function of the facts.
    """
    kept = list(facts)
    register = Register()
    for event in kept:
        register.apply(event)
    roles = register.roles()
    closed = {s.id for s in register if s.pays and s.closed_at is not None and start <= s.closed_at < end}
    told = {event.settles for event in kept if isinstance(event, ProductSettled) and event.by == "review"}

    def held(events: Iterable[Event]) -> dict[tuple[str, str], dict[Package, float]]:
        books = Books(prices.at)
        books.add_all(events)
        found: dict[tuple[str, str], dict[Package, float]] = defaultdict(dict)
        for session, stakes in by_payer(books, roles, policy).items():
            if session in closed:
                for (gtin, price, unit), probability in packages(stakes).items():
                    found[session, unit[0]][gtin, price.unit, unit] = probability
        return found

    before = held(e for e in kept if not (isinstance(e, ProductSettled) and e.by == "review"))
    after = held(kept) if answers and told else {}
    found = []
    for key in sorted(before.keys() | {key for key in after if key[1] in told}):
        mine = {package: p for package, p in before.get(key, {}).items() if p >= SHOWN_AT}
        charged = _charged(mine, policy)
        wrong = None
        if answers and key[1] in told:
            due = _charged(after.get(key, {}), policy)
            wrong = float(sum((charged | due)[package] for package in charged.keys() ^ due.keys()))
        if not mine and not wrong:
            continue
        # What nobody thought of was no question.
        certainty = min((max(p, 1 - p) for p in mine.values()), default=1.0)
        risk = float(sum(price * min(p, 1 - p) for (_, price, _), p in mine.items()))
        found.append(Item(*key, certainty, float(sum(charged.values())), risk, wrong))
    return found


def _charged(held: Mapping[Package, float], policy: Policy) -> dict[Package, int]:
    """What each package costs that is charged."""
    return {package: package[1] for package, p in held.items() if p >= policy.charge_at}


def items_between(
    records: Records, store: str, start: float, end: float, prices: PriceBook, policy: Policy, *, answers: bool = True
) -> list[Item]:
    """``items`` of what the records keep."""
    facts = facts_between(records, store, start - LONGEST_VISIT_S, end, settled_until=_FOREVER)
    return items(facts, start, end, prices, policy, answers=answers)


def curve(found: Sequence[Item]) -> Curve:
    """The curve of these items, of some 200 points at most."""
    order = sorted(found, key=lambda item: item.certainty)
    certainty = np.array([item.certainty for item in order], np.float64)
    charged = float(sum(item.charged for item in order))
    thresholds = np.append(np.unique(certainty), 1.0)
    if len(thresholds) > _POINTS:
        thresholds = thresholds[np.unique(np.linspace(0, len(thresholds) - 1, _POINTS).round().astype(np.int64))]
    thresholds = np.unique(thresholds)
    reviewed = np.searchsorted(certainty, thresholds, side="left")
    # At the end everything is reviewed, what is quite certain too.
    thresholds, reviewed = np.append(thresholds, np.nextafter(1.0, 2.0)), np.append(reviewed, len(order))

    def left(values: list[float]) -> NDArray[np.float64]:
        total = np.append(0.0, np.cumsum(values))
        return np.asarray((total[-1] - total[reviewed]) / max(charged, 1.0))

    rate = reviewed / max(len(order), 1)
    risk, wrong = [item.risk for item in order], [item.wrong or 0.0 for item in order]
    return Curve(np.minimum(thresholds, 1.0), rate, left(risk), left(wrong), charged)


def threshold_of(found: Sequence[Item], share: float, policy: Policy) -> float:
    """The largest threshold below which no more than ``share`` of the items are; never above the policy's ``sure_at``.

    What is surer than that is not in doubt, and no threshold makes a question of it.
    """
    certainty = sorted(item.certainty for item in found)
    most = int(share * len(certainty) + 1e-9)
    return min(policy.sure_at, certainty[most] if most < len(certainty) else 1.0)
