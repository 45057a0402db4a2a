"""A small filmed shop through playback: what the system is given when, and what receipts come of it."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from checkout.policy import Policy
from datasets.sample import DatasetFileError
from models.boxes import Boxes
from store.events import PersonLeft, ProductTaken, SessionOpened
from store.plan import load_plan
from tests.training.truthful import Blind, Truthful
from training.evaluate.checkout_clip import Clip, clips_in
from training.evaluate.checkout_playing import play
from training.evaluate.checkout_stream import CheckoutStream
from training.evaluate.checkout_suite import SuiteSettings
from training.evaluate.checkout_truth import seconds
from vision.shop.networks import Networks

SETTINGS = SuiteSettings(tail_s=2.0)


@pytest.fixture(scope="module")
def clip(small_dataset) -> Clip:
    return clips_in(small_dataset)[0]


def played(clip, change=lambda event: event, sensors=("vision",), settings=SETTINGS):
    made = []

    def open_watcher(clip, networks, is_staff):
        made.append(Truthful(clip, change))
        return made[-1]

    return play(clip, Networks(Blind()), settings, sensors, open_watcher), made


def test_what_is_true_gives_the_true_receipts(clip):
    outcomes, _ = played(clip)
    found = outcomes["vision"]
    assert [session.exact for session in found.sessions] == [True] * len(clip.truth.receipts)
    bought = {session.session: sum(line.quantity for line in session.lines) for session in found.sessions}
    assert bought == {session: products.total() for session, products in clip.truth.receipts.items()}
    assert sum(bought.values()) == 1
    assert all(session.bound and session.final_s is not None for session in found.sessions)
    assert not found.failures
    assert (found.run, found.family, found.people) == ("short-0003", "short", 2)
    assert found.stream_s == pytest.approx(15 + SETTINGS.tail_s, abs=1.0)
    assert {"decode", "detect", "checkout", "watch, vision", "all"} == found.cpu_s.keys()


def test_a_take_that_nobody_tells_is_missed_and_its_reason_found(clip):
    outcomes, _ = played(clip, lambda event: None if isinstance(event, ProductTaken) else event)
    (failure,) = outcomes["vision"].failures
    assert failure.cause == "missed reach"
    assert list(failure.expected.values()) == [1]
    assert failure.got == {}
    (taken,) = clip.truth.products
    assert failure.mistakes[0].time_s == taken.time
    assert f"taken {taken.gtin} at {taken.slot} by anna" in failure.happened[0]
    assert failure.told == ()


def test_a_take_that_is_told_of_somebody_else_is_not_charged_to_who_took_it(clip):
    ben = next(person.track for person in clip.truth.people if person.name == "ben")

    def change(event):
        return event.model_copy(update={"track_id": ben}) if isinstance(event, ProductTaken) else event

    outcomes, _ = played(clip, change)
    (failure,) = outcomes["vision"].failures
    assert (failure.cause, failure.got) == ("wrong person", {})


def test_moments_are_those_of_all_cameras_on_the_shops_clock(clip):
    _, (watcher,) = played(clip)
    times = [time_s for time_s, _ in watcher.moments]
    assert all(a < b for a, b in pairwise(times))
    filmed = [(time_s, of) for time_s, of in watcher.moments if time_s < times[-1] - SETTINGS.tail_s]
    assert all(abs(moment - time_s) <= 0.2 for time_s, of in filmed for moment in of.values())
    exposed: dict[str, list[float]] = {}
    for camera in ("left", "right-side"):
        with (clip.folder / "cameras" / camera / "frames.csv").open(newline="") as file:
            exposed[camera.replace("-", " ")] = [seconds(row["time"]) for row in csv.DictReader(file)]
    for camera, true in exposed.items():
        seen = np.array([of[camera] for _, of in filmed if camera in of])
        assert len(seen) == pytest.approx(len(true), abs=2)
        # The camera's own clock is up to 0.2 s off: taken off, what is left is the stamps' jitter.
        assert np.abs(np.array(true)[:, None] - seen).min(axis=0).max() < 0.02
    # The tail: all cameras go on at the rate of the settings.
    assert len(watcher.moments) - len(filmed) == pytest.approx(SETTINGS.tail_s * SETTINGS.rate_hz, abs=1)


def test_plates_are_read_by_who_has_them_in_time(clip):
    outcomes, (without, having) = played(clip, sensors=("vision", "vision+plates"))
    assert list(outcomes) == ["vision", "vision+plates"]
    assert without.readings == []
    with (clip.folder / "plates.csv").open(newline="") as file:
        told = [(seconds(row["time"]), float(row["weight_g"])) for row in csv.DictReader(file)]
    given = [(t, g) for *_, times, grams in having.readings for t, g in zip(times, grams, strict=True)]
    assert given == told[: len(given)]
    assert len(given) == len(told)
    ends = {number: times[-1] for number, _, times, _ in having.readings}
    # Given before moment n: nothing that was read after the stream had come to it, a gatherer's patience after it.
    assert all(end <= having.moments[number][0] + 0.7 for number, end in ends.items() if number < len(having.moments))
    first_s = having.moments[0][0]
    assert min(end - first_s for end in ends.values()) < 1.0


def test_who_never_leaves_is_given_up_as_lost(clip):
    outcomes, _ = played(
        clip,
        lambda event: None if isinstance(event, PersonLeft) or event.time > clip.truth.products[0].time + 1 else event,
        settings=SuiteSettings(tail_s=0.4, policy=Policy(lost_s=300.0)),
    )
    taker = next(session for session in outcomes["vision"].sessions if session.lines)
    assert taker.exact
    assert taker.final_s > 250


def test_sessions_open_when_codes_are_shown(clip):
    codes = json.loads((clip.folder / "gates.json").read_text())
    opened = clip.openings()
    assert [(event.time, event.gate, event.session_id) for event in opened] == [
        (seconds(code["time"]), code["gate"], code["session_id"]) for code in codes
    ]
    assert [(event.role, event.group_size, event.adult) for event in opened] == [("customer", 1, True)] * 2


def test_staff_show_codes_too_and_groups_share_one(clip, tmp_path):
    folder = shutil.copytree(clip.folder, tmp_path / "short-0003")
    people = json.loads((folder / "people.json").read_text())
    people[1]["session_id"] = people[0]["session_id"]
    (folder / "people.json").write_text(json.dumps(people))
    first = next(event for event in Clip(folder).openings() if event.session_id == people[0]["session_id"])
    assert first.group_size == 2
    people[1].update(session_id=None, role="staff")
    (folder / "people.json").write_text(json.dumps(people))
    staff = [event for event in Clip(folder).openings() if event.role == "staff"]
    came = next(person.came_s for person in Clip(folder).truth.people if person.role == "staff")
    assert [event.gate for event in staff] == ["door"]
    assert 0 < came - staff[0].time < 1


def test_the_stream_opens_sessions_at_their_time_alone(clip):
    opening = SessionOpened(store="s", time=5.0, session_id="x", gate="door")
    stream = CheckoutStream(clip.plan, clip.catalogue, Policy(), [opening])
    stream.tick(4.9)
    assert stream.shop.session("x") is None
    stream.take(5.0, [])
    assert stream.shop.session("x") is not None
    assert [fact.type for fact in stream.facts] == ["session.opened"]
    stream.finish()
    assert [fact.type for fact in stream.facts] == ["session.opened", "session.closed"]
    assert not stream.is_staff("nobody")
    assert stream.now_s - 5.0 < 30.0


def test_the_watcher_is_told_who_is_staff(clip, tmp_path):
    folder = shutil.copytree(clip.folder, tmp_path / "short-0003")
    people = json.loads((folder / "people.json").read_text())
    ben = next(person for person in people if person["name"] == "ben")
    ben.update(session_id=None, role="staff")
    (folder / "people.json").write_text(json.dumps(people))
    codes = json.loads((folder / "gates.json").read_text())
    anna = next(person for person in people if person["name"] == "anna")
    (folder / "gates.json").write_text(json.dumps([c for c in codes if c["session_id"] == anna["session_id"]]))
    asked = []

    def open_watcher(clip, networks, is_staff):
        asked.append(is_staff)
        return Truthful(clip)

    play(Clip(folder), Networks(Blind()), SETTINGS, ("vision",), open_watcher)
    assert asked[0](ben["track_id"])
    assert not asked[0](anna["track_id"])


class Counting(Blind):
    """Sees one person in every picture, and counts pictures."""

    def __init__(self):
        self.pictures = 0

    def detect(self, images, min_confidence=0.1):
        self.pictures += len(images)
        joints = np.full((1, 17, 3), 0.5, np.float32)
        return [Boxes(np.array([[1, 2, 3, 4]], np.float32), np.array([0.75], np.float32), joints) for _ in images]


def test_what_is_found_can_be_kept_beside_the_clip(clip, tmp_path):
    folder = shutil.copytree(clip.folder, tmp_path / "short-0003")
    seen, eyes = [], Counting()

    class Noting(Truthful):
        def update(self, captured, time_s, detections):
            seen.append([(len(d), *d.xyxy[0], d.confidence[0], d.keypoints[0, 0, 0]) for d in detections.values()])
            return super().update(captured, time_s, detections)

    def watched(settings):
        seen.clear()
        play(Clip(folder), Networks(eyes), settings, ("vision",), lambda clip, networks, is_staff: Noting(clip))
        return list(seen)

    kept = replace(SETTINGS, keep=True)
    first = watched(kept)
    pictures = eyes.pictures
    assert pictures > 100
    assert watched(kept) == first
    assert eyes.pictures == pictures
    assert first[10][0] == (1, 1, 2, 3, 4, 0.75, 0.5)
    watched(SETTINGS)
    assert eyes.pictures == 2 * pictures
    watched(replace(kept, least=0.4))  # another way of looking keeps another file
    assert eyes.pictures == 3 * pictures


def test_truth_is_inside_the_shop_and_ends_with_the_last_event(clip):
    truth, plan = clip.truth, load_plan(clip.folder / "plan.yaml")
    low, high = np.min(plan.floor.polygon, axis=0), np.max(plan.floor.polygon, axis=0)
    for person in truth.people:
        assert ((person.xy_m >= low) & (person.xy_m <= high)).all()
        assert truth.last_event_s(person.session) >= person.left_s
    anna = truth.people[0]
    assert (anna.name, anna.gate) == ("anna", "door")
    assert truth.products[0].time < truth.last_event_s(anna.session) < truth.products[0].time + 30


def test_what_is_no_run_is_refused(clip, tmp_path):
    with pytest.raises(DatasetFileError, match="holds no run"):
        clips_in(tmp_path)
    assert [found.name for found in clips_in(clip.folder)] == ["short-0003"]
    folder = shutil.copytree(clip.folder, tmp_path / "short-0003")
    (folder / "cameras" / "left" / "left.mp4").unlink()
    with pytest.raises(DatasetFileError, match=r"left\.mp4 is missing"):
        list(Clip(folder).pictures())
    (folder / "receipts.json").write_text("{")
    with pytest.raises(DatasetFileError, match="no whole run"):
        _ = Clip(folder).truth
