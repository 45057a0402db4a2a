"""Counting who is there from events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.now import Now
from store.events import PersonEntered, PersonLeft, PersonMoved, ZoneEntered, ZoneLeft

TRACKS = st.sampled_from("abcdef")


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def person(kind: str, track: str, at: float = 1.0):
    common = {"store": "s", "time": at, "cameras": ("door",)}
    if kind == "in":
        return PersonEntered(**common, track_id=track)
    if kind == "out":
        return PersonLeft(**common, track_id=track, entered_at=0.0)
    return PersonMoved(**common, camera="door", size=(9, 9), track_id=(track,), time_s=(at,), xy=((1.0, 1.0),))


@given(st.lists(st.tuples(st.sampled_from(["in", "out", "moved"]), TRACKS)))
def test_people_are_those_heard_of_and_not_gone(steps):
    """A batch of movements that comes late brings nobody back who has left."""
    now = Now()
    there: set[str] = set()
    gone: set[str] = set()
    for kind, track in steps:
        if kind == "in" and track in gone:
            continue  # an id lives for one visit
        now.take(person(kind, track))
        if kind == "out":
            there.discard(track)
            gone.add(track)
        elif track not in gone:
            there.add(track)
    assert now.present("door").people == len(there)
    assert now.present("other").people == 0


def test_somebody_not_seen_for_long_is_gone():
    now = Now()
    now.take(person("in", "a", at=0.0))
    now.take(person("moved", "b", at=600.0))
    assert now.present("door").people == 2
    now.take(person("moved", "b", at=600.1))
    assert now.present("door").people == 1


def test_a_silent_camera_shows_nobody_and_starts_anew():
    clock = Clock()
    now = Now(silent_s=20.0, clock=clock)
    now.take(person("in", "a", at=50.0))
    clock.at = 20.0
    assert now.present("door").people == 1
    clock.at = 20.1
    gone = now.present("door")
    assert (gone.people, gone.live, gone.time) == (0, False, 50.0)
    now.take(person("in", "b"))
    assert (now.present("door").people, now.present("door").live) == (1, True)


def test_zones_count_stays():
    now = Now()
    zone = {"store": "s", "time": 1.0, "cameras": ("door",), "zone": "till"}
    for event in (ZoneEntered(**zone), ZoneEntered(**zone), ZoneLeft(**zone, dwell_s=3.0)):
        now.take(event)
    assert now.present("door").zones == {"till": 1}
    for _ in range(3):
        now.take(ZoneLeft(**zone, dwell_s=3.0))
    assert now.present("door").zones == {"till": 0}
