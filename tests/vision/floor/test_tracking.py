from dataclasses import replace

import numpy as np
import pytest

from tests.vision.floor.rooms import boxes, corners, detections, scene, walk
from training.evaluate.floor import FloorQuestion, evaluate_floor, follow
from training.evaluate.floor_noise import noisy_detections, true_detections
from vision.detections import Detections, foot_points
from vision.floor import FloorSettings, FloorTracker

CAMERAS = corners(4)
FAR = corners(4, side=26.0, focal=1300.0)  # where a foot is off by decimetres
GATES = np.array([[[-3.2, -1.0], [-3.2, 1.0]], [[3.2, -1.0], [3.2, 1.0]]])


@pytest.fixture(scope="module")
def crossings():
    """Two who meet, walk side by side at arm's length and part again, three pairs of them."""
    moments = 50
    paths = []
    for turn, middle in ((0.2, (-1.5, 0.0)), (1.4, (1.5, 1.0)), (2.5, (0.5, -2.0))):
        along = np.array([np.cos(turn), np.sin(turn)])
        across = np.array([-along[1], along[0]])
        s = np.linspace(-2.5, 2.5, moments)[:, None]
        apart = 0.3 + 1.2 * np.clip(np.abs(s) - 0.8, 0.0, None)
        paths += [np.array(middle) + s * along + side * apart * across for side in (1, -1)]
    return scene(FAR, np.array(paths), rate=5.0, name="crossings")


def settled(tracker, boxes_by_moment, rate=5.0):
    found = []
    for t, seen in enumerate(boxes_by_moment):
        tracker.update(t / rate, seen)
        found += tracker.settled
    return found + tracker.finish()


def same(a, b):
    return all(
        x.time_s == y.time_s
        and x.tracks.track_id.tolist() == y.tracks.track_id.tolist()
        and np.allclose(x.tracks.xy, y.tracks.xy)
        for x, y in zip(a, b, strict=True)
    )


def test_people_who_meet_and_part_keep_their_identities_where_greedy_clusters_do_not(crossings):
    scores = [evaluate_floor([crossings], FloorQuestion(noise=seed, baseline=True)).scores for seed in (100, 101)]
    ours = np.mean([each["settled"].idf1 for each in scores])
    plain = np.mean([each["baseline"].idf1 for each in scores])
    assert ours > 0.9
    assert plain < ours - 0.05
    assert np.mean([each["settled"].moda for each in scores]) > 0.95
    assert np.mean([each["settled"].position_error_cm for each in scores]) < 12


def test_every_moment_is_settled_once_in_order_and_in_time(crossings):
    tracker = FloorTracker(FAR)
    seen = []
    for t, each in enumerate(noisy_detections(crossings, 100)):
        now = t / 5.0
        tracker.update(now, each)
        seen += [moment.time_s for moment in tracker.settled]
        assert now - len(seen) / 5.0 < tracker.settings.window_s + 1e-6
    seen += [moment.time_s for moment in tracker.finish()]
    assert seen == pytest.approx(crossings.time_s.tolist())
    assert tracker.finish() == []


def test_the_order_of_cameras_is_of_no_matter(crossings):
    moments = list(noisy_detections(crossings, 101))[:20]
    turned = replace(crossings, cameras=FAR[::-1])
    first = settled(FloorTracker(FAR), moments)
    second = settled(FloorTracker(turned.cameras), [dict(reversed(each.items())) for each in moments])
    for a, b in zip(first, second, strict=True):
        assert len(a.tracks) == len(b.tracks)
        apart = np.linalg.norm(a.tracks.xy[:, None] - b.tracks.xy[None], axis=2)
        assert apart.min(axis=1).max(initial=0) < 0.01
    assert same(first, settled(FloorTracker(FAR), [dict(reversed(each.items())) for each in moments]))


def test_after_a_reset_all_is_as_at_first_and_instances_share_nothing(crossings):
    moments = list(noisy_detections(crossings, 102))[:25]
    tracker, other = FloorTracker(FAR), FloorTracker(FAR)
    first = settled(tracker, moments)
    tracker.reset()
    assert same(first, settled(tracker, moments))
    assert same(first, settled(other, moments))
    ids = {int(number) for moment in first for number in moment.tracks.track_id}
    assert min(ids) == 1


def test_ids_are_unique_at_each_moment_live_and_settled(crossings):
    tracker = FloorTracker(FAR)
    for t, seen in enumerate(noisy_detections(crossings, 103)):
        live = tracker.update(t / 5.0, seen)
        for tracks in [live, *(moment.tracks for moment in tracker.settled)]:
            assert len(set(tracks.track_id.tolist())) == len(tracks)
            assert (tracks.track_id > 0).all()
            assert np.isnan(tracks.wrists).all()
            assert (np.linalg.eigvalsh(tracks.covariance) > 0).all()
            assert ((tracks.confidence >= 0) & (tracks.confidence <= 1)).all()


