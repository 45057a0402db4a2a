from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.events import (
    EVENT_TYPES,
    BasketLine,
    Chance,
    Event,
    PersonEntered,
    PersonMoved,
    PersonTogether,
    PlateRead,
    ProductEvent,
    ProductTaken,
    UnknownEventTypeError,
    from_cloudevent,
    new_event_id,
)

text = st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
unit = st.floats(0, 1)
gtin = st.from_regex(r"\A[0-9]{14}\Z")
point = st.tuples(finite, finite)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(min_size=1, max_size=128),
    "store": text,
    "time": st.floats(0, 253_402_300_798),
    "cameras": st.lists(text, max_size=3).map(tuple),
    "confidence": unit,
    "evidence": st.lists(text, max_size=3).map(tuple),
    "gtin": gtin,
    "slot": text,
    "quantity": st.integers(1, 1_000),
    "remaining": st.integers(0, 10**6),
    "people": st.integers(0, 10**6),
    "entered_at": finite,
    "dwell_s": st.floats(0, 1e9),
    "direction": st.sampled_from(["in", "out"]),
    "way": st.sampled_from(["in", "out"]),
    "open": st.booleans(),
    "adult": st.booleans(),
    "role": st.sampled_from(["customer", "staff", "tester"]),
    "group_size": st.integers(1, 20),
    "total": st.none() | st.integers(),
    "by": st.sampled_from(["evidence", "balance", "review"]),
    "settles": st.text(min_size=1, max_size=20),
    **dict.fromkeys(
        ("entries", "exits", "inside_before", "inside", "begun_away", "ended_away", "doubled"), st.integers(0, 99)
    ),
    "period_s": st.floats(0, 1e6),
    "sigma": st.floats(0, 99),
    "fails": st.lists(st.sampled_from(["balance", "begins", "ends", "twice"]), unique=True).map(tuple),
    "about": st.text(min_size=1, max_size=20),
    "lines": st.lists(
        st.builds(BasketLine, gtin=gtin, quantity=st.integers(), unit_price=st.integers(), confidence=unit), max_size=3
    ).map(tuple),
}


@st.composite
def moved(draw: st.DrawFn) -> PersonMoved:
    n = draw(st.integers(0, 4))

    def rows(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(strategy, min_size=n, max_size=n)))

    common = {name: draw(FIELDS[name]) for name in ("id", "store", "time", "cameras", "confidence", "evidence")}
    if draw(st.booleans()):
        row = (
            st.lists(st.sampled_from(range(len(common["cameras"]))), unique=True) if common["cameras"] else st.just([])
        )
        return PersonMoved(
            **common, track_id=rows(text), time_s=rows(finite), xy_m=rows(point), seen_by=rows(row.map(tuple))
        )
    return PersonMoved(
        **common,
        camera=draw(text),
        size=draw(st.tuples(st.integers(1, 9999), st.integers(1, 9999))),
        track_id=rows(text),
        time_s=rows(finite),
        xy=rows(point),
        xy_m=rows(point) if draw(st.booleans()) else None,
    )


def any_event(cls: type[Event]) -> st.SearchStrategy[Event]:
    if cls is PersonMoved:
        return moved()
    if cls is PlateRead:
        common = {name: FIELDS[name] for name in ("id", "store", "time", "cameras", "confidence", "evidence")}
        readings = st.lists(st.tuples(text, FIELDS["time"], finite), max_size=4)
        return st.builds(
            lambda rows, **fields: PlateRead(
                **fields,
                plate=tuple(row[0] for row in rows),
                time_s=tuple(row[1] for row in rows),
                grams=tuple(row[2] for row in rows),
            ),
            rows=readings,
            **common,
        )
    given_fields = {name: FIELDS.get(name, text) for name in cls.model_fields}
    if cls is PersonTogether:
        given_fields["track_id"] = st.lists(text, min_size=2, max_size=4).map(tuple)
    if "reason" in given_fields:
        given_fields["reason"] = REASONS.get(cls.type, text)
    if "who" in given_fields:
        del given_fields["who"], given_fields["what"]
        chances = st.tuples(text, gtin).map(lambda ids: ((chance_of(ids[0], 0.5),), (chance_of(ids[1]),)))
        built = st.builds(cls, **given_fields)
        return st.tuples(built, chances).map(lambda pair: with_chances(*pair))
    return st.builds(cls, **given_fields)


