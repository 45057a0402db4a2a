"""Matching and AP: against faster-coco-eval as oracle, and by hand."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boxes import overlaps
from training.evaluate.matching import THRESHOLDS, Matches, match

NO_PARTS = {"height": np.zeros(0, np.int64)}


def picture(boxes, confidence, truths, wanted=None, group="g", forgiven=None, parts=None, truth_parts=None):
    wanted = np.ones(len(truths), bool) if wanted is None else np.array(wanted)
    forgiven = np.zeros(len(boxes), bool) if forgiven is None else np.array(forgiven)
    xyxy, true = (np.array(each, np.float32).reshape(-1, 4) for each in (boxes, truths))
    confidence = np.array(confidence, float)
    truth, counts = match(overlaps(xyxy, true)[0].astype(float), confidence, wanted, forgiven)
    here = np.zeros(len(xyxy), np.int64), np.zeros(len(true), np.int64)
    given_parts = ({"height": np.array(p or [0] * n)} for p, n in ((parts, len(xyxy)), (truth_parts, len(true))))
    return Matches(confidence, truth, counts, wanted, *here, (group,), *given_parts)


corner = st.integers(0, 40)
side = st.integers(4, 30)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
one_picture = st.tuples(
    st.lists(box, max_size=5), st.lists(st.tuples(box, st.integers(0, 9), st.integers(-3, 3)), max_size=6)
)


@st.composite
def datasets(draw):
    """Pictures with truths and answers near them, no two of one confidence: COCO leaves open which goes first."""
    pictures = []
    for truths, answers in draw(st.lists(one_picture, min_size=1, max_size=4)):
        near = [(tuple(v + shift for v in truths[n % len(truths)]) if truths else b) for b, n, shift in answers]
        pictures.append((truths, near))
    count = sum(len(near) for _, near in pictures)
    order = draw(st.permutations(range(count)))
    confidence = iter([(place + 1) / (count + 1) for place in order])
    return [(truths, near, [next(confidence) for _ in near]) for truths, near in pictures]


def coco_scores(pictures):
    from faster_coco_eval import COCO, COCOeval_faster

    def xywh(b):
        return [float(b[0]), float(b[1]), float(b[2] - b[0]), float(b[3] - b[1])]

    annotations, found = [], []
    for image, (truths, near, confidence) in enumerate(pictures, 1):
        for one in truths:
            area = float((one[2] - one[0]) * (one[3] - one[1]))
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": 1, "bbox": xywh(one), "area": area,
                 "iscrowd": 0}
            )  # fmt: skip
        found += [{"image_id": image, "category_id": 1, "bbox": xywh(b), "score": c}
                  for b, c in zip(near, confidence, strict=True)]  # fmt: skip
    images = [{"id": n, "width": 100, "height": 100, "file_name": f"{n}"} for n in range(1, len(pictures) + 1)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]})
        evaluation = COCOeval_faster(truth, truth.loadRes(found), "bbox", print_function=lambda *_: None)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0], evaluation.stats[1], evaluation.stats[8]


@settings(max_examples=60)
@given(datasets())
def test_scores_are_cocos(pictures):
    if not any(truths for truths, _, _ in pictures) or not any(near for _, near, _ in pictures):
        return
    scores = Matches.joined([picture(near, conf, truths) for truths, near, conf in pictures]).scores()
    assert (scores.ap, scores.ap50, scores.ar) == pytest.approx(coco_scores(pictures), abs=1e-6)
    assert scores.people == sum(len(truths) for truths, _, _ in pictures)


@settings(max_examples=40)
@given(datasets(), st.integers(0, 3))
def test_a_group_drawn_twice_is_the_group_there_twice(pictures, twice):
    parts = [picture(near, conf, truths, group=str(n)) for n, (truths, near, conf) in enumerate(pictures)]
    twice %= len(parts)
    joined = Matches.joined(parts)
    drawn = np.ones(len(parts))
    drawn[twice] = 2
    again = Matches.joined([*parts, parts[twice]])
    if joined.people:
        assert joined.scores(drawn).ap == pytest.approx(again.scores().ap, abs=0.02)
        assert joined.ap50(drawn) == pytest.approx(joined.scores(drawn).ap50)
        drawn[twice] = 0
        others = Matches.joined([each for n, each in enumerate(parts) if n != twice])
        assert np.isnan(others.scores().ap) == np.isnan(joined.scores(drawn).ap)
        if others.people:
            assert joined.scores(drawn).ap == pytest.approx(others.scores().ap)


@settings(max_examples=40)
@given(datasets())
def test_pictures_may_come_in_any_order(pictures):
    parts = [picture(near, conf, truths, group=str(n)) for n, (truths, near, conf) in enumerate(pictures)]
    first, second = Matches.joined(parts), Matches.joined(parts[::-1])
    assert first.groups == second.groups
    if first.people:
        assert first.scores() == second.scores()


def test_each_person_is_found_once_by_the_surest():
    boxes = [(10, 10, 30, 50), (10, 10, 30, 49), (60, 10, 80, 50)]
    found = picture(boxes, [0.9, 0.8, 0.7], [(10, 10, 30, 50)])
    assert found.found[:, 0].tolist() == [True, False, False]
    assert found.counts[:, 0].tolist() == [True, True, True]
    assert found.people == 1


def test_half_of_the_union_is_needed_for_the_first_threshold():
    found = picture([(0, 0, 20, 20), (50, 0, 70, 19)], [0.9, 0.8], [(0, 0, 20, 40), (50, 0, 70, 40)])
    assert found.found[:, 0].tolist() == [True, False]
    assert not found.found[:, 1:].any()
    assert THRESHOLDS[0] == 0.5


def test_who_is_not_wanted_is_no_truth_and_finding_him_is_no_mistake():
    boxes = [(10, 10, 30, 50), (40, 10, 60, 50), (70, 70, 80, 90)]
    found = picture(boxes, [0.9, 0.8, 0.7], [(10, 10, 30, 50)], wanted=[False], forgiven=[False, False, True])
    assert found.people == 0
    assert found.counts[:, 0].tolist() == [False, True, False]
    assert np.isnan(found.scores().ap)
    both = picture([(10, 10, 30, 50)], [0.9], [(10, 10, 30, 50), (10, 10, 30, 48)], wanted=[False, True])
    assert both.found[:, 0].tolist() == [True]


def test_recall_and_precision_by_hand():
    truths = [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10), (60, 0, 70, 10)]
    matches = Matches.joined([picture([truths[0], (0, 50, 10, 60), truths[1]], [0.9, 0.8, 0.4], truths)])
    assert matches.at(0.85) == (0.25, 1.0)
    assert matches.at(0.5) == (0.25, 0.5)
    assert matches.at(0.1) == (0.5, 2 / 3)
    assert matches.at(0.95) == (0.0, 1.0)
    assert matches.recall_at(0.9) == (0.25, 0.9)
    assert matches.recall_at(0.6) == (0.5, 0.4)


def test_the_recall_at_a_precision_takes_answers_of_one_confidence_together():
    truths = [(0, 0, 10, 10), (20, 0, 30, 10)]
    matches = Matches.joined([picture([truths[0], (0, 50, 10, 60)], [0.8, 0.8], truths)])
    assert matches.recall_at(0.9) == (0.0, 1.0)
    assert matches.recall_at(0.5) == (0.5, 0.8)


def test_the_best_confidence_is_that_of_the_largest_f1():
    truths = [(0, 0, 10, 10), (20, 0, 30, 10)]
    boxes = [*truths, (0, 50, 10, 60), (0, 70, 10, 80)]
    assert 0.3 < Matches.joined([picture(boxes, [0.9, 0.6, 0.3, 0.2], truths)]).best() <= 0.6


def test_a_part_holds_its_people_their_finders_and_its_own_mistakes():
    truths = [(0, 0, 10, 10), (20, 0, 30, 10)]
    boxes = [*truths, (0, 50, 10, 60), (0, 70, 10, 80)]
    matches = Matches.joined(
        [picture(boxes, [0.9, 0.8, 0.7, 0.6], truths, parts=[1, 1, 0, 1], truth_parts=[0, 1])]
    )  # fmt: skip
    first, second = matches.part("height", 0), matches.part("height", 1)
    assert (first.people, second.people) == (1, 1)
    assert first.counts[:, 0].tolist() == [True, False, True, False]
    assert second.counts[:, 0].tolist() == [False, True, False, True]
    assert first.scores().ap50 == 1.0


def test_groups_are_told_apart():
    truths = [(0, 0, 10, 10)]
    matches = Matches.joined([picture(truths, [0.9], truths, group="a"), picture([], [], truths, group="b")])
    assert matches.groups == ("a", "b")
    assert matches.of_groups(["a"]).at(0.5) == (1.0, 1.0)
    assert matches.of_groups(["b"]).at(0.5) == (0.0, 1.0)
    assert matches.scores().people == 2


def test_beyond_a_hundred_answers_nothing_counts():
    boxes = [(n, 50, n + 10, 60) for n in range(120)]
    found = picture(boxes, np.linspace(0.9, 0.1, 120), [(119, 50, 129, 60)])
    assert found.counts[:, 0].sum() == 100
    assert not found.found.any()
