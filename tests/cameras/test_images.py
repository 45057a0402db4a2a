from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras import CameraError, Frame, open_source
from cameras.errors import NoFramesError, NotAVideoError, ResolutionChangedError, SourceNotFoundError


@pytest.fixture
def folder(tmp_path: Path, stamp: Callable[..., NDArray[np.uint8]]) -> Path:
    home = tmp_path / "Läden 1"
    home.mkdir()
    for number in range(1, 13):
        done, data = cv2.imencode(".png", stamp(number))
        assert done
        (home / f"img{number}.png").write_bytes(data.tobytes())
    (home / "notes.txt").write_text("no picture")
    return home


def test_the_pictures_of_a_folder_come_in_the_order_of_their_numbers(folder: Path, read_stamp) -> None:
    with open_source(str(folder), start=10.0, frame_rate=4) as source:
        assert (source.size, source.frame_rate, source.frame_count) == ((160, 64), 4, 12)
        assert (source.live, source.dropped) == (False, 0)
        frames = list(source)
    assert [read_stamp(frame.image) for frame in frames] == list(range(1, 13))
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.captured_at for frame in frames] == [10 + i / 4 for i in range(12)]


def test_a_folder_can_be_looped_and_closed(folder: Path, read_stamp) -> None:
    source = open_source(str(folder), start=0.0, frame_rate=1, loop=True)
    assert source.frame_count is None
    frames = list(itertools.islice(source, 30))
    assert [read_stamp(frame.image) for frame in frames] == [i % 12 + 1 for i in range(30)]
    assert [frame.captured_at for frame in frames] == list(range(30))
    source.close()
    source.close()
    assert list(source) == []


def test_one_picture_is_a_folder_of_one(folder: Path, read_stamp, stamp) -> None:
    with open_source(str(folder / "img7.png")) as source:
        (frame,) = source
    assert source.camera == "img7"
    np.testing.assert_array_equal(frame.image, stamp(7))


def test_a_picture_of_another_size_is_an_error_that_names_it(folder: Path, stamp) -> None:
    cv2.imwrite(str(folder / "img13.png"), stamp(1, (320, 64)))
    seen: list[Frame] = []
    with pytest.raises(ResolutionChangedError, match=r"img13\.png is 320x64.*160x64"):
        seen.extend(open_source(str(folder)))
    assert [frame.index for frame in seen] == list(range(12))


def test_a_broken_picture_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "img3.png").write_bytes(b"no picture")
    seen: list[Frame] = []
    with pytest.raises(NotAVideoError, match=r"img3\.png"):
        seen.extend(open_source(str(folder)))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [("empty", NoFramesError), ("missing", SourceNotFoundError), ("missing.jpg", SourceNotFoundError)],
)
def test_nothing_to_show_is_an_error(name: str, error: type[CameraError], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=name):
        open_source(str(tmp_path / name))
