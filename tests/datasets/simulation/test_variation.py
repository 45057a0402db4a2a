from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.shop import product_faults
from datasets.simulation.variation import AIM_M, ASIDE_M, varied
from store.furniture import footprint
from store.layout import Plan
from store.plan import example_plan, load_plan
from store.views import PlanError

NANO = load_plan(example_plan("nano"))
SHOP = load_plan(example_plan("shop"))
CATALOGUE = generate_catalogue(0)


def test_the_same_seed_gives_the_same_shop_and_another_seed_another():
    assert varied(NANO, 3) == varied(NANO, 3)
    assert len({varied(NANO, seed).model_dump_json() for seed in range(8)}) == 8


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 8999), plan=st.sampled_from([NANO, SHOP]))
def test_a_variation_is_a_shop_of_the_same_things(seed, plan):
    other = varied(plan, seed)
    assert not list(product_faults(other, CATALOGUE))
    assert sorted(slot.slot.product for slot in other.slots()) == sorted(slot.slot.product for slot in plan.slots())
    low, high = np.min(plan.floor.polygon, axis=0), np.max(plan.floor.polygon, axis=0)
    for fixture in other.fixtures:
        corners = np.array(footprint(fixture))
        assert (corners >= low - 1e-6).all()
        assert (corners <= high + 1e-6).all()
    for view, before in zip(other.cameras, plan.cameras, strict=True):
        at = np.array(view.pose.position)
        assert (at[:2] > low).all()
        assert (at[:2] < high).all()
        assert 2.2 < at[2] < plan.floor.height_m
        assert not view.lines
        assert not view.zones
        down = np.hypot(*np.subtract(before.pose.position, before.pose.look_at)[:2]) < 0.05
        aside = np.hypot(*np.subtract(view.pose.position, view.pose.look_at)[:2])
        assert (aside < 0.6 * AIM_M * 2**0.5 + 1e-3) == down


def test_shops_are_mirrored_both_ways_and_cameras_stay_near_where_they_hung():
    places = {tuple(varied(NANO, seed).fixtures[2].xy) for seed in range(30)}
    assert places == {(0.225, 2.75), (7.775, 2.75), (0.225, 2.25), (7.775, 2.25)}
    same = next(varied(NANO, seed) for seed in range(50) if varied(NANO, seed).fixtures[0].xy == NANO.fixtures[0].xy)
    moved = np.subtract(same.cameras[0].pose.position, NANO.cameras[0].pose.position)[:2]
    assert 0 < np.abs(moved).max() <= ASIDE_M + 1e-3


def test_gates_lead_to_where_the_mirror_has_them():
    for seed in range(12):
        other = varied(NANO, seed)
        entry = next(gate for gate in other.gates if gate.name == "entry")
        mirrored = other.fixtures[2].xy[0] != NANO.fixtures[2].xy[0]
        assert sorted((entry.a[0], entry.b[0])) == pytest.approx([6.2, 7.4] if mirrored else [0.6, 1.8])


def test_a_plan_without_a_floor_cannot_be_varied():
    with pytest.raises(PlanError, match="has no floor"):
        varied(Plan(store="bare"), 0)
