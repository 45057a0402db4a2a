"""Heatmaps as pictures: where colour is, what stays as it was, and what must not show."""

from __future__ import annotations

import numpy as np
import pytest

from insights.heatmap import Heatmap
from insights.pictures import render_heatmap


def heat(
    cells: dict[tuple[int, int], float], *, space="image", cell=20.0, shape=(12, 16), hidden=0, **other
) -> Heatmap:
    seconds = np.full(shape, np.nan, np.float32)
    visitors = np.zeros(shape, np.int64)
    for (row, column), value in cells.items():
        seconds[row, column], visitors[row, column] = value, 5
    size = (320, 235) if space == "image" else None
    return Heatmap(space, cell, other.get("origin", (0.0, 0.0)), seconds, visitors, 3, hidden, size)


def changed(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    part = picture[: len(background), : background.shape[1]]
    return (part != background).any(2)


def test_colour_lies_where_people_were_and_nowhere_else():
    background = np.random.default_rng(1).integers(0, 256, (235, 320, 3), np.uint8)
    picture = render_heatmap(heat({(3, 4): 10.0}), background)
    where = changed(picture, background)
    rows, columns = np.nonzero(where)
    # Cell (3, 4) is rows 60 to 80, columns 80 to 100; smoothing reaches about two cells further.
    assert where[70, 90]
    assert rows.min() >= 20
    assert rows.max() < 120
    assert columns.min() >= 40
    assert columns.max() < 140
    assert abs(rows.mean() - 70) < 3
    assert abs(columns.mean() - 90) < 3


def test_more_time_is_hotter_and_more_opaque():
    grey = np.full((235, 320, 3), 128, np.uint8)
    picture = render_heatmap(heat({(3, 3): 100.0, (8, 12): 10.0}), grey).astype(int)
    hot, mild = picture[70, 70], picture[170, 250]
    assert hot[2] > mild[2]  # red
    assert abs(hot - 128).sum() > abs(mild - 128).sum() > 0


def test_a_picture_of_another_size_keeps_its_size():
    large = np.zeros((470, 640, 3), np.uint8)
    picture = render_heatmap(heat({(3, 4): 10.0}), large)
    assert picture.shape[1] == 640
    assert picture.shape[0] > 470
    assert picture.dtype == np.uint8
    where = changed(picture, large)
    rows, columns = np.nonzero(where)
    assert abs(rows.mean() - 140) < 6
    assert abs(columns.mean() - 180) < 6


def test_the_background_is_not_written_on():
    background = np.full((235, 320, 3), 9, np.uint8)
    render_heatmap(heat({(3, 4): 10.0}), background)
    assert (background == 9).all()


def test_hidden_cells_and_empty_cells_look_the_same():
    grey = np.full((235, 320, 3), 128, np.uint8)
    some, none = (render_heatmap(heat({(3, 4): 10.0}, hidden=hidden), grey) for hidden in (7, 0))
    assert not changed(some, none[:235]).any()
    assert (some[235:] != none[235:]).any()  # the legend says how many are hidden


@pytest.mark.parametrize("shape", [(12, 16), (0, 0)])
@pytest.mark.parametrize("space", ["image", "floor"])
def test_an_empty_heatmap_is_a_picture_that_says_why(space: str, shape: tuple[int, int]):
    nobody = render_heatmap(heat({}, space=space, shape=shape, cell=20.0 if space == "image" else 0.25))
    too_few = render_heatmap(heat({}, space=space, shape=shape, cell=20.0 if space == "image" else 0.25, hidden=4))
    assert nobody.shape == too_few.shape
    assert (nobody != too_few).any()
    if space == "image":
        assert len(np.unique(nobody[:235].reshape(-1, 3), axis=0)) == 1


def test_the_floor_has_its_proportions_and_a_place_for_every_size():
    wide = render_heatmap(heat({(0, 0): 5.0, (3, 39): 5.0}, space="floor", cell=0.25, shape=(4, 40)))
    huge = render_heatmap(heat({(0, 0): 5.0}, space="floor", cell=0.25, shape=(1600, 1200), origin=(-200.0, -100.0)))
    tiny = render_heatmap(heat({(0, 0): 5.0}, space="floor", cell=0.25, shape=(1, 1)))
    # 10 m by 1 m, with a metre around: four times as wide as high.
    assert wide.shape[1] - 44 == pytest.approx(900, abs=2)
    assert huge.shape[0] < 1200
    assert tiny.shape[0] < 400
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in (wide, huge, tiny))
    colours = wide[:225, 44:].astype(int)
    warm = (colours.max(2) - colours.min(2)) > 60
    rows, columns = np.nonzero(warm)
    assert (rows < 112).any() == (rows > 112).any() == True  # noqa: E712
    assert columns.min() < 120
    assert columns.max() > 780


def test_wrong_backgrounds_are_refused():
    with pytest.raises(ValueError, match=r"uint8 \(H, W, 3\), got float64 \(5, 5, 3\)"):
        render_heatmap(heat({}), np.zeros((5, 5, 3)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"got uint8 \(5, 5\)"):
        render_heatmap(heat({}), np.zeros((5, 5), np.uint8))
    with pytest.raises(ValueError, match="floor"):
        render_heatmap(heat({}, space="floor"), np.zeros((5, 5, 3), np.uint8))
