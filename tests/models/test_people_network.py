from __future__ import annotations

import numpy as np
import pytest
import torch

from models.efficientdet import check_size
from models.errors import UnusableNetworkError
from models.openvino_home import import_openvino
from models.people import open_person_detector
from models.people_detector import OUTPUTS, PeopleDetector, outputs_of
from models.people_network import open_people_network
from models.pictures import fit
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, read_openvino


@pytest.fixture(scope="module")
def network():
    torch.set_num_threads(1)
    return open_people_network(fetch("efficientdet-lite0"), (256, 256)).eval()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("people") / "people.onnx"
    from training.export import export_onnx, exportable

    example = torch.randint(0, 255, (1, 256, 256, 3), dtype=torch.uint8)
    export_onnx(exportable(network, example, OUTPUTS), path)
    return path


def test_cut_in_two_it_still_finds_what_coco_taught(network, street):
    fitted = fit(street, (256, 256), padding=127)
    with torch.inference_mode():
        scores, offsets = network(torch.from_numpy(fitted.image[None]))
    cells = 32**2 + 16**2 + 8**2 + 4**2 + 2**2
    assert scores.shape == (1, cells * 9, 1)
    assert offsets.shape == (1, cells * 9, 4)
    assert scores.max() > 0.6


def test_a_network_of_ours_is_trained_further_from_where_it_was(exported):
    fitted = torch.randint(0, 255, (1, 128, 256, 3), dtype=torch.uint8)
    again = open_people_network(exported, (256, 128)).eval()
    model = read_openvino(exported)
    model.reshape([1, 128, 256, 3])
    expected = OpenVinoRuntime(import_openvino().Model(outputs_of(model), model.get_parameters()), exact=True)
    with torch.inference_mode():
        found = again(fitted)
    for one, other in zip(found, expected.run(fitted.numpy()), strict=True):
        assert np.abs(one.numpy() - other).max() < 1e-3
    torch.stack([each.sum() for each in again.head(torch.rand(1, 40, 16, 32))]).sum().backward()
    assert all(value.grad is not None for value in again.head.parameters())


def test_it_answers_the_same_in_torch(exported, street):
    plain, in_torch = (
        open_person_detector(str(exported), size=(256, 256), device=device).detect([street], 0.4)[0]
        for device in ("cpu", "torch")
    )
    assert len(plain.xyxy)
    assert np.abs(plain.xyxy - in_torch.xyxy).max() < 1


def test_exported_it_is_opened_as_a_detector_at_any_size(exported, street):
    detector = open_person_detector(str(exported), size=(512, 640))
    assert isinstance(detector, PeopleDetector)
    (found,) = detector.detect([street], 0.5)
    assert len(found.xyxy) >= 3
    several = detector.detect([street, street], 0.5)
    assert np.abs(several[1].xyxy - found.xyxy).max() < 1


def test_sizes_that_it_cannot_have_are_refused():
    with pytest.raises(UnusableNetworkError, match=r"two multiples of 128 .* got 640x360"):
        check_size((640, 360))
