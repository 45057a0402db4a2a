from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box as rectangle

from models.boxes import Boxes, clip, overlaps, suppress, vote

coordinate = st.integers(-20, 60)
side = st.integers(1, 40)
one_box = st.tuples(coordinate, coordinate, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@st.composite
def some_boxes(draw: st.DrawFn, least: int = 0) -> Boxes:
    boxes = draw(st.lists(one_box, min_size=least, max_size=12))
    confidence = draw(st.lists(st.integers(0, 20), min_size=len(boxes), max_size=len(boxes)))
    return Boxes(np.array(boxes, np.float32).reshape(-1, 4), np.array(confidence, np.float32) / 20)


@given(some_boxes(), some_boxes())
def test_overlaps_are_those_of_geometry(a: Boxes, b: Boxes) -> None:
    of_union, of_smaller = overlaps(a.xyxy, b.xyxy)
    assert of_union.shape == of_smaller.shape == (len(a.xyxy), len(b.xyxy))
    for i, first in enumerate(a.xyxy.tolist()):
        for j, second in enumerate(b.xyxy.tolist()):
            p, q = rectangle(*first), rectangle(*second)
            shared = p.intersection(q).area
            assert of_union[i, j] == pytest.approx(shared / p.union(q).area, abs=1e-5)
            assert of_smaller[i, j] == pytest.approx(shared / min(p.area, q.area), abs=1e-5)


@given(some_boxes(), st.sampled_from([0.3, 0.5, 0.7]), st.sampled_from([0.6, 0.8, 1.0]))
def test_suppression_keeps_one_box_of_each_group(boxes: Boxes, iou: float, containment: float) -> None:
    kept = suppress(boxes, iou=iou, containment=containment)
    assert np.all(np.diff(kept.confidence) <= 0)

    def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        of_union, of_smaller = overlaps(a, b)
        return np.asarray((of_union > iou) | (of_smaller > containment))

    assert np.array_equal(same(kept.xyxy, kept.xyxy), np.eye(len(kept.xyxy), dtype=bool) & same(kept.xyxy, kept.xyxy))
    # Whatever went has a reason: a kept box at least as confident that it means the same as.
    covered = same(boxes.xyxy, kept.xyxy) & (kept.confidence >= boxes.confidence[:, None])
    is_kept = np.all(boxes.xyxy[:, None] == kept.xyxy[None], axis=2) & (boxes.confidence[:, None] == kept.confidence)
    assert np.all(covered.any(axis=1) | is_kept.any(axis=1))


def test_suppression_looks_at_the_most_confident_only() -> None:
    apart = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]], np.float32)
    kept = suppress(Boxes(apart, np.array([0.2, 0.9, 0.5], np.float32)), iou=0.5, most=2)
    assert kept.confidence.tolist() == pytest.approx([0.9, 0.5])
    assert kept.xyxy.tolist() == apart[[1, 2]].tolist()


def test_a_part_inside_a_whole_goes_by_containment_alone() -> None:
    boxes = Boxes(np.array([[0, 0, 10, 30], [2, 2, 8, 10]], np.float32), np.array([0.9, 0.8], np.float32))
    assert len(suppress(boxes, iou=0.5).xyxy) == 2
    assert suppress(boxes, iou=0.5, containment=0.9).confidence.tolist() == pytest.approx([0.9])


def test_a_vote_is_the_mean_weighted_by_confidence_of_those_that_overlap() -> None:
    kept = Boxes(np.array([[0, 0, 10, 20]], np.float32), np.array([0.8], np.float32))
    candidates = Boxes(
        np.array([[0, 0, 10, 20], [2, 0, 12, 20], [50, 50, 60, 70]], np.float32),
        np.array([0.75, 0.25, 0.9], np.float32),
    )
    voted = vote(kept, candidates, iou=0.6)
    assert voted.xyxy.tolist() == [[0.5, 0, 10.5, 20]]
    assert voted.confidence is kept.confidence


@given(some_boxes(least=1))
def test_a_box_that_nobody_votes_for_stays(boxes: Boxes) -> None:
    far = Boxes(boxes.xyxy + np.float32(1000), boxes.confidence)
    assert np.array_equal(vote(boxes, far).xyxy, boxes.xyxy)


@given(some_boxes())
def test_clipping_leaves_what_is_inside(boxes: Boxes) -> None:
    clipped = clip(boxes, 30, 20)
    frame = rectangle(0, 0, 30, 20)
    inside = [frame.intersection(rectangle(*b)) for b in boxes.xyxy.tolist()]
    assert [list(part.bounds) for part in inside if part.area > 0] == clipped.xyxy.tolist()
    assert clipped.confidence.tolist() == [
        c for part, c in zip(inside, boxes.confidence.tolist(), strict=True) if part.area > 0
    ]


def test_none_is_a_table_without_rows() -> None:
    empty = Boxes.empty()
    assert empty.xyxy.shape == (0, 4)
    assert empty.confidence.shape == (0,)
    assert suppress(empty, iou=0.5).xyxy.shape == (0, 4)
    assert vote(empty, empty).xyxy.shape == (0, 4)
    assert clip(empty, 5, 5).xyxy.shape == (0, 4)


def test_at_least_includes_its_limit() -> None:
    boxes = Boxes(np.zeros((3, 4), np.float32), np.array([0.75, 0.5, 0.25], np.float32))
    assert boxes.at_least(0.5).confidence.tolist() == [0.75, 0.5]
    assert boxes.at_least(0.5).xyxy.shape == (2, 4)


@given(some_boxes(), st.integers(0, 10))
def test_keypoints_stay_with_their_boxes(boxes: Boxes, half: int) -> None:
    # Each box's only keypoint names its place, so that whatever is kept tells where it comes from.
    marks = np.arange(len(boxes.xyxy), dtype=np.float32)[:, None, None] * np.ones(3, np.float32)
    marked = boxes._replace(keypoints=marks)
    for kept in (suppress(marked, iou=0.5), clip(marked, 30, 30), marked.at_least(half / 10), vote(marked, boxes)):
        assert kept.keypoints is not None
        came_from = kept.keypoints[:, 0, 0].astype(np.int64)
        assert np.array_equal(kept.confidence, boxes.confidence[came_from])
    assert Boxes.empty().keypoints is None
    empty = Boxes.empty(17).keypoints
    assert empty is not None
    assert empty.shape == (0, 17, 3)
