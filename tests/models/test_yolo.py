from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from models.boxes import Boxes, overlaps
from models.errors import UnknownWeightsError, UnusableNetworkError
from models.people import open_person_detector
from models.pictures import fit
from models.yolo import Yolo, converted, decode

Image = NDArray[np.uint8]
SIZE = (320, 192)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, ultralytics_folder: Path) -> Iterator[Path]:
    """A cache of its own, so that no earlier conversion is found."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("YOLO_CONFIG_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def pictures(street: Image, two_men: Image) -> list[Image]:
    return [street, two_men]


@pytest.fixture(scope="module", params=["yolo26n", "yolo11n"])
def weights(request: pytest.FixtureRequest, home: Path, pictures: list[Image]) -> Path:
    return make_weights(home / f"{request.param}.pt", pictures)


def make_weights(path: Path, pictures: list[Image]) -> Path:
    """Untrained weights, scaled so that on these pictures they answer with varied confidences and boxes."""
    if path.exists():
        return path
    from models.ultralytics_home import import_ultralytics

    ultralytics = import_ultralytics()
    import torch

    torch.manual_seed(0)
    yolo = ultralytics.YOLO(f"{path.stem}.yaml")
    network = yolo.model
    batch = torch.from_numpy(np.stack([fit(picture, SIZE, padding=114).image for picture in pictures]))
    batch = batch.permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        network.train()
        for _ in range(3):
            network(batch)
        network.eval()
        head = network.model[-1]
        for name, spread, middle in (("cv2", 0.5, 2.0), ("cv3", 1.5, -8.0)):
            for branch in (name, f"one2one_{name}"):
                for layers in getattr(head, branch, None) or []:
                    scale(network, layers[-1], batch, spread, middle, only_first=name == "cv3")
    network.names = {0: "person", **{index: f"thing {index}" for index in range(1, 80)}}
    yolo.save(path)
    return path


def scale(network: Any, layer: Any, batch: Any, spread: float, middle: float, *, only_first: bool) -> None:
    seen: list[Any] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    network(batch)
    layer.weight *= spread / (seen[-1] - seen[-1].mean(dim=(2, 3), keepdim=True)).std()
    if only_first:
        layer.weight[1:] = 0
    network(batch)
    hook.remove()
    layer.bias += middle - seen[-1].mean(dim=(0, 2, 3))
    if only_first:
        layer.bias[0] += 5


def assert_same_boxes(found: Boxes, wanted: Boxes) -> None:
    """Box for box: near ties may change places."""
    assert len(found.xyxy) == len(wanted.xyxy)
    of_union, _ = overlaps(wanted.xyxy, found.xyxy)
    unlike = np.abs(wanted.confidence[:, None] - found.confidence[None])
    rows, partner = linear_sum_assignment(1 - of_union + unlike)
    assert of_union[rows, partner].min() > 0.98
    assert unlike[rows, partner].max() < 0.01
    assert np.all(np.diff(found.confidence) <= 0)


def test_torch_and_openvino_find_the_same(weights: Path, pictures: list[Image]) -> None:
    torch_detector = open_person_detector(str(weights), size=SIZE, device="torch")
    openvino_detector = open_person_detector(str(weights), size=SIZE)
    assert isinstance(torch_detector, Yolo)
    assert isinstance(openvino_detector, Yolo)

    batch = np.stack([fit(picture, SIZE, padding=114).image for picture in pictures])
    (raw,), (same,) = torch_detector._runtime.run(batch), openvino_detector._runtime.run(batch)
    assert raw.shape == same.shape == ((2, 300, 6) if weights.stem == "yolo26n" else (2, 84, 1260))
    if raw.shape[1] == 84:
        assert same == pytest.approx(raw, rel=0.01, abs=0.05)
    else:
        assert same[..., 4] == pytest.approx(raw[..., 4], abs=0.001)

    found, wanted = openvino_detector.detect(pictures, 0.1), torch_detector.detect(pictures, 0.1)
    assert min(len(boxes.xyxy) for boxes in wanted) > 10
    for boxes, expected, picture in zip(found, wanted, pictures, strict=True):
        assert_same_boxes(boxes, expected)
        assert np.all(boxes.xyxy >= 0)
        assert np.all(boxes.xyxy[:, 2:] <= [picture.shape[1], picture.shape[0]])
    assert_same_boxes(openvino_detector.detect(pictures[:1], 0.1)[0], wanted[0])


def test_on_a_gpu_the_same_boxes_are_found(weights: Path, pictures: list[Image]) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    wanted = open_person_detector(str(weights), size=SIZE, device="torch").detect(pictures, 0.2)
    detector = open_person_detector(str(weights), size=SIZE, device="cuda")
    for _ in range(2):
        for boxes, expected in zip(detector.detect(pictures, 0.15), wanted, strict=True):
            of_union, _ = overlaps(expected.xyxy, boxes.xyxy)
            # Float16 and weights that were never trained: most boxes, not all.
            assert np.median(of_union.max(axis=1)) > 0.95


def test_exports_give_the_same_boxes(home: Path, pictures: list[Image]) -> None:
    import torch

    from models.ultralytics_home import load_network

    onnx = pytest.importorskip("onnx")
    weights = make_weights(home / "yolo11n.pt", pictures)
    wanted = open_person_detector(str(weights), size=SIZE).detect(pictures, 0.1)

    network, names = load_network(weights)
    path = home / "exported.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.zeros(1, 3, SIZE[1], SIZE[0])
        torch.onnx.export(network, (example,), path, dynamo=False, input_names=["images"])
    model = onnx.load(path)
    # As ultralytics writes it.
    model.metadata_props.add(key="names", value=str(names))
    onnx.save(model, path)

    detector = open_person_detector(str(path))
    assert isinstance(detector, Yolo)
    assert detector.size == SIZE
    for boxes, expected in zip(detector.detect(pictures, 0.1), wanted, strict=True):
        assert_same_boxes(boxes, expected)
    with pytest.raises(UnusableNetworkError, match="was exported for 320x192: give that size or none, not 640x384"):
        open_person_detector(str(path), size=(640, 384))
    with pytest.raises(UnusableNetworkError, match=r"is an export, which runs on 'cpu' alone; for 'cuda' give"):
        open_person_detector(str(path), device="cuda")

    folder = home / "exported_openvino_model"
    folder.mkdir()
    with pytest.raises(UnusableNetworkError, match=r"one \.xml file, an exported OpenVINO network; it holds 0"):
        open_person_detector(str(folder))
    source = converted(weights, SIZE)
    for suffix in (".xml", ".bin"):
        (folder / f"exported{suffix}").write_bytes(source.with_suffix(suffix).read_bytes())
    for boxes, expected in zip(open_person_detector(str(folder)).detect(pictures, 0.1), wanted, strict=True):
        assert_same_boxes(boxes, expected)


def test_a_converted_network_opens_without_torch_and_asks_no_network(
    home: Path, pictures: list[Image], tmp_path: Path
) -> None:
    weights = make_weights(home / "yolo26n.pt", pictures)
    code = """
