from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np
import pytest

from api.report import Watched, collect_report, write_report
from api.report_charts import HEIGHT, dwell_chart, footfall_chart, length, occupancy_chart, span
from cameras.frame import Frame
from insights.queries import Dwell, DwellBin, FootfallBucket, OccupancyBucket
from models.boxes import Boxes
from store import tables
from store.records import Records
from store.settings import Settings
from store.views import CameraView, Line, Zone
from vision.blur import PictureBlur
from vision.recording import VideoWriter

BEGIN = 1_795_338_000.0  # 2026-11-22 09:00:00 UTC
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SQUARE = ((40.0, 40.0), (200.0, 40.0), (200.0, 200.0), (40.0, 200.0))


class NoFaces:
    def detect(self, image):
        return Boxes.empty()


def picture(time_s, size=(320, 240)):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    return PictureBlur(NoFaces()).blur(Frame("door", 0, time_s, image), np.zeros((0, 4), np.float32))


VIEW = CameraView(
    camera="door",
    size=(320, 240),
    lines=(Line(name="Gate", a=(160, 0), b=(160, 240)), Line(name="Side", a=(0, 120), b=(320, 120))),
    zones=(Zone(name="Till", polygon=SQUARE), Zone(name="Depot", polygon=SQUARE, staff=True)),
)
WATCHED = Watched(VIEW, "door.mp4", 2400, 10.0, BEGIN, BEGIN + 239.9, wall_s=60.0)
NOTHING = replace(WATCHED, view=CameraView(camera="hall", size=(480, 270)), source="hall.mp4")


@pytest.fixture
def records(tmp_path):
    settings = Settings(data_dir=tmp_path / "data", store="shop", redis_url=None, database_url=None)
    with Records.open(settings) as opened:
        yield opened


