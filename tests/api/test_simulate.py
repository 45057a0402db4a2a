"""`aisle simulate`: what it says, what it refuses, and its cameras in real time."""

from __future__ import annotations

import json
import re
import time
from itertools import islice, pairwise

import cv2
import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.simulate.live import LiveCameras
from api.simulate.options import seed_range
from api.simulate.rtsp import length_prefixed
from cameras import open_source
from datasets.manifest import verify
from datasets.simulation.filming.live import LiveShop, SimulatedSource
from datasets.simulation.filming.recipes import Filming, Recipe


def run(*words: object):
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


@pytest.fixture
def recipe(small_shop):
    return Recipe(str(small_shop / "short.yaml"), 3, small_shop / "plan.yaml", Filming(rate_hz=5.0))


def test_it_writes_a_dataset_and_goes_on_with_what_is_missing(small_shop, tmp_path):
    words = [small_shop / "short.yaml", "--store", small_shop / "plan.yaml", "--rate", 1, "--out", tmp_path]
    first = run(*words, "--cameras", "left")
    assert first.exit_code == 0, first.output
    assert "drawn by" in first.output
    assert "frames/s" in first.output
    assert verify(tmp_path).counts["runs"] == 1
    assert (tmp_path / "preview.html").is_file()
    again = run(*words, "--cameras", "left")
    assert "1 runs were there already" in again.output
    other = run(*words, "--cameras", "right side")
    assert other.exit_code == 2
    assert "was made with another cameras" in other.output


def test_the_same_command_gives_the_same_truth_and_pictures(small_shop, tmp_path):
    words = [small_shop / "short.yaml", "--store", small_shop / "plan.yaml", "--rate", 2, "--resolution", "96x64"]
    kept = []
    for out in (tmp_path / "one", tmp_path / "two"):
        answer = run(*words, "--format", "frames", "--out", out)
        assert answer.exit_code == 0, answer.output
        verify(out)
        # The dataset's manifest notes the command, which names the folder.
        kept.append({p.relative_to(out): p for p in out.rglob("*") if p.is_file() and p.name != "manifest.json"})
    one, two = kept
    assert one.keys() == two.keys()
    pictures = {path for path in one if path.suffix == ".jpg"}
    assert len(pictures) > 40
    listings = {path for path in one if path.name == "run.json"}  # these hold the pictures' hashes
    for path in one.keys() - pictures - listings:
        assert one[path].read_bytes() == two[path].read_bytes(), path
    for path in pictures:
        images = [cv2.imread(str(found[path])).astype(int) for found in kept]
        assert images[0].shape == (64, 96, 3)
        assert np.abs(images[0] - images[1]).max() <= 1


def test_it_lists_the_families():
    names = run("--list").output.split()
    assert {"single_pick", "crowd_20", "exchange"} <= set(names)
    assert len(names) >= 25


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing_such"], r"no scenario called nothing_such; .*single_pick"),
        ([], "which scenario"),
        (["single_pick", "--cameras", "moon"], r"--cameras moon: not in the plan; there are: door-in"),
        (["single_pick", "--seeds", "5:5"], "--seeds 5:5"),
        (["single_pick", "--seeds", "x"], "--seeds x"),
        (["single_pick", "--resolution", "641x360"], "--resolution 641x360"),
        (["single_pick", "--format", "gif"], "--format gif"),
        (["single_pick", "--store", "none.yaml"], "none.yaml"),
        (["none.yaml"], "none.yaml cannot be read"),
        (["single_pick", "--live", "--seeds", "2"], "--live shows one run, these are 2"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(words, said, tmp_path):
    answer = run(*words, "--out", tmp_path / "out")
    assert answer.exit_code == 2
    assert len(answer.output.strip().splitlines()) == 1
    assert re.search(said, answer.output)
    assert not (tmp_path / "out").exists()


def test_seeds_are_counted_or_ranged():
    assert list(seed_range("3")) == [0, 1, 2]
    assert list(seed_range("10:12")) == [10, 11]


def test_packets_get_their_lengths():
    packet = b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65\0\0\3d"
    assert length_prefixed(packet) == b"\0\0\0\3\x67ab\0\0\0\2\x68c\0\0\0\5\x65\0\0\3d"


def test_a_simulated_source_gives_the_videos_frames(recipe, small_dataset):
    folder = small_dataset / "runs" / "short-0003" / "cameras" / "right-side"
    with SimulatedSource(recipe, "right side") as source, open_source(str(folder / "right-side.mp4")) as video:
        assert (source.size, source.frame_rate, source.live) == ((160, 96), 5.0, False)
        drawn, read = list(islice(source, 12)), list(islice(video, 12))
        assert source.frame_count == video.frame_count
    np.testing.assert_allclose([f.captured_at for f in drawn], [f.captured_at for f in read], atol=1e-4)
    assert [frame.index for frame in drawn] == list(range(12))
    differences = [np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(drawn, read, strict=True)]
    assert max(differences) < 12  # what H.264 takes away


def test_cameras_and_sensors_run_in_real_time(recipe):
    shop = LiveShop(recipe, loop=True)
    with LiveCameras(shop) as live:
        assert set(live.streams) == {"left", "right side"}
        with open_source(live.streams["right side"]) as source:
            frames = []
            for frame in source:
                frames.append(frame)
                if len(frames) == 6:
                    break
        assert source.size == (160, 96)
        # As seen by this machine's clock, not by the camera's.
        assert all(abs(time.time() - frame.captured_at) < 15 for frame in frames)
        assert all(b.captured_at > a.captured_at for a, b in pairwise(frames))
        newest = next(iter(shop.cameras["left"]))
        assert abs(newest.captured_at - time.time()) < 3
        listed = httpx.get(f"{live.url}/v1/cameras").json()
        assert {camera["stream"] for camera in listed} == set(live.streams.values())
        with httpx.stream("GET", f"{live.url}/v1/plates", timeout=10) as answer:
            lines = (line for line in answer.iter_lines() if line.startswith("data:"))
            readings = [json.loads(line[5:]) for line in islice(lines, 3)]
        assert {reading["plate"] for reading in readings} == {"scale"}
        assert all(reading["weight_g"] > 100 for reading in readings)
        assert shop.failure is None
    assert shop.ended.is_set()
    assert list(shop.cameras["left"]) == []


def test_a_gate_tells_its_codes(recipe):
    shop = LiveShop(recipe, loop=True)
    with LiveCameras(shop) as live, httpx.stream("GET", f"{live.url}/v1/gates", timeout=30) as answer:
        line = next(line for line in answer.iter_lines() if line.startswith("data:"))
    code = json.loads(line[5:])
    assert code["gate"] == "door"
    assert len(code["code"]) >= 8