import json, sys
asked = []
sys.addaudithook(lambda event, arguments: asked.append(event) if event.startswith("socket.") else None)
import numpy as np
from models.people import open_person_detector
for size in ((320, 192), (160, 96)):
    open_person_detector(sys.argv[1], size=size).detect([np.zeros((90, 120, 3), np.uint8)])
    print(json.dumps([sorted({"torch", "ultralytics"} & set(sys.modules)), sorted(set(asked))]))
"""
    converted(weights, SIZE)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment |= {"HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, str(weights)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first == [[], []]
    assert second[0] == ["torch", "ultralytics"]
    assert not {"socket.connect", "socket.getaddrinfo", "socket.sendto"} & set(second[1])
    assert done.stderr == ""
    assert not (tmp_path / "intel").exists()


def test_weights_that_cannot_be_used_are_refused(home: Path) -> None:
    from models.ultralytics_home import import_ultralytics

    ultralytics = import_ultralytics()
    missing = home / "missing.pt"
    with pytest.raises(UnknownWeightsError, match=f"there is no weights file {missing}"):
        open_person_detector(str(missing))

    nameless = home / "nameless.pt"
    ultralytics.YOLO("yolo11n.yaml").save(nameless)
    with pytest.raises(UnusableNetworkError, match=r"nameless\.pt knows no class 'person', only: 0, 1, 2"):
        open_person_detector(str(nameless), size=(64, 64), device="torch")
    with pytest.raises(UnusableNetworkError, match=r"two multiples of 32 \(width, height\), got 64x60"):
        open_person_detector(str(nameless), size=(64, 60))

    classifier = home / "classifier.pt"
    ultralytics.YOLO("yolo11n-cls.yaml").save(classifier)
    with pytest.raises(UnusableNetworkError, match=r"classifier\.pt holds a ClassificationModel, which is no"):
        open_person_detector(str(classifier))


def test_answers_of_an_end_to_end_head() -> None:
    rows = np.array(
        [
            [1, 2, 3, 4, 0.5, 0],
            [5, 6, 7, 8, 0.9, 0],
            [1, 2, 3, 4, 0.95, 2],
            [1, 2, 3, 5, 0.25, 0],
            [0, 0, 9, 9, 0.2, 0],
        ],
        np.float32,
    )
    boxes = decode(rows, person=0, min_confidence=0.25)
    assert boxes.confidence.tolist() == pytest.approx([0.9, 0.5, 0.25])
    assert boxes.xyxy.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4], [1, 2, 3, 5]]
    assert decode(rows, person=2, min_confidence=0.1).confidence.tolist() == pytest.approx([0.95])


def test_answers_of_an_older_head() -> None:
    columns = np.array(
        [
            [10, 20, 4, 8, 0.1, 0.9],
            [10, 20.5, 4, 8, 0.1, 0.8],
            [50, 60, 10, 20, 0.9, 0.25],
            [50, 60, 10, 20, 0.9, 0.2],
        ],
        np.float32,
    ).T
    boxes = decode(columns[:, ::-1], person=1, min_confidence=0.25)
    assert boxes.confidence.tolist() == pytest.approx([0.9, 0.8, 0.25])
    assert boxes.xyxy.tolist() == [[8, 16, 12, 24], [8, 16.5, 12, 24.5], [45, 50, 55, 70]]
