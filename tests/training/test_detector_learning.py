"""The detector's script: what it refuses, that it survives a kill, and what it exports."""

import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from datasets.formats.registry import open_dataset
from datasets.pictures import jpeg
from models.errors import UnknownWeightsError, UnusableNetworkError
from models.people import open_person_detector
from models.ultralytics_home import import_ultralytics, load_network, load_unsorted_network
from models.ultralytics_training import train_ultralytics
from models.yolo import open_yolo
from training.candidate import submit
from training.detector import RECIPE, Recipe, Split, converted, split, warm
from training.errors import ClassCountError

pytestmark = pytest.mark.processes

SETTINGS = {"epochs": 3, "imgsz": 64, "batch": 4, "warmup_epochs": 0, "mosaic": 0.0, "amp": False, "seed": 1}
PROGRAM = """
import sys, time
from pathlib import Path
import torch
from models.ultralytics_training import train_ultralytics
torch.set_num_threads(1)
data, folder, settings = Path(sys.argv[1]), Path(sys.argv[2]), eval(sys.argv[3])
train_ultralytics("detect", model="yolo26n.yaml", weights=None, data=data, folder=folder, settings=settings,
                  on_epoch=lambda done, total, scalars: time.sleep(0.5))
"""


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    """A YOLO dataset of a bright block on noise: 8 pictures to train with and 4 to look at."""
    root = tmp_path_factory.mktemp("blocks")
    noise = np.random.default_rng(2)
    for part, count in (("train", 8), ("val", 4)):
        for what in ("images", "labels"):
            (root / what / part).mkdir(parents=True)
        for number in range(count):
            image = noise.integers(0, 90, (64, 96, 3), np.uint8)
            left, top = noise.integers(5, 40, 2).tolist()
            image[top : top + 20, left : left + 16] = 220
            (root / "images" / part / f"{number}.jpg").write_bytes(jpeg(image))
            middle = f"{(left + 8) / 96} {(top + 10) / 64} {16 / 96} {20 / 64}"
            (root / "labels" / part / f"{number}.txt").write_text(f"0 {middle}\n")
    (root / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [person]\n")
    return root


def test_a_killed_training_goes_on_to_the_same_metrics(blocks, tmp_path):
    def trained(folder):
        told = {}
        best = train_ultralytics(
            "detect", model="yolo26n.yaml", weights=None, data=blocks / "data.yaml", folder=folder, settings=SETTINGS,
            on_epoch=lambda done, total, scalars: told.update({done: scalars}),
        )  # fmt: skip
        assert best.exists()
        return told

    killed = tmp_path / "killed"
    command = [sys.executable, "-c", PROGRAM, str(blocks / "data.yaml"), str(killed), repr(SETTINGS)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not (killed / "weights" / "last.pt").exists():
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert not list((killed / "weights").glob("*.part")) or (killed / "weights" / "last.pt").exists()
    again, whole = trained(killed), trained(tmp_path / "whole")
    assert set(whole) == {1, 2, 3}
    assert 3 in again
    assert 1 not in again
    for name in ("val/box_loss", "val/cls_loss"):
        assert math.isclose(again[3][name], whole[3][name], rel_tol=0.15)
    assert trained(killed) == {}  # it is over


def test_settings_that_the_script_sets_and_unknown_ones_are_refused(blocks, tmp_path):
    def train(**settings):
        train_ultralytics(
            "detect", model="yolo26n.yaml", weights=None, data=blocks / "data.yaml", folder=tmp_path, settings=settings
        )

    with pytest.raises(UnusableNetworkError, match="project, resume cannot be set"):
        train(resume=True, project="x")
    with pytest.raises(UnusableNetworkError, match=r"does not know a setting.*momentun"):
        train(momentun=0.9)


def test_a_recipe_for_other_classes_is_refused_before_training(blocks, tmp_path):
    how = Recipe.read(RECIPE).model_copy(update={"classes": ("person", "trolley")})
    with pytest.raises(ClassCountError, match=r"has 1 classes \(person\), the recipe says 2"):
        converted(how, blocks, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_data_without_splits_is_split_so_that_nothing_leaks(small_dataset, tmp_path):
    dataset = split(open_dataset(small_dataset), Split(ratios=(0.5, 0.5)))
    sides = {}
    for sample in dataset.samples():
        sides.setdefault(sample.values("camera"), set()).add(sample.split)
    assert sorted(map(sorted, sides.values())) == [["train"], ["val"]]  # one run of two cameras


def test_weights_to_start_from_are_named(tmp_path):
    with pytest.raises(UnknownWeightsError, match=r"there is no weights file .*gone\.pt"):
        warm(str(tmp_path / "gone.pt"))
    with pytest.raises(UnknownWeightsError, match="nobody"):
        warm("nobody")


@pytest.fixture(scope="module", params=["detect", "pose"])
def checkpoint(request, tmp_path_factory):
    """A .pt file of a small network that answers as one that was trained might: some places are sure of a person."""
    import_ultralytics()
    from ultralytics.nn.tasks import DetectionModel, PoseModel

    torch.manual_seed(4)
    if request.param == "pose":
        network = PoseModel("yolo26n-pose.yaml", nc=1, verbose=False, data_kpt_shape=(17, 3))
    else:
        network = DetectionModel("yolo26n.yaml", nc=1, verbose=False)
    network.names = {0: "person"}
    network.eval()
    noise = torch.rand(2, 3, 64, 96)
    for head in (network.model[-1].cv3, network.model[-1].one2one_cv3):
        # Nothing was learned that tells places apart: the finest level's logits are spread, the others say no.
        seen = []
        hook = head[0][-1].register_forward_hook(lambda module, given, answer, seen=seen: seen.append(answer))
        with torch.no_grad():
            network(noise)
            hook.remove()
            spread = 2 / seen[0].std()
            head[0][-1].bias -= 2 + (seen[0].mean() - head[0][-1].bias) * spread + head[0][-1].bias
            head[0][-1].weight *= spread
            for layer in head[1:]:
                layer[-1].bias.fill_(-9.0)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pt"
    torch.save({"model": network, "epoch": -1}, path)
    return path


def test_the_unsorted_network_answers_as_the_sorted_one(checkpoint):
    pictures = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (2, 64, 96, 3), np.uint8))
    unsorted, names, posed = load_unsorted_network(checkpoint)
    assert names == {0: "person"}
    assert posed == (checkpoint.stem == "pose")
    ended, _ = load_network(checkpoint)
    with torch.inference_mode():
        boxes, scores, *points = unsorted.eval()(pictures)
        answer = ended(pictures.permute(0, 3, 1, 2).float() / 255)
    assert boxes.shape == (2, 4, scores.shape[2])
    order = scores[:, 0].argsort(dim=1, descending=True)[:, : answer.shape[1]]
    torch.testing.assert_close(scores[:, 0].gather(1, order), answer[..., 4])
    corners = torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], dim=1)
    best = corners.gather(2, order[:, None].expand(-1, 4, -1)).permute(0, 2, 1)
    torch.testing.assert_close(best[:, 0], answer[:, 0, :4], rtol=1e-3, atol=1e-2)
    if points:
        assert points[0].shape == (2, 51, scores.shape[2])


