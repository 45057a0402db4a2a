"""What the joints network is shown and taught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.formats.coco import KEYPOINTS as NAMES
from datasets.formats.registry import open_dataset
from models.joints import SIZE
from training.errors import DataError
from training.joint_crops import KEPT, MIRRORED, JointCrops, Variation, asked, inside, made, plain
from training.joint_losses import ARMS, HIDDEN, losses


def spotted(x, y, place=9):
    """A dark kept crop with a bright spot, where joint ``place`` is."""
    picture = np.zeros((KEPT, KEPT, 3), np.uint8)
    picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    joints = np.zeros((17, 3), np.float32)
    joints[place] = (x, y, 2)
    return picture, joints


def spot(picture):
    weight = picture.astype(float).sum(axis=2)
    y, x = np.mgrid[: len(weight), : len(weight)]
    return (x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()


def test_mirrored_keypoints_are_those_of_the_other_side():
    assert [NAMES[place].replace("left", "right") for place in MIRRORED] == [
        name.replace("left", "right") for name in NAMES
    ]
    assert [NAMES[place] for place in MIRRORED[5:7]] == ["right_shoulder", "left_shoulder"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), x=st.integers(50, 110), y=st.integers(50, 110))
def test_joints_go_with_the_picture(seed, x, y):
    variation = Variation(light=0.0, covered=0.0)
    picture, joints = variation.draw(*spotted(x, y), np.random.default_rng(seed))
    assert picture.shape == (SIZE, SIZE, 3)
    (place,) = np.flatnonzero(joints[:, 2])
    assert place in (9, 10)  # killed: a mirrored picture whose wrists keep their sides
    picture[picture < 160] = 0  # what lies outside is grey
    assert spot(picture) == pytest.approx(joints[place, :2], abs=0.7)


def test_about_half_are_mirrored():
    kept = [Variation().draw(*spotted(80, 80), np.random.default_rng(n))[1][9, 2] == 2 for n in range(60)]
    assert 18 <= sum(kept) <= 42


def test_in_use_the_middle_is_cut_out():
    picture, joints = plain(*spotted(70, 90))
    assert joints[9].tolist() == [54.0, 74.0, 2.0]
    assert spot(picture) == pytest.approx((54, 74), abs=0.1)
    assert plain(*spotted(10, 90))[1][9].tolist() == [0, 0, 0]  # it lies outside now


def test_people_are_cut_out_once(small_dataset, tmp_path):
    dataset = open_dataset(small_dataset)
    told = []

    def cut():
        return made(tmp_path, [dataset], key={"data": "small"}, progress=lambda done, total: told.append((done, total)))

    crops = cut()
    samples = [sample for sample in dataset.samples() if len(sample)]
    assert len(crops) == sum(len(asked(sample)) for sample in samples) > 3
    assert told[-1] == (len(samples), len(samples))
    sample = next(each for each in samples if len(asked(each)))
    person = asked(sample)[0]
    box, points = inside(sample)[person], sample.keypoints[person]
    scale = SIZE / 1.25 / (box[2:] - box[:2]).max()
    expected = (points[:, :2] - (box[:2] + box[2:]) / 2) * scale + KEPT / 2
    known = points[:, 2] > 0
    assert crops.joints[0, known, :2] == pytest.approx(expected[known], abs=0.01)
    told.clear()
    again = cut()
    assert told == []  # killed: cutting out anew at each start
    assert np.array_equal(again.joints, crops.joints)
    assert np.array_equal(JointCrops.open(tmp_path).pictures, crops.pictures)


def test_data_without_joints_is_named(small_dataset, tmp_path):
    class Unlabelled:
        def samples(self):
            for sample in open_dataset(small_dataset).samples():
                yield replace(sample, keypoints=None)

    with pytest.raises(DataError, match="nobody with labelled joints is large enough"):
        made(tmp_path, [Unlabelled()], key={}, progress=lambda done, total: None)


def logits(joints):
    """Maps that say where ``joints`` (n, k, 3) are, as surely as they are taught."""
    at = (torch.arange(32) + 0.5) * 4 - 0.5
    x, y = joints[..., 0, None, None], joints[..., 1, None, None]
    return -((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / (2 * 5.0**2)


def test_the_right_maps_cost_least_and_moved_ones_more():
    joints = torch.rand(3, 17, 3, generator=torch.Generator().manual_seed(1)) * 60 + 30
    joints[..., 2] = 2
    right = losses(logits(joints), joints)
    assert float(right["places"]) == pytest.approx(0, abs=0.02)
    for by in (-6.0, 6.0):
        moved = losses(logits(joints + torch.tensor([by, 0.0, 0.0])), joints)
        assert float(moved["maps"]) > float(right["maps"]) + 0.2
        assert float(moved["places"]) == pytest.approx(4 * 6 / SIZE, rel=0.1)


def test_hidden_joints_count_less_and_unlabelled_ones_nothing():
    joints = torch.full((1, 2, 3), 60.0)
    joints[0, :, 2] = torch.tensor([2.0, 1.0])
    wrong = joints.clone()
    wrong[0, 1, 0] += 20  # the hidden one alone is placed wrong
    cost = float(losses(logits(wrong), joints)["places"])
    assert cost == pytest.approx(4 * 20 / SIZE * HIDDEN / (1 + HIDDEN), rel=0.1)
    joints[0, :, 2] = torch.tensor([2.0, 0.0])
    assert float(losses(logits(wrong), joints)["places"]) == pytest.approx(0, abs=0.02)
    joints[0, :, 2] = 0
    assert float(losses(logits(wrong), joints)["places"]) == 0


def test_arms_and_hidden_joints_count_as_much_as_told():
    joints = torch.full((1, 17, 3), 60.0)
    joints[..., 2] = 2.0
    joints[0, ARMS[0], 2] = 1.0
    wrong = joints.clone()
    wrong[0, ARMS[0], 0] += 20  # a hidden elbow alone is placed wrong
    cost = float(losses(logits(wrong), joints, hidden=1.0, arms=3.0)["places"])
    assert cost == pytest.approx(4 * 20 / SIZE * 3 / (13 + 4 * 3), rel=0.1)


def test_anyone_is_drawn(small_dataset, tmp_path):
    crops = made(tmp_path, [open_dataset(small_dataset)], key={}, progress=lambda done, total: None)
    rng = np.random.default_rng(3)
    drawn = {crops.drawn(rng)[1].tobytes() for _ in range(20 * len(crops))}
    assert drawn == {joints.tobytes() for joints in crops.joints}
