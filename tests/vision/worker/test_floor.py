"""Many cameras, one floor: what the worker makes of what its networks tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cameras.calibration.parameters import turned
from cameras.geometry import CameraModel, look_at
from store.events import (
    CameraDegraded,
    CameraRecovered,
    Event,
    FloorAudited,
    PersonEntered,
    PersonLeft,
    PersonMoved,
)
from store.layout import Plan
from tests.vision.worker.walkers import RATE, START, VISIT, look, looks, plan, way
from vision.floor.tracks import FloorTracks
from vision.worker.attention import Attention, KeyFrames
from vision.worker.floor import FloorFollower, FloorFollowing, calibrated
from vision.worker.looking import Look, Pace


def models(shop: Plan) -> dict[str, CameraModel]:
    return {view.camera: CameraModel.of(view) for view in shop.cameras}


class Followed:
    """A floor follower with all that it said."""

    def __init__(self, shop: Plan, following: FloorFollowing | None = None, clock=lambda: 0.0) -> None:
        self.events: list[Event] = []
        self.told: list[CameraDegraded | CameraRecovered] = []
        self.paces: list[Pace] = []
        views = calibrated(shop, [view.camera for view in shop.cameras])
        self.floor = FloorFollower(
            shop, views, self.events.extend, store="shop", tell=self.told.extend, pace=self.paces.append,
            following=following, clock=clock,
        )  # fmt: skip

    def play(self, told: Sequence[Look], end: bool = True) -> Followed:
        for each in told:
            self.floor.take(each)
        for camera in self.floor.cameras if end else ():
            self.floor.end(camera)
        return self

    def of(self, kind: type[Event]) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def rows(
        self, camera: str | None = None
    ) -> list[tuple[str, float, tuple[float, float], tuple[float, float] | None]]:
        return [
            (track, time_s - START, xy_m, None if event.xy is None else event.xy[n])
            for event in self.of(PersonMoved)
            if event.camera == camera
            for n, (track, time_s, xy_m) in enumerate(zip(event.track_id, event.time_s, event.xy_m, strict=True))
        ]

    def error_m(self, path: np.ndarray) -> float:
        """The mean distance of the floor's rows from where the one person was."""
        at = np.arange(len(path)) / RATE
        return float(
            np.mean(
                [
                    np.hypot(xy[0] - np.interp(t, at, path[:, 0]), xy[1] - np.interp(t, at, path[:, 1]))
                    for _, t, xy, _ in self.rows()
                ]
            )
        )


def test_a_visit_is_one_track_over_all_cameras_from_the_door_to_the_door():
    shop = plan()
    followed = Followed(shop).play(looks(models(shop), [VISIT]))
    (entered,), (left,) = followed.of(PersonEntered), followed.of(PersonLeft)
    assert {row[0] for row in followed.rows()} == {entered.track_id} == {left.track_id}
    assert left.cameras == ("a", "b", "c", "d")
    assert left.entered_at == entered.time < START + 1.5
    assert left.time > START + len(VISIT) / RATE - 2
    assert followed.error_m(VISIT) < 0.12
    times = [time_s for _, time_s, _, _ in followed.rows()]
    assert times == sorted(set(times))  # killed: once a camera, or batches out of order
    (audit,) = followed.of(FloorAudited)
    assert (audit.entries + audit.inside_before, audit.begun_away, audit.ended_away) == (1, 0, 0)
    assert audit.fails == ()


def test_each_camera_is_told_of_too_by_the_same_track_where_it_shows_the_feet():
    shop = plan("ac")
    followed = Followed(shop).play(looks(models(shop), [VISIT]))
    (entered,) = followed.of(PersonEntered)
    floor = {time_s: xy for _, time_s, xy, _ in followed.rows()}
    for name, model in models(shop).items():
        rows = followed.rows(name)
        assert len(rows) > 25
        assert {track for track, *_ in rows} == {entered.track_id}  # killed: an id a camera
        for _, time_s, xy_m, xy in rows:
            assert xy_m == floor[time_s]
            assert xy == pytest.approx(tuple(model.project(np.array([*xy_m, 0.0]))), abs=0.01)
    moved = followed.of(PersonMoved)
    seen = [set(event.rows_cameras(n)) for event in moved if event.camera is None for n in range(len(event.time_s))]
    assert {"a", "c"} in seen
    assert all(event.cameras == (event.camera,) for event in moved if event.camera is not None)


