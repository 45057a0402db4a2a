"""Counting who is there from events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.now import Now
from store.events import FloorAudited, PersonEntered, PersonLeft, PersonMoved, ZoneEntered, ZoneLeft

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


def on_floor(at: float, *tracks: str, cameras: tuple[str, ...] = ("door", "aisle")) -> PersonMoved:
    n = len(tracks)
    return PersonMoved(
        store="s", time=at, cameras=cameras, track_id=tracks, time_s=(at,) * n, xy_m=((1.0, 1.0),) * n
    )  # fmt: skip


def test_on_the_floor_everybody_is_one_person_and_in_the_pictures_that_show_them():
    now = Now()
    now.take(PersonEntered(store="s", time=1.0, cameras=("door",), track_id="a"))
    now.take(on_floor(1.0, "a"))
    now.take(person("moved", "a"))
    assert (now.floor().people, now.present("door").people, now.present("aisle").people) == (1, 1, 0)
    now.take(on_floor(20.0, "a", "b"))  # elsewhere now, and somebody else came
    assert now.floor().people == 2
    assert now.present("door").people == 0  # killed: everybody stays in every picture until they leave the shop
    now.take(PersonLeft(store="s", time=20.0, cameras=("door", "aisle"), track_id="a", entered_at=1.0))
    assert (now.floor().people, now.floor().time) == (1, 20.0)


def test_the_newest_audit_is_shown_while_the_floor_is_watched():
    clock = Clock()
    now = Now(silent_s=20.0, clock=clock)
    numbers = dict.fromkeys(("entries", "exits", "inside_before", "begun_away", "ended_away", "doubled"), 0)
    audits = [
        FloorAudited(store="s", time=t, period_s=60.0, inside=n, sigma=0.5, **numbers) for t, n in ((1.0, 1), (2.0, 4))
    ]
    for audit in audits:
        now.take(audit)
    assert now.floor().audit is None
    now.take(on_floor(2.0, "a"))
    assert now.floor().audit == audits[1]
    clock.at = 21.0
    assert (now.floor().live, now.floor().people, now.floor().audit) == (False, 0, None)
