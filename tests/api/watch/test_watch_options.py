"""`aisle watch` with right and wrong options on clips with nobody in them."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

Case = tuple[list[str], dict[str, str]]


# What must be told: the arguments, and a pattern that the one line on stderr holds.
WRONG: dict[str, tuple[list[str], str]] = {
    "no file": (["{f}/none.mp4"], r"none\.mp4 does not exist"),
    "no video": (["{f}/text.mp4"], r"text\.mp4 is not a video"),
    "folder without pictures": (["{f}/twin"], r"twin holds no pictures"),
    "scheme": (["http://me:hunter2@host/x"], r"http://host/x is no address.*rtsp://HOST/PATH"),
    "line of three": (["{e}", "--line", "1,2,3"], r"line '1,2,3': expected 4 numbers .*found 3"),
    "line outside": (["{e}", "--line", "900,0,900,9"], r"line line lies outside the picture of 320x240"),
    "two lines of a name": (["{e}", "--line", "a=1,1,9,9", "--line", "a=2,1,9,9"], r"lines .*found twice: a"),
    "zone outside": (["{e}", "--zone", "z=900,900,999,900,999,999"], r"zone z lies outside the picture of 320x240"),
    "zone without name": (["{e}", "--zone", "1,1,9,1,9,9"], r"zone .*name is missing, expected NAME="),
    "singular": (["{e}", "--homography", "{f}/singular.json"], r"singular\.json: homography is singular"),
    "no homography": (["{e}", "--homography", "{f}/none.json"], r"homography .*none\.json cannot be read"),
    "size": (["{e}", "--size", "600x380"], r"size must be two multiples of 128.*600x380"),
    "no size": (["{e}", "--size", "big"], r"--size 'big': expected WIDTHxHEIGHT"),
    "report is a file": (["{e}", "--report", "{f}/text.mp4"], r"--report .*text\.mp4 is a file"),
    "report under a file": (["{e}", "--report", "{f}/text.mp4/x"], r"Not a directory: .*text\.mp4"),
    "start": (["{e}", "--start", "yesterday"], r"--start 'yesterday': expected a time such as"),
    "no plan": (["{e}", "--plan", "{f}/none.yaml"], r"plan .*none\.yaml cannot be read"),
    "plan of others": (
        ["{e}", "--plan", "{f}/plan.yaml"],
        r"--plan has the cameras empty-1, other, .*sources are empty",
    ),
    "plan of another size": (["{e}", "--plan", "{f}/wide.yaml"], r"pictures of 640x480, the footage has 320x240"),
    "weights": (["{e}", "--weights", "nothing"], r"'nothing' is no detector"),
    "device": (["{e}", "--device", "cuda"], r"runs on 'cpu' alone"),
    "webcam": (["webcam:99"], r"there is no webcam 99"),
    "rtsp": (["rtsp://me:hunter2@127.0.0.1:1/x"], r"rtsp://127\.0\.0\.1:1/x cannot be reached"),
    "live loop": (["rtsp://me:hunter2@127.0.0.1:1/x", "--loop"], r"--loop is for recordings"),
    "live start": (["webcam:99", "--start", "2026-03-01T09:00:00"], r"--start is for recordings"),
}
OTHERS = {
    "port": r"cannot listen on 127\.0\.0\.1 port \d+.*--port",
    "environment": r"min_visitors: .*integer",
    "database": r"database 127\.0\.0\.1:1/x is unavailable",
}


@pytest.fixture(scope="module")
def cases(folder: Path, empty: Path, write_clip: Callable[..., Path]) -> dict[str, Case]:
    """Name to the arguments of `aisle watch` and its environment."""
    clip = str(empty)
    (folder / "twin").mkdir()
    twin = shutil.copy(empty, folder / "twin" / "empty.mp4")
    whole = write_clip(folder / "whole.mkv", 60).read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (folder / "text.mp4").write_text("no video")
    (folder / "singular.json").write_text("[[1, 0, 0], [2, 0, 0], [0, 0, 1]]")
    views = [
        {"camera": "empty-1", "size": [320, 240], "lines": [{"name": "till", "a": [160, 0], "b": [160, 240]}]},
        {"camera": "other", "size": [64, 48]},
    ]
    (folder / "plan.yaml").write_text(json.dumps({"store": "shop", "cameras": views}))
    wide = {**views[0], "camera": "empty", "size": [640, 480]}
    (folder / "wide.yaml").write_text(json.dumps({"store": "shop", "cameras": [wide]}))
    good = {
        "nobody": (
            [clip, "--report", str(folder / "nobody"), "--line", "160,0,160,240", "--zone", "a=9,9,99,9,99,99"],
            {},
        ),
        "truncated": ([str(folder / "cut.mkv"), "--report", str(folder / "cut")], {"AISLE_MIN_VISITORS": "5"}),
        "twins": ([clip, str(twin), "--plan", str(folder / "plan.yaml"), "--report", str(folder / "twins")], {}),
        "by-address": (
            [
                f"file://{clip}",
                "--start",
                "2026-03-01T09:00:00",
                "--report",
                str(folder / "asked"),
                "--min-visitors",
                "2",
            ],
            {"AISLE_MIN_VISITORS": "5"},
        ),
    }
    bad = {name: ([part.format(f=folder, e=empty) for part in args], {}) for name, (args, _) in WRONG.items()}
    bad["environment"] = ([clip], {"AISLE_MIN_VISITORS": "many"})
    bad["database"] = ([clip], {"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/x"})
    return {**good, **bad}


@pytest.fixture(scope="module")
def ran(cases: dict[str, Case], empty: Path, folder: Path, run_cases: Callable[..., Any]) -> dict[str, Any]:
    """Every case, run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        return run_cases({**cases, "port": ([str(empty), "--serve", "--no-open", "--port", port], {})}, folder / "logs")


