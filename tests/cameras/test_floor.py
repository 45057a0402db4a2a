from __future__ import annotations

import numpy as np
import pytest

from cameras.floor import floor_map, with_homography
from cameras.geometry import CameraModel
from store.floor import apply_homography
from store.views import CameraView, Lens, Line, PlanError, Pose, Zone

POSE = Pose(position=(1.0, -2.0, 2.8), look_at=(1.5, 2.0, 0.5))
FLOOR = np.array([[0.5, 1.0], [1.5, 2.0], [2.5, 3.0], [0.0, 4.0]])


def _view(distortion: tuple[float, float, float, float, float] = (0.0,) * 5) -> CameraView:
    return CameraView(
        camera="door", size=(640, 360), lens=Lens(horizontal_view_deg=85.0, distortion=distortion), pose=POSE
    )


def _pixels(view: CameraView) -> np.ndarray:
    return CameraModel.of(view).project(np.column_stack([FLOOR, np.zeros(len(FLOOR))]))


def test_without_distortion_the_homography_is_exact() -> None:
    view = _view()
    homography = with_homography(view).homography
    assert homography is not None
    np.testing.assert_allclose(apply_homography(homography, _pixels(view)), FLOOR, atol=1e-6)


def test_the_floor_map_follows_the_lens() -> None:
    view = _view((-0.25, 0.08, 0.001, 0.0, 0.0))
    to_floor = floor_map(view)
    assert to_floor is not None
    np.testing.assert_allclose(to_floor(_pixels(view)), FLOOR, atol=1e-6)
    # A plane map cannot: lens and pose come first where both are known.
    bent = with_homography(view)
    assert bent.homography is not None
    assert np.abs(apply_homography(bent.homography, _pixels(view)) - FLOOR).max() > 0.01
    exact = floor_map(bent)
    assert exact is not None
    np.testing.assert_allclose(exact(_pixels(view)), FLOOR, atol=1e-6)


def test_a_homography_of_ones_own_is_kept() -> None:
    rows = ((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 1.0))
    view = _view().model_copy(update={"homography": rows})
    assert with_homography(view).homography == rows


def test_without_lens_and_homography_there_is_no_way() -> None:
    view = CameraView(camera="door", size=(640, 360))
    assert floor_map(view) is None
    assert with_homography(view) is view


def test_a_camera_that_looks_at_the_ceiling_is_refused() -> None:
    up = _view().model_copy(update={"pose": Pose(position=(0.0, 0.0, 2.0), look_at=(1.0, 0.0, 5.0))})
    with pytest.raises(PlanError, match="door sees no floor"):
        with_homography(up)


@pytest.mark.parametrize(
    "lens", [Lens(horizontal_view_deg=85.0), Lens(focal_px=(350.0, 360.0), centre_px=(310.0, 190.0))]
)
@pytest.mark.parametrize("size", [(320, 180), (480, 480)])
def test_a_view_at_another_size_sees_the_same(lens: Lens, size: tuple[int, int]) -> None:
    view = CameraView(
        camera="door",
        size=(640, 360),
        lens=lens,
        pose=POSE,
        lines=(Line(name="in", a=(64.0, 36.0), b=(640.0, 360.0)),),
        zones=(Zone(name="till", polygon=((0.0, 0.0), (320.0, 0.0), (320.0, 180.0))),),
    )
    view = with_homography(view)
    scaled = view.at_size(size)
    factor = np.array(size) / view.size
    assert scaled.size == size
    np.testing.assert_allclose(_pixels(scaled), _pixels(view) * factor, atol=1e-9)
    assert scaled.homography is not None
    np.testing.assert_allclose(apply_homography(scaled.homography, _pixels(scaled)), FLOOR, atol=1e-6)
    np.testing.assert_allclose([scaled.lines[0].a, scaled.lines[0].b], factor * [(64, 36), (640, 360)])
    np.testing.assert_allclose(scaled.zones[0].polygon, factor * [(0, 0), (320, 0), (320, 180)])
    assert CameraView.model_validate(scaled.model_dump()) == scaled