REASONS: dict[str, st.SearchStrategy[Any]] = {
    "session.closed": st.sampled_from(["left", "turned_back", "lost"]),
    "review.requested": st.sampled_from(["unsure", "disputed"]),
}


def chance_of(id: str, probability: float = 0.25) -> Chance:
    return Chance(id=id, probability=probability)


def with_chances(event: Event, chances: tuple[tuple[Chance, ...], tuple[Chance, ...]]) -> Event:
    """The event, its likeliest among the possibilities where it has one."""
    who, what = chances
    if isinstance(event, ProductEvent):
        who = tuple(dict.fromkeys((chance_of(event.track_id), *(c for c in who if c.id != event.track_id))))
        what = tuple(dict.fromkeys((chance_of(event.gtin), *(c for c in what if c.id != event.gtin))))
    return type(event).model_validate({**event.model_dump(), "who": who, "what": what})


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_an_event_survives_the_way_through_json(kind: str) -> None:
    @given(any_event(EVENT_TYPES[kind]))
    def check(event: Event) -> None:
        document = json.loads(json.dumps(event.to_cloudevent()))
        back = from_cloudevent(document)
        assert type(back) is EVENT_TYPES[kind]
        assert abs(back.time - event.time) <= 1e-6 + event.time * 2**-52
        assert back.model_copy(update={"time": event.time}) == event
        assert from_cloudevent(back.to_cloudevent()) == back

    check()


def test_the_vocabulary_is_whole() -> None:
    def concrete(cls: type[Event]) -> set[type[Event]]:
        return {cls} if not cls.__subclasses__() else set().union(*map(concrete, cls.__subclasses__()))

    assert set(EVENT_TYPES.values()) == concrete(Event)
    assert all(kind == cls.type for kind, cls in EVENT_TYPES.items())


def test_a_cloudevent_is_what_the_specification_wants() -> None:
    event = PersonEntered(id="1", store="corner shop/2", time=1_700_000_000.25, cameras=("door",), track_id="t")
    assert event.to_cloudevent() == {
        "specversion": "1.0",
        "id": "1",
        "source": "/stores/corner%20shop%2F2",
        "type": "person.entered",
        "time": "2023-11-14T22:13:20.250000+00:00",
        "datacontenttype": "application/json",
        "data": {"cameras": ["door"], "confidence": 1.0, "evidence": [], "track_id": "t"},
    }


def test_another_offset_from_utc_is_the_same_moment() -> None:
    document = PersonEntered(store="s", time=1_700_000_000.0, track_id="t").to_cloudevent()
    assert from_cloudevent({**document, "time": "2023-11-15T00:13:20+02:00"}).time == 1_700_000_000.0
    assert from_cloudevent({**document, "time": "2023-11-14T22:13:20Z"}).time == 1_700_000_000.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"time": "2023-11-14T22:13:20"}, "offset from UTC"),
        ({"time": 1_700_000_000}, "time must be a string"),
        ({"time": "yesterday"}, "isoformat"),
        ({"data": ["t"]}, "data an object"),
        ({"data": {"track_id": "t", "face": "x"}}, "face"),
        ({"data": {}}, "track_id"),
        ({"specversion": "0.3"}, r"'0\.3' is not understood"),
        ({"source": "/shops/s"}, "begins with /stores/"),
        ({"source": 7}, "begins with /stores/"),
        ({"id": ""}, "id"),
        ({"data": {"track_id": "t", "confidence": 1.5}}, "confidence"),
    ],
)
def test_what_is_no_event_of_ours_is_refused(change: dict[str, Any], says: str) -> None:
    document = PersonEntered(store="s", time=1.0, track_id="t").to_cloudevent()
    assert from_cloudevent(document).id == document["id"]
    with pytest.raises(ValueError, match=says) as caught:
        from_cloudevent({**document, **change})
    assert not isinstance(caught.value, UnknownEventTypeError)


