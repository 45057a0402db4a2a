import numpy as np
import pytest

from vision.appearance import colour_embedding

SIZE = (480, 640, 3)


def body(trousers: tuple[int, int, int], shirt: tuple[int, int, int], at: int, seed: int) -> np.ndarray:
    """A picture of noise with one dressed body, 60 x 180 px, its left edge at ``at``."""
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 150, SIZE).astype(np.uint8)
    image[100:160, at + 9 : at + 51] = shirt
    image[160:280, at + 9 : at + 51] = trousers
    noise = rng.normal(0, 6, (180, 42, 3))
    part = image[100:280, at + 9 : at + 51]
    image[100:280, at + 9 : at + 51] = np.clip(part + noise, 0, 255).astype(np.uint8)
    return image


def look(image: np.ndarray, at: int) -> np.ndarray:
    return colour_embedding(image, np.array([[at, 100, at + 60, 280]], np.float32))[0]


def test_the_same_clothes_are_near_and_others_far():
    one = look(body((120, 40, 30), (30, 30, 200), 100, 0), 100)
    again = look(body((120, 40, 30), (30, 30, 200), 400, 1), 400)
    other = look(body((40, 40, 40), (200, 200, 40), 100, 2), 100)
    assert 1 - one @ again < 0.1
    assert 1 - one @ other > 0.3


def test_grey_people_differ_by_brightness():
    dark, light = look(body((20,) * 3, (30,) * 3, 100, 0), 100), look(body((200,) * 3, (220,) * 3, 100, 0), 100)
    assert 1 - dark @ light > 0.3


def test_vectors_have_length_one_and_a_row_a_box():
    image = np.random.default_rng(0).integers(0, 256, SIZE).astype(np.uint8)
    boxes = np.array([[-30, -20, 40, 100], [600, 400, 700, 600], [10, 10, 10, 10], [640, 480, 700, 500]], np.float32)
    vectors = colour_embedding(image, boxes)
    assert vectors.shape == (4, 96)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert colour_embedding(image, np.zeros((0, 4), np.float32)).shape == (0, 96)


def test_boxes_together_give_what_each_gives_alone():
    image = np.random.default_rng(1).integers(0, 256, SIZE).astype(np.uint8)
    boxes = np.array([[50, 50, 110, 230], [200, 80, 280, 300]], np.float32)
    assert colour_embedding(image, boxes)[1] == pytest.approx(colour_embedding(image, boxes[1:])[0], abs=1e-6)
