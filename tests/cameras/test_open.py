from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from cameras import open_source
from cameras.errors import CameraError, NoWebcamError, UnsupportedSourceError
from cameras.newest import Newest


def test_importing_the_room_imports_no_decoder() -> None:
    code = (
        "import sys, cameras, cameras.open; cameras.open_source; print([m for m in ('av', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_the_room_has_not_is_an_attribute_error() -> None:
    import cameras

    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        cameras.nothing_of_the_kind  # noqa: B018


@pytest.mark.parametrize("frame_rate", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_frame_rate_is_refused(frame_rate: float, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSourceError, match="frame rate"):
        open_source(str(tmp_path / "x.mp4"), frame_rate=frame_rate)


@pytest.mark.parametrize("options", [{"loop": True}, {"start": 0.0}])
@pytest.mark.parametrize("uri", ["rtsp://u:hush@127.0.0.1:1/x", "webcam:0"])
def test_options_of_footage_are_refused_for_live_streams(uri: str, options: dict[str, float]) -> None:
    with pytest.raises(UnsupportedSourceError, match="live") as caught:
        open_source(uri, **options)  # type: ignore[arg-type]
    assert "hush" not in str(caught.value)


def test_a_webcam_that_is_not_there_is_called_so() -> None:
    with pytest.raises(NoWebcamError, match="webcam 971") as caught:
        open_source("webcam:971")
    assert isinstance(caught.value, CameraError)


def test_the_newest_item_takes_the_place_of_the_one_before() -> None:
    newest: Newest[str] = Newest()
    for item in "abc":
        newest.put(item)
    assert newest.take() == "c"
    assert newest.dropped == 2
    newest.put("d")
    newest.close()
    newest.put("e")
    assert newest.take() is None
    assert newest.dropped == 4
