"""`aisle watch` while it runs: Ctrl-C, a camera that goes away and comes back, the pages in a browser."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

ROOT = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_S = 60.0


def eventually(happened: Callable[[], Any]) -> Any:
    """What ``happened`` returns, as soon as it is true."""
    until = time.monotonic() + WAIT_S
    while not (result := happened()):
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.1)
    return result


def descendants(pid: int) -> set[int]:
    """The processes below this one."""
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | descendants(child)
    return found


class Listener:
    """Follows the events of a running `aisle watch` by the interface."""

    def __init__(self, link: str) -> None:
        self.types: list[str] = []
        self.text = ""
        self.client = httpx.Client(follow_redirects=True, timeout=30)
        assert self.client.get(link).status_code == 200
        self.base = link.partition("/?")[0]
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with (
            suppress(httpx.TransportError),  # the run ends, or the test does
            httpx.Client(cookies=self.client.cookies, timeout=WAIT_S) as client,
            client.stream("GET", f"{self.base}/v1/events") as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    self.text += line
                    self.types.append(json.loads(line.removeprefix("data:"))["type"])

    def close(self) -> None:
        self._thread.join(WAIT_S)
        self.client.close()


class Watching:
    """A running `aisle watch`, with what it has said so far."""

    def __init__(self, *args: str | Path, env: dict[str, str]) -> None:
        command = [sys.executable, "-c", "from api.cli import main; main()", "watch", *map(str, args)]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out: list[str] = []
        self.err: list[str] = []
        self._listeners: list[Listener] = []
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, kept), daemon=True)
            for pipe, kept in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(pipe: Any, kept: list[str]) -> None:
        for line in pipe:
            kept.append(line.rstrip("\n"))  # noqa: PERF401 (others look meanwhile)
        pipe.close()

    def link(self) -> str:
        line: str = eventually(lambda: next((line for line in self.out if line.startswith("Pages: ")), None))
        return line.removeprefix("Pages: ")

    def listen(self) -> Listener:
        self._listeners.append(Listener(self.link()))
        return self._listeners[-1]

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code, with all that belonged to it gone."""
        below = descendants(self.process.pid)
        assert below, "the bus should run"
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(WAIT_S)
        for reader in self._readers:
            reader.join(5)
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for listener in self._listeners:
            listener.close()


