"""Cutting and thinning surfaces: what stays the same however they are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from datasets.simulation.people.patches import Patch, border_edges, clip, hemmed, normals, sewn, smoothed, thinned
from datasets.simulation.people.solids import sheet, tube


def ball(rows: int = 13, columns: int = 16) -> Patch:
    polar = np.linspace(0.0, np.pi, rows)
    radii = np.column_stack([np.sin(polar[1:-1])] * 2)
    path = np.column_stack([0 * polar, 0 * polar, -np.cos(polar)])[1:-1]
    return tube(path, radii, np.ones((len(path), 1)), columns)


def area(patch: Patch) -> float:
    a, b, c = (patch.positions[patch.triangles[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume(patch: Patch) -> float:
    a, b, c = (patch.positions[patch.triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij", a, np.cross(b, c)) / 6)


def plane(patch: Patch, normal: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    return np.asarray(patch.positions @ normal - offset)


def test_solids_are_closed_and_wind_outward() -> None:
    grid = np.stack(np.meshgrid([1.0, 0.0], np.linspace(0.0, 1.0, 4), indexing="ij"), -1)
    flat = np.concatenate([grid[..., 1:], 0 * grid[..., :1], grid[..., :1]], axis=2)
    for solid, expected in ((ball(), 4.0), (sheet(flat, np.ones((2, 1)), 0.1), 0.1)):
        assert len(border_edges(sewn(solid))) == 0
        assert volume(solid) == pytest.approx(expected, rel=0.06)


@given(st.integers(0, 2**32 - 1), st.floats(-0.9, 0.9))
@settings(max_examples=60, deadline=None)
def test_the_two_sides_of_a_cut_make_up_the_whole_and_meet_on_it(seed: int, offset: float) -> None:
    normal = np.random.default_rng(seed).standard_normal(3)
    normal /= np.linalg.norm(normal)
    whole = ball()
    field = plane(whole, normal, offset)
    kept, gone = clip(whole, field), clip(whole, -field)
    assert area(kept) + area(gone) == pytest.approx(area(whole))
    assert plane(kept, normal, offset).min() > -1e-9
    rim = border_edges(kept)
    assert len(rim) > 3
    assert np.abs(plane(kept, normal, offset)[rim]).max() < 1e-9
    # Windings stay: normals still point away from the middle.
    assert (np.einsum("ij,ij->i", normals(kept.positions, kept.triangles), kept.positions) > 0.0).all()


def test_thinning_keeps_the_border_and_what_is_held_still() -> None:
    cut = clip(ball(41, 60), ball(41, 60).positions[:, 2] + 0.3)
    still = cut.positions[:, 2] > 0.9
    thin = thinned(cut, 2000, still)
    assert 1800 < len(thin.triangles) < 2200
    assert len(cut.triangles) > 2500
    assert volume(thin) == pytest.approx(volume(cut), rel=0.03)

    def places(patch: Patch, rows: NDArray[np.int64] | NDArray[np.bool_]) -> set[tuple[float, ...]]:
        return {tuple(row) for row in patch.positions[rows].tolist()}

    assert places(thin, border_edges(thin).ravel()) == places(cut, border_edges(cut).ravel())
    assert places(cut, still) <= places(thin, np.ones(len(thin), bool))


def test_a_hem_goes_from_the_border_inward() -> None:
    cut = clip(ball(), ball().positions[:, 2])
    hem = hemmed(cut, 0.8 * cut.positions)
    inner = hem.positions[border_edges(hem).ravel()]
    assert np.linalg.norm(inner, axis=1).max() < 0.81
    assert len(hem.triangles) == len(cut.triangles) + 2 * len(border_edges(cut))


def test_smoothing_evens_a_bump_and_leaves_the_border_in_its_plane() -> None:
    cut = clip(ball(), ball().positions[:, 2])
    rough = cut.positions.copy()
    rough[cut.positions[:, 2] > 0.9] *= 1.2
    even = smoothed(Patch(rough, cut.weights, cut.uv, cut.triangles), 10)
    assert np.ptp(np.linalg.norm(even.positions, axis=1)) < np.ptp(np.linalg.norm(rough, axis=1))
    assert np.abs(even.positions[border_edges(cut).ravel(), 2]).max() < 1e-9
