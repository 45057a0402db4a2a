"""Plays a scenario: from a plan, a catalogue, a scenario and a seed to a timeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.errors import UnluckyDrawError
from datasets.simulation.motion import standing_place
from datasets.simulation.motion.body import measure
from datasets.simulation.motion.posture import Goal, find_posture
from datasets.simulation.motion.reach import CROWDED_M, MISS_M
from datasets.simulation.navigation import direct
from datasets.simulation.performance import RIGHT, Performance, Walk
from datasets.simulation.placement import grip_point, standing_poses
from datasets.simulation.scenario.crowd import draw_crowd
from datasets.simulation.scenario.ledger import Books, Ledger, TooEarlyError
from datasets.simulation.scenario.listed import add_listed
from datasets.simulation.scenario.rehearsal import Player, Shop, script_of
from datasets.simulation.scenario.roles import body, cast_numbers, cast_roles, declared
from datasets.simulation.scenario.schema import Scenario
from datasets.simulation.scenario.selection import bind_slots
from datasets.simulation.scenario.shelves import contents_of, draw_stock
from datasets.simulation.scenario.stance import Stances
from datasets.simulation.scenario.steps import rehearse
from datasets.simulation.scenario.surroundings import draw_lights, draw_outages
from datasets.simulation.scenario.truth import true_events
from datasets.simulation.script import Act, Step, Wait
from datasets.simulation.sensors.plates import plate_readings
from datasets.simulation.timeline import Actor, Item, Timeline
from store.catalogue import Catalogue
from store.layout import PlacedSlot, Plan, footprint

START = 1767254400.0  # 2026-01-01 08:00 UTC
DRAWS = 4  # how often all is drawn anew that a draw made impossible
NEXT_DRAW = 2**32  # between the seeds of these draws
ROUNDS = 8  # how often somebody is made to wait for somebody else before it is given up
END_S = 1.0  # the timeline goes on after the last person left
PLATE_HZ = 10.0


def play(plan: Plan, catalogue: Catalogue, scenario: Scenario, seed: int, *, start: float = START) -> Timeline:
    """Play ``scenario`` in the shop of ``plan``: the same arguments give the same timeline, ``start`` its UTC seconds.

    Raises ``ScenarioError`` with file, line and reason for a scenario that cannot be played there.
    """
    unlucky: list[UnluckyDrawError] = []
    for draw in range(DRAWS):
        try:
            return replace(_drawn(plan, catalogue, scenario, seed + draw * NEXT_DRAW, start), seed=seed)
        except UnluckyDrawError as error:
            unlucky.append(error)
    raise unlucky[0]


def _drawn(plan: Plan, catalogue: Catalogue, scenario: Scenario, seed: int, start: float) -> Timeline:
    """The timeline with everything that is left open drawn by ``seed``."""
    slots = plan.slots()
    for slot in slots:
        catalogue.product(slot.slot.product)
    stances = Stances(plan)
    reach = _Reach(stances, catalogue, seed)
    parts = declared(scenario)
    people = cast_numbers(parts)
    bound = bind_slots(scenario, slots, catalogue, seed, lambda slot: reach.all(slot, people))
    stock = draw_stock(
        slots,
        catalogue,
        seed,
        sold=scenario.gaps,
        gaps={bound[name].id for name, choice in scenario.slots.items() if choice.gap},
        least={bound[name].id: max(choice.stock, 4) for name, choice in scenario.slots.items()},
    )
    counts = {slot.id: len(stock[slot.id]) for slot in slots}
    if scenario.crowd is not None:
        everybody = reach.extremes(scenario.crowd.people + len(parts))
        within = [slot for slot in slots if reach.all(slot, everybody)]
        parts += draw_crowd(scenario.crowd, within, counts, seed)
    parts = add_listed(scenario, parts, bound, slots, catalogue, counts)
    roles = cast_roles(scenario, parts, plan, seed)
    shop = Shop(plan, catalogue, scenario, bound, slots, contents_of(slots, catalogue, stock), stances)
    players = rehearse(shop, roles, seed)
    books, walks = _perform(players, shop, stock, seed)
    leaving = max(float(walk.time_s[-1]) for walk in walks)
    duration = scenario.duration_s if scenario.duration_s is not None else round(leaving + END_S, 2)
    numbers: dict[int, tuple[str, int]] = {}
    count = 0
    for slot in slots:
        numbers |= {count + k: (slot.id, k) for k in range(len(stock[slot.id]))}
        count += len(stock[slot.id])
    items = sorted(books.stays)
    furniture = tuple(footprint(fixture) for fixture in plan.fixtures)
    timeline = Timeline(
        plan=plan,
        catalogue=catalogue,
        scenario=scenario.name,
        seed=seed,
        start=start,
        duration_s=duration,
        actors=tuple(
            Actor(
                name=player.name,
                track_id=player.role.track_id,
                role=player.role.role,
                session_id=player.role.session,
                character=player.body,
                performance=Performance(walk, tuple(gestures), tuple(holds), player.role.carrier, furniture),
            )
            for player, walk, gestures, holds in zip(players, walks, books.gestures, books.holds, strict=True)
        ),
        stock=stock,
        moved=tuple(Item(books.product[item], tuple(books.stays[item])) for item in items),
        from_stock=tuple(numbers.get(item) for item in items),
        events=(),
        lights=draw_lights(scenario, seed),
        outages=draw_outages(scenario, plan, seed),
    )
    timeline = replace(timeline, events=true_events(timeline, books.reaches))
    return replace(timeline, plates=plate_readings(timeline, PLATE_HZ, seed))


def _perform(
    players: Sequence[Player], shop: Shop, stock: dict[str, NDArray[np.float64]], seed: int
) -> tuple[Books, list[Walk]]:
    """Direct and book; who comes too early for what another leaves waits, and all is directed again."""
    for _ in range(ROUNDS):
        blockings = direct([script_of(player, shop.plan) for player in players], shop.plan, seed=seed)
        try:
            books = Ledger(players, blockings, contents_of(shop.slots, shop.catalogue, stock), shop.catalogue).book()
        except TooEarlyError as early:
            _wait_before(players[early.player], early.step, early.until_s)
            continue
        return books, [blocking.walk for blocking in blockings]
    raise UnluckyDrawError(f"{shop.scenario.where()}: people wait for one another's packages in circles")


def _wait_before(player: Player, step: int, until_s: float) -> None:
    """Insert a wait before step number ``step`` of the script."""
    assert isinstance(player.script[step], Act)
    waits: Step = Wait(0.0, until_s)
    player.script.insert(step, waits)
    player.deeds = [replace(deed, step=deed.step + (deed.step >= step)) for deed in player.deeds]


class _Reach:
    """Which slots bodies of the cast can reach and stand before."""

    def __init__(self, stances: Stances, catalogue: Catalogue, seed: int) -> None:
        self._stances, self._catalogue, self._seed = stances, catalogue, seed

    def all(self, slot: PlacedSlot, people: Sequence[tuple[int, bool]]) -> bool:
        """Whether each of ``people`` (number in the cast, staff) reaches the first rows of ``slot``."""
        product = self._catalogue.product(slot.slot.product)
        poses = standing_poses(slot, product)
        if not poses.size:
            return False
        front, top = grip_point(poses[0, 0, 0], product), grip_point(poses[0, 0, -1], product)
        deep = STEP_M * math.ceil(REACH_ROWS * product.size_m[1] / STEP_M)
        for goal in (front, top):
            height = STEP_M * round(float(goal[2]) / STEP_M)
            if not all(_reaches(self._seed, *person, height, deep) for person in people):
                return False
        bodies = [body(self._seed, *person) for person in people]
        return all(self._stances.at_slot(one, slot, goal, RIGHT) is not None for one in bodies for goal in (front, top))

    def extremes(self, count: int) -> list[tuple[int, bool]]:
        """The shortest and the tallest of the first ``count`` of the cast."""
        heights = [body(self._seed, number, False).traits.height_m for number in range(count)]
        return [(int(np.argmin(heights)), False), (int(np.argmax(heights)), False)]


REACH_ROWS = 2  # packages behind the front row that hands come to when what stands before is taken
STEP_M = 0.05  # heights and depths are tried in such steps


@lru_cache(maxsize=4096)
def _reaches(seed: int, number: int, staff: bool, height_m: float, deep_m: float) -> bool:
    """Whether the right hand comes to a front row at ``height_m`` and, from there, to ``deep_m`` behind it."""
    person, normal = body(seed, number, staff), (0.0, -1.0)
    xy, heading = standing_place(person, (0.0, 0.0, height_m), normal, RIGHT)
    goals = [Goal(RIGHT, (0.0, depth, height_m), normal, depth) for depth in (0.0, deep_m)]
    found = [find_posture(measure(person), xy, heading, [goal]) for goal in goals]
    return all(posture.miss_m <= MISS_M and posture.crowded_m <= CROWDED_M for posture in found)