def test_who_is_seen_by_one_camera_for_a_moment_is_nobody():
    shop = plan("ac", shelf=False)
    once = np.full((30, 2), np.nan)
    once[5:11] = [3.0, 1.0]
    one = [each for each in looks(models(shop), [once]) if each.camera == "a"]
    other = [look("c", each.index, each.captured_at, np.zeros((0, 4))) for each in one]
    # Where b cannot see: its picture is missing, so nothing speaks against.
    for told in (one, [each for pair in zip(one, other, strict=True) for each in pair]):
        followed = Followed(shop).play(told)
        assert followed.of(PersonEntered) == followed.of(PersonMoved) == followed.of(PersonLeft) == []
        assert all((audit.inside, audit.entries, audit.fails) == (0, 0, ()) for audit in followed.of(FloorAudited))
    long = np.full((40, 2), np.nan)
    long[5:25] = [3.0, 1.0]
    alone = [each for each in looks(models(shop), [long]) if each.camera == "a"]
    (entered,) = Followed(shop).play(alone).of(PersonEntered)
    assert entered.time < START + 2.5  # from the first moment on, though told of later


def test_clocks_of_cameras_are_set_right():
    ahead = {"b": 0.7, "d": -0.6}
    told = looks(models(plan()), [VISIT], ahead=ahead)
    right = Followed(plan(offsets=ahead), FloorFollowing(patience_s=math.inf)).play(told)
    wrong = Followed(plan(), FloorFollowing(patience_s=math.inf)).play(told)
    assert len(right.of(PersonEntered)) == 1
    assert right.error_m(VISIT) < 0.12
    assert wrong.error_m(VISIT) > 1.5 * right.error_m(VISIT)  # killed: captured_at as it comes


def test_a_camera_that_is_dark_costs_its_own_coverage_alone():
    shop = plan()
    dark = {"a": (4.0, 11.0), "b": (6.0, 9.0)}
    followed = Followed(shop).play(looks(models(shop), [VISIT], dark=dark))
    assert len(followed.of(PersonEntered)) == 1
    during = [time_s for _, time_s, _, _ in followed.rows() if 4.5 < time_s < 10.5]
    assert max(np.diff(during)) < 0.5  # killed: moments that wait for the one that is gone
    assert not [row for row in followed.rows("a") if 4.3 < row[1] < 10.7]
    assert followed.floor.late == {"a": 0, "b": 0, "c": 0, "d": 0}


def test_when_all_cameras_are_dark_for_seconds_everybody_keeps_their_track():
    shop = plan()
    path = way((3, -0.4), (2, 2.5), (3.4, 2.5), wait_s=7.0)
    dark = dict.fromkeys("abcd", (5.0, 9.0))
    followed = Followed(shop).play(looks(models(shop), [path], dark=dark))
    (entered,) = followed.of(PersonEntered)
    assert {row[0] for row in followed.rows()} == {entered.track_id}
    assert max(row[1] for row in followed.rows()) > 10


def test_what_is_due_is_told_though_all_pictures_are_still():
    at = [100.0]
    shop = plan()
    followed = Followed(shop, clock=lambda: at[0])
    told = [each for each in looks(models(shop), [VISIT]) if each.captured_at < START + 5]
    followed.play(told, end=False)
    before = followed.floor.moments
    followed.floor.tick()
    assert followed.floor.moments == before
    at[0] += 0.6
    followed.floor.tick()
    assert followed.floor.moments > before  # killed: the newest moment waits for a picture that does not come


def test_boxes_that_are_hardly_sure_are_nobody():
    shop = plan()
    told = [
        look(each.camera, each.index, each.captured_at, each.detections.xyxy, confidence=0.25)
        for each in looks(models(shop), [VISIT])
    ]
    assert Followed(shop).play(told).of(PersonEntered) == []


