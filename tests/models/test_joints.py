"""Joints of people in boxes: cutting out, placing, and the way back into the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.boxes import Boxes
from models.joints import KEYPOINTS, OUTPUTS, SIZE, JointFinder, PosedDetector, crop_matrix, cropped, placed
from models.joints_network import JointsNetwork
from models.registry import fetch
from training.export import export_onnx, exportable

BOX = st.tuples(st.floats(0, 500), st.floats(0, 300), st.floats(10, 300), st.floats(10, 300))


class Brightest(nn.Module):
    """Says that every joint lies where the picture is brightest."""

    def __init__(self):
        super().__init__()
        self.grey = nn.Conv2d(3, KEYPOINTS, 1, bias=False)
        nn.init.constant_(self.grey.weight, 1 / 3)

    def forward(self, pictures):
        return self.grey(nn.functional.avg_pool2d(pictures.float().permute(0, 3, 1, 2), 4))


@pytest.fixture(scope="module")
def brightest(tmp_path_factory):
    path = tmp_path_factory.mktemp("joints") / "brightest.onnx"
    example = torch.randint(0, 255, (2, SIZE, SIZE, 3), dtype=torch.uint8)
    export_onnx(exportable(Brightest(), example, OUTPUTS, {"pictures": {0: "people"}}), path)
    return path


@given(BOX)
def test_the_box_lies_in_the_middle_of_its_crop_with_a_margin(box):
    x, y, width, height = box
    matrix = crop_matrix(np.array([x, y, x + width, y + height], np.float32))
    corners = np.array([[x, y], [x + width, y + height]]) @ matrix[:, :2].T + matrix[:, 2]
    assert corners.mean(axis=0) == pytest.approx([SIZE / 2, SIZE / 2], abs=1e-2)
    assert (corners[1] - corners[0]).max() == pytest.approx(0.8 * SIZE, rel=1e-4)  # killed: no margin; the other side
    assert matrix[0, 0] == matrix[1, 1]  # killed: a stretched person


@settings(max_examples=40, deadline=None)
@given(st.floats(8, 118), st.floats(8, 118), st.integers(0, 16))
def test_a_joint_is_placed_at_the_mean_of_its_hill_finer_than_a_cell(x, y, joint):
    at = (np.arange(32) + 0.5) * 4 - 0.5
    hill = -((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / (2 * 5.0**2)
    maps = np.full((1, KEYPOINTS, 32, 32), -20.0, np.float32)
    maps[0, joint] = hill
    found = placed(maps)
    assert found.shape == (1, KEYPOINTS, 3)
    assert found[0, joint, :2] == pytest.approx([x, y], abs=0.6)  # killed: the likeliest cell alone; half a cell off
    assert found[0, joint, 2] > 0.95
    assert found[0, joint - 1, 2] < 0.06  # a flat map: any place is as good


def test_of_two_hills_the_higher_has_the_joint_and_its_share_is_the_confidence():
    maps = np.full((1, 1, 32, 32), -30.0, np.float32)
    maps[0, 0, 5, 6], maps[0, 0, 25, 20] = np.log(0.7), np.log(0.3)
    x, y, confidence = placed(maps)[0, 0]
    assert (x, y) == pytest.approx((6 * 4 + 1.5, 5 * 4 + 1.5), abs=1e-3)  # killed: the mean of both
    assert confidence == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize("device", ["cpu", "torch"])
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_joints_come_back_in_the_picture_s_pixels(brightest, scale, device):
    size = int(640 * scale), int(400 * scale)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    spots = np.array([[150.0, 120.0], [430.0, 250.0]]) * scale
    for x, y in spots:
        cv2.circle(image, (round(x * 16), round(y * 16)), round(6 * scale * 16), (255, 255, 255), -1, cv2.LINE_AA, 4)
    boxes = np.array([[110, 60, 190, 200], [350, 200, 500, 280]], np.float32) * scale
    found = JointFinder(brightest, device=device).find(image, boxes)
    assert found.shape == (2, KEYPOINTS, 3)
    cell = 4 * 1.25 * (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / SIZE
    assert (np.abs(found[:, :, :2] - spots[:, None]).max(axis=(1, 2)) < 0.6 * cell).all()  # killed: the crop's pixels
    assert (found[:, :, 2] > 0.9).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(100, 300), st.floats(100, 300), st.floats(20, 500))
def test_a_crop_shows_what_lies_there_at_any_scale(x, y, side):
    ramp = np.repeat(np.arange(1020) / 4, 3).reshape(1, 1020, 3)
    image = np.repeat(ramp, 600, axis=0).astype(np.uint8)
    matrix = crop_matrix(np.array([x, y, x + side, y + side / 2], np.float32))
    crop = cropped(image, matrix)
    there = (np.arange(SIZE) - matrix[0, 2]) / matrix[0, 0]
    row = crop[SIZE // 2, :, 0].astype(float)
    inside = (there > 2) & (there < 1000)
    # Grey values are cut to whole numbers, which are .375 less on the average.
    off = (row - (there / 4 - 0.375))[inside].mean() * 4
    assert abs(off) < 0.6  # killed: a picture that is moved by half a pixel each time that it is halved


def test_nobody_has_no_joints(brightest):
    assert JointFinder(brightest).find(np.zeros((90, 90, 3), np.uint8), np.zeros((0, 4), np.float32)).shape == (
        0,
        17,
        3,
    )


def test_a_crop_outside_of_the_picture_is_grey():
    image = np.full((40, 40, 3), 255, np.uint8)
    crop = cropped(image, crop_matrix(np.array([-20, -20, 20, 20], np.float32)))
    assert (crop[:60, :60] == 127).all()
    assert (crop[70:100, 70:100] == 255).all()


def test_a_detector_is_given_joints_and_keeps_its_boxes(brightest):
    class Two:
        def detect(self, images, min_confidence=0.1):
            assert min_confidence == 0.3
            boxes = Boxes(np.array([[10, 10, 50, 90], [60, 20, 90, 80]], np.float32), np.array([0.9, 0.4], np.float32))
            return [boxes, Boxes.empty()][: len(images)]

    image = np.zeros((100, 100, 3), np.uint8)
    image[40:44, 30:34] = 255
    both, nobody = PosedDetector(Two(), JointFinder(brightest)).detect([image, image], 0.3)
    assert both.confidence.tolist() == pytest.approx([0.9, 0.4])
    assert both.keypoints[0, :, :2] == pytest.approx(np.full((17, 2), (31.5, 41.5)), abs=0.6)
    assert nobody.keypoints.shape == (0, 17, 3)


def test_the_network_answers_a_map_a_joint_and_keeps_its_stem():
    torch.manual_seed(0)
    network = JointsNetwork(fetch("efficientnet-lite0"), 16)
    maps = network(torch.randint(0, 255, (2, SIZE, SIZE, 3), dtype=torch.uint8))
    assert maps.shape == (2, KEYPOINTS, SIZE // 4, SIZE // 4)
    maps.square().mean().backward()
    grads = {name: value.grad is not None for name, value in network.named_parameters()}
    assert {name for name, trained in grads.items() if not trained} == {name for name in grads if "stem." in name}


def test_several_pictures_are_looked_at_together_and_answered_apart(brightest):
    finder = JointFinder(brightest, threads=1)
    pictures = [np.zeros((120, 160, 3), np.uint8) for _ in range(3)]
    cv2.circle(pictures[0], (40, 60), 5, (255, 255, 255), -1)
    cv2.circle(pictures[2], (100, 50), 5, (255, 255, 255), -1)
    boxes = [
        np.array([[20, 30, 60, 90]], np.float32),
        np.zeros((0, 4), np.float32),
        np.array([[80, 20, 120, 80], [90, 40, 120, 70]], np.float32),
    ]
    together = finder.find_in(pictures, boxes)
    assert [len(each) for each in together] == [1, 0, 2]
    for picture, own, found in zip(pictures, boxes, together, strict=True):
        assert found == pytest.approx(finder.find(picture, own), abs=1e-3)
    assert together[2][0, 0, :2] == pytest.approx([100, 50], abs=2)
    assert [each.shape for each in finder.find_in(pictures[:1], boxes[1:2])] == [(0, KEYPOINTS, 3)]
