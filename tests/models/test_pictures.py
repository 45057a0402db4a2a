from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pictures import fit

length = st.integers(8, 300)


@given(length, length, st.sampled_from([(128, 128), (256, 128), (64, 192)]), st.sampled_from([1.0, 4 / 3]))
def test_the_picture_fills_one_axis_and_is_stretched_no_more_than_allowed(
    width: int, height: int, size: tuple[int, int], stretch: float
) -> None:
    white = np.full((height, width, 3), 255, np.uint8)
    fitted = fit(white, size, padding=7, stretch=stretch)
    assert fitted.image.shape == (size[1], size[0], 3)
    columns = int((fitted.image[0, :, 0] == 255).sum())
    rows = int((fitted.image[:, 0, 0] == 255).sum())
    assert columns == size[0] or rows == size[1]
    assert fitted.scale == pytest.approx((columns / width, rows / height))
    assert (fitted.image[:rows, :columns] == 255).all()
    assert (fitted.image[rows:] == 7).all()
    assert (fitted.image[:, columns:] == 7).all()
    # Whole pixels: each side may be off by half of one.
    low = (columns - 0.5) / width / ((rows + 0.5) / height)
    high = (columns + 0.5) / width / ((rows - 0.5) / height)
    assert low <= stretch
    assert high >= 1 / stretch
    if columns < size[0] or rows < size[1]:
        assert low <= stretch <= high or low <= 1 / stretch <= high


def test_colours_turn_from_bgr_to_rgb() -> None:
    blue = np.zeros((10, 10, 3), np.uint8)
    blue[..., 0] = 200
    assert fit(blue, (10, 10), padding=0).image[3, 3].tolist() == [0, 0, 200]


@pytest.mark.parametrize("size", [(320, 180), (200, 100), (1280, 720)])
def test_boxes_return_to_the_picture_that_they_came_from(size: tuple[int, int]) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[90:270, 160:480] = 255
    fitted = fit(image, size, padding=0)
    y, x = np.nonzero(fitted.image[..., 0] > 127)
    found = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], np.float32)
    assert fitted.to_picture(found)[0] == pytest.approx([160, 90, 480, 270], abs=640 / size[0])
    assert fitted.to_picture(found).dtype == np.float32


def test_a_strong_reduction_keeps_what_is_thin() -> None:
    image = np.zeros((1024, 1024, 3), np.uint8)
    image[:, ::8] = 255
    assert fit(image, (128, 128), padding=0).image.mean() == pytest.approx(255 / 8, abs=2)
