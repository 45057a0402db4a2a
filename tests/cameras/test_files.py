from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cameras import CameraError, Frame, open_source
from cameras.errors import (
    NoFramesError,
    NotAVideoError,
    ResolutionChangedError,
    SourceNotFoundError,
    TruncatedVideoError,
)

Video = Callable[..., Path]
DATA = Path(__file__).parents[3] / "shared" / "data"

FORMATS = {
    "clip.mp4": {},
    "faststart.mp4": {"container": {"movflags": "faststart"}},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "clip.avi": {"codec": "mpeg4"},
    "motion.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "clip.mkv": {},
    "clip.webm": {"codec": "libvpx"},
    "clip.flv": {},
    "clip.ts": {},
    "clip.gif": {"codec": "gif", "pixels": "rgb8"},
}


def drain(path: Path) -> tuple[list[Frame], CameraError | None]:
    frames: list[Frame] = []
    try:
        with open_source(str(path)) as source:
            frames.extend(source)
    except CameraError as error:
        return frames, error
    return frames, None


def overwrite(path: Path, number: int) -> None:
    """Write nonsense over one packet of the video."""
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    at, size = places[number]
    data = bytearray(path.read_bytes())
    data[at : at + size] = b"\xff" * size
    path.write_bytes(data)


@pytest.mark.parametrize("name", FORMATS)
def test_every_frame_of_a_healthy_file_comes_once_and_in_order(name: str, video: Video, read_stamp) -> None:
    path = video(name, 60, rate=25, **FORMATS[name])
    with open_source(str(path), start=1000.0) as source:
        assert (source.size, source.live) == ((160, 64), False)
        assert source.frame_rate == pytest.approx(25, rel=0.01)
        assert source.frame_count == pytest.approx(60, abs=3)
        frames = list(source)
        assert source.dropped == 0
    assert [read_stamp(frame.image) for frame in frames] == list(range(60))
    assert [frame.index for frame in frames] == list(range(60))
    assert [frame.captured_at for frame in frames] == pytest.approx([1000 + i / 25 for i in range(60)], abs=0.0011)
    assert {frame.camera for frame in frames} == {Path(name).stem}


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"clip.ts", "clip.mp4", "fragments.mp4"}))
@pytest.mark.parametrize("share", [0.35, 0.6, 0.9])
def test_a_truncated_file_gives_the_frames_it_has_and_then_says_where_it_broke(
    name: str, share: float, video: Video, read_stamp
) -> None:
    whole = video(name, 100, encoder={"g": "5"} if "gif" not in name else {}, **FORMATS[name])
    data = whole.read_bytes()
    cut = whole.with_name(f"cut-{name}")
    cut.write_bytes(data[: int(len(data) * share)])
    frames, error = drain(cut)
    assert isinstance(error, TruncatedVideoError)
    numbers = [read_stamp(frame.image) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert 20 < len(frames) < 99
    # The last one is whole, too.
    with open_source(str(whole)) as source:
        np.testing.assert_array_equal(frames[-1].image, list(source)[numbers[-1]].image)
    assert error.frame == len(frames)
    assert f"frame {error.frame}" in str(error)
    assert cut.name in str(error)


def test_a_damaged_last_frame_costs_no_other(video: Video, read_stamp) -> None:
    path = video("clip.mp4", 60)
    overwrite(path, 59)
    frames, error = drain(path)
    assert isinstance(error, TruncatedVideoError)
    assert len({read_stamp(frame.image) for frame in frames}) == len(frames) == error.frame == 59


def test_a_file_that_lost_its_index_is_called_truncated(video: Video) -> None:
    path = video("clip.mp4", 50)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(TruncatedVideoError, match="index") as caught:
        open_source(str(path))
    assert caught.value.frame == 0


def test_a_header_that_counts_two_frames_too_many_is_forgiven_and_one_that_counts_more_is_not(video: Video) -> None:
    data = video("clip.avi", 50, codec="mpeg4").read_bytes()
    # The count stands in the main header and in the stream's, 32 bytes into its body.
    stream = data.index(b"strh") + 8 + 32
    assert int.from_bytes(data[stream : stream + 4], "little") == 50
    for stated, clean in ((52, True), (53, False)):
        path = Path(video("other.avi", 1, codec="mpeg4"))
        path.write_bytes(data[:stream] + stated.to_bytes(4, "little") + data[stream + 4 :])
        frames, error = drain(path)
        assert len(frames) == 50
        assert (error is None) is clean


def test_damage_in_the_middle_is_stepped_over_and_logged(video: Video, read_stamp, caplog) -> None:
    path = video("clip.mp4", 60, encoder={"g": "1", "bf": "0"})
    overwrite(path, 30)
    frames, error = drain(path)
    assert error is None
    assert [read_stamp(frame.image) for frame in frames] == [*range(30), *range(31, 60)]
    assert frames[30].captured_at - frames[29].captured_at == pytest.approx(2 / 25, abs=1e-6)
    assert "1 damaged" in caplog.text


def test_the_times_follow_the_stream_where_the_rate_varies(video: Video) -> None:
    pts = [0, 100, 130, 1000, 1001, 5000]
    path = video("varied.mkv", 6, pts=pts, time_base=Fraction(1, 1000), encoder={"bf": "0"})
    with open_source(str(path), start=50.0) as source:
        assert [frame.captured_at for frame in source] == pytest.approx([50 + t / 1000 for t in pts], abs=1e-6)


def test_a_gif_keeps_the_exact_durations_of_its_frames(video: Video) -> None:
    pts = [0, 7, 13, 20, 95]
    path = video("uneven.gif", 5, codec="gif", pixels="rgb8", pts=pts, time_base=Fraction(1, 100))
    with open_source(str(path), start=0.0) as source:
        assert [frame.captured_at for frame in source] == pytest.approx([t / 100 for t in pts], abs=1e-9)


def test_a_given_frame_rate_overrides_the_header(video: Video) -> None:
    with open_source(str(video("clip.avi", 30, codec="mpeg4", rate=10)), frame_rate=7, start=5.0) as source:
        assert source.frame_rate == 7
        assert [frame.captured_at for frame in source] == pytest.approx([5 + i / 7 for i in range(30)], abs=1e-9)


def test_footage_starts_when_the_file_says_it_was_made_unless_told_otherwise(video: Video) -> None:
    path = video("dated.mp4", 3, metadata={"creation_time": "2024-05-01T10:00:00.000000Z"})
    may_first = 1714557600.0
    with open_source(str(path)) as source:
        assert next(iter(source)).captured_at == may_first
    with open_source(str(path), start=0.0) as source:
        assert next(iter(source)).captured_at == 0.0
    with open_source(str(video("unset.mp4", 3, metadata={"creation_time": "1980-01-01T00:00:00Z"}))) as source:
        assert next(iter(source)).captured_at > may_first


@pytest.mark.parametrize("name", ["clip.mp4", "clip.gif"])
@pytest.mark.parametrize("frame_rate", [None, 7.0])
def test_a_loop_goes_on_in_index_and_time(name: str, frame_rate: float | None, video: Video, read_stamp) -> None:
    path = video(name, 10, rate=20, **FORMATS[name])
    with open_source(str(path), loop=True, start=100.0, frame_rate=frame_rate) as source:
        assert source.frame_count is None
        frames = list(itertools.islice(source, 35))
    assert [read_stamp(frame.image) for frame in frames] == [i % 10 for i in range(35)]
    assert [frame.index for frame in frames] == list(range(35))
    step = 1 / (frame_rate or 20)
    assert [frame.captured_at for frame in frames] == pytest.approx([100 + i * step for i in range(35)], abs=1e-6)


def test_a_loop_shows_the_last_frame_for_as_long_as_the_file_says(video: Video) -> None:
    pts = [0, 10, 60]
    path = video("uneven.gif", 3, codec="gif", pixels="rgb8", pts=pts, time_base=Fraction(1, 100))
    with av.open(str(path)) as container:
        lasts_s = container.duration / av.time_base
    with open_source(str(path), loop=True, start=0.0) as source:
        times = [frame.captured_at for frame in itertools.islice(source, 5)]
    assert abs(lasts_s - 0.6 - 1 / source.frame_rate) > 0.02
    assert times == pytest.approx([0, 0.1, 0.6, lasts_s, lasts_s + 0.1], abs=1e-6)


def test_timestamps_that_begin_again_within_a_file_go_on_in_time(video: Video) -> None:
    one = video("one.ts", 25).read_bytes()
    path = video("two.ts", 1)
    path.write_bytes(one + one)
    with open_source(str(path), start=0.0) as source:
        times = [frame.captured_at for frame in source]
    assert len(times) == 50
    assert all(0.03 < later - earlier < 0.05 for earlier, later in itertools.pairwise(times))


def test_a_change_of_resolution_is_an_error_after_the_frames_before_it(video: Video) -> None:
    path = video("changed.ts", 1)
    path.write_bytes(
        video("small.ts", 20, encoder={"bf": "0"}).read_bytes()
        + video("large.ts", 20, size=(320, 128), encoder={"bf": "0"}).read_bytes()
    )
    frames, error = drain(path)
    assert isinstance(error, ResolutionChangedError)
    assert "320x128" in str(error)
    assert "160x64" in str(error)
    assert len(frames) == 20


def test_a_turned_video_comes_upright(video: Video, tmp_path: Path, stamp) -> None:
    path = video("clip.mp4", 3)
    data = path.read_bytes()
    # The display matrix of the track header: from the unit matrix to a quarter turn.
    unit, turn = [(0x10000, 0, 0, 0, 0x10000, 0), (0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0, 0)]
    track = data.index(b"tkhd")
    at = data.index(b"".join(value.to_bytes(4, "big") for value in unit), track)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data[:at] + b"".join(value.to_bytes(4, "big") for value in turn) + data[at + 24 :])
    with open_source(str(turned)) as source:
        assert source.size == (64, 160)
        image = next(iter(source)).image
    assert image.flags.c_contiguous
    # A quarter turn to the right: the slope that grew from left to right now grows from top to bottom.
    assert image[-1, 40].mean() > image[10, 40].mean() + 60


