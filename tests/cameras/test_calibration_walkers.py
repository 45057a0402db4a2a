from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.calibration.accuracy import floor_difference_cm, seen_floor
from cameras.calibration.clocks import clock_offsets
from cameras.calibration.errors import TooFewMeetingsError
from cameras.calibration.monitor import BumpMonitor
from cameras.calibration.parameters import moved, turned
from cameras.calibration.tracks import match_all, people, tracks_of
from cameras.calibration.upright import body_boxes, fit_upright
from cameras.calibration.walk import refine_by_walking
from cameras.geometry import CameraModel
from datasets.simulation.plain_walkers import boxes, in_time, room
from store.events import CameraDegraded, CameraRecovered

AHEAD = {"a": 0.13, "b": -0.09, "c": 0.31, "d": -0.02}
HEIGHT = 1.7


@settings(max_examples=25)
@given(st.floats(1.2, 4.8), st.floats(1.0, 4.0), st.floats(1.55, 1.85))
def test_an_upright_body_is_found_in_its_box(x: float, y: float, height: float) -> None:
    model = room("a")["a"]
    box = body_boxes(model, np.array([[x, y]]), np.array([height]))
    found = fit_upright(model, box)
    if (box[0, :2] > 4).all() and (box[0, 2:] < (636, 356)).all():
        assert np.linalg.norm(found.xy[0] - (x, y)) < 0.3
        assert np.isfinite(found.covariance).all()
    sure = fit_upright(model, box, np.array([height]))
    if (box[0, :2] > 4).all() and (box[0, 2:] < (636, 356)).all():
        np.testing.assert_allclose(sure.xy[0], (x, y), atol=0.02)


def test_seen_from_straight_above_the_place_is_not_the_boxes_lower_edge() -> None:
    from store.views import CameraView, Lens, Pose

    view = CameraView(
        camera="top",
        size=(640, 360),
        lens=Lens(horizontal_view_deg=100),
        pose=Pose(position=(3, 2, 2.9), look_at=(3, 2, 0)),
    )
    model = CameraModel.of(view)
    xy = np.array([[3.0, 1.4], [3.4, 2.3]])
    found = fit_upright(model, body_boxes(model, xy, np.full(2, HEIGHT)), np.full(2, HEIGHT))
    np.testing.assert_allclose(found.xy, xy, atol=0.03)


def test_clocks_are_told_finer_than_frames_whatever_the_order() -> None:
    models = room()
    told = boxes(models, 4, 40, offsets_s=AHEAD)
    tracks = {each.camera: tracks_of(models[each.camera], each) for each in told}
    found = clock_offsets(tracks, reference="b")
    true = {name: ahead - AHEAD["b"] for name, ahead in AHEAD.items()}
    assert found.unknown == ()
    for name, ahead in true.items():
        assert abs(found.offset_s[name] - ahead) < 0.05, name
        assert found.sigma_s[name] < 0.1
    again = clock_offsets(dict(reversed(tracks.items())), reference="b")
    assert again.offset_s == found.offset_s
    with pytest.raises(TooFewMeetingsError, match="no two cameras"):
        clock_offsets({"a": tracks["a"]})
    with pytest.raises(TooFewMeetingsError, match="reference camera z"):
        clock_offsets(tracks, reference="z")


def test_tracks_of_one_person_are_joined_across_cameras() -> None:
    models = room()
    told = boxes(models, 4, 30)
    pairs = match_all({each.camera: tracks_of(models[each.camera], each) for each in told}, {})
    assert len(pairs) >= 6
    assert all(a.name.partition("/")[0] == b.name.partition("/")[0] for a, b in pairs)
    assert all(len({track.name.partition("/")[0] for track in group}) == 1 for group in people(pairs))


def test_walkers_polish_rough_cameras() -> None:
    models = room()
    told = boxes(models, 4, 40, offsets_s=AHEAD)
    rng = np.random.default_rng(4)
    rough = dict(models)
    for name in "cd":
        rough[name] = moved(models[name], np.concatenate([rng.normal(0, 0.03, 3), rng.normal(0, 0.1, 3)]))
    found = refine_by_walking(list(rough.values()), told, sure=("a", "b"))
    for name in "cd":
        floor = seen_floor(models[name], 12, 5.0)
        before = float(np.median(floor_difference_cm(rough[name], models[name], floor)))
        after = float(np.median(floor_difference_cm(found.models[name], models[name], floor)))
        assert after < 6.0
        assert after < before / 2
    assert found.after_m < found.before_m
    assert found.people == 4
    assert found.untouched == ()
    with pytest.raises(TooFewMeetingsError):
        refine_by_walking([rough["a"]], told)


def watch(monitor: BumpMonitor, told: list) -> list[CameraDegraded | CameraRecovered]:
    return [
        event
        for t, each, rows in told
        for event in monitor.see_people(each.camera, t, each.track[rows].tolist(), each.xyxy[rows])
    ]


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0.4, -0.5, 0.77)])
def test_a_bump_of_two_degrees_is_noticed_within_a_minute(axis: tuple[float, float, float]) -> None:
    models = room()
    turn = np.radians(2.0) * np.array(axis) / np.linalg.norm(axis)
    told = boxes(models, 4, 130, rate_hz=2.0, later={"c": (70.0, turned(models["c"], turn))})
    monitor = BumpMonitor("s", models, learn_s=50)
    events = watch(monitor, in_time(told))
    assert [type(event) for event in events] == [CameraDegraded]
    assert events[0].cameras == ("c",)
    assert 70 < events[0].time < 130
    assert "turned by about" in events[0].reason
    assert monitor.bumped == ("c",)
    spot = np.array([[3.0, 2.5]])
    assert monitor.weight("c", spot)[0] < 0.75 < monitor.weight("a", spot)[0] == 1.0
    assert np.linalg.eigvalsh(monitor.extra_covariance("c", spot)[0]).min() > 1e-5
    monitor.reset()
    assert monitor.bumped == ()


def test_nothing_is_said_while_nothing_happens_or_too_little_is_known() -> None:
    models = room()
    told = in_time(boxes(models, 4, 120, rate_hz=2.0, seed=3))
    monitor = BumpMonitor("s", models, learn_s=50)
    assert watch(monitor, told) == []
    assert not monitor.extra_covariance("a", np.zeros((2, 2))).any()
    assert watch(BumpMonitor("s", {"a": models["a"]}), told) == []
