"""`aisle worker`, `aisle top`, `aisle serve` with cameras, and what /metrics says of it: real processes, a real bus."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app
from api.serve import PageServer
from api.worker.run import AUTO, ShopWorker, WorkerOptions, looking_for
from store.bus import Bus
from store.events import PersonEntered, PersonLeft, PersonMoved
from store.plan import load_plan
from store.settings import Settings
from vision.worker.looking import LookingJob

AISLE = (sys.executable, "-c", "from api.cli import main; main()")
LOOKING = LookingJob("efficientdet-lite0", size=(384, 384))


@pytest.fixture
def in_process(tmp_path, monkeypatch):
    """Run a command in this process, whose log stays as it is."""
    monkeypatch.setattr("api.logs.log_to_stderr", lambda: None)
    monkeypatch.setenv("AISLE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path, store="testshop", port=0, redis_url=None, database_url=None)


def environment(settings, bus, **more):
    """For a process on the same bus."""
    shared = {"AISLE_DATA_DIR": str(settings.data_dir), "AISLE_STORE": settings.store, "AISLE_PORT": "0"}
    return {**os.environ, **shared, "REDIS_URL": f"unix://{bus.server.socket}", "COLUMNS": "200", **more}


def aisle(*arguments, env):
    return subprocess.run([*AISLE, *arguments], env=env, capture_output=True, text=True, timeout=120)


def test_facts_go_onto_the_bus_and_the_report_says_where_time_went(settings, street_video):
    with Bus.open(settings) as bus:
        shop = ShopWorker(WorkerOptions({"east": str(street_video), "west": str(street_video)}, LOOKING), settings, bus)
        shop.run(threading.Event())
        events = [event for _, event in bus.history(3600)]
        (report,) = bus.reports().values()
    entered = [event for event in events if isinstance(event, PersonEntered)]
    assert sorted(event.cameras for event in entered) == [("east",)] * 2 + [("west",)] * 2
    left = {event.track_id for event in events if isinstance(event, PersonLeft)}
    assert left == {event.track_id for event in entered}  # killed: people who stay for ever when footage ends
    moved = [event for event in events if isinstance(event, PersonMoved)]
    assert {event.camera for event in moved} == {"east", "west"}
    assert {event.size for event in moved} == {(380, 440)}
    for camera in report["cameras"].values():
        assert camera["looked"] + camera["still"] + camera["missed"] == camera["came"] == 30
        assert (camera["state"], camera["entered"], camera["restarts"]) == ("ended", 2, 0)
    assert report["bottleneck"]["stage"] == "network"
    assert 0.3 < report["bottleneck"]["share"] <= 1


def test_the_command_top_and_metrics_tell_the_same(settings, street_video):
    with Bus.open(settings) as bus:
        env = environment(settings, bus)
        assert "no worker of the shop testshop reports" in aisle("top", "--once", env=env).stdout
        command = [*AISLE, "worker", f"till={street_video}", "--size", "384x384", "--loop", "--paced"]
        worker = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 90
            while not any(each["cameras"]["till"]["looked"] >= 5 for each in bus.reports().values()):
                assert worker.poll() is None, worker.stderr.read()
                assert time.monotonic() < until
                time.sleep(0.05)
            seen = aisle("top", "--once", env=env).stdout
            with PageServer(create_app(settings, bus=bus), settings) as server:
                text = httpx.get(f"{server.url}/metrics").text
        finally:
            worker.send_signal(signal.SIGINT)
            out, err = worker.communicate(timeout=60)
        assert worker.returncode == 0, err
    assert re.search(r"till +│ live +│", seen)
    assert "most time goes into network" in seen
    assert f":{worker.pid}" in seen
    stages = set(re.findall(r'aisle_stage_seconds_total\{camera="till",stage="(\w+)",worker="[^"]+"\}', text))
    assert stages == {"decode", "copy", "network", "describe", "follow"}
    assert re.search(r'aisle_camera_live\{camera="till",worker="[^"]+"\} 1\.0', text)
    looked = float(re.search(r'aisle_pictures_total\{camera="till",what="looked",worker="[^"]+"\} (\S+)', text)[1])
    assert looked >= 5
    assert "till" in out  # the last table, where there is no terminal


def test_serve_watches_the_cameras_it_is_given(settings, street_video):
    with Bus.open(settings) as bus:
        env = environment(settings, bus, AISLE_CAMERAS=json.dumps({"till": str(street_video)}))
        command = [*AISLE, "serve"]
        serving = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 120
            while not any(event.type == "person.left" for _, event in bus.history(3600)):
                assert serving.poll() is None, serving.stderr.read()
                assert time.monotonic() < until
                time.sleep(0.1)
        finally:
            serving.send_signal(signal.SIGINT)
            out, err = serving.communicate(timeout=60)
        assert serving.returncode == 0, err
        assert "Pages: http" in out
        assert str(street_video) not in err  # addresses may hold passwords


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no cameras: give CAMERA=ADDRESS, or `cameras` in the settings"),
        (["rtsp://user:secret@host/stream"], "expected CAMERA=ADDRESS, such as till=rtsp://camera/stream"),
        (["till=a.mp4", "till=b.mp4"], "camera till is given twice"),
        (["till=a.mp4", "--plan", "PLAN"], "not in the plan: till; it has door"),
        (["till=gone.mp4"], "camera till: gone.mp4 does not exist"),
        (["till=http://host/"], "http://host/ is no address that can be read"),
    ],
)
def test_what_cannot_be_watched_is_named(tmp_path, in_process, arguments, said):
    plan = tmp_path / "plan.yaml"
    plan.write_text("store: testshop\ncameras: [{camera: door, size: [380, 440]}]\n")
    result = in_process("worker", *(str(plan) if each == "PLAN" else each for each in arguments))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.output


def test_a_plan_for_other_pictures_is_named(tmp_path, street_video, in_process):
    plan = tmp_path / "plan.yaml"
    plan.write_text("store: testshop\ncameras: [{camera: door, size: [640, 480]}]\n")
    result = in_process("worker", f"door={street_video}", "--plan", str(plan))
    assert result.exit_code == 2
    assert "camera door: the plan was made for pictures of 640x480, the footage has 380x440" in result.stderr


def test_top_needs_a_bus_that_is_shared(in_process):
    result = in_process("top", "--once")
    assert result.exit_code == 2
    assert "name the server that they share with REDIS_URL" in result.stderr


def test_joints_are_found_where_one_floor_is_followed_unless_it_is_said_otherwise():
    plan = load_plan(Path(__file__).parents[2] / "store" / "examples" / "nano.yaml")
    left_open = LookingJob("aisle-people", joints=AUTO)
    assert looking_for(left_open, plan, ("door-in", "door-out")).joints == "aisle-joints"
    assert looking_for(left_open, plan, ("door-in",)).joints is None  # one camera follows people in its picture
    assert looking_for(left_open, None, ("door-in", "door-out")).joints is None
    assert looking_for(LookingJob("aisle-people"), plan, ("door-in", "door-out")).joints is None


def test_the_vest_of_the_plan_is_looked_for_where_one_floor_is_followed():
    plan = load_plan(Path(__file__).parents[2] / "store" / "examples" / "nano.yaml")
    job = LookingJob("aisle-people")
    assert looking_for(job, plan, ("door-in", "door-out")).vest == plan.staff_vest == (222, 232, 44)
    assert looking_for(job, plan, ("door-in",)).vest is None
    assert looking_for(job, None, ("door-in", "door-out")).vest is None
