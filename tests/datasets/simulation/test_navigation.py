from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.simulation.errors import ScenarioError
from datasets.simulation.navigation import Blocking, browse_places, direct, meeting_place, outside
from datasets.simulation.script import Act, Go, Lay, Lift, Meet, Script, Step, Wait
from store.layout import Fixture, Floor, Gate, Plan, Shelf, Slot, Wall

NORTH, SOUTH, EAST, WEST = math.pi / 2, -math.pi / 2, 0.0, math.pi


def shelf() -> Shelf:
    return Shelf(z_m=0.9, depth_m=0.4, slots=tuple(Slot(product="box-01", at_m=0.5 * n, width_m=0.4) for n in range(4)))


def room() -> Plan:
    """6 m by 4 m, shelves north and west, an island, a door at each end of the south wall."""
    return Plan(
        store="room",
        floor=Floor(polygon=((0, 0), (6, 0), (6, 4), (0, 4))),
        gates=(Gate(name="in", a=(0.6, 0), b=(1.7, 0), way="in"), Gate(name="out", a=(4.3, 0), b=(5.4, 0), way="out")),
        walls=(Wall(name="pillar", a=(5.6, 2.0), b=(6.0, 2.0), thickness_m=0.3),),
        fixtures=(
            Fixture(
                name="north", xy=(3.2, 3.75), heading_deg=-90, length_m=4, depth_m=0.45, height_m=2, shelves=(shelf(),)
            ),
            Fixture(
                name="west", xy=(0.25, 2.0), heading_deg=0, length_m=2, depth_m=0.45, height_m=2, shelves=(shelf(),)
            ),
            Fixture(name="island", kind="table", xy=(3.2, 1.9), heading_deg=30, length_m=1.2, depth_m=0.7, height_m=1),
        ),
    )


def aisle(width: float) -> Plan:
    """A straight aisle of 6 m with 2 m of floor and a gate before each end."""
    side = {"length_m": 6.0, "depth_m": 0.5, "height_m": 1.8}
    return Plan(
        store="aisle",
        floor=Floor(polygon=((0, 0), (10, 0), (10, width + 1), (0, width + 1))),
        gates=(Gate(name="w", a=(0, 0.5), b=(0, 0.5 + width)), Gate(name="e", a=(10, 0.5), b=(10, 0.5 + width))),
        fixtures=(
            Fixture(name="s", xy=(5, 0.25), heading_deg=90, **side),
            Fixture(name="n", xy=(5, width + 0.75), heading_deg=-90, **side),
        ),
    )


def solid(plan: Plan) -> shapely.Geometry:
    """What nobody walks through: furniture and walls, the outer ones but for the gates."""
    assert plan.floor is not None
    parts = []
    for fixture in plan.fixtures:
        box = shapely.box(-fixture.depth_m / 2, -fixture.length_m / 2, fixture.depth_m / 2, fixture.length_m / 2)
        turned = shapely.affinity.rotate(box, fixture.heading_deg, origin=(0, 0))
        parts.append(shapely.affinity.translate(turned, *fixture.xy))
    parts += [shapely.LineString([w.a, w.b]).buffer(w.thickness_m / 2, cap_style="flat") for w in plan.walls]
    openings = shapely.union_all([shapely.LineString([g.a, g.b]).buffer(0.05) for g in plan.gates])
    return shapely.union_all([*parts, shapely.Polygon(plan.floor.polygon).exterior.difference(openings)])


def together(blockings: tuple[Blocking, ...]) -> np.ndarray:
    """Positions (people, ticks, 2), NaN where somebody is not there."""
    ticks = [np.round(b.walk.time_s * 20).astype(int) for b in blockings]
    xy = np.full((len(blockings), max(t[-1] for t in ticks) + 1, 2), np.nan)
    for person, (tick, blocking) in enumerate(zip(ticks, blockings, strict=True)):
        xy[person, tick] = blocking.walk.xy
    return xy


def nearest(blockings: tuple[Blocking, ...]) -> float:
    xy = together(blockings)
    pairs = [np.linalg.norm(xy[i] - xy[j], axis=1) for i in range(len(xy)) for j in range(i)]
    return float(np.nanmin([np.inf, *(d for pair in pairs for d in pair if np.isfinite(d))]))


