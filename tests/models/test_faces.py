from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.boxes import overlaps
from models.faces import FaceDetector, head_regions, open_face_detector
from models.pictures import fit

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return open_face_detector()


def test_finds_the_faces_of_two_men(detector: FaceDetector, two_men: Image) -> None:
    found = detector.detect(two_men, 0.5)
    truth = np.array([[912, 115, 1062, 275], [530, 275, 680, 430]], np.float32)
    assert len(found.xyxy) == 2
    assert overlaps(truth, found.xyxy)[0].max(axis=1).min() > 0.6
    assert found.confidence.tolist() == sorted(found.confidence.tolist(), reverse=True)


def test_finds_small_faces_at_the_top_of_people(detector: FaceDetector, street: Image) -> None:
    # A third of the size, in a corner: faces of 15 pixels in 1280.
    wide = np.full((1280, 1280, 3), 90, np.uint8)
    wide[:360, :270] = fit(street, (270, 360), padding=0).image[..., ::-1]
    people = np.array([[50, 400, 220, 890], [225, 405, 343, 850], [675, 380, 810, 870]], np.float32) / 3
    truth = np.array([[116, 418, 162, 470], [268, 425, 314, 472]], np.float32) / 3

    found = detector.detect_in(wide, people, 0.5)
    assert len(found.xyxy) == 2
    assert overlaps(truth, found.xyxy)[0].max(axis=1).min() > 0.5
    assert overlaps(truth, detector.detect(wide).xyxy)[0].max(initial=0) < 0.3


def test_one_face_in_two_people_s_boxes_is_one_face(detector: FaceDetector, two_men: Image) -> None:
    twice = np.array([[700, 40, 1120, 700], [720, 50, 1140, 710]], np.float32)
    assert len(detector.detect_in(two_men, twice, 0.5).xyxy) == 1


def test_no_people_and_no_faces(detector: FaceDetector, two_men: Image) -> None:
    assert detector.detect_in(two_men, np.zeros((0, 4), np.float32)).xyxy.shape == (0, 4)
    assert detector.detect(np.zeros((90, 120, 3), np.uint8)).xyxy.shape == (0, 4)


@given(st.lists(st.tuples(*[st.floats(-200, 300)] * 2, *[st.floats(1, 300)] * 2), max_size=5))
def test_head_regions_lie_in_the_picture(people: list[tuple[float, float, float, float]]) -> None:
    xyxy = np.array([[x, y, x + w, y + h] for x, y, w, h in people], np.float32).reshape(-1, 4)
    for x1, y1, x2, y2 in head_regions(xyxy, 160, 120):
        assert 0 <= x1 <= x2 - 8 <= 152
        assert 0 <= y1 <= y2 - 8 <= 112


def test_head_regions_hold_the_upper_half_of_a_slim_box_and_the_width_of_a_wide_one() -> None:
    slim, wide = np.array([[300, 100, 340, 200], [300, 100, 400, 200]], np.float32)
    assert head_regions(slim[None], 640, 480) == [(295, 92, 345, 142)]
    assert head_regions(wide[None], 640, 480) == [(300, 92, 400, 192)]