def test_velocity_is_in_metres_a_second():
    room = scene(CAMERAS, walk((-2, 0), (2, 1.0), 21)[None], rate=5.0)
    moments = follow(room, list(true_detections(room))).moments
    tracks = moments[10].tracks
    assert tracks.xy[0] == pytest.approx(room.xy_m[10], abs=0.1)
    assert tracks.velocity[0] == pytest.approx([1.0, 0.25], abs=0.15)
    assert tracks.cameras.all()


def test_a_camera_that_fails_is_no_evidence_and_costs_no_identity():
    room = scene(CAMERAS, np.array([walk((-2, -1), (2, -1), 30), walk((2, 1), (-2, 1), 30)]), rate=5.0)
    dark = np.zeros((30, 4), np.bool_)
    dark[8:22, :2] = True
    moments = follow(room, list(noisy_detections(replace(room, dark=dark), 100))).moments
    ids = {number for moment in moments for number in moment.tracks.track_id.tolist()}
    assert len(ids) == 2
    assert all(len(moment.tracks) == 2 for moment in moments)


def test_all_cameras_fail_for_two_seconds_and_the_people_are_the_same():
    room = scene(CAMERAS, np.array([walk((-3, -1), (3, -1), 40), walk((3, 1), (-3, 1), 40)]), rate=5.0)
    dark = np.zeros((40, 4), np.bool_)
    dark[15:25] = True
    moments = follow(room, list(noisy_detections(replace(room, dark=dark), 100))).moments
    assert set(moments[5].tracks.track_id.tolist()) == set(moments[35].tracks.track_id.tolist())


def test_who_leaves_is_gone_and_who_comes_is_somebody_else():
    paths = np.full((2, 60, 2), np.nan)
    paths[0, :20] = walk((-2, 0), (1.5, 0), 20)
    paths[1, 40:] = walk((-2, 0), (1.5, 0), 20)
    room = scene(CAMERAS, paths, rate=5.0)
    moments = follow(room, list(noisy_detections(room, 104))).moments
    assert all(len(moment.tracks) == 0 for moment in moments[24:38])
    first, second = moments[10].tracks.track_id.tolist(), moments[50].tracks.track_id.tolist()
    assert len(first) == len(second) == 1
    assert first != second


def test_made_up_boxes_are_nobody():
    rng = np.random.default_rng(5)
    tracker = FloorTracker(CAMERAS)
    for t in range(50):
        seen = {}
        for model in CAMERAS:
            places = rng.uniform(-3, 3, (rng.poisson(0.5), 2))
            seen[model.camera] = detections(boxes(model, places))
        assert len(tracker.update(t / 5.0, seen)) <= 1
    assert sum(len(moment.tracks) for moment in tracker.settled) <= 2


def test_with_gates_who_is_lost_in_the_middle_of_the_shop_is_found_again():
    """Unseen for four seconds, though no camera's view is blocked, and back a little further on."""
    path = np.concatenate([walk((-3, 0), (0, 0), 25), walk((0, 0), (0.4, 0), 20), walk((0.4, 0), (3, 0), 25)])
    moments = list(true_detections(scene(CAMERAS, path[None], rate=5.0)))
    for t in range(25, 45):
        moments[t] = {name: each[:0] for name, each in moments[t].items()}

    def ids(given):
        found = settled(FloorTracker(CAMERAS, gates=given), moments)
        return {n for moment in found for n in moment.tracks.track_id.tolist()}

    assert len(ids(None)) == 2
    assert len(ids(GATES)) == 1


def lags(tracker, moments, rate=5.0):
    """How late each settled moment was, and when each id was no longer alive."""
    late, gone, known = {}, {}, set()
    for t, seen in enumerate(moments):
        tracker.update(t / rate, seen)
        late |= {moment.time_s: t / rate - moment.time_s for moment in tracker.settled}
        known |= {n for moment in tracker.settled for n in moment.tracks.track_id.tolist()}
        gone |= dict.fromkeys(known - tracker.alive - set(gone), t / rate)
    return late, gone