def test_a_bumped_camera_is_told_of_and_weighs_less_until_it_is_as_it_was():
    shop = plan()
    rng = np.random.default_rng(2)
    at = np.arange(0, 130, 1 / RATE)
    speed, phase = rng.uniform(0.3, 0.55, (2, 2)), rng.uniform(0, 6.3, (2, 2))
    paths = [np.array([3.0, 2.5]) + np.array([1.8, 1.4]) * np.sin(at[:, None] * speed[n] + phase[n]) for n in range(2)]
    straight = models(shop)
    bent = {**straight, "c": turned(straight["c"], np.radians([0.0, 2.5, 0.0]))}
    told = [
        each if not 40 <= each.captured_at - START < 80 else other
        for each, other in zip(looks(straight, paths), looks(bent, paths), strict=True)
        if each.index % 3 == 0
    ]
    followed = Followed(shop, FloorFollowing(learn_s=25.0, window_s=15.0))
    doubts: list[tuple[str, float]] = []
    tracker = followed.floor._tracker
    doubt = tracker.doubt
    tracker.doubt = lambda camera, factor: (doubts.append((camera, factor)), doubt(camera, factor))[1]
    followed.play(told)
    degraded, recovered = followed.told
    assert isinstance(degraded, CameraDegraded)
    assert degraded.cameras == recovered.cameras == ("c",)
    assert "turned by about" in degraded.reason
    assert START + 40 < degraded.time < START + 80
    assert isinstance(recovered, CameraRecovered)
    assert recovered.time > START + 80
    assert {camera for camera, _ in doubts} == {"c"}
    assert max(factor for _, factor in doubts) > 1.3  # killed: told of, and believed like the others
    assert doubts[-1] == ("c", 1.0)
    assert followed.floor.bumped == ()


def test_every_picture_counts_where_somebody_is_near_a_shelf_or_a_gate():
    shop = plan()
    following = FloorFollowing(key_frames=KeyFrames(every=5, longest_s=0.7, shelf_m=0.6, gate_m=0.8))
    path = way((3, -0.4), (3, 2.3), (3, 2.31), (3, 4.2), wait_s=4.0)
    followed = Followed(shop, following)
    wanted: list[tuple[float, set[str]]] = []
    for each in looks(models(shop), [path]):
        followed.floor.take(each)
        now = {pace.camera: pace for pace in followed.paces}
        wanted.append((each.captured_at - START, {name for name, pace in now.items() if pace.every == 1}))
    least_s = FloorFollowing().least_s
    assert {pace[1:] for pace in followed.paces} == {(1, 0.7, least_s), (5, 0.7, least_s)}
    middle = [names for time_s, names in wanted if 5.0 < time_s < 6.5]
    assert middle
    assert not any(middle)  # killed: everybody counts as near
    assert wanted[-1][1] == set("abcd")
    plain = Followed(plan(shelf=False), following).play(looks(models(shop), [path]))
    assert plain.paces == []


def test_only_cameras_that_see_who_is_near_must_look_at_every_picture():
    shop = plan("ab")
    away = replace(models(shop)["b"], rotation=look_at(np.array([5.7, 0.3, 2.8]), np.array([9.0, -4.0, 1.0])))
    attention = Attention([models(shop)["a"], away], shop, KeyFrames(shelf_m=0.6, gate_m=0.8, ahead_s=1.0))

    def people(xy: tuple[float, float], velocity: tuple[float, float] = (0, 0)) -> FloorTracks:
        state, saw = np.array([[*xy, *velocity]], np.float64), np.zeros((1, 2), np.bool_)
        return FloorTracks.of(np.array([1]), state, np.eye(4)[None], np.ones(1), saw)

    assert attention.wanted(people((3, 4.2))) == {"a"}
    assert attention.wanted(people((3, 3.0))) == attention.wanted(FloorTracks.empty(2)) == set()
    assert attention.wanted(people((3, 3.0), (0, 1.5))) == {"a"}  # killed: too late for who walks up to the shelf


def test_cameras_without_lens_and_pose_are_not_of_the_floor():
    shop = plan()
    flat = shop.model_copy(update={"cameras": (shop.cameras[0], shop.cameras[1].model_copy(update={"lens": None}))})
    assert calibrated(None, ["a"]) == calibrated(flat, ["a", "b"]) == calibrated(shop, ["a", "z"]) == ()
    assert [view.camera for view in calibrated(shop, ["d", "a", "z"])] == ["a", "d"]
