"""Bootstrap, reliability, slices and the page of mistakes: what all evaluations share."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cameras.geometry import CameraModel, look_at
from training.evaluate.bootstrap import LEAST_GROUPS, compare, compare_means
from training.evaluate.gallery import Mark, Mistake, Section, Shown, write_gallery
from training.evaluate.reliability import reliability
from training.evaluate.slices import ANGLE, HEIGHT, LIGHT, heights, light, middles, view_angle_deg

scores = st.lists(st.tuples(st.integers(0, 7), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


def columns(rows):
    groups, a, b = zip(*rows, strict=True)
    return [f"g{g}" for g in groups], np.array(a), np.array(b)


@given(scores)
def test_a_comparison_turned_round_is_its_mirror(rows):
    groups, a, b = columns(rows)
    one, other = (compare_means(groups, *each, rounds=50) for each in ((a, b), (b, a)))
    assert one.difference == pytest.approx(-other.difference, abs=1e-12)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert {one.verdict, other.verdict} in ({"better", "worse"}, {"not known"})
    assert one.value == pytest.approx(a.mean())


@given(scores)
def test_a_model_is_never_better_than_itself(rows):
    groups, a, _ = columns(rows)
    found = compare_means(groups, a, a, rounds=20)
    assert (found.low, found.high, found.verdict) == (0, 0, "not known")


def test_more_of_the_same_group_makes_nothing_surer():
    # 4 groups with one sign and 4 with the other: no number of pictures in each makes the mean certain.
    rng = np.random.default_rng(3)
    effect = rng.normal(0.05, 0.3, 8)
    few, many = ([f"g{g}" for g in range(8) for _ in range(n)] for n in (1, 200))
    widths = []
    for groups in (few, many):
        a = np.array([effect[int(g[1:])] for g in groups])
        found = compare_means(groups, a, np.zeros(len(a)))
        widths.append(found.high - found.low)
    assert widths[0] == pytest.approx(widths[1], rel=1e-9)


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        a = rng.normal(0.1, 0.3, 40)
        found = compare_means([str(g) for g in range(40)], a, np.zeros(40), rounds=200)
        held += found.low <= 0.1 <= found.high
    assert 180 <= held <= 200


def test_few_groups_give_no_verdict_and_no_score_is_left_out():
    groups = [str(g) for g in range(LEAST_GROUPS)]
    sure = np.ones(LEAST_GROUPS)
    assert compare_means(groups, sure, 0 * sure).verdict == "better"
    assert compare_means(groups[1:], sure[1:], 0 * sure[1:]).verdict == "not known"
    # A draw without the last group has no score.
    found = compare(6, lambda n: 0.5 if n[5] else float("nan"), lambda n: 0.25, rounds=100)
    assert (found.low, found.high, found.verdict) == (0.25, 0.25, "better")
    assert str(found) == "0.500 against 0.250: +0.250 [+0.250, +0.250], better"
    assert found.as_dict()["difference"] == 0.25
    nothing = compare(0, lambda n: float("nan"), lambda n: 0.0)
    assert nothing.verdict == "not known"


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(1, 15))
def test_the_calibration_error_is_its_formula(answers, bins):
    confidence, right = (np.array(column) for column in zip(*answers, strict=True))
    found = reliability(confidence, right, bins=bins)
    assert sum(b.count for b in found.bins) == len(answers)
    total = sum(b.count * abs(b.accuracy - b.confidence) for b in found.bins) / len(answers)
    assert found.ece == pytest.approx(total)
    assert 0 <= found.ece <= 1
    order = np.random.default_rng(1).permutation(len(answers))
    assert reliability(confidence[order], right[order], bins=bins).ece == pytest.approx(found.ece)


def test_who_says_what_is_true_is_calibrated():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0, 1, 20000)
    assert reliability(confidence, rng.uniform(0, 1, 20000) < confidence).ece < 0.02
    assert reliability(np.full(10, 0.9), np.zeros(10, bool)).ece == pytest.approx(0.9)
    assert reliability(np.ones(4), np.ones(4, bool)).ece == 0
    assert reliability(np.zeros(0), np.zeros(0, bool)).as_dict() == {"ece": None, "bins": []}
    with pytest.raises(ValueError, match=r"in 0..1, got 0 to 1.5"):
        reliability(np.array([0, 1.5]), np.ones(2, bool))


def camera(target):
    position = np.array([0.0, 0.0, 3.0])
    matrix = np.array([[300.0, 0, 320], [0, 300, 180], [0, 0, 1]])
    return CameraModel("c", (640, 360), matrix, np.zeros(5), look_at(position, np.array(target)), position)


@given(st.floats(1, 89))
def test_the_angle_of_the_middle_is_the_cameras_own(angle):
    down, along = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    model = camera([along, 0.0, 3.0 - down])
    assert view_angle_deg(model, np.array([[320.0, 180.0]]))[0] == pytest.approx(angle, abs=1e-6)


def test_straight_down_is_overhead_and_ahead_is_level():
    xy = np.array([[320.0, 180.0], [320.0, 10.0]])
    assert [ANGLE.labels[p] for p in ANGLE.of(view_angle_deg(camera([0, 0, 0]), xy))] == ["overhead", "steep"]
    assert [ANGLE.labels[p] for p in ANGLE.of(view_angle_deg(camera([5, 0, 3.0]), xy[:1]))] == ["level"]


@given(st.lists(st.floats(-10, 400), max_size=20))
def test_parts_hold_their_lower_edge(values):
    for value, place in zip(values, HEIGHT.of(np.array(values)), strict=True):
        if place < 0:
            assert value < 0
        else:
            assert HEIGHT.edges[place] <= value < HEIGHT.edges[place + 1]
    assert HEIGHT.of(np.array([np.nan])).tolist() == [-1]


def test_boxes_and_light():
    boxes = np.array([[10, 20, 30, 80]], np.float32)
    assert middles(boxes).tolist() == [[20, 50]]
    assert heights(boxes).tolist() == [60]
    green = np.zeros((8, 8, 3), np.uint8)
    green[..., 1] = 100
    assert light(green) == pytest.approx(58.7)
    assert LIGHT.of(np.array([0.0, 100.0, 255.0])).tolist() == [0, 1, 2]


def test_the_page_stands_alone_and_shows_the_worst_first(tmp_path):
    image = np.zeros((60, 80, 3), np.uint8)
    mistakes = [
        Mistake(f"cost {cost} <b>", (Shown(image, "seen", (Mark("truth", (1, 2, 3, 8), text="missed"),)),), cost)
        for cost in (1, 5, 3)
    ]
    pose = Mistake("points", (Shown(image, "", (Mark("wrong", None, ((5, 6), (7, 8))),)), Shown(image, "other")))
    path = tmp_path / "made" / "page.html"
    sections = [Section("Missed", "people", mistakes), Section("Poses", "points", [pose]), Section("Fine", "none")]
    write_gallery(path, "What goes wrong", "of all", sections, figures={"AP50": ".931"}, most=2)
    page = path.read_text()
    assert re.findall(r"cost \d &lt;b&gt;</p>", page) == ["cost 5 &lt;b&gt;</p>", "cost 3 &lt;b&gt;</p>"]
    assert "3, the 2 worst shown" in page
    assert page.count("data:image/jpeg;base64,") == 4
    assert (
        '<rect x="1" y="2" width="2" height="6"/>' in page or '<rect x="1.0" y="2.0" width="2.0" height="6.0"/>' in page
    )
    assert page.count("<circle") == 2
    assert "None." in page
    assert "prefers-color-scheme: dark" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "http" not in page


def test_a_part_is_cut_with_its_marks():
    image = np.arange(100 * 120 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 120, 3)
    shown = Shown(image, "x", (Mark("found", (50, 40, 70, 60), ((60, 50),)),)).cropped((50, 40, 70, 60), margin=0.5)
    assert shown.image.shape == (40, 40, 3)
    assert np.array_equal(shown.image, image[30:70, 40:80])
    assert shown.marks[0].xyxy == (10, 10, 30, 30)
    assert shown.marks[0].points == ((20, 20),)
    assert Shown(image).cropped((-5, -5, 500, 500)).image.shape == image.shape