def test_who_walks_alone_from_gate_to_gate_is_told_of_soon_and_gone_within_two_seconds():
    paths = np.full((1, 80, 2), np.nan)
    paths[0, 5:40] = walk((-3.2, 0), (3.2, 0), 35)
    moments = list(true_detections(scene(CAMERAS, paths, rate=5.0)))
    late, gone = lags(FloorTracker(CAMERAS, gates=GATES), moments)
    plain = FloorSettings().plain_s
    assert max(delay for time_s, delay in late.items() if 2 < time_s < 7) < plain + 0.6
    assert list(gone.values()) == [pytest.approx(7.8 + 1.5, abs=0.5)]
    # Without gates people may vanish anywhere, so that only more seconds tell.
    late, gone = lags(FloorTracker(CAMERAS), moments)
    assert min(late.values()) >= 1.9
    assert min(gone.values()) > 10.0


@pytest.mark.parametrize("apart_m", [0.8, 2.4])
def test_people_near_one_another_wait_for_what_is_seen_later(apart_m):
    along = walk((-3.2, 0), (3.2, 0), 40)
    aside = np.array([0.0, apart_m / 2])
    paths = np.array([along + aside, along - aside])
    late, _ = lags(FloorTracker(CAMERAS, gates=GATES), list(true_detections(scene(CAMERAS, paths, rate=5.0))))
    middle = [delay for time_s, delay in late.items() if 2 < time_s < 4.5]
    waits = FloorSettings().window_s - 0.2 if apart_m < FloorSettings().alone_m else FloorSettings().plain_s
    assert max(middle) == pytest.approx(waits, abs=0.5)


def test_what_is_wrong_is_said():
    tracker = FloorTracker(CAMERAS)
    with pytest.raises(ValueError, match="no camera cellar; there are c0, c1, c2, c3"):
        tracker.update(0.0, {"cellar": detections([])})
    tracker.update(0.0, {})
    with pytest.raises(ValueError, match="time must advance"):
        tracker.update(0.0, {})
    with pytest.raises(ValueError, match="different names"):
        FloorTracker([CAMERAS[0], CAMERAS[0]])


def test_owners_say_whose_box_each_is(crossings):
    tracker = FloorTracker(FAR)
    moments = list(true_detections(crossings))
    for t, seen in enumerate(moments):
        tracks = tracker.update(t / 5.0, seen)
    for model in FAR:
        boxes_seen = moments[-1][model.camera]
        owner = tracker.owners[model.camera]
        feet = model.on_floor(foot_points(boxes_seen.xyxy).astype(np.float64))
        nearest = np.linalg.norm(feet[:, None] - tracks.xy[None], axis=2).argmin(axis=1)
        assert len(owner) == len(boxes_seen) == 6
        assert owner.tolist() == tracks.track_id[nearest].tolist()


def test_an_id_is_alive_until_nothing_more_of_it_comes_and_is_not_kept_for_ever():
    paths = np.full((6, 120, 2), np.nan)
    for n in range(6):  # one after the other
        paths[n, 20 * n : 20 * n + 12] = walk((-2, 0), (1.5, 0), 12)
    room = scene(CAMERAS, paths, rate=5.0)
    tracker = FloorTracker(CAMERAS)
    over: set[int] = set()
    seen: set[int] = set()
    for t, boxes_seen in enumerate(true_detections(room)):
        live = set(tracker.update(t / 5.0, boxes_seen).track_id.tolist())
        now = live.union(*(moment.tracks.track_id.tolist() for moment in tracker.settled))
        assert not now & over  # killed: ids that are dead while their last moments wait to be settled
        assert live <= tracker.alive
        seen |= now
        over |= seen - tracker.alive
    assert len(seen) == 6
    assert len(over) >= 4
    assert len(tracker.alive) <= 2  # killed: the names of everybody who ever came


def test_a_doubted_camera_tells_less_of_where_people_are():
    room = scene(CAMERAS, walk((-2, 0), (2, 0), 20)[None], rate=5.0)
    wrong = []
    for t, each in enumerate(true_detections(room)):
        moved = each["c0"].xyxy + np.array([40.0, 0.0, 40.0, 0.0], np.float32)
        wrong.append({**each, "c0": Detections(moved, each["c0"].confidence)} if t >= 8 else each)

    def error(factor):
        tracker = FloorTracker(CAMERAS)
        tracker.doubt("c0", factor)
        found = settled(tracker, wrong)
        assert {len(moment.tracks) for moment in found} == {1}
        return np.mean([np.linalg.norm(moment.tracks.xy[0] - room.xy_m[t]) for t, moment in enumerate(found) if t > 8])

    assert error(4.0) < 0.5 * error(1.0)
    with pytest.raises(ValueError, match="no camera cellar"):
        FloorTracker(CAMERAS).doubt("cellar", 2.0)
    with pytest.raises(ValueError, match="1 or more"):
        FloorTracker(CAMERAS).doubt("c0", 0.5)
