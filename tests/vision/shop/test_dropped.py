"""What is laid on the floor, and who picks it up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import ProductMisplaced, ProductTaken
from tests.vision.shop.corner import ANNA, BEN, START, attributor, catalogue, front, gtin, plan, run, settled, take
from vision.shop.accounts import Accounts
from vision.shop.deeds import Deed
from vision.shop.dropped import laid, lifted
from vision.shop.evidence import Lying
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.weighing import NOBODY, AttributionSettings

SPOT, FAR = (0.5, 1.2), (2.5, 2.5)


def lying(after_s: float, *, gone: bool = False, **products: float) -> Lying:
    """At ``SPOT``, from 4 s before ``after_s`` on."""
    return Lying(1, SPOT, START + after_s - 4, START + after_s, gone, products, ("a", "b"))


def dropped(**products: float):
    """Anna takes tea and rice, and something lies where she stood."""
    watch = attributor()
    for at_s, product in ((1.0, "tea"), (3.0, "rice")):
        take(watch, at_s, ANNA, product)
    events = run(watch, 6, {ANNA: front("tea"), BEN: FAR})
    events += run(watch, 12, {ANNA: (0.5, 0.8), BEN: FAR})
    watch.add_lying(lying(12, **products))
    return watch, events + run(watch, 16, {ANNA: FAR, BEN: FAR})


def last(events):
    return settled(events)[-1]


def test_what_lies_where_somebody_stood_is_misplaced_by_them():
    _, events = dropped(rice=0.0, tea=-4.0)
    told = last(events)
    assert isinstance(told, ProductMisplaced)
    assert (told.track_id, told.gtin, told.slot) == ("anna", gtin("rice"), None)
    assert told.cameras == ("a", "b")
    assert told.confidence > 0.8
    assert START + 8 <= told.time <= START + 12


def test_without_its_size_it_is_any_of_what_they_hold():
    _, events = dropped()
    chances = {each.id: each.probability for each in last(events).what}
    assert chances[gtin("tea")] == pytest.approx(chances[gtin("rice")], abs=0.1)


def test_a_thing_of_another_size_is_probably_their_own():
    _, events = dropped(rice=-8.0, tea=-8.0)
    assert all(told.confidence < 0.5 for told in settled(events) if isinstance(told, ProductMisplaced))


def test_who_picks_it_up_has_it():
    watch, events = dropped(rice=0.0, tea=-4.0)
    events += run(watch, 22, {ANNA: FAR, BEN: (0.5, 1.6)})
    watch.add_lying(lying(22, gone=True))
    events += run(watch, 26, {ANNA: FAR, BEN: FAR})
    told = last(events)
    assert isinstance(told, ProductTaken)
    assert (told.track_id, told.gtin, told.slot) == ("ben", gtin("rice"), None)
    assert told.confidence > 0.75


@pytest.mark.parametrize("gone", [True, False])
def test_a_thing_that_nobody_brought_is_nobodys(gone):
    watch = attributor()
    run(watch, 8, {BEN: SPOT})
    watch.add_lying(lying(8, gone=gone))
    assert run(watch, 20, {BEN: SPOT}) == []


def test_who_only_walks_by_is_hardly_believed_to_have_stooped():
    watch, _ = dropped(rice=0.0, tea=-4.0)
    for step, x in enumerate((-1.0, -0.2, 0.6, 1.4, 2.2)):
        run(watch, 16.2 + 0.2 * step, {ANNA: (x, 1.7), BEN: (0.5, 1.6)})
    events = run(watch, 22, {ANNA: FAR, BEN: (0.5, 1.6)})
    watch.add_lying(lying(20, gone=True))
    who = {each.id: each.probability for each in last([*events, *run(watch, 24, {BEN: FAR})]).who}
    assert who["ben"] > 0.7
    assert who.get("anna", 0.0) < 0.3


SETTINGS = AttributionSettings()
CHANCE = st.floats(0.01, 0.99)


def holding(chances: dict[str, float]) -> Accounts:
    """Books by which Anna may have taken these products."""
    accounts = Accounts(Goods(plan(), catalogue()), SETTINGS)
    for product, p in chances.items():
        fact = Fact(Source(product, 0.0, 0.0), "take", 0, "")
        fact.chances[Deed(ANNA, "take", product, "")] = p
        accounts.add(fact)
    return accounts


@given(
    st.dictionaries(st.sampled_from(["tea", "rice", "oats"]), st.tuples(CHANCE, st.floats(-9, 0)), max_size=3), CHANCE
)
def test_chances_are_chances_and_size_tells_between_products(held, near):
    accounts = holding({product: p for product, (p, _) in held.items()})
    thing = Lying(1, SPOT, 0.0, 9.0, gone=False, products={product: log for product, (_, log) in held.items()})
    fact = laid(thing, {ANNA: near, NOBODY: 1 - near}, 5.0, accounts, SETTINGS)
    assert all(p >= 0 for p in fact.chances.values())
    assert fact.confidence <= 1
    assert sum(fact.chances.values()) <= 1 + 1e-9
    assert set(fact.what()) == set(held)
    up = lifted(thing, fact, {BEN: near, NOBODY: 1 - near}, 7.0, SETTINGS)
    assert up.confidence <= fact.confidence + 1e-9
    assert up.what() == pytest.approx(fact.what())
    if len(held) == 2:
        (one, (p, log)), (other, (q, other_log)) = held.items()
        ratio = fact.chances[Deed(ANNA, "put", one, "")] / fact.chances[Deed(ANNA, "put", other, "")]
        assert ratio == pytest.approx(p / q * math.exp(log - other_log))
