"""A worker over calibrated cameras: a simulated visit, filmed by three, through real decoders and networks."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import httpx
import numpy as np
import pytest
import yaml

from api.app import create_app
from api.serve import PageServer
from api.worker.run import ShopWorker, WorkerOptions, reports
from cameras.live import CameraState
from checkout.passages import Passages
from store.bus import Bus
from store.events import CameraDegraded, FloorAudited, PersonEntered, PersonLeft, PersonMoved
from store.layout import Plan
from store.plan import load_plan
from store.settings import Settings
from vision.worker.looking import LookingJob

AISLE = (sys.executable, "-c", "from api.cli import main; main()")
LOOKING = LookingJob("aisle-people", size=(384, 256), most=3)
PLAN = """
store: small
catalogue: catalogue.yaml
floor: {polygon: [[0, 0], [5, 0], [5, 4], [0, 4]]}
gates: [{name: door, a: [2, 0], b: [3, 0]}]
fixtures:
  - name: rack
    xy: [2.5, 3.75]
    heading_deg: -90
    length_m: 1.2
    depth_m: 0.4
    height_m: 1.6
    shelves: [{z_m: 1.1, depth_m: 0.3, slots: [{product: can-01, at_m: 0.05, width_m: 0.5, facings: 3, rows: 2}]}]
cameras:
  - camera: left
    size: [320, 192]
    lens: {horizontal_view_deg: 90}
    pose: {position: [0.3, 3.7, 2.7], look_at: [2.8, 1.4, 0.9]}
  - camera: right
    size: [320, 192]
    lens: {horizontal_view_deg: 90}
    pose: {position: [4.7, 3.7, 2.7], look_at: [2.2, 1.4, 0.9]}
  - camera: door
    size: [320, 192]
    lens: {horizontal_view_deg: 90}
    pose: {position: [4.7, 0.3, 2.7], look_at: [2.2, 2.4, 0.9]}
"""
SCENARIO = """
duration_s: 16
slots: {a: {product: can-01}}
people: [{name: anna, at_s: 0, does: [{take: a}, leave]}]
"""
FILM = """
import sys
from pathlib import Path
from datasets.simulation.filming.dataset import write_dataset
from datasets.simulation.filming.recipes import Filming, Recipe
folder = Path(sys.argv[1])
filming = Filming(rate_hz=5.0, annotated=False)
write_dataset(folder / "dataset", [Recipe(str(folder / "visit.yaml"), 3, folder / "plan.yaml", filming)])
"""


class Visit(NamedTuple):
    """The film of one visit: the plan's file, with the cameras' clocks as they are; the cameras' videos; the truth."""

    plan_file: Path
    videos: dict[str, Path]
    time_s: np.ndarray
    xy: np.ndarray

    @property
    def plan(self) -> Plan:
        return load_plan(self.plan_file)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    from datasets.simulation.goods.products import generate_catalogue

    folder = tmp_path_factory.mktemp("visit")
    products = [p.model_dump(mode="json") for p in generate_catalogue(1).products if p.id == "can-01"]
    (folder / "catalogue.yaml").write_text(yaml.safe_dump({"products": products}))
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "visit.yaml").write_text(SCENARIO)
    # Drawing by OpenGL is left to a process of its own.
    subprocess.run([sys.executable, "-c", FILM, str(folder)], check=True, capture_output=True, timeout=300)
    (run,) = (folder / "dataset" / "runs").glob("visit-*")
    calibration = json.loads((run / "calibration.json").read_text())
    document = yaml.safe_load(PLAN)
    for camera in document["cameras"]:
        camera["clock_offset_s"] = calibration[camera["camera"]]["clock_offset_s"]
    (folder / "shop.yaml").write_text(yaml.safe_dump(document))
    with (run / "floor.csv").open() as file:
        rows = [
            (datetime.fromisoformat(r["time"]).timestamp(), float(r["x"]), float(r["y"])) for r in csv.DictReader(file)
        ]
    truth = np.array(rows)
    videos = {name: run / "cameras" / name / f"{name}.mp4" for name in ("left", "right", "door")}
    return Visit(folder / "shop.yaml", videos, truth[:, 0], truth[:, 1:])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, store="small", port=0, redis_url=None, database_url=None)


def floor_rows(events: list[Any]) -> list[tuple[str, float, tuple[float, float], tuple[str, ...]]]:
    return [
        (event.track_id[n], event.time_s[n], event.xy_m[n], event.rows_cameras(n))
        for event in events
        if isinstance(event, PersonMoved) and event.camera is None
        for n in range(len(event.time_s))
    ]


