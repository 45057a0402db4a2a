"""From what may be held to the lines of a basket: who pays, how many, for how much, how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from checkout.books import Books
from checkout.fold import Stake
from checkout.policy import Policy
from checkout.prices import Price
from store.events import BasketLine, Role

SHOWN_AT = 0.05  # a package that may be there with this probability stands in the live basket


@dataclass(frozen=True, slots=True)
class Doubt:
    """A package that is not sure: the event that took it, the product, and the probability that it is in the basket."""

    event_id: str
    gtin: str
    probability: float


@dataclass(frozen=True, slots=True)
class Basket:
    """What a session is to pay for. ``possible`` are lines of quantity 0 that may yet become more."""

    lines: tuple[BasketLine, ...] = ()
    possible: tuple[BasketLine, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def total(self) -> int:
        """What it costs, in the currency's smallest unit."""
        return sum(line.amount for line in self.lines)

    @property
    def settled(self) -> bool:
        """Whether every line is sure."""
        return not self.doubts

    @property
    def age_restricted(self) -> bool:
        """Whether somebody must look at the shopper's age."""
        return any(line.age_restricted for line in self.lines)


NOTHING = Basket()


def baskets(books: Books, roles: Mapping[str, Role], policy: Policy) -> dict[str, Basket]:
    """The basket of every session that has one, by session id; ``roles`` of the sessions that are known."""
    return {session: basket(stakes, policy) for session, stakes in by_payer(books, roles, policy).items()}


def by_payer(books: Books, roles: Mapping[str, Role], policy: Policy) -> dict[str, list[Stake]]:
    """What each session may have to pay for, by session id."""
    mine: dict[str, list[Stake]] = defaultdict(list)
    for stake in books.stakes():
        session = payer(stake, books, roles, policy)
        if session is not None:
            mine[session].append(stake)
    return dict(mine)


def payer(stake: Stake, books: Books, roles: Mapping[str, Role], policy: Policy) -> str | None:
    """The session that pays for a package if it is where ``stake`` says; None: nobody, as staff's."""
    sessions = [books.session_of(track) for track in stake.hands]
    if _is_staff(sessions[-1], roles):
        return None
    if policy.hand_over == "holder_pays":
        return sessions[-1]
    if policy.hand_over == "group":
        sessions.reverse()
    return next((s for s in sessions if s is not None and not _is_staff(s, roles)), None)


def _is_staff(session: str | None, roles: Mapping[str, Role]) -> bool:
    return session is not None and roles.get(session) == "staff"


def packages(stakes: Iterable[Stake]) -> dict[tuple[str, Price, tuple[str, int]], float]:
    """How likely each package (GTIN, price, unit) is among what one session may hold."""
    found: dict[tuple[str, Price, tuple[str, int]], float] = defaultdict(float)
    # Possibilities that exclude each other add up: it may be with any of a group. Sorted, so that sums are the same.
    for stake in sorted(stakes, key=lambda s: (s.gtin, s.unit, s.hands, s.probability)):
        found[stake.gtin, stake.price, stake.unit] += stake.probability
    return {package: min(1.0, round(probability, 9)) for package, probability in found.items()}


def basket(stakes: Iterable[Stake], policy: Policy) -> Basket:
    """The lines of what one session may hold, by GTIN, price and promotion."""
    by_line: dict[tuple[str, Price], list[tuple[tuple[str, int], float]]] = defaultdict(list)
    for (gtin, price, unit), probability in packages(stakes).items():
        by_line[gtin, price].append((unit, probability))
    order = sorted(by_line, key=lambda key: (key[0], key[1].unit, key[1].promotion or ""))
    counts = {key: sum(p >= policy.charge_at for _, p in by_line[key]) for key in order}
    discounts = _discounts(counts)
    lines, possible, doubts = [], [], []
    for key in order:
        gtin, price = key
        found = by_line[key]
        unsure = [(unit, p) for unit, p in found if not policy.is_sure(p) and p >= SHOWN_AT]
        right = prod(p if p >= policy.charge_at else 1 - p for _, p in found)
        line = BasketLine(
            gtin=gtin,
            quantity=counts[key],
            unit_price=price.unit,
            confidence=min(1.0, round(right, 9)),
            state="checking" if unsure or not price.known else "sure",
            promotion=price.promotion,
            discount=discounts.get(key, 0),
            age_restricted=price.age_restricted,
        )
        if line.quantity:
            lines.append(line)
        elif unsure:
            possible.append(line)
        doubts += [Doubt(unit[0], gtin, p) for unit, p in unsure]
    return Basket(tuple(lines), tuple(possible), tuple(doubts))


def owed(lines: Iterable[BasketLine]) -> list[tuple[str, int, int, int]]:
    """What makes a receipt another one: GTIN, quantity, price and discount of each line, not how sure they are."""
    return [(line.gtin, line.quantity, line.unit_price, line.discount) for line in lines]


def _discounts(counts: Mapping[tuple[str, Price], int]) -> dict[tuple[str, Price], int]:
    """What buy-and-pay promotions take off each line: over all lines of one promotion the cheapest are free."""
    groups: dict[tuple[str | None, int, int], list[tuple[str, Price]]] = defaultdict(list)
    for key, count in counts.items():
        if key[1].buy and count:
            groups[key[1].promotion, key[1].buy, key[1].pay].append(key)
    discounts: dict[tuple[str, Price], int] = {}
    for (_, buy, pay), keys in groups.items():
        free = sum(counts[key] for key in keys) // buy * (buy - pay)
        for key in sorted(keys, key=lambda key: (key[1].unit, key[0])):
            taken = min(free, counts[key])
            discounts[key] = taken * key[1].unit
            free -= taken
    return discounts