def check(plan: Plan, scripts: tuple[Script, ...], blockings: tuple[Blocking, ...]) -> None:
    """All that must hold for whatever people are asked to do."""
    assert nearest(blockings) >= 0.5
    ends: dict[str, set[float]] = {}
    for script, blocking in zip(scripts, blockings, strict=True):
        walk = blocking.walk
        assert np.allclose(np.diff(walk.time_s), 0.05)
        assert shapely.distance(shapely.points(walk.xy), solid(plan)).min() >= 0.18
        velocity = np.diff(walk.xy, axis=0) * 20
        speed = np.linalg.norm(velocity, axis=1)
        assert speed.max(initial=0.0) <= script.speed_mps + 1e-6
        assert np.abs(np.diff(speed)).max(initial=0.0) * 20 <= 1.2
        assert np.abs(np.diff(walk.heading)).max(initial=0.0) * 20 <= 2.6
        assert len(blocking.steps) == len(script.steps)
        assert blocking.steps[0][0] == pytest.approx(walk.time_s[0])
        assert blocking.steps[0][0] >= script.start_s - 1e-9
        assert blocking.steps[-1][1] == pytest.approx(walk.time_s[-1])
        assert all(one[1] == two[0] for one, two in pairwise(blocking.steps))
        assert walk.xy[0] == pytest.approx(script.xy)
        slides(script, blocking)
        for step, (start, end) in zip(script.steps, blocking.steps, strict=True):
            span = (walk.time_s >= start - 1e-6) & (walk.time_s <= end + 1e-6)
            if isinstance(step, Go):
                assert walk.xy[span][-1] == pytest.approx(step.xy)
                if step.heading is not None:
                    assert math.remainder(walk.heading[span][-1] - step.heading, math.tau) == pytest.approx(0, abs=0.05)
            elif isinstance(step, Act):
                assert step.duration_s <= end - start + 1e-9 < step.duration_s + 0.05 + 1e-6
                assert np.ptp(walk.xy[span], axis=0).max() == 0.0
                assert np.ptp(walk.heading[span]) == 0.0
            elif isinstance(step, Wait):
                assert end - start >= step.duration_s - 1e-9
                assert end >= step.until_s - 1e-9
            elif isinstance(step, Meet):
                ends.setdefault(step.label, set()).add(end)
    assert all(len(moments) == 1 for moments in ends.values())


def slides(script: Script, blocking: Blocking) -> None:
    """Nobody slides sideways or backwards, but within 0.4 m of where a walk begins or ends."""
    walk = blocking.walk
    velocity = np.diff(walk.xy, axis=0) * 20
    heading = (walk.heading[1:] + walk.heading[:-1]) / 2
    ahead = velocity[:, 0] * np.cos(heading) + velocity[:, 1] * np.sin(heading)
    across = np.abs(velocity[:, 1] * np.cos(heading) - velocity[:, 0] * np.sin(heading))
    stands = np.flatnonzero(np.linalg.norm(velocity, axis=1) < 1e-6)
    rests = np.concatenate([walk.xy[:1], walk.xy[stands], walk.xy[-1:]])
    near = np.linalg.norm(walk.xy[1:, None] - rests[None], axis=-1).min(axis=1) < 0.4
    assert across[~near].max(initial=0.0) <= 0.1
    assert ahead[~near].min(initial=0.0) >= -0.1


def shoppers(plan: Plan, people: int, seed: int) -> tuple[Script, ...]:
    """People who come in, look at some shelves, meet in pairs and leave."""
    rng = np.random.default_rng(seed)
    shelves = browse_places(plan)
    gates = [gate.name for gate in plan.gates]
    scripts = []
    meeting = meeting_place(plan, (2.0, 2.6), 2, 0.7) if people > 1 else []
    for person in range(people):
        start, heading = outside(plan, gates[0])
        steps: list[Step] = []
        for _ in range(int(rng.integers(1, 4))):
            steps.append(Go(*shelves[rng.integers(len(shelves))]))
            steps.append(Act((), float(rng.uniform(0.5, 3))) if rng.random() < 0.7 else Wait(float(rng.uniform(0, 2))))
        if person < len(meeting):
            steps += [Go(*meeting[person]), Meet("pair"), Act((), 1.0), Wait(until_s=30.0)]
        steps.append(Go(outside(plan, gates[-1])[0]))
        scripts.append(
            Script(f"p{person}", float(rng.uniform(0, 8)), start, heading, tuple(steps), float(rng.uniform(0.8, 1.3)))
        )
    return tuple(scripts)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(people=st.integers(1, 5), seed=st.integers(0, 99))
