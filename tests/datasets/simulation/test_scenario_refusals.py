"""Scenarios that cannot be: each is refused with the file, the line and the reason."""

from __future__ import annotations

import math

import pytest

from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.people.cast import character
from datasets.simulation.scenario import ScenarioError, family, load_scenario, play
from store.events import ProductReturned, ProductTaken
from store.plan import example_plan, load_plan

HEAD = "slots:\n  a: {id: north-left/3/3}\n  b: {id: north-left/3/4}\npeople:\n  - name: anna\n    at_s: 1\n    does:\n"


@pytest.fixture(scope="module")
def shop():
    return load_plan(example_plan("nano")), generate_catalogue(0)


def written(tmp_path, text):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("people:\n  - name: anna\n    wants: all\n", 3, "Extra inputs"),
        ("people:\n  - name: anna\n    does:\n      - dance: a\n", 4, "dance"),
        ("people:\n  - name: anna\n    does:\n      - {take: a, leave: }\n", 4, "a step is one of"),
        ("people:\n  - name: anna\n    at_s: [5, 2]\n", 3, r"\[low, high\]"),
        ("people:\n  - name: anna\n  - name: anna\n", 1, "found twice: anna"),
        ("gaps: 0.1\n", 1, "people, a crowd or events"),
        ("people: [\n", 2, "not YAML"),
        ("people:\n  - name: anna\n    does:\n      - take: {slot: a, quantity: none}\n", 4, "integer"),
    ],
)
def test_a_file_that_says_something_wrong(tmp_path, text, line, reason):
    with pytest.raises(ScenarioError, match=rf"wrong\.yaml.*line {line}\b.*{reason}"):
        load_scenario(written(tmp_path, text))


@pytest.mark.parametrize(
    ("steps", "line", "reason"),
    [
        (["take: north-left/9/9"], 8, "no slot 'north-left/9/9'"),
        (["take: {slot: a, product: can-99}"], 8, "no product or slot called 'can-99'"),
        (["take: a", "take: {slot: b, hand: right}", "take: {slot: b, hand: left}", "take: a"], (9, 10), "full"),
        (["take: {slot: a, hand: left}", "take: {slot: b, hand: left}"], 9, "left hand of anna is full"),
        (["return: a"], 8, "anna holds nothing"),
        (["take: a", "put_in_bag"], 9, "no bag, basket or trolley"),
        (["take: {slot: a, into: pocket}"], 8, "does not fit into a pocket"),
        (["take: a", "hand_over: {to: ben}"], 9, "nobody called 'ben'"),
        (["take: a", "hand_over: {to: cleo}"], 9, "cleo never comes to receive"),
        (["receive: {from: cleo}"], 8, "cleo never comes to hand anything over"),
        (["meet: somewhere"], 8, "waits in vain"),
        (["pick_up"], 8, "nothing that anna could pick up"),
        (["restock: a"], 8, "only staff restock"),
        (["leave: back-door"], 8, "no gate 'back-door'"),
        (["leave: entry"], 8, "nobody goes out by gate 'entry'"),
        (["leave", "take: a"], 9, "has left already"),
        (["walk_to: {xy: [2.3, 4.8]}"], 8, "nobody can stand"),
        (["take: {slot: a, together: now}"], 8, "nobody else takes"),
        (["take: {slot: a, quantity: 12, into: bag}"], 8, "bag"),
    ],
)
def test_a_step_that_cannot_be_done(tmp_path, shop, steps, line, reason):
    text = HEAD + "".join(f"      - {step}\n" for step in steps) + "  - name: cleo\n    at_s: 4\n    does: []\n"
    lines = line if isinstance(line, tuple) else (line,)
    with pytest.raises(ScenarioError, match=rf"wrong\.yaml, line ({'|'.join(map(str, lines))})\b.*{reason}"):
        play(*shop, load_scenario(written(tmp_path, text)), 0)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("slots:\n  a: {id: nowhere/1/1}\npeople: [{name: anna}]\n", 2, "no slot 'nowhere/1/1'"),
        ("slots:\n  a: {product: milk}\npeople: [{name: anna}]\n", 2, "no product 'milk'"),
        ("slots:\n  a: {next_to: b}\n  b: {}\npeople: [{name: anna}]\n", 2, "no slot is called 'b' before a"),
        ("slots:\n  a: {fixture: attic}\npeople: [{name: anna}]\n", 2, "no fixture 'attic'"),
        ("slots:\n  a: {stock: 4000}\npeople: [{name: anna}]\n", 2, "no slot that can be reached fits a"),
        ("people:\n  - name: anna\n    gate: roof\n", 3, "no gate 'roof'"),
        ("people:\n  - name: anna\n    gate: exit\n", 3, "nobody goes in by gate 'exit'"),
        ("people:\n  - name: anna\n    behind: ghost\n", 2, "behind 'ghost'"),
        ("people: [{name: anna}]\noutages:\n  - {camera: moon, at_s: 1}\n", 3, "no camera 'moon'"),
    ],
)
def test_a_word_that_the_shop_does_not_know(tmp_path, shop, text, line, reason):
    with pytest.raises(ScenarioError, match=rf"wrong\.yaml, line {line}\b.*{reason}"):
        play(*shop, load_scenario(written(tmp_path, text)), 0)


