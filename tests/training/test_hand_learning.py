"""What the network for hands is shown: hands out of simulated runs, what they hold, and how they are varied."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.geometry import CameraModel
from cameras.scale import pixels_per_metre
from datasets.formats.simulated import runs
from datasets.sample import DatasetFileError
from datasets.simulation.filming.replay import replayed
from datasets.simulation.truth.holding import Held, Holding
from models.hands import ACROSS_M, SIZE, WRIST
from store.events import ProductTaken
from store.plan import load_plan
from training.errors import DataError
from training.evaluate.hands import AGAINST, OURS, HandReport, evaluate_hands
from training.hand_crops import KEPT, HandCrops, Variation, hands_of, made, plain


@pytest.fixture(scope="session")
def small_run(small_dataset):
    (run,) = runs(small_dataset)
    return run


@pytest.fixture(scope="session")
def hands(small_dataset):
    return [each for each in hands_of(small_dataset) if len(each)]


def test_a_run_is_played_again_as_it_was(small_run):
    timeline = replayed(small_run)
    held = Holding.of(timeline).held
    (taken,) = (event for event in timeline.events if isinstance(event, ProductTaken))
    assert (held[0].track_id, held[0].product, held[0].start_s) == (
        taken.track_id,
        "can-01",
        pytest.approx(taken.time),  # killed: seconds of the timeline in place of UTC
    )


def test_a_run_that_is_played_otherwise_today_is_refused(small_run, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(small_run, changed, ignore=shutil.ignore_patterns("cameras"))
    lines = (changed / "events.jsonl").read_text().splitlines()
    (changed / "events.jsonl").write_text("\n".join(lines[:-1]))
    with pytest.raises(DatasetFileError, match="was recorded by another simulator"):
        replayed(changed)
    with pytest.raises(DatasetFileError, match="is no run of the simulator"):
        replayed(tmp_path)


def test_who_holds_what_when():
    holding = Holding((Held("a", 0, 10.0, 12.0, "can"), Held("b", 1, 11.0, np.inf, "jar")))
    assert holding.at(["a", "b", "c"], 11.5).tolist() == [[True, False], [False, True], [False, False]]
    assert holding.at(["a", "b"], 12.0).tolist() == [[False, False], [False, True]]  # what is put down is held no more
    assert holding.at([], 11.0).shape == (0, 2)


def test_a_metre_is_seen_smaller_from_farther_away(small_run):
    camera = CameraModel.of(load_plan(small_run / "plan.yaml").cameras[0])
    way = camera.rotation[2]
    near, far = pixels_per_metre(camera, camera.position + np.outer([1.5, 3.0], way))
    assert near == pytest.approx(2 * far, rel=1e-3)
    assert near == pytest.approx(camera.matrix[0, 0] / 1.5, rel=1e-3)
    assert np.isnan(pixels_per_metre(camera, camera.position - way[None])).all()


def test_hands_have_the_truth_of_their_time(hands, small_run):
    (taken,) = (event for event in replayed(small_run).events if isinstance(event, ProductTaken))
    held = [
        (each.sample.track_id[person], float(each.scale[place]))
        for each in hands
        for place, person in enumerate(each.person.tolist())
        if each.held[place]
    ]
    assert {track for track, _ in held} == {taken.track_id}  # killed: the hands of who only looks
    assert 0 < len(held) < sum(map(len, hands)) / 2
    assert all(10 < scale < 200 for _, scale in held)
    # Killed: both hands hold what one does.
    assert all(each.held[each.person == person].sum() <= 1 for each in hands for person in each.person)


def test_hands_are_cut_out_once_and_few_of_the_pictures_of_empty_hands(small_dataset, hands, tmp_path):
    told = []

    def cut(key="a"):
        return made(tmp_path, [small_dataset], key={"of": key}, progress=lambda done, total: told.append((done, total)))

    crops = cut()
    assert int(crops.held.sum()) == sum(int(each.held.sum()) for each in hands) > 3
    empty = [each for each in hands if not each.held.any()]
    kept = [each for each in hands if each.held.any()] + empty[::4]
    assert len(crops) == sum(map(len, kept))  # killed: all pictures, most of which show nothing of use
    assert crops.pictures.shape[1:] == (KEPT, KEPT, 3)
    first = hands[0] if hands[0].held.any() else next(each for each in hands if each.held.any())
    place = int(np.flatnonzero(first.held)[0])
    points = first.sample.keypoints[first.person[place], :, :2]
    hand = first.hand[place]
    forearm = np.linalg.norm(points[9 + hand] - points[7 + hand]) * SIZE / (ACROSS_M * first.scale[place])
    assert np.isclose(crops.forearm[crops.held], forearm, rtol=1e-4).any()
    told.clear()
    again = cut()
    assert told == []  # killed: cutting out anew at each start
    assert np.array_equal(again.held, crops.held)
    cut("b")
    assert told


def test_data_that_cannot_teach_is_refused(small_dataset, tmp_path):
    with pytest.raises(DataError, match="holds no runs of the simulator"):
        next(hands_of(tmp_path))
    only = tmp_path / "only"
    shutil.copytree(small_dataset, only)
    (run,) = runs(only)
    for path in run.glob("cameras/*/coco.json"):
        document = json.loads(path.read_text())
        document["annotations"] = []
        path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="are both needed"):
        made(tmp_path / "crops", [only], key={}, progress=lambda done, total: None)


def test_as_many_hands_that_hold_something_as_empty_ones_are_drawn_and_few_that_are_hidden():
    held = np.arange(1000) % 10 == 0
    seen = np.arange(1000) % 2 == 0
    seen[held] = np.arange(100) % 2 == 0
    crops = HandCrops(np.zeros((1000, 1, 1, 3), np.uint8), held, seen, np.ones(1000, np.float32))
    chosen = crops.drawn(20_000, np.random.default_rng(0))
    assert held[chosen].mean() == pytest.approx(0.5, abs=0.02)  # killed: as they come
    # Killed: hidden ones more often in one kind, which would teach that hidden hands hold something.
    for kind in (held, ~held):
        expected = (seen & kind).sum() / ((seen & kind).sum() + 0.3 * (~seen & kind).sum())
        assert seen[chosen][kind[chosen]].mean() == pytest.approx(expected, abs=0.02)


def spotted():
    """A kept crop that is dark but for a bright wrist."""
    picture = np.zeros((KEPT, KEPT, 3), np.uint8)
    x, y = (round(share * SIZE + (KEPT - SIZE) / 2) for share in WRIST)
    picture[y - 2 : y + 3, x - 2 : x + 3] = (250, 40, 40)
    return picture


def spot(picture):
    weight = picture[..., 0].astype(float) * (picture[..., 0] > 60)
    weight[weight == 127] = 0  # what lies outside is grey
    y, x = np.mgrid[:SIZE, :SIZE]
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_wrist_stays_near_its_place_and_red_stays_red(seed):
    variation = Variation(light=0.0, covered=0.0, joints=1.0, joints_vary=0.0)
    picture = variation.draw(spotted(), 30.0, np.random.default_rng(seed))
    assert picture.shape == (SIZE, SIZE, 3)
    x, y = spot(picture)
    assert abs(x - WRIST[0] * SIZE) < 5  # killed: a mirror around another line
    assert abs(y - WRIST[1] * SIZE) < 5
    red, blue = picture[..., 0] > 180, picture[..., 2] > 180
    assert not blue.any()  # killed: blue, green and red
    assert red.any() or (picture.std(axis=2) < 3).all()  # some are drawn without colours


def test_joints_that_are_found_worse_move_and_turn_the_crop_more():
    def spread(joints):
        variation = Variation(light=0.0, covered=0.0, joints=joints, joints_vary=0.0)
        return np.std([spot(variation.draw(spotted(), 30.0, np.random.default_rng(n))) for n in range(60)], axis=0)

    assert (spread(3.0) > 2 * spread(1.0)).all()


def test_in_use_the_middle_is_cut_out():
    assert spot(plain(spotted())) == pytest.approx((WRIST[0] * SIZE, WRIST[1] * SIZE), abs=0.6)


class Oracle:
    """Knows by the picture's order which hands hold something; ``wrong`` says the opposite."""

    def __init__(self, hands, wrong=False):
        self.left = [each.held for each in hands]
        self.sign = -1.0 if wrong else 1.0

    def evidence(self, crops):
        held = self.left.pop(0)
        assert crops.shape == (len(held), SIZE, SIZE, 3)
        return self.sign * np.where(held, 3.0, -3.0).astype(np.float32)