def test_whatever_people_do_they_keep_apart_and_move_like_people(people: int, seed: int) -> None:
    plan = room()
    scripts = shoppers(plan, people, seed)
    check(plan, scripts, direct(scripts, plan, seed=seed))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    width=st.sampled_from([0.9, 1.2, 1.6]),
    starts=st.lists(st.floats(1.2, 8.8), min_size=2, max_size=3),
    seed=st.integers(0, 99),
)
def test_people_in_one_aisle_all_get_where_they_want(width: float, starts: list[float], seed: int) -> None:
    plan = aisle(width)
    rng = np.random.default_rng(seed)
    middle = 0.5 + width / 2
    scripts = []
    for number, x in enumerate(starts):
        if any(abs(x - other.xy[0]) < 0.6 for other in scripts):
            continue
        away = 9.0 if x < 5 else 1.0
        steps = (Act((), float(rng.uniform(0, 2))), Go((away, middle)), Go(outside(plan, "e" if away > 5 else "w")[0]))
        scripts.append(Script(f"p{number}", 0.0, (x, middle), EAST, steps))
    check(plan, tuple(scripts), direct(scripts, plan, seed=seed))


@pytest.mark.parametrize("width", [0.9, 1.2])
def test_two_who_meet_head_on_in_an_aisle_both_pass(width: float) -> None:
    plan, middle = aisle(width), 0.5 + width / 2
    scripts = (
        Script("right", 0.0, (4.0, middle), EAST, (Act((), 1.0), Go((9.0, middle)), Wait(1.0))),
        Script("left", 0.0, (6.0, middle), WEST, (Act((), 1.0), Go((1.0, middle)), Wait(1.0))),
    )
    blockings = direct(scripts, plan, seed=1)
    check(plan, scripts, blockings)
    assert all(blocking.walk.time_s[-1] < 30.0 for blocking in blockings)


def test_who_waits_for_a_meeting_lets_the_other_pass_and_comes_back() -> None:
    plan, middle = aisle(0.9), 0.95
    scripts = (
        Script("stands", 0.0, (5.0, middle), SOUTH, (Meet("both"), Act((), 1.0))),
        Script("passes", 0.0, (9.0, middle), WEST, (Go((1.0, middle)), Meet("both"), Wait(1.0))),
    )
    blockings = direct(scripts, plan, seed=0)
    check(plan, scripts, blockings)
    assert np.linalg.norm(blockings[0].walk.xy - (5.0, middle), axis=1).max() > 1.0
    assert blockings[0].walk.xy[-1] == pytest.approx((5.0, middle))
    assert math.remainder(blockings[0].walk.heading[-1] - SOUTH, math.tau) == pytest.approx(0.0)


def test_two_change_places() -> None:
    plan = room()
    one, two = (2.6, 3.0), (3.4, 3.0)
    scripts = (
        Script("a", 0.0, one, NORTH, (Act((), 1.0), Go(two, NORTH), Act((), 1.0))),
        Script("b", 0.0, two, NORTH, (Act((), 1.0), Go(one, NORTH), Act((), 1.0))),
    )
    check(plan, scripts, direct(scripts, plan, seed=3))


def test_neighbours_stand_as_near_as_slots_are() -> None:
    plan = room()
    start, heading = outside(plan, "in")
    scripts = tuple(
        Script(f"p{n}", 0.0, start, heading, (Go((2.0 + 0.55 * n, 3.0), NORTH), Meet("all", 3), Act((), 1.0)))
        for n in (0, 2, 1)
    )
    blockings = direct(scripts, plan, seed=0)
    check(plan, scripts, blockings)
    assert nearest(blockings) == pytest.approx(0.55, abs=0.05)