@pytest.mark.parametrize("field", ["specversion", "id", "source", "time", "data"])
def test_a_missing_field_is_named(field: str) -> None:
    document = PersonEntered(store="s", time=1.0, track_id="t").to_cloudevent()
    del document[field]
    with pytest.raises(ValueError, match=f"not a CloudEvent: {field} missing"):
        from_cloudevent(document)


@pytest.mark.parametrize("kind", ["person.flew", None, 7])
def test_a_type_outside_the_vocabulary_is_named(kind: object) -> None:
    with pytest.raises(UnknownEventTypeError, match=r"known: basket\.changed, camera\.degraded"):
        from_cloudevent({"type": kind})


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1.0, 1e12])
def test_a_time_that_no_calendar_has_is_refused(time: float) -> None:
    with pytest.raises(ValueError, match="time"):
        PersonEntered(store="s", time=time, track_id="t")


@pytest.mark.parametrize(
    "change", [{"time_s": (1.0,)}, {"xy": ((0.0, 0.0),)}, {"xy_m": ((0.0, 0.0),)}, {"track_id": ("a",)}]
)
def test_the_lists_of_a_movement_are_parallel(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "store": "s", "time": 1.0, "camera": "c", "size": (8, 8), "track_id": ("a", "b"), "time_s": (1.0, 1.0),
        "xy": ((0.0, 0.0), (1.0, 1.0)),
    }  # fmt: skip
    PersonMoved(**fields)
    with pytest.raises(ValueError, match="lists as long as track_id"):
        PersonMoved(**{**fields, **change})


def test_ids_sort_by_the_time_they_were_made_and_differ() -> None:
    ids = [new_event_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert [i[:12] for i in ids] == sorted(i[:12] for i in ids)
    assert abs(int(ids[0][:12], 16) / 1000 - datetime.now().timestamp()) < 3_600
    assert {len(i) for i in ids} == {32}


def taken(**fields: Any) -> ProductTaken:
    return ProductTaken(**{"store": "s", "time": 1.0, "track_id": "a", "gtin": "0" * 14, **fields})


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ([("a", 0.7), ("b", 0.4)], "add up to 1.1"),
        ([("b", 1.0)], "must name 'a', the likeliest"),
        ([("a", 0.5), ("a", 0.5)], "names an id twice"),
    ],
)
def test_possibilities_that_cannot_be_are_refused(who: list[tuple[str, float]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        taken(who=tuple(chance_of(*pair) for pair in who))
    assert taken(who=(chance_of("a", 0.7), chance_of("b", 0.3))).who[1].id == "b"


@pytest.mark.parametrize("quantity", [0, -1, 1_001])
def test_nobody_takes_so_many(quantity: int) -> None:
    with pytest.raises(ValueError, match="quantity"):
        taken(quantity=quantity)


def test_where_people_were_is_told_of_a_camera_or_of_the_floor() -> None:
    rows = {"store": "s", "time": 2.0, "cameras": ("a", "b"), "track_id": ("x", "y"), "time_s": (1.0, 2.0)}
    floor = PersonMoved(**rows, xy_m=((1.0, 2.0), (3.0, 4.0)), seen_by=((0, 1), (1,)))
    assert [floor.rows_cameras(row) for row in (0, 1)] == [("a", "b"), ("b",)]
    camera = PersonMoved(**rows, camera="a", size=(9, 9), xy=((1.0, 2.0), (3.0, 4.0)))
    assert camera.rows_cameras(1) == ("a", "b")
    for wrong, said in (
        ({"camera": "a"}, "camera, size and xy together"),
        ({}, "without a camera needs xy_m"),
        ({"xy_m": ((1.0, 2.0),)}, "as long as track_id"),
        ({"xy_m": floor.xy_m, "seen_by": ((0,), (2,))}, "camera 2 of 2"),
    ):
        with pytest.raises(ValueError, match=said):
            PersonMoved(**rows, **wrong)
