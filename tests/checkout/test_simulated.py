"""The true events of simulated shoppers give the receipts that the simulator knows to be right."""

from __future__ import annotations

import pytest

from checkout.lines import NOTHING
from checkout.policy import Policy
from checkout.prices import PriceBook
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.scenario import family, play, receipts
from store.events import SessionJoined
from store.plan import example_plan, load_plan
from tests.checkout.conftest import told

FAMILIES = ["put_back_elsewhere", "hand_over", "group_entry", "staff_restock"]


@pytest.mark.parametrize("name", FAMILIES)
def test_true_events_give_true_receipts(name):
    catalogue = generate_catalogue(1)
    timeline = play(load_plan(example_plan("nano")), catalogue, family(name), 1)
    joined = [
        SessionJoined(store="s", time=timeline.start, session_id=actor.session_id, track_id=actor.track_id)
        for actor in timeline.actors
        if actor.session_id is not None
    ]
    roles = {event.session_id: "customer" for event in joined}
    found = told([*timeline.events, *joined], roles, Policy(hand_over="holder_pays"), PriceBook(catalogue))
    for session, lines in receipts(timeline).items():
        owed = [(line.gtin, line.quantity, line.unit_price) for line in lines]
        basket = found.pop(session, NOTHING)
        assert [(line.gtin, line.quantity, line.unit_price) for line in basket.lines] == owed
        assert basket.settled
    assert found == {}