def test_a_person_with_a_trolley_keeps_more_distance() -> None:
    plan = aisle(3.0)
    scripts = (
        Script("trolley", 0.0, (1.0, 2.0), EAST, (Go((9.0, 2.0)), Wait(1.0)), radius_m=0.45),
        Script("basket", 0.0, (9.0, 2.0), WEST, (Go((1.0, 2.0)), Wait(1.0))),
    )
    assert nearest(direct(scripts, plan, seed=0)) >= 0.7


def test_a_short_way_is_a_step_to_the_side_that_keeps_the_heading() -> None:
    plan = room()
    scripts = (Script("p", 0.0, (2.0, 3.0), NORTH, (Go((2.3, 3.0), NORTH), Act((), 1.0))),)
    (blocking,) = direct(scripts, plan, seed=0)
    assert np.ptp(blocking.walk.heading) < 1e-9
    assert blocking.steps[0][1] < 2.0


def test_who_finds_the_entrance_taken_comes_later() -> None:
    plan = room()
    start, heading = outside(plan, "in")
    scripts = tuple(Script(n, 1.0, start, heading, (Go((2.0, 2.9), NORTH), Wait(1.0))) for n in ("first", "second"))
    first, second = direct(scripts[:1], plan, seed=0) + direct(scripts, plan, seed=0)[1:]
    assert first.walk.time_s[0] == pytest.approx(1.0)
    assert second.walk.time_s[0] > 2.0


def test_waits_last_until_the_later_of_both_moments() -> None:
    plan = room()
    steps = (Wait(2.0, until_s=1.0), Wait(1.0, until_s=7.5), Act((), 0.12))
    (blocking,) = direct((Script("p", 0.5, (2.0, 2.9), EAST, steps),), plan, seed=0)
    assert np.allclose(blocking.steps, [(0.5, 2.5), (2.5, 7.5), (7.5, 7.65)])


def test_the_same_seed_walks_the_same_and_another_one_differs() -> None:
    plan = room()
    scripts = shoppers(plan, 3, 5)
    one, two, other = (direct(scripts, plan, seed=seed) for seed in (5, 5, 6))
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.walk.xy, b.walk.xy)
        assert np.array_equal(a.walk.heading, b.walk.heading)
        assert a.steps == b.steps
    assert not np.array_equal(one[0].walk.xy, other[0].walk.xy)


def script(*steps: Step, name: str = "ada", xy: tuple[float, float] = (2.0, 2.9)) -> Script:
    return Script(name, 0.0, xy, EAST, steps)


def test_places_that_cannot_be_reached_are_refused_by_name() -> None:
    plan = room()
    with pytest.raises(ScenarioError, match=r"ada, step 2 of 2 \(Go\), place \(3\.20, 1\.90\), at 1\.0 s.*inside"):
        direct([script(Wait(1.0), Go((3.2, 1.9)))], plan, seed=0)
    with pytest.raises(ScenarioError, match=r"0\.0\d m from furniture.*0\.19 m are needed"):
        direct([script(Go((3.2, 3.45)))], plan, seed=0)
    with pytest.raises(ScenarioError, match="the start is inside"):
        direct([script(Wait(1.0), xy=(30.0, 1.0))], plan, seed=0)
    closed = plan.model_copy(update={"walls": (Wall(name="across", a=(2.5, 0), b=(2.5, 4)),)})
    with pytest.raises(ScenarioError, match=r"ada, step 1 .*no way leads from \(2\.00, 2\.90\)"):
        direct([script(Go((5.0, 2.9)))], closed, seed=0)
    with pytest.raises(ScenarioError, match=r"bob, step 1 of 2 \(Go\).*no way was free of people"):
        direct([script(Act((), 300.0), xy=(5.0, 2.9)), script(Go((5.0, 2.9), EAST), Wait(), name="bob")], plan, seed=0)


