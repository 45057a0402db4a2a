"""Recall and precision of a detector of people, on boxes whose answer is plain and on a simulated dataset."""

from __future__ import annotations

import json

import numpy as np
import pytest

from datasets.formats.coco import CocoFileError, read_coco
from models.boxes import Boxes
from training.evaluate.people import Limits, Matches, evaluate_people, match

SIZE = (100, 80)


def person(x, y, w, h, share=1.0, full=None):
    return {
        "bbox": [x, y, w, h], "bbox_full": full or [x, y, w, h], "area": w * h, "visible_share": share,
    }  # fmt: skip


def matched(boxes, people):
    table = np.array(boxes, float).reshape(-1, 5)
    return match(table[:, :4], table[:, 4], people, SIZE, Limits(0.6, 100))


def test_each_person_is_found_once_by_the_surest():
    twice = matched([(10, 10, 30, 50, 0.9), (10, 10, 30, 49, 0.8), (60, 10, 80, 50, 0.7)], [person(10, 10, 20, 40)])
    assert twice.found.tolist() == [True, False, False]
    assert twice.people == 1


def test_half_of_the_union_is_needed():
    assert matched([(10, 10, 30, 30, 0.9)], [person(10, 10, 20, 40)]).found.tolist() == [True]
    assert matched([(10, 10, 30, 29, 0.9)], [person(10, 10, 20, 40)]).found.tolist() == [False]


def test_the_whole_body_within_the_picture_may_be_meant():
    half_seen = person(10, 60, 20, 10, share=0.7, full=[10, 60, 20, 60])
    assert matched([(10, 60, 30, 80, 0.9)], [half_seen]).found.tolist() == [True]


def test_people_who_need_not_be_found_count_for_nothing():
    hidden, small = person(10, 10, 20, 40, share=0.5), person(60, 10, 9, 11)
    on_them = matched([(10, 10, 30, 50, 0.9), (59, 9, 70, 22, 0.8)], [hidden, small])
    assert len(on_them.confidence) == 0
    assert on_them.people == 0
    beside = matched([(40, 10, 60, 50, 0.9)], [hidden, small])
    assert beside.found.tolist() == [False]
    tiny_mistake = matched([(80, 60, 88, 70, 0.9)], [hidden])
    assert len(tiny_mistake.confidence) == 0


def test_recall_and_precision_by_hand():
    matches = Matches(np.array([0.9, 0.8, 0.4]), np.array([True, False, True]), 4)
    assert matches.at(0.85) == (0.25, 1.0)
    assert matches.at(0.5) == (0.25, 0.5)
    assert matches.at(0.1) == (0.5, 2 / 3)
    assert matches.at(0.95) == (0.0, 1.0)
    assert matches.best() <= 0.4


def test_recall_at_a_precision_by_hand():
    matches = Matches(np.array([0.9, 0.8, 0.4, 0.4, 0.3]), np.array([True, False, True, True, False]), 4)
    assert matches.recall_at(0.75) == (0.75, 0.4)  # both of .4: three of four are right
    assert matches.recall_at(0.7) == (0.75, 0.4)
    assert matches.recall_at(0.8) == (0.25, 0.9)
    assert matches.recall_at(0.6) == (0.75, 0.3)
    ties = Matches(np.array([0.5, 0.5]), np.array([True, False]), 2)
    assert ties.recall_at(0.9) == (0.0, 1.0)


class Oracle:
    """Answers with the truth of the pictures in the order in which they are read."""

    def __init__(self, paths, every=1):
        self.answers = []
        for path in paths:
            dataset = read_coco(path)
            for index, people in enumerate(dataset.by_image().values()):
                if index % every == 0:
                    self.answers.append(people)

    def detect(self, images, min_confidence=0.1):
        boxes = np.array([p["bbox"] for p in self.answers.pop(0)], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return [Boxes(boxes, np.full(len(boxes), 0.9, np.float32))]


@pytest.mark.parametrize("every", [1, 7])
def test_a_detector_that_knows_the_truth_is_perfect(small_dataset, every):
    paths = sorted(small_dataset.glob("runs/*/cameras/*/coco.json"))
    oracle = Oracle(paths, every)
    report = evaluate_people(small_dataset, oracle, limits=Limits(0.3, 50), every=every)
    assert oracle.answers == []
    assert list(report.cameras) == ["left", "right-side"]
    assert report.all.at(0.5) == (1.0, 1.0)
    assert report.all.people > 5
    found = json.loads(report.as_json())
    assert found["pictures"] == report.pictures
    assert found["cameras"]["left"]["people"] == report.cameras["left"].people


def test_unknown_cameras_and_other_folders_are_named(small_dataset, tmp_path):
    with pytest.raises(CocoFileError, match="no camera moon; there are: left, right-side"):
        evaluate_people(small_dataset, Oracle([]), cameras=["moon"])
    with pytest.raises(CocoFileError, match="no simulated dataset"):
        evaluate_people(tmp_path, Oracle([]))
