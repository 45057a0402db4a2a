from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.boxes import overlaps
from models.efficientdet import EfficientDet, anchors, person_network
from models.errors import UnknownWeightsError, UnusableNetworkError
from models.people import open_person_detector
from models.pictures import fit
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, read_openvino
from store.cache import cache_dir

Image = NDArray[np.uint8]
Frame = Callable[[int], tuple[Image, NDArray[np.float64]]]


@pytest.fixture(scope="module")
def detector() -> EfficientDet:
    detector = open_person_detector()
    assert isinstance(detector, EfficientDet)
    return detector


def test_the_changed_network_gives_the_published_one_s_numbers(street: Image) -> None:
    path = fetch("efficientdet-lite0")
    pictures = np.stack([fit(street, (320, 320), padding=127).image])
    published = OpenVinoRuntime(read_openvino(path), exact=True).run(pictures)
    scores, offsets = OpenVinoRuntime(person_network(read_openvino(path), 320, 320), exact=True).run(pictures)
    assert scores.shape == (1, 19206, 1)
    assert np.array_equal(scores[..., 0], published[0][..., 0])
    assert np.array_equal(offsets, published[1])
    assert scores.max() > 0.7


@pytest.mark.parametrize(("width", "height"), [(128, 256), (640, 384)])
def test_there_is_an_anchor_for_each_answer(width: int, height: int) -> None:
    network = person_network(read_openvino(fetch("efficientdet-lite0")), width, height)
    scores, offsets = (tuple(output.shape) for output in network.outputs)
    found = anchors(width, height)
    assert scores == (1, len(found), 1)
    assert offsets == (1, len(found), 4)
    # The first cell of the finest level: stride 8, thrice that as side, then the aspects 2 and 1/2 of the same area.
    assert found[:3].tolist() == pytest.approx(
        np.array([[4, 4, 24, 24], [4, 4, 24 * 2**0.5, 24 / 2**0.5], [4, 4, 24 / 2**0.5, 24 * 2**0.5]])
    )
    assert found[-1].tolist() == pytest.approx(
        [width - 64, height - 64, 384 * 2 ** (2 / 3) / 2**0.5, 384 * 2 ** (2 / 3) * 2**0.5]
    )


@pytest.mark.parametrize("size", [(640, 384), (512, 640)])
def test_finds_the_people_of_a_street(street: Image, size: tuple[int, int]) -> None:
    # Processors without VNNI cut int8 sums short: confidences differ by some hundredths from one to another.
    (found,) = open_person_detector(size=size).detect([street], 0.45)
    truth = np.array([[50, 400, 220, 890], [225, 405, 343, 850], [675, 380, 810, 870]], np.float32)
    of_union, _ = overlaps(truth, found.xyxy)
    assert len(found.xyxy) == 3
    assert of_union.max(axis=1).min() > 0.7
    assert found.confidence.dtype == found.xyxy.dtype == np.float32


def test_finds_the_people_of_a_wide_shot(detector: EfficientDet, vtest: Frame) -> None:
    found = people = right = 0
    for number in range(20, 397, 40):
        image, truth = vtest(number)
        (boxes,) = detector.detect([image], 0.3)
        of_union, _ = overlaps(truth.astype(np.float32), boxes.xyxy)
        found += len(boxes.xyxy)
        people += len(truth)
        right += int((of_union.max(axis=1) >= 0.5).sum())
    assert people > 50
    assert right / people >= 0.88
    assert right / found >= 0.82


def test_several_pictures_get_what_each_gets_alone(detector: EfficientDet, street: Image, two_men: Image) -> None:
    pictures = [street, two_men, np.ascontiguousarray(street[:, ::-1]), np.zeros((90, 120, 3), np.uint8)]
    together = detector.detect(pictures, 0.4)
    assert [len(boxes.xyxy) for boxes in together] == [3, 2, 3, 0]
    for picture, boxes in zip(pictures, together, strict=True):
        (alone,) = detector.detect([picture], 0.4)
        assert boxes.xyxy == pytest.approx(alone.xyxy, abs=0.5)
        assert boxes.confidence == pytest.approx(alone.confidence, abs=0.02)
        assert np.all(boxes.xyxy >= 0)
        assert np.all(boxes.xyxy[:, 2:] <= [picture.shape[1], picture.shape[0]])


def test_no_pictures_no_boxes(detector: EfficientDet) -> None:
    assert detector.detect([]) == []


def test_a_higher_threshold_gives_fewer_of_the_same(detector: EfficientDet, street: Image) -> None:
    low, high = detector.detect([street], 0.1)[0], detector.detect([street], 0.5)[0]
    assert len(low.xyxy) > len(high.xyxy)
    assert low.confidence.min() >= 0.1
    assert low.at_least(0.5).xyxy == pytest.approx(high.xyxy)


@pytest.mark.parametrize("size", [(640, 360), (600, 384), (0, 128)])
def test_a_size_that_cannot_be_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UnusableNetworkError, match=f"multiples of 128 .width, height., got {size[0]}x{size[1]}"):
        open_person_detector(size=size)


def test_a_gpu_or_another_name_is_refused() -> None:
    with pytest.raises(UnusableNetworkError, match="runs on 'cpu' alone, not 'cuda'"):
        open_person_detector(device="cuda")
    with pytest.raises(
        UnknownWeightsError, match="'yolo' is no detector: give efficientdet-lite0, aisle-people, active, or a path"
    ):
        open_person_detector("yolo")


def test_watching_on_a_cpu_imports_no_torch_and_asks_no_network(tmp_path: Path) -> None:
    code = """
import sys
asked = []
sys.addaudithook(lambda event, arguments: asked.append(event) if event.startswith("socket.") else None)
import numpy as np
from models.faces import open_face_detector
from models.people import open_person_detector
image = np.zeros((90, 120, 3), np.uint8)
open_person_detector(threads=1).detect([image])
open_face_detector(threads=1).detect(image)
print(sorted({"torch", "ultralytics", "torchvision", "onnx"} & set(sys.modules)), asked)
"""
    # The cache of this user, but a home without any consent or refusal of OpenVINO's telemetry, and no sign of a CI.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache_dir().parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[] []"
    assert list(tmp_path.iterdir()) == []
