import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.floor import apply_homography


@given(st.integers(0, 1000))
def test_the_inverse_leads_back(seed):
    rng = np.random.default_rng(seed)
    homography = np.eye(3) + rng.normal(0, 0.2, (3, 3)) * [[1, 1, 100], [1, 1, 100], [1e-4, 1e-4, 0]]
    points = rng.uniform(0, 500, (5, 2))
    there = apply_homography(homography, points)
    assert apply_homography(np.linalg.inv(homography), there) == pytest.approx(points, rel=1e-6, abs=1e-5)


def test_perspective_divides():
    homography = np.array([[1, 0, 0], [0, 1, 0], [0, 0.01, 1]])
    assert apply_homography(homography, np.array([[10.0, 100.0]]))[0] == pytest.approx([5, 50])


def test_a_point_on_the_horizon_has_no_place_on_the_floor():
    homography = np.array([[1, 0, 0], [0, 1, 0], [0, 0.01, -1]])
    assert np.isnan(apply_homography(homography, np.array([[10.0, 100.0]]))).all()
