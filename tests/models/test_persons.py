import numpy as np
import pytest

from models.errors import UnknownWeightsError, UnusableNetworkError
from models.persons import PersonEmbedder, open_person_embedder, pictures_of
from models.registry import fetch, shipped_for

pytestmark = pytest.mark.skipif(shipped_for("persons") is None, reason="no person embedder is shipped")


@pytest.fixture(scope="module")
def embedder():
    return PersonEmbedder(fetch("aisle-persons"), threads=1)


def street(shirts, seed=0):
    """A picture of people in shirts of these colours (BGR), 60 x 160 px, and their boxes."""
    rng = np.random.default_rng(seed)
    image = rng.integers(150, 190, (240, 100 * len(shirts), 3)).astype(np.uint8)
    boxes = []
    for place, shirt in enumerate(shirts):
        left = 100 * place + 20
        image[40:75, left + 18 : left + 42] = (120, 150, 190)
        image[75:130, left + 4 : left + 56] = shirt
        image[130:200, left + 12 : left + 48] = (60, 40, 30)
        boxes.append([left, 40, left + 60, 200])
    noisy = np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)
    return noisy, np.array(boxes, np.float32)


def test_vectors_have_length_one_and_a_row_a_box_wherever_it_lies(embedder):
    image, boxes = street([(30, 30, 200), (200, 60, 40)])
    odd = np.array([[-30, -20, 40, 100], [190, 200, 300, 400], [10, 10, 10, 10], [900, 900, 950, 990]], np.float32)
    vectors = embedder.embed(image, np.concatenate([boxes, odd]))
    assert vectors.shape == (6, embedder.dims)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-3)
    assert embedder.embed(image, np.zeros((0, 4), np.float32)).shape == (0, embedder.dims)


def test_boxes_together_give_what_each_gives_alone(embedder):
    image, boxes = street([(30, 30, 200), (200, 60, 40), (40, 160, 60)])
    together = embedder.embed(image, boxes)
    alone = np.concatenate([embedder.embed(image, boxes[k : k + 1]) for k in range(3)])
    assert together == pytest.approx(alone, abs=2e-3)


def test_the_same_clothes_are_alike_and_others_are_not(embedder):
    shirts = [(30, 30, 200), (200, 60, 40), (40, 160, 60), (220, 220, 220)]
    before = embedder.embed(*street(shirts, 1))
    after = embedder.embed(*street(shirts[::-1], 2))[::-1]
    assert (before @ after.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_the_probability_rises_with_likeness_and_with_the_prior(embedder):
    image, boxes = street([(30, 30, 200), (200, 60, 40)])
    vectors = embedder.embed(image, boxes)
    even = embedder.same_person_probability(vectors, vectors)
    assert even.shape == (2, 2)
    assert even[0, 0] > 0.9
    assert even[0, 1] < even[0, 0]
    rare = embedder.same_person_probability(vectors, vectors, 1 / 20)
    odds = even[0, 1] / (1 - even[0, 1])
    assert rare[0, 1] / (1 - rare[0, 1]) == pytest.approx(odds / 19, rel=1e-2)


def test_pictures_are_stretched_and_turned_to_rgb():
    image = np.zeros((50, 40, 3), np.uint8)
    image[10:40, 10:30] = (255, 0, 0)
    (picture,) = pictures_of(image, np.array([[10.0, 10.0, 30.0, 40.0]]), (8, 16))
    assert picture.shape == (16, 8, 3)
    assert (picture == (0, 0, 255)).all()


def test_another_network_and_an_unknown_name_are_refused(tmp_path):
    with pytest.raises(UnusableNetworkError, match="no person embedder"):
        PersonEmbedder(fetch("efficientnet-lite0"))
    with pytest.raises(UnknownWeightsError, match="no file"):
        open_person_embedder(str(tmp_path / "gone.onnx"))


def test_nothing_of_a_person_is_written(embedder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    embedder.embed(*street([(30, 30, 200)]))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