@pytest.mark.parametrize("checkpoint", ["pose"], indirect=True)
def test_what_is_registered_finds_what_the_checkpoint_finds(checkpoint, tmp_path):
    noise = np.random.default_rng(5).integers(0, 256, (3, 64, 96, 3), np.uint8)
    network, names, posed = load_unsorted_network(checkpoint)
    candidate = submit(
        name="test-detector", role="people", network=network, example=torch.from_numpy(noise), input="noise",
        output_names=("boxes", "scores", "keypoints")[: 3 if posed else 2], metrics={}, recipe={}, data=(), card="# x",
        dynamic={"pictures": {0: "pictures"}}, metadata={"names": str(names)}, registry=tmp_path,
    )  # fmt: skip
    registered = open_person_detector(str(candidate.network))
    trained = open_yolo(checkpoint, size=(96, 64), device="torch")
    (nobody,) = registered.detect([np.full((64, 96, 3), 114, np.uint8)])
    assert (nobody.keypoints is not None) == posed
    for image in noise[..., ::-1]:
        (found,), (expected,) = (each.detect([np.ascontiguousarray(image)], 0.3) for each in (registered, trained))
        assert len(found.confidence)
        # Suppression may take some of what the checkpoint's own head keeps; the surest stays.
        assert found.confidence[0] == pytest.approx(expected.confidence[0], abs=5e-3)
        assert found.xyxy[0] == pytest.approx(expected.xyxy[0], abs=0.5)
        if posed:
            assert found.keypoints.shape == (len(found.confidence), 17, 3)
            assert found.keypoints[0, :, :2] == pytest.approx(expected.keypoints[0, :, :2], abs=0.5)
