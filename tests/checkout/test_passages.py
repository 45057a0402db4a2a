"""Who passes which gate, from where people are on the floor."""

from __future__ import annotations

from checkout.passages import Passages
from datasets.simulation.goods.products import generate_catalogue
from datasets.simulation.scenario import family, play
from store.events import PersonLeft, PersonMoved, SessionOpened
from store.plan import Plan, example_plan, load_plan

PLAN = Plan.model_validate(
    {
        "store": "s",
        "floor": {"polygon": [[0, 0], [10, 0], [10, 8], [0, 8]]},
        "gates": [
            {"name": "entry", "a": [1, 0], "b": [2, 0], "way": "in"},
            {"name": "exit", "a": [8, 0], "b": [9, 0], "way": "out"},
        ],
    }
)


def walk(track: str, *places: tuple[float, float, float]) -> PersonMoved:
    times, xs, ys = zip(*places, strict=True)
    return PersonMoved(
        store="s", time=times[-1], cameras=("c",), camera="c", size=(8, 8), track_id=(track,) * len(places),
        time_s=times, xy=((0.0, 0.0),) * len(places), xy_m=tuple(zip(xs, ys, strict=True)),
    )  # fmt: skip


def found(passages: Passages, *events) -> list[tuple[str, str, str, float]]:
    return [(p.track_id, p.gate, p.way, p.time) for event in events for p in passages.take(event)]


def left(track: str, at: float) -> PersonLeft:
    return PersonLeft(store="s", time=at, track_id=track, entered_at=0.0)


def test_a_way_across_the_line_is_a_passage():
    way = walk("a", (1, 1.5, -1), (2, 1.5, -0.3), (3, 1.5, 0.5), (4, 5, 4), (5, 8.5, 0.5), (6, 8.5, -0.5))
    assert found(Passages(PLAN), way) == [("a", "entry", "in", 3.0), ("a", "exit", "out", 6.0)]


def test_batches_make_no_difference_and_old_rows_none():
    passages = Passages(PLAN)
    first, second = walk("a", (1, 1.5, -0.5), (2, 1.5, 0.5)), walk("a", (3, 1.5, 1.5), (4, 4, 4))
    assert found(passages, first, first, second, first) == [("a", "entry", "in", 2.0)]


def test_whoever_is_first_seen_inside_at_the_entry_came_in_there():
    assert found(Passages(PLAN), walk("a", (1, 1.5, 0.6), (2, 2, 2))) == [("a", "entry", "in", 1.0)]
    assert found(Passages(PLAN), walk("a", (1, 5, 5), (2, 1.5, 0.5))) == []
    assert found(Passages(PLAN), walk("a", (1, 8.5, 0.5))) == []


def test_whoever_is_last_seen_at_the_exit_went_out_there():
    passages = Passages(PLAN)
    assert found(passages, walk("a", (1, 5, 5), (2, 8.5, 0.8)), left("a", 9)) == [("a", "exit", "out", 9.0)]
    assert found(passages, walk("b", (1, 5, 5)), left("b", 9), left("nobody", 9)) == []


def test_feet_on_the_line_are_no_passage():
    jitter = [(float(t), 1.5, 0.1 if t % 2 else -0.1) for t in range(2, 9)]
    assert found(Passages(PLAN), walk("a", (1, 1.5, -1), *jitter, (9, 1.5, 1))) == [("a", "entry", "in", 9.0)]


def test_who_turns_back_goes_out_by_the_way_in():
    way = walk("a", (1, 1.5, -1), (2, 1.5, 0.5), (3, 1.5, -0.5), (4, 1.5, 0.5))
    ways = [("in", 2.0), ("out", 3.0), ("in", 4.0)]
    assert found(Passages(PLAN), way) == [("a", "entry", direction, at) for direction, at in ways]


def test_without_a_floor_nothing_is_known():
    assert found(Passages(None), walk("a", (1, 1.5, -1), (2, 1.5, 1))) == []
    passages = Passages(PLAN)
    assert found(passages, walk("a", (1, 5, 5), (2, 8.5, 0.8))) == []
    passages.forget(100.0)
    assert found(passages, left("a", 101)) == []


def test_simulated_shoppers_pass_where_they_come_in_and_go_out():
    timeline = play(load_plan(example_plan("nano")), generate_catalogue(1), family("tailgater"), 1)
    gates = {gate.name: gate.way for gate in timeline.plan.gates}
    passages = Passages(timeline.plan)
    came = [passed for event in timeline.events for passed in passages.take(event)]
    for actor in timeline.actors:
        ways = [(p.way, gates[p.gate]) for p in came if p.track_id == actor.track_id]
        assert [way for way, _ in ways] == ["in", "out"]
        assert all(allowed in (way, "both") for way, allowed in ways)
    opened = {e.session_id: e.time for e in timeline.events if isinstance(e, SessionOpened)}
    for passed in (p for p in came if p.way == "in"):
        session = next(a.session_id for a in timeline.actors if a.track_id == passed.track_id)
        assert session is None or abs(passed.time - opened[session]) < 20


def test_who_is_told_of_on_the_floor_and_by_each_camera_passes_once():
    camera = walk("a", (1, 1.5, -0.5), (2, 1.5, 0.5), (3, 1.5, 1.5))
    floor = PersonMoved(
        store="s", time=3.0, cameras=("c", "d", "e"), track_id=camera.track_id, time_s=camera.time_s, xy_m=camera.xy_m,
        seen_by=((2,), (1, 0), (1,)),
    )  # fmt: skip
    passages = Passages(PLAN)
    (passed,) = [p for event in (floor, camera, camera) for p in passages.take(event)]
    assert (passed.gate, passed.way, passed.time) == ("entry", "in", 2.0)
    assert passed.cameras == ("d", "c")  # killed: all cameras of the batch, or the first one's
