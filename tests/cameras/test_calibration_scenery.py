from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras.calibration.errors import BadFileError
from cameras.calibration.monitor import BumpMonitor
from cameras.calibration.parameters import turned
from cameras.calibration.scenery import PlainSceneryError, Scenery
from cameras.geometry import CameraModel
from store.views import CameraView, Lens, Pose


def camera() -> CameraModel:
    lens = Lens(horizontal_view_deg=84, distortion=(-0.2, 0.04, 0, 0, 0))
    pose = Pose(position=(0.4, 0.3, 2.8), look_at=(2.2, 2.8, 0.2))
    return CameraModel.of(CameraView(camera="door", size=(640, 360), lens=lens, pose=pose))


def picture(model: CameraModel, people: int = 0, seed: int = 1) -> np.ndarray:
    """A room far away, of coloured patches, as this camera sees it: each pixel's ray is looked up by its direction."""
    rng = np.random.default_rng(4)
    world = np.full((1200, 2400), 120, np.uint8)
    for _ in range(900):
        x, y, w, h = rng.integers((0, 0, 12, 12), (2400, 1200, 70, 60)).tolist()
        cv2.rectangle(world, (x, y), (x + w, y + h), int(rng.integers(20, 240)), -1)
    across, down = np.meshgrid(np.arange(640.0), np.arange(360.0))
    rays = model.rays(np.stack([across, down], axis=-1))
    at = np.stack([np.arctan2(rays[..., 1], rays[..., 0]) * 760 + 400, -np.arcsin(rays[..., 2]) * 760 + 200], axis=-1)
    image = cv2.remap(world, at.astype(np.float32)[..., 0], at.astype(np.float32)[..., 1], cv2.INTER_LINEAR)
    own = np.random.default_rng(seed)
    for _ in range(people):
        x, y = own.integers((0, 100), (560, 250)).tolist()
        cv2.rectangle(image, (x, y), (x + 60, y + 110), int(own.integers(0, 255)), -1)
    image = np.clip(cv2.GaussianBlur(image, (0, 0), 1.0) + own.normal(0, 2, image.shape), 0, 255)
    return cv2.cvtColor(image.astype(np.uint8), cv2.COLOR_GRAY2BGR)


@pytest.fixture(scope="module")
def scenery() -> Scenery:
    return Scenery.of(camera(), [picture(camera(), 3, seed) for seed in (1, 2)])


@pytest.mark.parametrize("vector", [(2.0, 0, 0), (0, -2.0, 0), (0.9, 0.9, 1.55), (0, 0, 0)])
def test_the_turn_of_a_bumped_camera_is_measured(scenery: Scenery, vector: tuple[float, float, float]) -> None:
    now = picture(turned(camera(), np.radians(vector)), 3, 9)
    found = scenery.compare(now)
    assert not found.lost
    np.testing.assert_allclose(found.vector_deg, vector, atol=0.15)


def test_the_monitor_says_it_once_and_takes_it_back(scenery: Scenery) -> None:
    monitor = BumpMonitor("s", {"door": camera()}, {"door": scenery})
    bumped = turned(camera(), np.radians([1.2, 1.2, 1.0]))
    still, shaken, dark = picture(camera(), 2, 5), picture(bumped, 2, 6), np.zeros((360, 640, 3), np.uint8)
    events = [
        e for t, image in enumerate([still, shaken, shaken, shaken]) for e in monitor.see_picture("door", t, image)
    ]
    assert [event.type for event in events] == ["camera.degraded"]
    assert events[0].time == 2
    assert "turned by 2.0 degrees" in events[0].reason or "turned by 1.9 degrees" in events[0].reason
    assert monitor.weight("door", np.array([[2.0, 2.5]]))[0] < 0.8
    back = [e for t in (4, 5, 6) for e in monitor.see_picture("door", t, still)]
    assert [(event.type, event.time) for event in back] == [("camera.recovered", 5)]
    covered = [e for t in (7, 8) for e in monitor.see_picture("door", t, dark)]
    assert "covered" in covered[0].reason
    assert monitor.see_picture("other", 9, still) == []


def test_the_reference_keeps_no_picture(scenery: Scenery, tmp_path: Path) -> None:
    path = tmp_path / "door.npz"
    scenery.save(path)
    with np.load(path) as held:
        assert set(held) == {"xy", "descriptors", "size"}
    again = Scenery.load(path, camera())
    np.testing.assert_array_equal(again.descriptors, scenery.descriptors)
    path.write_bytes(b"no")
    with pytest.raises(BadFileError, match=r"door\.npz cannot be read"):
        Scenery.load(path, camera())
    with pytest.raises(PlainSceneryError, match="corners stand still"):
        Scenery.of(camera(), [np.full((360, 640, 3), 90, np.uint8)])
