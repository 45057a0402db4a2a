"""What went from one hand into another's: one of the things that the giver holds, the newest rather than an old one."""

from __future__ import annotations

from vision.shop.accounts import Accounts
from vision.shop.deeds import Deed
from vision.shop.evidence import HandOver
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.weighing import AttributionSettings


def given(hand_over: HandOver, accounts: Accounts, goods: Goods, settings: AttributionSettings) -> Fact:
    """The fact of a hand-over; its confidence is that of the hand-over times that of holding anything at all."""
    giver = hand_over.from_track
    before_s = hand_over.time_s - settings.slack_s
    held = accounts.held(giver, before_s)
    newest: list[str] = []
    for fact in reversed(accounts.facts_of(giver)):
        if fact.time_s < before_s and (fact.kind == "take" or fact.to == giver):
            newest += [product for product in fact.what() if product not in newest]
    weights = {}
    for rank, product in enumerate(product for product in newest if product in held):
        named = hand_over.product.get(product, 0.0) if hand_over.product else 1 / len(goods.products)
        look = settings.named_right * named + (1 - settings.named_right) / len(goods.products)
        weights[product] = held[product] * settings.older_given**rank * look
    total = sum(weights.values())
    nothing = 1.0
    for probability in held.values():
        nothing *= 1.0 - probability
    name = f"given/{giver}/{hand_over.to_track}/{hand_over.time_s:.3f}"
    source = Source(name, hand_over.time_s, hand_over.time_s, hand_over.cameras)
    fact = Fact(source, "hand", 0, "", to=hand_over.to_track)
    for product, weight in weights.items():
        fact.chances[Deed(giver, "hand", product, "")] = hand_over.probability * (1 - nothing) * weight / total
    return fact