def fill(records, camera="door", store="shop"):
    """Four minutes at a door: 3 in and 1 out, 4 visits, 2 stays at the till; and as much before and after."""
    mark = {"store": store, "camera": camera}
    minute = int(BEGIN // 60)
    passed = [(5, "in"), (65.25, "in"), (70, "out"), (200, "in"), (-1, "in"), (240.5, "out")]
    stays = [(10, 14), (100, 120), (-50, -20), (300, 400)]
    visits = [(0, 30), (60, 80), (90, 130), (200, 210), (-60, -10), (250, 260)]
    with records.begin() as connection:
        records.insert(connection, tables.crossings, [
            {"id": f"{camera}{i}", **mark, "line": "Gate", "direction": direction, "time": BEGIN + at}
            for i, (at, direction) in enumerate(passed)
        ])  # fmt: skip
        records.insert(connection, tables.zone_visits, [
            {"id": f"{camera}{i}", **mark, "zone": "Till", "entered_at": BEGIN + a, "left_at": BEGIN + b,
             "staff": False}
            for i, (a, b) in enumerate(stays)
        ])  # fmt: skip
        records.insert(connection, tables.visits, [
            {"id": f"{camera}{i}", **mark, "entered_at": BEGIN + a, "left_at": BEGIN + b}
            for i, (a, b) in enumerate(visits)
        ])  # fmt: skip
        records.merge(connection, tables.occupancy, [
            {**mark, "zone": zone, "minute": minute + i, "person_seconds": seconds, "peak": peak}
            for zone, rows in (("", [(60.0, 2), (120.0, 3), (0.0, 0), (60.0, 1)]), ("Till", [(4.0, 1), (20.0, 1)]))
            for i, (seconds, peak) in enumerate(rows)
        ])  # fmt: skip
        records.merge(connection, tables.tiles, [
            {**mark, "space": "image", "minute": minute, "x": x, "y": 5, "visitors": visitors, "seconds": 9.0}
            for x, visitors in ((3, 4), (4, 3), (5, 1))
        ])  # fmt: skip
        records.merge(connection, tables.cameras, [
            {**mark, "width": 320, "height": 240, "first_seen": BEGIN, "last_seen": BEGIN + 240, "preview": None,
             "lines": [], "zones": [], "homography": None, "cell_px": 7, "cell_m": 0.25}
        ])  # fmt: skip


def collect(records, *watched, min_visitors=3, store="shop"):
    return collect_report(records, store, watched, min_visitors=min_visitors, written_at=BEGIN + 300)


class Page(HTMLParser):
    """The words of a page, its links, and its tables as lists of rows."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text()
        self.links, self.tags, self.words, self.rows = [], ["doctype"], [], []
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "poster")]
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.tags[-1] != "style":
            self.words.append(data)
        if self.rows and data.strip() and self.tags[-1] in ("td", "th"):
            self.rows[-1].append(data.strip())


def table(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_numbers_of_the_time_that_was_watched(records, tmp_path):
    fill(records)
    fill(records, store="elsewhere")
    page = Page(write_report(tmp_path / "report", collect(records, WATCHED)))
    assert "4 people counted" in page.text
    assert "In 4 min of footage from 1 camera. Written 2026-11-22 09:05:00 UTC." in page.text
    assert "People 4 median visit 25 s In 3 Out 1 Most at once 3 1.0 on average" in page.text
    assert "Frames 2,400 4 min of footage Speed 40 frames a second, 4.0 \u00d7 real time" in page.text
    assert "2026-11-22 09:00:00 to 2026-11-22 09:04:00 UTC" in page.text
    assert ["Gate", "3", "1", "+2"] in page.rows
    assert ["Side", "0", "0", "0"] in page.rows
    assert ["Till", "2", "12 s", "12 s", "1"] in page.rows
    assert "Left out as staff zones: Depot." in page.text
    assert not any("Depot" in cell for row in page.rows for cell in row)
    assert "k = 3" in page.text
    assert "Whoever is outside for less than 2 s" in page.text


def test_tables_hold_every_crossing_and_only_sums_of_stays(records, tmp_path):
    fill(records)
    write_report(tmp_path, collect(records, WATCHED))
    assert table(tmp_path / "footfall.csv") == [
        ["time", "camera", "line", "direction"],
        ["2026-11-22T09:00:05.000Z", "door", "Gate", "in"],
        ["2026-11-22T09:01:05.250Z", "door", "Gate", "in"],
        ["2026-11-22T09:01:10.000Z", "door", "Gate", "out"],
        ["2026-11-22T09:03:20.000Z", "door", "Gate", "in"],
    ]
    assert table(tmp_path / "zones.csv") == [
        ["camera", "zone", "visits", "mean_s", "median_s", "p90_s", "most_at_once"],
        ["door", "Till", "2", "12.0", "12.0", "18.4", "1"],
    ]


def test_the_heatmap_lies_on_the_place_and_hides_cells_of_few(records, tmp_path):
    fill(records)
    watched = replace(WATCHED, background=picture(BEGIN))
    page = Page(write_report(tmp_path, collect(records, watched)))
    drawn = cv2.imread(str(tmp_path / "heatmap.png"))
    assert drawn.shape[1] == 320
    assert drawn.shape[0] > 240
    assert (drawn[200, 200] == 90).all()
    assert (drawn[38, 28] != 90).any()
    assert "Cells with fewer than 3 visits are left out, 1 here." in page.text
    page = Page(write_report(tmp_path, collect(records, watched, min_visitors=9)))
    assert "each of the 3 cells where somebody was had fewer than 9 visits" in page.text
    assert (cv2.imread(str(tmp_path / "heatmap.png"))[38, 28] == 90).all()


def test_a_calibrated_camera_has_a_heatmap_of_the_floor_too(records, tmp_path):
    fill(records)
    view = VIEW.model_copy(update={"homography": ((0.01, 0.0, 0.0), (0.0, 0.01, 0.0), (0.0, 0.0, 1.0))})
    page = Page(write_report(tmp_path, collect(records, replace(WATCHED, view=view, background=picture(0.0)))))
    assert "heatmap-floor.png" in page.links
    assert cv2.imread(str(tmp_path / "heatmap-floor.png")) is not None


def test_a_background_must_be_blurred(records, tmp_path):
    bare = replace(WATCHED, background=np.zeros((240, 320, 3), np.uint8))
    with pytest.raises(TypeError, match="BlurredPicture"):
        write_report(tmp_path, collect(records, bare))
    assert not (tmp_path / "heatmap.png").exists()


def test_without_lines_zones_and_people_it_says_what_to_do(records, tmp_path):
    page = Page(write_report(tmp_path, collect(records, NOTHING)))
    assert "Nobody was seen" in page.text
    assert "--line Door=240,0,240,270" in page.text
    assert "--zone Shelf=0,135,240,135,240,270,0,270" in page.text
    assert "img" not in page.tags
    assert cv2.imread(str(tmp_path / "heatmap.png")).shape[1] == 480
    assert table(tmp_path / "footfall.csv") == [["time", "camera", "line", "direction"]]
    assert "In and out No line was given" in page.text
    assert "Speed 40" in page.text


def test_a_line_nobody_crossed_is_not_a_missing_line(records, tmp_path):
    page = Page(write_report(tmp_path, collect(records, WATCHED)))
    assert page.text.count("Nobody crossed this line.") == 2
    assert "--line" not in page.text
    assert ["Till", "0", "-", "-", "0"] in page.rows


def test_several_cameras_are_told_one_by_one_and_together(records, tmp_path):
    fill(records)
    fill(records, "Tür 2")
    fill(records, "T.r-2")
    seconds = [WATCHED] + [
        replace(WATCHED, view=VIEW.model_copy(update={"camera": name}), wall_s=30.0) for name in ("Tür 2", "t r 2")
    ]
    page = Page(write_report(tmp_path, collect(records, *seconds)))
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == ["heatmap-door.png", "heatmap-t-r-2-2.png", "heatmap-t-r-2.png"]
    assert "8 people counted" in page.text
    assert "People 8 each camera by itself In 6 Out 2" in page.text
    assert "Speed 120 frames a second, 12.0 \u00d7 real time" in page.text
    crossings = table(tmp_path / "footfall.csv")[1:]
    assert [row[0] for row in crossings] == sorted(row[0] for row in crossings)
    assert {row[1] for row in crossings} == {"door", "Tür 2"}


def test_every_link_leads_to_a_file_beside_it_and_nothing_comes_from_elsewhere(records, tmp_path):
    fill(records)
    (tmp_path / "a b#1.mp4").write_bytes(b"")
    (tmp_path / "tracks.txt").write_bytes(b"")
    watched = replace(WATCHED, video="a b#1.mp4", tracks="tracks.txt", background=picture(BEGIN))
    page = Page(write_report(tmp_path, collect(records, watched)))
    local = [link for link in page.links if not link.startswith("data:")]
    assert {unquote(link) for link in local} == {"a b#1.mp4", "tracks.txt", "heatmap.png", "footfall.csv", "zones.csv"}
    assert all((tmp_path / unquote(link)).is_file() and "#" not in link for link in local)
    assert "script" not in page.tags
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", page.source)
    assert "Treat them as personal data" in page.text
    assert "Treat them as personal data" not in Page(write_report(tmp_path, collect(records, WATCHED))).text
    assert not list(tmp_path.glob("*.part"))


def test_names_are_words_and_not_markup_and_credentials_stay_out(records, tmp_path):
    name = "<img src=x onerror=alert(1)>"
    view = VIEW.model_copy(update={"lines": (Line(name=name, a=(160, 0), b=(160, 240)),)})
    watched = replace(WATCHED, view=view, source="rtsp://admin:hunter2@10.0.0.5/live?token=hunter3", dropped=7)
    page = Page(write_report(tmp_path, collect(records, watched, store="<b>shop")))
    assert name in page.text
    assert "b" in page.tags  # the name of the product
    assert page.tags.count("img") == 0
    assert page.tags.count("b") == 1
    assert "rtsp://10.0.0.5/live" in page.text
    assert "hunter" not in page.source
    assert "7 frames skipped" in page.text


def test_one_is_not_a_plural(records, tmp_path):
    one = replace(NOTHING, frames=1, ended_at=BEGIN, dropped=1)
    text = Page(write_report(tmp_path, collect(records, one, min_visitors=1))).text
    assert "1 frame at 10 a second · 1 frame skipped" in text
    assert "1 camera." in text
    assert "when 1 visit or more" in text


def test_bars_stand_on_the_base_line_and_are_as_high_as_their_number():
    buckets = [FootfallBucket(60.0 * i, 60.0 * (i + 1), i, 2 * (i == 1)) for i in range(4)]
    chart = footfall_chart(buckets, 1080)
    base = next(row.at for row in chart.rows if row.zero)
    heights = {(bar.kind, bar.title): bar.height for bar in chart.bars}
    assert set(heights) == {("in", "1:00: 1 in"), ("in", "2:00: 2 in"), ("in", "3:00: 3 in"), ("out", "1:00: 2 out")}
    unit = heights["in", "1:00: 1 in"]
    assert [heights["in", "3:00: 3 in"], heights["out", "1:00: 2 out"]] == pytest.approx([3 * unit, 2 * unit], abs=0.2)
    assert all(bar.y + bar.height == pytest.approx(base, abs=0.1) for bar in chart.bars if bar.kind == "in")
    assert all(bar.y == base for bar in chart.bars if bar.kind == "out")
    assert all(bar.x >= 0 and bar.x + bar.width <= 1080 and 0 <= bar.y <= HEIGHT for bar in chart.bars)
    assert [column.text for column in chart.columns] == ["0:00", "1:00", "2:00", "3:00"]
    assert chart.summary == "Crossings over time: 6 in, 2 out"


def test_long_footage_is_labelled_by_the_time_of_day():
    buckets = [FootfallBucket(BEGIN + 900 * i, BEGIN + 900 * (i + 1), 1, 0) for i in range(40)]
    columns = footfall_chart(buckets, 520).columns
    assert columns[0].text == "09:00"
    assert len(columns) < 12
    assert min(b.at - a.at for a, b in pairwise(columns)) >= 60


def test_the_mean_is_over_the_part_of_a_minute_that_was_watched():
    buckets = [OccupancyBucket(0.0, 60.0, 40.0, 2 / 3, 3), OccupancyBucket(60.0, 120.0, 120.0, 2.0, 4)]
    chart = occupancy_chart(buckets, 40.0, 120.0, 1080)
    assert [bar.title for bar in chart.bars if bar.kind == "mean"] == [
        "0:00: 2.0 on average, 3 at most",
        "0:20: 2.0 on average, 4 at most",
    ]
    means = [bar.height for bar in chart.bars if bar.kind == "mean"]
    assert means[0] == means[1]
    peaks = [bar.height for bar in chart.bars if bar.kind == "peak"]
    assert peaks[0] / peaks[1] == pytest.approx(0.75, abs=0.01)


def test_stays_by_length_end_with_the_longest():
    bins = tuple(DwellBin(a, b, n) for a, b, n in ((0, 5, 2), (5, 10, 0), (10, 60, 1), (60, 300, 3), (300, 600, 0)))
    chart = dwell_chart(Dwell(6, 1.0, 1.0, 1.0, bins), 520)
    assert [column.text for column in chart.columns] == ["0 to 5 s", "5 to 10 s", "10 s to 1 min", "1 to 5 min"]
    assert [bar.value for bar in chart.bars] == ["2", "1", "3"]
    assert chart.bars[2].height == pytest.approx(3 * chart.bars[1].height, abs=0.2)
    open_end = dwell_chart(Dwell(1, 1.0, 1.0, 1.0, (DwellBin(1800, None, 1),)), 520)
    assert [column.text for column in open_end.columns] == ["30 min +"]


@pytest.mark.parametrize("chart", [footfall_chart([], 520), occupancy_chart([], 0, 1, 520)])
def test_a_chart_of_nothing_has_an_axis_and_no_bars(chart):
    assert chart.bars == ()
    assert [row.text for row in chart.rows] == ["0", "1"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (130, "2 min 10 s"),
     (3599.7, "1 h"), (11_100, "3 h 5 min"), (7_199, "2 h")],
)  # fmt: skip
def test_lengths_of_time_for_people(seconds, text):
    assert length(seconds) == text


def test_spans_are_whole():
    assert [span(seconds) for seconds in (0, 5, 60, 3600, 86_400)] == ["0 s", "5 s", "1 min", "1 h", "24 h"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")
def test_a_browser_shows_it_from_disk_and_plays_the_video(records, tmp_path):
    from playwright.sync_api import sync_playwright

    fill(records)
    folder = Path(tmp_path / "report")
    with VideoWriter(folder / "door.mp4", (320, 240), 10.0) as writer:
        for i in range(20):
            writer.write(picture(BEGIN + i / 10))
    path = write_report(folder, collect(records, replace(WATCHED, video="door.mp4", background=picture(BEGIN))))
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        for scheme, width in (("light", 1280), ("dark", 390)):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            troubles = []
            page.on("console", lambda message, to=troubles: to.append(message.text))
            page.on("pageerror", lambda error, to=troubles: to.append(str(error)))
            page.goto(path.as_uri())
            page.wait_for_function("document.querySelector('video').readyState >= 2")
            shown = page.evaluate("""() => ({
                video: document.querySelector('video').duration,
                images: [...document.images].map(image => image.naturalWidth),
                over: document.documentElement.scrollWidth - innerWidth,
                ground: getComputedStyle(document.body).backgroundColor,
            })""")
            assert shown["video"] == pytest.approx(2.0, abs=0.01)
            assert shown["images"] == [320]
            assert shown["over"] <= 0
            assert shown["ground"] == ("rgb(245, 244, 240)" if scheme == "light" else "rgb(16, 21, 26)")
            assert troubles == []
            page.close()
        browser.close()
