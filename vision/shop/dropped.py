"""Who laid what on the floor, and who picked it up.

A thing that lies where somebody stood is one of what they hold, or nothing of the shop's (Bayes' rule over both); its
size speaks for the one or the other product. Who picks it up has what was laid down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from vision.shop.accounts import Accounts
from vision.shop.deeds import Deed
from vision.shop.evidence import Lying
from vision.shop.facts import Fact, Source
from vision.shop.weighing import NOBODY, AttributionSettings


def laid(
    lying: Lying, people: Mapping[int, float], at_s: float, accounts: Accounts, settings: AttributionSettings
) -> Fact:
    """The fact that one of ``people``, who weigh 1 together, put down something that they held at ``at_s``."""
    chances: dict[Deed, float] = {}
    likely: dict[Deed, float] = {}
    for who, near in people.items():
        held = accounts.held(who, at_s) if who != NOBODY else {}
        some = 1.0 - math.prod(1.0 - p for p in held.values())
        for product, p in held.items():
            deed = Deed(who, "put", product, "")
            chances[deed] = settings.laid * near * some * p / sum(held.values())
            likely[deed] = chances[deed] * math.exp(lying.products.get(product, 0.0))
    other = (1.0 - sum(chances.values())) * settings.other_size
    whole = sum(likely.values()) + other
    fact = Fact(_source(lying, at_s), "put", 0, "")
    fact.chances = {deed: p / whole for deed, p in likely.items()}
    return fact


def lifted(lying: Lying, put: Fact, people: Mapping[int, float], at_s: float, settings: AttributionSettings) -> Fact:
    """The fact that one of ``people``, who weigh 1 together, picked up at ``at_s`` what ``put`` says was laid down."""
    fact = Fact(_source(lying, at_s), "take", 0, "")
    for product, share in put.what().items():
        for who, near in people.items():
            fact.chances[Deed(who, "take", product, "")] = settings.lifted * put.confidence * share * near
    return fact


def _source(lying: Lying, at_s: float) -> Source:
    name = f"lying/{lying.number}/{'gone' if lying.gone else 'laid'}/{lying.before_s:.3f}"
    return Source(name, at_s, lying.after_s, lying.cameras)
