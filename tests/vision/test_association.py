import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from vision import association
from vision.association import assign, largest_cover, overlapping

corner = st.floats(0, 100, allow_nan=False, width=32)
side = st.floats(1, 60, allow_nan=False, width=32)


@st.composite
def boxes(draw: st.DrawFn, most: int = 8) -> np.ndarray:
    n = draw(st.integers(1, most))
    low = draw(arrays(np.float64, (n, 2), elements=corner))
    size = draw(arrays(np.float64, (n, 2), elements=side))
    return np.concatenate([low, low + size], axis=1)


def brute_iou(a: np.ndarray, b: np.ndarray) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@given(boxes(), boxes())
def test_overlapping_gives_every_pair_that_overlaps_and_no_other(a, b):
    pairs = overlapping(a, b)
    table = np.zeros((len(a), len(b)))
    table[pairs.row, pairs.column] = pairs.iou
    expected = np.array([[brute_iou(x, y) for y in b] for x in a])
    assert table == pytest.approx(expected, abs=1e-9)


def test_widening_reaches_boxes_that_nearly_touch():
    a, b = np.array([[0.0, 0, 10, 10]]), np.array([[11.0, 0, 21, 10]])
    assert len(overlapping(a, b).row) == 0
    # Widened by a tenth each is 12 x 12, from -1 to 11 and from 10 to 22: they share 1 x 12.
    assert overlapping(a, b, 0.1).iou == pytest.approx([12 / (144 + 144 - 12)])


def test_the_vertical_overlap_looks_at_the_heights_alone():
    a, b = np.array([[0.0, 0, 5, 10]]), np.array([[1.0, 5, 90, 15]])
    assert overlapping(a, b).vertical == pytest.approx([5 / 15])


def test_largest_cover_leaves_out_the_box_itself():
    a = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    assert largest_cover(a, a).tolist() == [1, 1]
    assert largest_cover(a, a, np.array([0, 1])).tolist() == [0, 0]
    half = np.array([[0.0, 5, 10, 10]])
    assert largest_cover(a, half).tolist() == [0.5, 0]
    assert largest_cover(a, np.zeros((0, 4))).tolist() == [0, 0]


@settings(max_examples=200)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000), st.booleans())
def test_assign_is_as_good_as_the_full_table(n, m, seed, large):
    rng = np.random.default_rng(seed)
    if large:
        n, m = n + 60, m + 60
    assert (n * m > association._SMALL_TABLE) is large
    allowed = rng.random((n, m)) < (0.01 if large else 0.35)
    similarity = rng.uniform(-0.5, 1.5, (n, m))
    row, column = np.nonzero(allowed)
    rows, columns = assign(row, column, similarity[row, column])

    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows)
    assert allowed[rows, columns].all()
    gain = np.where(allowed, similarity + 1, 0)
    best = gain[linear_sum_assignment(gain, maximize=True)].sum()
    assert gain[rows, columns].sum() == pytest.approx(best)


def test_assign_takes_no_pair_where_there_is_none():
    none = np.zeros(0, np.intp)
    assert [part.tolist() for part in assign(none, none, np.zeros(0))] == [[], []]
