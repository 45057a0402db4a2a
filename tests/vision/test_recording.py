from __future__ import annotations

import os
import signal
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from cameras.frame import Frame
from models.boxes import Boxes
from vision.blur import PictureBlur
from vision.recording import VideoWriter, VideoWriterError, encode_jpeg


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


def picture(time_s, size=(64, 48), colour=(200, 60, 20)):
    image = np.full((size[1], size[0], 3), colour, np.uint8)
    return PictureBlur(NoFaces()).blur(Frame("door", 0, time_s, image), np.zeros((0, 4), np.float32))


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return frames, stream.codec_context, float(stream.duration * stream.time_base)


def test_frames_are_shown_when_they_were_captured(tmp_path):
    times = [0.0, 0.1, 0.25, 0.9, 5.5, 5.54]
    path = tmp_path / "report" / "video.mp4"
    with VideoWriter(path, (64, 48), 12.5) as writer:
        for time_s in times:
            writer.write(picture(1_700_000_000 + time_s))
    frames, codec, duration_s = read(path)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    assert duration_s == pytest.approx(5.54 + 1 / 12.5, abs=1e-3)
    assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 64, 48)


def test_times_that_do_not_rise_advance_by_a_frame(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (64, 48), 10.0) as writer:
        for time_s in (7.0, 7.0, 6.0, 7.5):
            writer.write(picture(time_s))
    assert [frame.time for frame in read(path)[0]] == pytest.approx([0.0, 0.1, 0.2, 0.5], abs=1e-3)


@pytest.mark.parametrize("colour", [(200, 60, 20), (20, 200, 60), (60, 20, 200), (255, 255, 255), (0, 0, 0)])
def test_colours_come_back_by_the_matrix_that_the_file_names(tmp_path, colour):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (64, 48), 10.0) as writer:
        writer.write(picture(0.0, colour=colour))
    frames, codec, _ = read(path)
    assert (codec.colorspace, codec.color_range) == (1, 1)
    y, u, v = (float(plane.mean()) for plane in np.split(frames[0].to_ndarray().ravel(), [48 * 64, 48 * 64 * 5 // 4]))
    luma, blue, red = 255 / 219 * (y - 16), 255 / 224 * (u - 128), 255 / 224 * (v - 128)
    # ITU-R BT.709
    found = luma + 1.8556 * blue, luma - 0.1873 * blue - 0.4681 * red, luma + 1.5748 * red
    assert found == pytest.approx(colour, abs=6)


def test_odd_sizes_lose_a_column_and_a_row(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (65, 49), 10.0) as writer:
        writer.write(picture(0.0, (65, 49)))
    assert read(path)[0][0].to_ndarray(format="bgr24").shape == (48, 64, 3)


def test_the_index_comes_first_so_that_browsers_start_at_once(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (64, 48), 10.0) as writer:
        for i in range(20):
            writer.write(picture(i / 10))
    data = path.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_a_picture_of_another_size_is_refused(tmp_path):
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (64, 48), 10.0) as writer:
        writer.write(picture(0.0))
        with pytest.raises(ValueError, match="64x48"):
            writer.write(picture(0.1, (32, 48)))
    assert len(read(path)[0]) == 1


def test_an_error_in_the_block_leaves_what_was_written(tmp_path):
    path = tmp_path / "video.mp4"

    def interrupted():
        with VideoWriter(path, (64, 48), 10.0) as writer:
            for i in range(5):
                writer.write(picture(i / 10))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(read(path)[0]) == 5
    assert [file.name for file in tmp_path.iterdir()] == ["video.mp4"]


def test_a_video_without_pictures_is_no_file_and_does_not_replace_one(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"old")
    with VideoWriter(path, (64, 48), 10.0) as writer:
        pass
    writer.close()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["video.mp4"]
    with pytest.raises(VideoWriterError, match="closed"):
        writer.write(picture(0.0))


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from cameras.frame import Frame
from models.boxes import Boxes
from vision.blur import PictureBlur
from vision.recording import VideoWriter
class NoFaces:
    def detect(self, image):
        return Boxes.empty()
writer = VideoWriter(Path(sys.argv[1]), (64, 48), 10.0)
blur = PictureBlur(NoFaces())
for i in range(200):
    image = np.random.default_rng(i).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    writer.write(blur.blur(Frame("door", i, i / 10, image), np.zeros((0, 4), np.float32)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_no_broken_file_under_the_name(tmp_path):
    path = tmp_path / "video.mp4"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=os.getcwd(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    with VideoWriter(path, (64, 48), 10.0) as writer:
        writer.write(picture(0.0))
    assert [file.name for file in tmp_path.iterdir()] == ["video.mp4"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoWriterError, match=r"video\.mp4 cannot be written"):
        VideoWriter(tmp_path / "file" / "video.mp4", (64, 48), 10.0)
    (tmp_path / "video.mp4").mkdir()
    writer = VideoWriter(tmp_path / "video.mp4", (64, 48), 10.0)
    writer.write(picture(0.0))
    with pytest.raises(VideoWriterError, match=r"video\.mp4 cannot be written"):
        writer.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "video.mp4"]


@pytest.mark.parametrize(("size", "rate"), [((1, 48), 10.0), ((64, 48), 0.0), ((64, 48), -1.0)])
def test_what_makes_no_video_is_refused(tmp_path, size, rate):
    with pytest.raises(ValueError, match="a video needs"):
        VideoWriter(tmp_path / "video.mp4", size, rate)
    assert list(tmp_path.iterdir()) == []


def test_a_jpeg_shows_the_picture_and_quality_costs_bytes():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8), (9, 9), 0)
    blurred = PictureBlur(NoFaces()).blur(Frame("door", 0, 0.0, image), np.zeros((0, 4), np.float32))
    good, poor = encode_jpeg(blurred, 95), encode_jpeg(blurred, 20)
    assert np.abs(cv2.imdecode(np.frombuffer(good, np.uint8), cv2.IMREAD_COLOR).astype(int) - image).mean() < 4
    assert len(poor) < len(good)