def test_iterating_again_begins_again(video: Video) -> None:
    with open_source(str(video("clip.mp4", 5)), start=0.0) as source:
        first = [(frame.index, frame.captured_at) for frame in source]
        assert first == [(frame.index, frame.captured_at) for frame in source]


def test_closing_ends_the_iteration_from_within_and_from_another_thread(video: Video) -> None:
    source = open_source(str(video("clip.mp4", 20)), loop=True)
    seen = 0
    for _ in source:
        seen += 1
        if seen == 7:
            source.close()
    assert seen == 7
    source.close()
    assert list(source) == []

    source = open_source(str(video("clip.mp4", 20)), loop=True)
    closer = threading.Timer(0.2, source.close)
    closer.start()
    assert sum(1 for _ in source) > 0
    closer.join()


@pytest.mark.parametrize(
    ("name", "content"),
    [("text.mp4", b"hello\n" * 500), ("text.txt", b"hello\n" * 500), ("empty.avi", b""), ("zeros.mkv", bytes(5000))],
)
def test_what_is_no_video_is_called_so(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotAVideoError, match=name):
        open_source(str(path))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with pytest.raises(NotAVideoError, match="no video"):
        open_source(str(path))


def test_a_playlist_makes_nothing_read_from_the_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.ts"
        playlist = tmp_path / "list.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n")
        with pytest.raises(NotAVideoError):
            open_source(str(playlist))
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_video_without_frames_is_called_so(video: Video) -> None:
    with pytest.raises(NoFramesError):
        open_source(str(video("none.avi", 0, codec="mpeg4")))


def test_a_missing_file_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"nowhere\.mp4"):
        open_source(str(tmp_path / "nowhere.mp4"))


@pytest.mark.parametrize(
    ("name", "frames", "size", "end_s"),
    [
        ("vtest/vtest.avi", 795, (768, 576), 79.4),
        ("store_aisle/store_aisle.gif", 67, (480, 270), 4.4),
        ("bottles/bottles.mp4", 470, (640, 360), 180096 / 11456),
    ],
)
def test_real_footage_passes_clean(name: str, frames: int, size: tuple[int, int], end_s: float) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in ../shared/data beside the checkout")
    with open_source(str(path), start=0.0) as source:
        assert (source.size, source.frame_count) == (size, frames)
        seen = [(frame.index, frame.captured_at) for frame in source]
    assert [index for index, _ in seen] == list(range(frames))
    assert seen[-1][1] == pytest.approx(end_s, abs=1e-6)
