"""What went from one hand into another's when people met.

That a hand of one gave a hand of the other something, or that every hand holds what it held, has the probability of
what was seen, given it, times what it is before anything is seen (Bayes' rule). What is given is one of the things that
the giver holds, the newest rather than an old one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.shop.accounts import Accounts
from vision.shop.deeds import Deed
from vision.shop.evidence import Meeting
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.weighing import AttributionSettings

Float = NDArray[np.float64]

_AROUND_S = 1.0  # what is taken so shortly before or after a meeting counts as taken meanwhile
_MOST_MOVED = 0.9  # a hand may hold the same after something was taken


def given(meeting: Meeting, accounts: Accounts, goods: Goods, settings: AttributionSettings) -> tuple[Fact, Fact]:
    """The facts that the first of a meeting gave the second something, and the second the first.

    Each one's confidence is that of the hand-over times that of holding anything at all.
    """
    moved = [_moved(meeting, who, accounts, settings) for who in meeting.tracks]
    before, after = np.array(meeting.before), np.array(meeting.after)
    there, back = chances(before, after, np.array(moved), settings.given)
    one, other = meeting.tracks
    known = (accounts, goods, settings)
    return _fact(meeting, one, other, there, *known), _fact(meeting, other, one, back, *known)


def chances(before: Float, after: Float, moved: Float, usual: float) -> tuple[float, float]:
    """The probabilities that the first of two people gave the second something, and the second the first.

    ``before`` and ``after`` (people, hands) are each hand's probabilities of holding something, ``moved`` (people,)
    how often a hand's holding changes without a hand-over, ``usual`` how often a meeting is one.
    """
    same = before * after + (1 - before) * (1 - after)
    kept = (1 - moved[:, None]) * same + moved[:, None] * (1 - same)
    gave, got = before * (1 - after), (1 - before) * after
    found = []
    for giver, taker in ((0, 1), (1, 0)):
        # The mean over pairs of hands, relative to all four being as they were; a hand holds something or not, as
        # likely, before anything is seen: one of two patterns if it stays, the only one if it gives or takes.
        ways = np.outer(2 * gave[giver] / kept[giver], 2 * got[taker] / kept[taker])
        found.append(usual / 2 * float(ways.mean()))
    total = sum(found) + 1 - usual
    return found[0] / total, found[1] / total


def _moved(meeting: Meeting, who: int, accounts: Accounts, settings: AttributionSettings) -> float:
    """How likely a hand of somebody changed what it holds by what they took or returned meanwhile, or else."""
    nothing = 1.0 - settings.hand_moved
    for fact in accounts.facts_of(who):
        if fact.kind != "hand" and meeting.start_s - _AROUND_S <= fact.time_s <= meeting.end_s + _AROUND_S:
            nothing *= 1.0 - min(1.0, sum(p for deed, p in fact.likely().items() if deed.who == who))
    return min(1.0 - nothing, _MOST_MOVED)


def _fact(
    meeting: Meeting,
    giver: int,
    taker: int,
    probability: float,
    accounts: Accounts,
    goods: Goods,
    settings: AttributionSettings,
) -> Fact:
    before_s = meeting.at_s - settings.slack_s
    held = accounts.held(giver, before_s)
    newest: list[str] = []
    for fact in reversed(accounts.facts_of(giver)):
        if fact.time_s < before_s and (fact.kind == "take" or fact.to == giver):
            newest += [product for product in fact.what() if product not in newest]
    weights = {}
    for rank, product in enumerate(product for product in newest if product in held):
        named = meeting.product.get(product, 0.0) if meeting.product else 1 / len(goods.products)
        look = settings.named_right * named + (1 - settings.named_right) / len(goods.products)
        weights[product] = held[product] * settings.older_given**rank * look
    total = sum(weights.values())
    nothing = 1.0
    for each in held.values():
        nothing *= 1.0 - each
    name = f"given/{giver}/{taker}/{meeting.at_s:.3f}"
    fact = Fact(Source(name, meeting.at_s, meeting.end_s, meeting.cameras), "hand", 0, "", to=taker)
    for product, weight in weights.items():
        fact.chances[Deed(giver, "hand", product, "")] = probability * (1 - nothing) * weight / total
    return fact