def test_an_empty_slot_is_found_when_its_last_package_is_gone(tmp_path, shop):
    steps = "".join("      - take: {slot: a, quantity: 12, into: bag}\n" for _ in range(3))
    text = HEAD.replace("at_s: 1\n", "at_s: 1\n    carrier: trolley\n") + steps
    with pytest.raises(ScenarioError, match=r"wrong\.yaml, line (9|10|11)\b.*(is empty|cannot reach)"):
        play(*shop, load_scenario(written(tmp_path, text)), 0)


def test_somebody_who_cannot_reach_is_refused(tmp_path, shop):
    plan, catalogue = shop
    high = max(plan.slots(), key=lambda slot: slot.corner[2])
    board = [
        slot for slot in plan.slots() if (slot.fixture, slot.side, slot.shelf) == (high.fixture, high.side, high.shelf)
    ]
    far = max(board, key=lambda slot: math.dist(slot.corner, high.corner))
    text = HEAD + f"      - take: {{slot: {high.id}, before: {far.id}}}\n"
    with pytest.raises(ScenarioError, match=r"wrong\.yaml, line 8\b.*cannot reach"):
        play(plan, catalogue, load_scenario(written(tmp_path, text)), 0)


def test_an_unknown_family_is_answered_with_the_known_ones():
    with pytest.raises(ScenarioError, match=r"'robbery'.*single_pick"):
        family("robbery")


def listed(tmp_path, *events):
    return load_scenario(written(tmp_path, "events:\n" + "".join(f"  - {{{event}}}\n" for event in events)))


def test_a_list_of_events_happens_as_it_says(tmp_path, shop):
    scenario = listed(
        tmp_path,
        "person: anna, product: box-22, slot: north-left/3/3, kind: take, time_s: 14",
        "person: anna, product: box-23, slot: north-left/3/4, kind: take, time_s: 22",
        "person: ben, product: box-05, slot: east/3/3, kind: take, time_s: 33",
        "person: anna, product: box-22, slot: north-left/3/3, kind: return, time_s: 30",
    )
    timeline = play(*shop, scenario, 0)
    ids = {product.gtin: product.id for product in timeline.catalogue.products}
    names = {actor.track_id: actor.name for actor in timeline.actors}
    found = [
        (names[e.track_id], ids[e.gtin], e.slot, isinstance(e, ProductTaken), round(e.time - timeline.start))
        for e in timeline.events
        if isinstance(e, ProductTaken | ProductReturned)
    ]
    assert found == [
        ("anna", "box-22", "north-left/3/3", True, 14),
        ("anna", "box-23", "north-left/3/4", True, 22),
        ("anna", "box-22", "north-left/3/3", False, 30),
        ("ben", "box-05", "east/3/3", True, 33),
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("person: anna, product: can-01, slot: north-left/3/3, kind: take, time_s: 14", "can-01 is not in slot"),
        ("person: anna, product: can-01, slot: north-left/5/1, kind: return, time_s: 14", "has none by then"),
        ("person: anna, product: beer, slot: north-left/5/1, kind: take, time_s: 14", "no product 'beer'"),
        ("person: anna, product: can-01, slot: roof/1/1, kind: take, time_s: 14", "no slot 'roof/1/1'"),
        ("person: anna, product: can-01, slot: north-left/5/1, kind: take, time_s: 1", "at the earliest"),
    ],
)
def test_an_impossible_list_is_refused(tmp_path, shop, event, reason):
    with pytest.raises(ScenarioError, match=rf"wrong\.yaml, line 2\b.*{reason}"):
        play(*shop, listed(tmp_path, event), 0)


def test_somebody_too_short_is_drawn_anew(tmp_path, shop):
    plan, catalogue = shop
    high = max(plan.slots(), key=lambda slot: slot.corner[2])
    text = HEAD + f"      - take: {{slot: {high.id}, aside_m: 0.6}}\n"
    timelines = [play(plan, catalogue, load_scenario(written(tmp_path, text)), 0) for _ in range(2)]
    first_drawn = character(0, 0, False)
    for timeline in timelines:
        assert timeline.seed == 0
        assert timeline.actors[0].character.traits.height_m > first_drawn.traits.height_m
    assert timelines[0].events == timelines[1].events
