"""`aisle watch` on recordings: what it prints is what it writes."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from datasets.formats.mot import read_mot

ROOT = Path(__file__).parents[3]
ZONE = "crossing=200,220,560,220,600,430,160,430"
OPTIONS = ["--line", "door=384,0,384,576", "--zone", ZONE, "--start", "2026-03-01T09:00:00"]
FRAMES = 60


@pytest.fixture(scope="module")
def watched(aisle: Any, folder: Path, street: Path) -> tuple[Any, Path]:
    """A run with all that a report can hold."""
    homography = folder / "floor.json"
    homography.write_text("[[0.01, 0, 0], [0, 0.01, 0], [0, 0, 1]]")
    report = folder / "report"
    return aisle("watch", street, *OPTIONS, "--homography", homography, "--report", report), report


# What a run says and writes.


def test_the_clip_of_a_store_counts_three(aisle, shared, tmp_path):
    ran = aisle("watch", shared / "store_aisle" / "store_aisle.gif", "--report", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("store_aisle: 3 people in 4.5 s of footage (67 frames, ")
    assert f"Report: {tmp_path / 'report.html'}" in ran.out.splitlines()
    assert "3 people counted" in (tmp_path / "report.html").read_text()


def test_what_is_printed_is_what_is_written(watched):
    ran, report = watched
    assert ran.code == 0, ran.err
    people = int(re.match(r"street: (\d+) people in 8\.6 s of footage \(60 frames, ", ran.out)[1])
    into, out = map(int, re.search(r"^  line door: (\d+) in, (\d+) out$", ran.out, re.MULTILINE).groups())
    stays = int(re.search(r"^  zone crossing: (\d+) stays, \d+\.\d s on average$", ran.out, re.MULTILINE)[1])
    with (report / "footfall.csv").open(newline="") as file:
        crossings = list(csv.DictReader(file))
    with (report / "zones.csv").open(newline="") as file:
        zones = list(csv.DictReader(file))
    assert [each["direction"] for each in crossings].count("in") == into
    assert [each["direction"] for each in crossings].count("out") == out == 1
    assert {each["line"] for each in crossings} == {"door"}
    assert "2026-03-01T09:00:00" <= crossings[0]["time"] <= "2026-03-01T09:00:09"
    assert [(zone["zone"], int(zone["visits"])) for zone in zones] == [("crossing", stays)]
    assert f"{people} people counted" in (report / "report.html").read_text()
    # By eye 7, of whom one stays at the edge of the picture.
    assert 6 <= people <= 8


def test_the_report_holds_its_files(watched):
    _, report = watched
    assert {path.name for path in report.iterdir()} == {
        "annotated.mp4", "tracks.txt", "heatmap.png", "heatmap-floor.png", "footfall.csv", "zones.csv", "report.html",
        "records",
    }  # fmt: skip


def test_the_tracks_are_mot(watched):
    ran, report = watched
    tracks = read_mot(report / "tracks.txt")
    people = int(re.search(r"(\d+) people", ran.out)[1])
    assert 1 <= tracks.frame.min() <= 10
    assert tracks.frame.max() == FRAMES
    assert len(np.unique(tracks.id)) == people
    # Who is found is followed on.
    assert len(tracks.id) > people * FRAMES / 3


def test_the_video_plays_and_every_head_in_it_is_blurred(watched, street):
    _, report = watched
    with av.open(str(report / "annotated.mp4")) as video:
        assert video.streams.video[0].codec_context.name == "h264"
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p"
        shown = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    with av.open(str(street)) as video:
        taken = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    assert [picture.shape for picture in shown] == [(576, 768, 3)] * FRAMES
    tracks = read_mot(report / "tracks.txt")

    def detail(picture: np.ndarray, box: np.ndarray) -> float:
        """How sharp a head is; lines and boxes that are drawn over it are less than half of it."""
        x, y, right, low = box
        w, h = right - x, low - y
        head = picture[int(y + h * 0.04) : int(y + h * 0.14), int(x + w * 0.3) : int(x + w * 0.7)]
        return float(np.median(np.abs(cv2.Laplacian(head, cv2.CV_32F))))

    inside = (tracks.xyxy[:, 0] > 0) & (tracks.xyxy[:, 2] < 768)
    people = list(zip(tracks.frame[inside] - 1, tracks.xyxy[inside], strict=True))
    assert len(people) > 100
    before = np.median([detail(taken[frame], box) for frame, box in people])
    after = np.median([detail(shown[frame], box) for frame, box in people])
    assert after < before / 3


@pytest.mark.parametrize("name", ["heatmap.png", "heatmap-floor.png"])
def test_the_heatmap_is_warm_where_people_walked(watched, name):
    picture = cv2.imread(str(watched[1] / name))
    hue, saturation, _ = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV))
    red = ((hue < 8) | (hue > 172)) & (saturation > 150)
    assert red[: picture.shape[0] * 3 // 4].sum() > 50


def test_watching_again_counts_anew_and_leaves_what_is_not_its_own(aisle, watched, street):
    first, report = watched
    mine = report / "records" / "notes.txt"
    mine.write_text("mine")
    # The times are those of the first run: were its records kept, people would be counted twice.
    again = aisle("watch", street, *OPTIONS, "--report", report)

    def told(ran: Any) -> list[str]:
        return [re.sub(r", [\d.]+ frames/s", "", line) for line in ran.out.splitlines()]

    assert told(again) == told(first)
    assert mine.read_text() == "mine"


# The demonstration.


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.skipif(not (ROOT / ".venv/bin/aisle").exists(), reason="no .venv here: run make setup")
def test_the_demonstration_prints_counts_and_ends(tmp_path, empty, environment):
    # The set-up is another matter: -o takes it for done.
    done = subprocess.run(
        ["make", "-o", ".venv/.weights", "demo", "SERVE=0", f"VIDEO={empty}"],
        cwd=ROOT, env=environment(OUT=str(tmp_path)), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "empty: nobody was seen in 0.8 s" in done.stdout
    assert (tmp_path / "report" / "report.html").exists()
