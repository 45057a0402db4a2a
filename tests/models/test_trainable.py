from __future__ import annotations

import numpy as np
import pytest
import torch

from models.efficientdet import person_network
from models.errors import UnusableNetworkError
from models.openvino_home import import_openvino
from models.pictures import fit
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, read_openvino
from models.trainable import trainable


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_float_network_answers_as_its_file_does(street):
    path = fetch("efficientnet-lite0")
    picture = (fit(street, (224, 224), padding=0).image[None] / 127.5 - 1).astype(np.float32)
    (expected,) = OpenVinoRuntime(read_openvino(path), exact=True).run(picture)
    with torch.inference_mode():
        (found,) = trainable(path)(torch.from_numpy(picture))
    assert np.abs(found.numpy() - expected).max() < 1e-5
    assert expected.max() > 0.05


def test_a_quantised_network_finds_what_its_file_finds(street):
    model = person_network(read_openvino(fetch("efficientdet-lite0")), 384, 256)
    picture = fit(street, (384, 256), padding=127).image[None]
    scores, offsets = OpenVinoRuntime(model, exact=True).run(picture)
    with torch.inference_mode():
        found, moved = (each.numpy() for each in trainable(model)(torch.from_numpy(picture)))
    sure = scores[0, :, 0] > 0.4
    assert sure.sum() > 3
    assert np.abs(found[0, sure] - scores[0, sure]).mean() < 0.1
    assert np.abs(moved[0, sure] - offsets[0, sure]).mean() < 0.1


def test_its_weights_learn_and_it_takes_several_pictures_of_another_size():
    network = trainable(person_network(read_openvino(fetch("efficientdet-lite0")), 128, 128))
    pictures = torch.randint(0, 255, (2, 128, 256, 3), dtype=torch.uint8)
    scores, offsets = network(pictures)
    assert scores.shape == (2, 2 * 9 * (256 + 64 + 16 + 4 + 1), 1)
    assert offsets.shape == (2, scores.shape[1], 4)
    (scores.sum() + offsets.sum()).backward()
    still = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert not still
    assert sum(value.numel() for value in network.parameters()) > 3_000_000


def test_its_weights_have_the_same_names_whatever_was_opened_before():
    state = trainable(fetch("efficientnet-lite0")).state_dict()
    again = trainable(fetch("efficientnet-lite0")).state_dict()
    assert list(state) == list(again)
    assert all(torch.equal(state[name], again[name]) for name in state)


def test_its_numbers_are_of_the_weights_type():
    network = trainable(person_network(read_openvino(fetch("efficientdet-lite0")), 128, 128))
    pictures = torch.randint(0, 255, (1, 128, 128, 3), dtype=torch.uint8)
    with torch.inference_mode():
        plain = network(pictures)
        exact = network.double()(pictures)
    assert {each.dtype for each in exact} == {torch.float64}
    assert all(torch.allclose(one.double(), other, atol=1e-3) for one, other in zip(plain, exact, strict=True))


def test_an_operation_that_is_not_known_is_named():
    openvino = import_openvino()
    from openvino import opset8

    given = opset8.parameter([1, 4], np.float32)
    model = openvino.Model([opset8.erf(given)], [given])
    with pytest.raises(UnusableNetworkError, match=r"operation Erf .* cannot be trained"):
        trainable(model)