class TrueJoints:
    def __init__(self, hands):
        self.hands = list(hands)

    def find(self, image, xyxy):
        each = self.hands.pop(0)
        people = np.unique(each.person)
        assert xyxy == pytest.approx(each.sample.xyxy[people])  # killed: boxes of other people
        return each.sample.keypoints[people].astype(np.float32)


def test_hands_are_measured_at_the_joints_that_are_found(small_dataset, hands):
    report = evaluate_hands(small_dataset, Oracle(hands), TrueJoints(hands), against=Oracle(hands, wrong=True))
    assert report.measures() == {
        "auroc": 1.0,
        "auroc_seen": 1.0,
        "accuracy": 1.0,
        "log_loss": pytest.approx(np.log1p(np.exp(-3))),
    }
    assert report.measures(AGAINST)["auroc"] == 0.0
    assert len(report.held) == sum(map(len, hands))
    assert report.comparison().value == 1.0
    assert report.comparison().other == 0.0


def test_both_kinds_weigh_the_same_and_what_is_hidden_counts_in_the_whole_alone():
    held = np.array([True] * 2 + [False] * 8)
    seen = np.array([True, False] + [True] * 8)
    evidence = np.array([2.0, -2.0] + [-1.0] * 8)
    report = HandReport(held, seen, {OURS: evidence}, np.zeros(10, np.int64))
    found = report.measures()
    assert found["accuracy"] == pytest.approx(0.75)  # killed: .9, the share of all hands
    assert found["auroc_seen"] == 1.0
    assert found["auroc"] == pytest.approx(0.5)
    assert report.measures()["log_loss"] == pytest.approx((np.logaddexp(0, [-2, 2]).mean() + np.logaddexp(0, -1)) / 2)
