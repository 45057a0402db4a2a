from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.pictures import PictureFile
from datasets.sample import Sample
from models.efficientdet import anchors, decode
from training.people_losses import IGNORED, NOBODY, Teacher, decoded, losses
from training.people_views import People, Views

ANCHORS = anchors(256, 256)


def one(xyxy, ignored=False):
    return People(np.array([xyxy], np.float32), np.array([ignored]))


def sample(xyxy, size=(640, 360), share=1.0):
    boxes = np.array(xyxy, np.float64).reshape(-1, 4)
    details = tuple({"visible_share": share} for _ in boxes)
    label = np.zeros(len(boxes), np.int64)
    return Sample("a", PictureFile(Path("a.jpg")), size, boxes, label, details=details)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.integers(100, 500), y=st.integers(60, 260))
def test_a_view_shows_people_where_it_says_they_are(seed, x, y):
    image = np.zeros((360, 640, 3), np.uint8)
    image[y : y + 40, x : x + 30] = 255
    person = sample([x, y, x + 30, y + 40])
    rng = np.random.default_rng(seed)
    view, people = Views(light=0.0, least_area=1.0).draw(image, person, (384, 256), rng)
    white = np.argwhere(view[..., 0] > 200)
    if not len(people.xyxy):
        assert len(white) < 100  # at most a sliver
        return
    x1, y1, x2, y2 = people.xyxy[0]
    if not people.ignored[0]:
        assert np.abs(white.min(axis=0) - (y1, x1)).max() < 3
        assert np.abs(white.max(axis=0) + 1 - (y2, x2)).max() < 3


def test_who_is_hardly_seen_is_ignored():
    for share, ignored in ((0.9, False), (0.1, True)):
        _, people = Views((640, 384), (1.0, 1.0), 1.0, light=0.0).draw(
            np.zeros((360, 640, 3), np.uint8),
            sample([200, 100, 260, 250], share=share),
            (640, 384),
            np.random.default_rng(0),
        )
        assert people.ignored.tolist() == [ignored]


def test_the_same_seed_draws_the_same_view():
    image = np.random.default_rng(1).integers(0, 255, (360, 640, 3)).astype(np.uint8)
    drawn = [Views().draw(image, sample([10, 10, 90, 200]), (256, 128), np.random.default_rng(5))[0] for _ in range(2)]
    assert np.array_equal(*drawn)


def test_anchors_that_fit_are_a_person_s_and_those_beside_are_nobody_s():
    owner = Teacher(ANCHORS).owners(one([100, 60, 148, 156]))
    x1, y1, x2, y2 = np.concatenate([ANCHORS[:, :2] - ANCHORS[:, 2:] / 2, ANCHORS[:, :2] + ANCHORS[:, 2:] / 2], 1).T
    inter = np.clip(np.minimum(x2, 148) - np.maximum(x1, 100), 0, None) * np.clip(
        np.minimum(y2, 156) - np.maximum(y1, 60), 0, None
    )
    iou = inter / ((x2 - x1) * (y2 - y1) + 48 * 96 - inter)
    assert (owner[iou >= 0.5] == 0).all()
    assert (owner[(iou >= 0.4) & (iou < 0.5)] == IGNORED).all()
    assert (owner[iou < 0.4] == NOBODY).all()
    assert (owner == 0).sum() > 3


def test_nothing_is_asked_of_anchors_on_somebody_who_is_ignored():
    owner = Teacher(ANCHORS).owners(one([64, 64, 192, 192], ignored=True))
    assert not (owner >= 0).any()
    inside = (np.abs(ANCHORS[:, :2] - 128) < 40).all(axis=1) & (ANCHORS[:, 2:] < 40).all(axis=1)
    assert (owner[inside] == IGNORED).all()


def test_a_person_no_anchor_fits_still_has_the_best_one():
    owner = Teacher(ANCHORS).owners(one([100, 100, 112, 136]))
    assert (owner == 0).sum() >= 1


def test_boxes_are_decoded_as_the_detector_does():
    offsets = np.random.default_rng(0).normal(0, 0.5, (len(ANCHORS), 4)).astype(np.float32)
    found = decoded(torch.from_numpy(offsets), torch.from_numpy(ANCHORS)).numpy()
    assert np.abs(found - decode(offsets, ANCHORS)).max() < 1e-2


def answered(people, xyxy=None, shift=0.0):
    """The answer that is right for one person, moved by ``shift`` pixels."""
    teacher = Teacher(ANCHORS)
    taught = teacher.lesson([people])
    logits = torch.where(taught.labels > 0, 12.0, -12.0)[..., None]
    own, box = ANCHORS[taught.anchor], people.xyxy[0] + shift
    offsets = np.zeros((1, len(ANCHORS), 4), np.float32)
    centre, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    offsets[0, taught.anchor] = np.concatenate(
        [((centre - own[:, :2]) / own[:, 2:])[:, ::-1], np.log(sides / own[:, 2:])[:, ::-1]], axis=1
    )
    answer = (logits, torch.from_numpy(offsets))
    return losses(answer, taught, torch.from_numpy(ANCHORS))


def test_the_right_answer_costs_nothing_and_each_error_its_own_term():
    person = one([60, 60, 160, 200])
    right = answered(person)
    assert all(float(value) == pytest.approx(0, abs=1e-3) for value in right.values())
    moved = answered(person, shift=5.0)
    assert float(moved["box"]) > 0.02
    assert float(moved["people"]) == pytest.approx(0, abs=1e-3)
