from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that was run in this process leaves a log that writes to a stream which is closed by then."""
    yield
    structlog.reset_defaults()


SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def vtest() -> Callable[[int], tuple[Image, NDArray[np.float64]]]:
    """A frame of vtest.avi, counted from 1, and the true boxes (n, 4) in it."""
    folder = SHARED / "vtest"
    if not folder.exists():
        pytest.skip("../shared/data/vtest is not there")
    rows = np.loadtxt(folder / "gt.txt", delimiter=",")

    def frame(number: int) -> tuple[Image, NDArray[np.float64]]:
        capture = cv2.VideoCapture(str(folder / "vtest.avi"))
        capture.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
        read, image = capture.read()
        assert read
        boxes = rows[rows[:, 0] == number, 2:6]
        return np.asarray(image, np.uint8), np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])

    return frame


@pytest.fixture(scope="session")
def ultralytics_folder() -> Path:
    # Found, not imported: whoever asks only for its pictures must not load torch.
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        pytest.skip("ultralytics is not installed")
    return Path(spec.origin).parent


@pytest.fixture(scope="session")
def two_men(ultralytics_folder: Path) -> Image:
    """Two men, 1280x720: faces at about (536, 269, 673, 407) and (912, 121, 1062, 271)."""
    return _picture(ultralytics_folder / "assets" / "zidane.jpg")


@pytest.fixture(scope="session")
def street(ultralytics_folder: Path) -> Image:
    """A street, 810x1080: three people in full view, two of them with faces of 45 pixels."""
    return _picture(ultralytics_folder / "assets" / "bus.jpg")


def _picture(path: Path) -> Image:
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image, np.uint8)
