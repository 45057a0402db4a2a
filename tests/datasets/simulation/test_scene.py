"""A timeline at a moment: what the pictures are drawn from agrees with the timeline's own account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.performance import Carrier
from datasets.simulation.scenario import census, family, play
from datasets.simulation.scene import Scene
from datasets.simulation.timeline import LightChange, Timeline
from store.plan import example_plan, load_plan

FAMILIES = ("multi_pick", "hand_over", "left_on_floor")


@pytest.fixture(scope="module")
def timelines() -> dict[str, Timeline]:
    plan, catalogue = load_plan(example_plan("nano")), generate_catalogue(0)
    return {name: play(plan, catalogue, family(name), 0) for name in FAMILIES}


@pytest.fixture(scope="module")
def scenes(timelines: dict[str, Timeline]) -> dict[str, Scene]:
    return {name: Scene(timeline) for name, timeline in timelines.items()}


@given(name=st.sampled_from(FAMILIES), share=st.floats(0.0, 1.0))
def test_every_package_is_drawn_once_or_out_of_sight(scenes: dict[str, Scene], name: str, share: float) -> None:
    scene = scenes[name]
    timeline = scene.timeline
    time_s = share * timeline.duration_s
    state = scene.states(np.array([time_s]))[0]
    drawn = Counter(state.item_product)
    for product, poses in scene.standing(scene.version(time_s)).items():
        drawn[product] += len(poses)
    baskets = any(actor.performance.carrier in (Carrier.BASKET, Carrier.TROLLEY) for actor in timeline.actors)
    seen = {"slot", "floor", "hand"} | ({"bag"} if baskets else set())
    expected = {
        product: count
        for product, places in census(timeline, time_s).items()
        if (count := sum(n for where, n in places.items() if where in seen))
    }
    assert {product: count for product, count in drawn.items() if count} == expected


def test_moments_do_not_depend_on_what_else_is_asked(scenes: dict[str, Scene]) -> None:
    scene = scenes["hand_over"]
    times = np.array([12.0, 3.0, 17.4, 9.4])
    together = scene.states(times)
    for time_s, state in zip(times, together, strict=True):
        alone = scene.states(np.array([time_s]))[0]
        assert alone.time_s == state.time_s == time_s
        np.testing.assert_array_equal(alone.actors, state.actors)
        np.testing.assert_allclose(alone.matrices, state.matrices, atol=1e-6)
        np.testing.assert_allclose(alone.item_pose, state.item_pose, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_versions_change_exactly_with_what_stands(scenes: dict[str, Scene], name: str) -> None:
    scene = scenes[name]
    times = {
        stay.start_s
        for item in scene.timeline.moved
        for before, stay in zip(item.stays, item.stays[1:], strict=False)
        if {before.where, stay.where} & {"slot", "floor"}
    }
    assert times
    for time_s in times:
        before, after = scene.version(np.nextafter(time_s, 0.0)), scene.version(time_s)
        assert after == before + 1
        corners = scene.changed(before, after)
        assert len(corners) >= 1
        count = [sum(map(len, scene.standing(version).values())) for version in (before, after)]
        assert abs(count[1] - count[0]) <= len(corners)
    assert scene.changed(0, 0).shape == (0, 8, 3)
    assert scene.version(-1.0) == 0


def test_a_taken_package_leaves_from_where_it_stood(scenes: dict[str, Scene]) -> None:
    scene = scenes["multi_pick"]
    timeline = scene.timeline
    checked = 0
    for index, item in enumerate(timeline.moved):
        for before, stay in zip(item.stays, item.stays[1:], strict=False):
            if before.where != "slot" or stay.where != "hand":
                continue
            state = scene.states(np.array([stay.start_s]))[0]
            (row,) = np.flatnonzero(state.item_index == index)
            np.testing.assert_allclose(state.item_pose[row], before.pose, atol=1e-4)
            assert state.item_actor[row] == stay.actor
            checked += 1
    assert checked >= 3


def test_lights_fade_from_one_change_to_the_next(timelines: dict[str, Timeline]) -> None:
    changes = (LightChange(2.0, 0.4, (1.0, 0.5, 1.0), fade_s=1.0), LightChange(6.0, 1.0, fade_s=2.0))
    scene = Scene(replace(timelines["hand_over"], lights=changes))
    np.testing.assert_allclose(scene.light(1.9), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(scene.light(2.5), [0.7, 0.6, 0.7])
    np.testing.assert_allclose(scene.light(5.0), [0.4, 0.2, 0.4])
    np.testing.assert_allclose(scene.light(7.0), [0.7, 0.6, 0.7])
    np.testing.assert_allclose(scene.light(9.0), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("brings", [Carrier.TROLLEY, Carrier.BASKET, Carrier.NONE])
def test_what_staff_fill_up_comes_out_of_what_they_brought(brings: Carrier) -> None:
    scenario = family("staff_restock")
    people = [person.model_copy(update={"carrier": (brings,)}) for person in scenario.people[:1]]
    scenario = scenario.model_copy(update={"people": (*people, *scenario.people[1:])})
    timeline = play(load_plan(example_plan("nano")), generate_catalogue(1), scenario, 1)
    scene = Scene(timeline)
    filled = [(index, item) for index, item in enumerate(timeline.moved) if item.stays[0].where == "crate"]
    assert len(filled) == 5
    for index, item in filled:
        taken_s, staff = item.stays[1].start_s, item.stays[1].actor
        inside, held = scene.states(np.array([taken_s - 1e-6, taken_s]))
        poses = [state.item_pose[state.item_index == index] for state in (inside, held)]
        np.testing.assert_allclose(poses[0], poses[1], atol=1e-3)
        (carrier,) = np.flatnonzero(inside.carrier_actor == staff)
        assert inside.carrier_kind[carrier] is (Carrier.BASKET if brings is Carrier.BASKET else Carrier.TROLLEY)
        away = poses[0][0, :2, 3] - inside.carrier_pose[carrier, :2, 3]
        assert np.linalg.norm(away) < 0.6
        assert list(inside.item_actor[inside.item_index == index]) == [staff]