def test_a_clip_with_nobody_in_it_is_no_failure(ran, folder):
    nobody = ran["nobody"]
    assert (nobody.code, nobody.err) == (0, "")
    lines = nobody.out.splitlines()
    assert lines[0].startswith("empty: nobody was seen in 0.8 s of footage (8 frames, ")
    assert lines[1:4] == [
        "  line line: 0 in, 0 out",
        "  zone a: 0 stays",
        "  Is somebody there, but small? --size 1280x1024 finds smaller ones, more slowly.",
    ]
    assert (folder / "nobody" / "footfall.csv").read_text() == "time,camera,line,direction\n"
    assert (folder / "nobody" / "tracks.txt").read_text() == ""
    assert "Nobody was seen" in (folder / "nobody" / "report.html").read_text()


def test_a_truncated_file_is_watched_to_where_it_breaks(ran, folder):
    cut = ran["truncated"]
    assert cut.code == 1
    frames = int(re.search(r"\((\d+) frames, [\d.]+ frames/s, ended early\)", cut.out)[1])
    assert 0 < frames < 60
    assert re.fullmatch(r"aisle watch: camera cut ended early: .*cut\.mkv is truncated: .*copy it again.*\n", cut.err)
    with av.open(str(folder / "cut" / "annotated.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == frames
    assert f"Report: {folder / 'cut' / 'report.html'}" in cut.out


def test_sources_of_one_name_are_told_apart_and_planned_apart(ran, folder):
    twins = ran["twins"]
    assert twins.code == 0
    assert twins.err == "aisle watch: not in the plan, and watched without its lines and zones: empty-2\n"
    lines = [line for line in twins.out.splitlines() if not line.startswith("  Is")]
    assert [line.partition(":")[0] for line in lines] == ["empty-1", "  line till", "empty-2", "Report"]
    names = {path.name for path in (folder / "twins").iterdir()}
    assert {
        f"{file}-empty-{n}.{kind}" for n in (1, 2) for file, kind in (("annotated", "mp4"), ("heatmap", "png"))
    } < names


def test_a_file_by_its_address_is_a_recording(ran, folder):
    assert "2026-03-01 09:00:00" in (folder / "asked" / "report.html").read_text()
    assert ran["by-address"].code == 0
    assert ran["by-address"].out.startswith("empty: nobody was seen")


@pytest.mark.parametrize(("report", "k"), [("nobody", 1), ("cut", 5), ("asked", 2)])
def test_a_recording_hides_no_cell_unless_asked(ran, folder, report, k):
    assert f"(k = {k})" in (folder / report / "report.html").read_text()


@pytest.mark.parametrize("case", [*WRONG, *OTHERS])
def test_what_is_wrong_is_told_in_one_line(ran, case):
    pattern = WRONG[case][1] if case in WRONG else OTHERS[case]
    told = ran[case]
    assert told.code == 1
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if "[warning" not in line]
    assert len(lines) == 1, told.err
    assert re.match(rf"aisle watch: .*{pattern}", lines[0])
    assert "hunter2" not in told.err


@pytest.mark.parametrize("option", [["--min-visitors", "0"], ["--frame-rate", "0"], ["--nonsense"]])
def test_an_option_out_of_range_is_a_usage_error(option):
    from typer.testing import CliRunner

    from api.cli import app

    result = CliRunner().invoke(app, ["watch", "clip.mp4", *option])
    assert result.exit_code == 2
    assert option[0] in re.sub(r"\x1b\[[0-9;]*m", "", result.stderr)


# What is imported.


def modules_after(script: str, environment: dict[str, str], names: list[str]) -> set[str]:
    """Which of ``names`` a process has imported when it has run ``script``."""
    ending = f"\nimport sys; print('MODULES', *[name for name in {names!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script + ending], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_imports_nothing_that_it_does_not_need(environment):
    script = (
        "import sys\nsys.argv = ['aisle', '--help']\nfrom api.cli import main\ntry: main()\nexcept SystemExit: pass"
    )
    names = ["numpy", "cv2", "av", "fastapi", "sqlalchemy", "redis", "openvino", "torch", "pydantic", "rich.progress"]
    assert modules_after(script, environment(), [*names, "typer"]) == {"typer"}


def test_watching_on_a_cpu_imports_no_torch(empty, environment, tmp_path):
    script = f"""
from pathlib import Path
from api.watch.session import WatchRequest, watch_session
watch_session(WatchRequest(({str(empty)!r},), report=Path({str(tmp_path)!r})), print, print)"""
    names = ["torch", "torchvision", "ultralytics", "tensorflow", "trackers", "plotly", "pandas"]
    assert modules_after(script, environment(), [*names, "openvino"]) == {"openvino"}