@pytest.fixture
def watching(environment: Callable[..., dict[str, str]], tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    started: list[Watching] = []

    def start(*args: str | Path, **values: str) -> Watching:
        started.append(Watching(*args, env=environment(TMPDIR=str(tmp_path), **values)))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def camera(tmp_path: Path, street: Path) -> Iterator[Camera]:
    folder = tmp_path / "served"
    folder.mkdir()
    # The server sends in the order of decoding, so there must be no B-frames.
    with av.open(str(street)) as source, av.open(str(folder / "clip.mp4"), "w") as output:
        options = {"preset": "ultrafast", "bf": "0", "g": "7"}
        stream: Any = output.add_stream("libx264", rate=7, options=options)
        stream.width, stream.height, stream.pix_fmt = 384, 288, "yuv420p"
        for frame in source.decode(video=0):
            picture = frame.reformat(width=384, height=288, format="bgr24").to_ndarray()
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        output.mux(stream.encode(None))
    served = Camera(folder)
    served.start()
    yield served
    served.kill()


class Camera:
    """A real RTSP server that loops a clip and wants a password."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        server = ROOT / "tests" / "cameras" / "rtsp_server.py"
        self._command = [sys.executable, str(server), str(folder), str(self.port), "keeper", "hunter2"]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"rtsp://keeper:hunter2@127.0.0.1:{self.port}/clip.mp4?play_count=0"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        eventually(listens)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def test_ctrl_c_ends_a_loop_with_all_that_it_counted(watching, write_clip, tmp_path):
    report = tmp_path / "report"
    clip = write_clip(tmp_path / "clip.mp4", 8)
    running = watching(clip, "--loop", "--report", report, "--line", "160,0,160,240")
    eventually(lambda: (report / "records" / "previews" / "clip.jpg").exists())
    assert running.interrupt() == 0
    assert running.out[0].startswith("clip: nobody was seen in ")
    assert running.out[1] == "  line line: 0 in, 0 out"
    assert running.out[-1] == f"Report: {report / 'report.html'}"
    assert running.err == []
    frames = int(re.search(r"\((\d+) frames", running.out[0])[1])
    with av.open(str(report / "annotated.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == frames
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("aisle-")]


def test_a_camera_that_goes_away_is_told_and_watched_again(watching, camera, tmp_path):
    report, data = tmp_path / "report", tmp_path / "data"
    running = watching(camera.url, "--serve", "--no-open", "--port", "0", "--report", report, AISLE_DATA_DIR=str(data))
    listener = running.listen()
    name = f"127.0.0.1-{camera.port}-clip.mp4"
    eventually(lambda: "person.entered" in listener.types)
    camera.kill()
    eventually(lambda: "camera.degraded" in listener.types)
    assert "camera.recovered" not in listener.types
    camera.start()
    eventually(lambda: "camera.recovered" in listener.types)
    back = len(listener.types)
    eventually(lambda: "person.entered" in listener.types[back:])
    cameras = listener.client.get(f"{listener.base}/v1/cameras").text
    camera.kill()
    eventually(lambda: listener.types.count("camera.degraded") == 2)
    # Nothing comes from the camera now: Ctrl-C must not wait for it.
    assert running.interrupt() == 0
    text = "\n".join(running.out)
    assert re.search(rf"^{re.escape(name)}: \d+ people in [\d.]+ s of footage", text, re.MULTILINE)
    assert running.out[-1] == f"Report: {report / 'report.html'}"
    page = (report / "report.html").read_text()
    # What cameras of a shop see is hidden where fewer than three were.
    assert "(k = 3)" in page
    assert (data / "aisle.sqlite3").exists()
    assert not (report / "records").exists()
    everything = [text, *running.err, page, cameras, listener.text]
    assert not [each for each in everything if "hunter2" in each or "keeper" in each]
    assert any("trying again" in line for line in running.err)


def first_pictures(listener: Listener, camera: str, count: int) -> list[bytes]:
    """The next pictures that a viewer gets."""
    held = b""
    address = f"{listener.base}/v1/cameras/{camera}/live.mjpeg"
    with listener.client.stream("GET", address) as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
        for part in answer.iter_bytes():
            held += part
            pictures = re.findall(rb"\xff\xd8.*?\xff\xd9", held, re.DOTALL)
            if len(pictures) >= count:
                return pictures
    raise AssertionError("the stream ended")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")
def test_the_pages_show_a_run_as_it_goes(watching, street):
    from playwright.sync_api import sync_playwright

    line, zone = "door=384,0,384,576", "crossing=200,220,560,220,600,430,160,430"
    running = watching(street, "--loop", "--line", line, "--zone", zone, "--serve", "--no-open", "--port", "0")
    listener = running.listen()
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(running.link())

        def number(name: str) -> int:
            text = page.locator(f"#{name}").text_content()
            return int(text) if text and text.isdigit() else 0

        eventually(lambda: page.locator("#picture").evaluate("picture => picture.naturalWidth") == 768)
        eventually(lambda: number("people") >= 3)
        eventually(lambda: number("out") >= 1)
        once = number("people"), number("out")
        eventually(lambda: (number("people"), number("out")) != once)
        page.goto(f"{listener.base}/heatmap")
        pictures = "all => all.map(picture => picture.naturalWidth)"
        eventually(lambda: max(page.locator("main img").evaluate_all(pictures), default=0) >= 768)
        browser.close()
    assert troubles == []
    one, two = first_pictures(listener, "street", 2)[:2]
    assert one != two
    metrics = httpx.get(f"{listener.base}/metrics").text
    frames = float(re.search(r'^aisle_pipeline_frames_total\{camera="street"\} (\S+)$', metrics, re.MULTILINE)[1])
    shown = float(re.search(r'^aisle_live_frames_total\{camera="street"\} (\S+)$', metrics, re.MULTILINE)[1])
    # While nobody looks, pictures cost nothing.
    assert 2 < shown < frames
    assert running.interrupt() == 0
    assert "line.crossed" in listener.types
    assert "zone.entered" in listener.types
    assert running.out[-3].startswith("street: ")