def test_meetings_that_never_come_about_are_refused() -> None:
    plan = room()
    with pytest.raises(ScenarioError, match=r"'talk'.*ada \(2\)"):
        direct([script(Meet("talk"))], plan, seed=0)
    crossed = [
        script(Meet("x"), Meet("y"), name="ada"),
        script(Meet("y"), Meet("x"), name="bob", xy=(3.0, 2.9)),
    ]
    with pytest.raises(ScenarioError, match=r"(ada|bob), step 1 of 2 \(Meet\).*nobody else comes"):
        direct(crossed, plan, seed=0)
    with pytest.raises(ScenarioError, match="has no steps"):
        direct([script()], plan, seed=0)
    with pytest.raises(ScenarioError, match="no floor"):
        direct([script(Wait(1.0))], Plan(store="bare"), seed=0)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_meeting_place_has_room_and_people_face_one_another(count: int) -> None:
    plan = room()
    places = meeting_place(plan, (4.5, 3.0), count, 0.75)
    xy = np.array([place for place, _ in places])
    assert shapely.distance(shapely.points(xy), solid(plan)).min() >= 0.3
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=-1)[~np.eye(count, dtype=bool)]
    assert apart.min() == pytest.approx(0.75)
    to_middle = xy.mean(axis=0) - xy
    headings = np.array([heading for _, heading in places])
    assert np.allclose(np.cos(np.arctan2(to_middle[:, 1], to_middle[:, 0]) - headings), 1.0)
    assert np.linalg.norm(xy.mean(axis=0) - (4.5, 3.0)) < 1.5


def test_browse_places_face_the_shelves_from_where_one_can_stand() -> None:
    plan = room()
    places = browse_places(plan)
    assert {round(math.degrees(heading)) % 360 for _, heading in places} == {90, 180}
    west = [xy for xy, heading in places if round(math.degrees(heading)) % 360 == 180]
    assert all(x == pytest.approx(0.25 - 0.225 + 0.04 + 0.4 + 0.55) for x, _ in west)
    distances = shapely.distance(shapely.points([xy for xy, _ in places]), solid(plan))
    assert distances.min() >= 0.25
    assert distances.max() < 0.7


def test_outside_lies_a_metre_before_the_gate_and_looks_in() -> None:
    plan = room()
    (x, y), heading = outside(plan, "in", aside_m=0.3)
    assert (x, y) == pytest.approx((1.45, -1.0))
    assert heading == pytest.approx(NORTH)
    with pytest.raises(ScenarioError, match=r"no gate 'side'.*in, out"):
        outside(plan, "side")


LAID = (5.0, 1.3)  # beside the middle of an aisle 1.6 m wide


def layer(start_s: float, *, lifts: bool = False) -> Script:
    """Somebody who puts something on the floor in the aisle, stands there, and takes it away again if ``lifts``."""
    ends = (Lift("it"),) if lifts else ()
    steps = (Go((5.0, 0.8), NORTH), Lay("it", LAID), Wait(3.0), *ends, Go((10.6, 1.3)))
    return Script("layer", start_s, (-0.6, 1.3), EAST, steps)


def passer(start_s: float) -> Script:
    return Script("passer", start_s, (-0.6, 1.3), EAST, (Go((10.6, 1.3)),))


def test_people_walk_around_what_lies_on_the_floor_until_it_is_lifted():
    plan = aisle(1.6)
    ways = []
    for lifts in (False, True):
        scripts = (layer(0.0, lifts=lifts), passer(18.0))
        blockings = direct(scripts, plan, seed=3)
        check(plan, scripts, blockings)
        ways.append(np.linalg.norm(blockings[1].walk.xy - LAID, axis=1).min())
    assert ways[0] >= 0.26
    assert ways[1] < 0.26


def test_nothing_is_laid_under_somebodys_feet():
    plan = aisle(1.6)
    for start_s in np.arange(0.0, 6.0, 0.5).tolist():
        scripts = (layer(1.0), passer(start_s))
        who_lays, walker = direct(scripts, plan, seed=3)
        laid = who_lays.steps[2][0]
        away = np.linalg.norm(walker.walk.xy[walker.walk.time_s >= laid - 1e-6] - LAID, axis=1)
        assert away.min(initial=9.0) >= 0.2