def test_a_visit_is_one_person_over_three_cameras_from_entry_to_exit(visit: Visit, settings: Settings) -> None:
    """By the command, as a shop runs it."""
    with Bus.open(settings) as bus:
        env = {
            **os.environ,
            "AISLE_DATA_DIR": str(settings.data_dir), "AISLE_STORE": "small", "COLUMNS": "200",
            "REDIS_URL": f"unix://{bus.server.socket}",
        }  # fmt: skip
        cameras = [f"{name}={path}" for name, path in visit.videos.items()]
        command = [*AISLE, "worker", *cameras, "--plan", str(visit.plan_file), "--weights", "aisle-people"]
        done = subprocess.run(
            [*command, "--size", "384x256", "--batch", "3"], env=env, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        events = [event for _, event in bus.history(3600)]
    (entered,) = [event for event in events if isinstance(event, PersonEntered)]  # killed: one a camera
    (left,) = [event for event in events if isinstance(event, PersonLeft)]
    rows = floor_rows(events)
    assert {row[0] for row in rows} == {entered.track_id} == {left.track_id}
    assert set(left.cameras) == {"left", "right", "door"}
    by_camera = [event for event in events if isinstance(event, PersonMoved) and event.camera is not None]
    assert {event.camera for event in by_camera} == {"left", "right", "door"}
    assert {track for event in by_camera for track in event.track_id} == {entered.track_id}
    # Where she was, by the shop's clock: killed by a camera's clock that is not set right, or a lens that is not used.
    true = np.column_stack([np.interp([row[1] for row in rows], visit.time_s, visit.xy[:, k]) for k in (0, 1)])
    off = np.linalg.norm(np.array([row[2] for row in rows]) - true, axis=1)
    assert np.median(off) < 0.2
    assert sum(len(row[3]) > 1 for row in rows) > len(rows) / 2
    # What checkout makes of it.
    passages = Passages(visit.plan)
    passed = [(p.gate, p.way) for event in events for p in passages.take(event)]
    assert passed == [("door", "in"), ("door", "out")]
    (audit,) = [event for event in events if isinstance(event, FloorAudited)]
    assert (audit.exits, audit.inside, audit.fails) == (1, 0, ())
    assert "1 visits; the last audit adds up" in done.stdout


def standing(visit: Visit, folder: Path) -> dict[str, Path]:
    """From each camera's video two seconds in which she stands at the shelf, to be played again and again."""
    found = {}
    for name, path in visit.videos.items():
        found[name] = folder / f"{name}.mp4"
        with (
            av.open(str(path)) as source,
            av.open(str(found[name]), "w", options={"movflags": "use_metadata_tags"}) as to,
        ):
            to.metadata["creation_time"] = source.metadata["creation_time"]
            stream: Any = to.add_stream("libx264", rate=5)
            stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
            for number, frame in enumerate(source.decode(video=0)):
                if 25 <= number < 35:
                    picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="bgr24"), format="bgr24")
                    picture.pts, picture.time_base = number - 25, Fraction(1, 5)
                    to.mux(stream.encode(picture))
            to.mux(stream.encode(None))
    return found


def test_killed_parts_cost_nobody_their_track(visit: Visit, settings: Settings, tmp_path: Path) -> None:
    videos = {name: str(path) for name, path in standing(visit, tmp_path).items()}
    options = WorkerOptions(videos, LOOKING, visit.plan, loop=True, gated=False)
    with Bus.open(settings) as bus:
        shop, stop = ShopWorker(options, settings, bus), threading.Event()
        thread = threading.Thread(target=shop.run, args=(stop,))
        thread.start()
        try:
            floor, worker = shop._floor, shop._worker
            assert floor is not None

            def goes_on(moments: int = 12) -> None:
                until(lambda start=floor.moments: floor.moments >= start + moments, thread)

            until(lambda: floor.facts.entered == 1, thread)
            networks, left = worker.pids["networks"], worker.pids["left"]
            os.kill(networks, signal.SIGKILL)
            until(lambda: worker.restarts >= 1, thread)
            goes_on()
            os.kill(left, signal.SIGKILL)
            until(lambda: worker.account()["left"].restarts >= 1, thread)
            killed_at = floor.now
            goes_on(25)
            assert worker.pids["networks"] not in (networks, None)
            assert worker.pids["left"] not in (left, None)
            assert len(killed_at) == len(floor.now) == 1
            assert floor.now.cameras[0, list(floor.cameras).index("left")] or floor.in_view("left") == 1
        finally:
            stop.set()
            thread.join(120)
        events = [event for _, event in bus.history(3600)]
        (report,) = reports(bus).values()
        bus.report("worker:here", report, 600)  # as if it still ran
        with PageServer(create_app(settings, bus=bus), settings) as server:
            text = httpx.get(f"{server.url}/metrics").text
    assert not thread.is_alive()
    (entered,) = [event for event in events if isinstance(event, PersonEntered)]
    assert {row[0] for row in floor_rows(events)} == {entered.track_id}
    assert ("left",) in [event.cameras for event in events if isinstance(event, CameraDegraded)]
    labels = {
        match[1]: float(match[2])
        for match in re.finditer(r"^(aisle_floor_\w+)\{.*worker=.*\} (\S+)$", text, re.MULTILINE)
    }
    assert labels["aisle_floor_visits_total"] == 1
    assert labels["aisle_floor_moments_total"] == report["floor"]["moments"] > 40
    assert labels["aisle_floor_audits_total"] >= 1
    assert 'aisle_floor_audit_failures_total{what="twice"' in text


def until(what: Any, thread: threading.Thread, timeout_s: float = 240.0) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert thread.is_alive()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_camera_that_recovers_is_told_of_when_nothing_is_wrong_with_it_any_more(settings: Settings) -> None:
    from store.events import CameraRecovered
    from vision.states import CameraStates

    with Bus.open(settings) as bus:
        states = CameraStates("small", bus)
        bump = {"store": "small", "cameras": ("left",)}
        states.pass_on([CameraRecovered(**bump, time=0.5)])  # nothing was wrong
        states.pass_on([CameraDegraded(**bump, time=1.0, reason="turned")])
        states.tell(CameraState("left", "degraded", 2.0, "lost"))
        states.tell(CameraState("left", "live", 3.0))
        states.pass_on([CameraRecovered(**bump, time=4.0)])
        told = [(event.type, event.time) for _, event in bus.history(3600)]
    # killed: recovered at 3, while it still looks elsewhere
    assert told == [("camera.degraded", 1.0), ("camera.degraded", 2.0), ("camera.recovered", 4.0)]
