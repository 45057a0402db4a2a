"""The floor of a simulated dataset's runs: who stood where, the boxes in every camera, and where its pictures are."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from cameras.geometry import CameraModel
from datasets.floor_scene import FloorScene, Footage
from datasets.formats.simulated import runs
from datasets.sample import DatasetFileError
from datasets.simulation.filming.recipes import safe_name
from store.layout import Plan
from store.plan import PlanError, load_plan

LEAST_SHARE: Final = 0.25  # who shows less of themselves has no box


def read_simulated_floor(folder: Path) -> list[FloorScene]:
    """A scene for each run, named by it; none if ``folder`` is no simulated dataset.

    Moments are those of ``floor.csv``; each camera's picture nearest in time, within half a moment, gives its boxes:
    those of whole bodies, of people of whom at least a quarter is seen. A camera without such a picture gave none.
    Raises ``DatasetFileError``.
    """
    return [_read(run) for run in runs(folder)]


def _read(run: Path) -> FloorScene:
    try:
        with (run / "floor.csv").open(encoding="utf-8", newline="") as file:
            rows = [
                (_utc(row["time"]), row["track_id"], float(row["x"]), float(row["y"])) for row in csv.DictReader(file)
            ]
        cameras = _cameras(json.loads((run / "calibration.json").read_text(encoding="utf-8")))
        clocks = {path.parent.name: json.loads(path.read_text("utf-8")) for path in run.glob("cameras/*/coco.json")}
        plan = load_plan(run / "plan.yaml") if (run / "plan.yaml").is_file() else None
        return _scene(run, rows, cameras, clocks, plan)
    except (OSError, ValueError, TypeError, KeyError, PlanError) as error:
        raise DatasetFileError(f"{run} is no whole run ({type(error).__name__}: {error})") from None


def _scene(
    run: Path,
    rows: list[tuple[float, str, float, float]],
    cameras: list[CameraModel],
    pictures: dict[str, dict[str, Any]],
    plan: Plan | None,
) -> FloorScene:
    rate = _step(sorted({row[0] for row in rows}))
    first = min(row[0] for row in rows)
    last = max([row[0] for row in rows])
    time_s = np.arange(round((last - first) / rate) + 1).astype(np.float64) * rate
    people = sorted({row[1] for row in rows})
    number = {person: place for place, person in enumerate(people)}
    frame = np.array([round((row[0] - first) / rate) for row in rows], np.int64)
    person = np.array([number[row[1]] for row in rows], np.int64)
    order = np.argsort(frame, kind="stable")
    frame, person = frame[order], person[order]
    xy_m = np.array([row[2:] for row in rows], np.float64)[order]
    place = {(int(t), int(p)): row for row, (t, p) in enumerate(zip(frame, person, strict=True))}
    dark = np.ones((len(time_s), len(cameras)), np.bool_)
    boxes: list[tuple[int, int, list[float]]] = []
    footage = []
    for camera, model in enumerate(cameras):
        document = pictures[safe_name(model.camera)]
        at = {}
        picture = np.full(len(time_s), -1, np.int64)
        for place_in_film, image in enumerate(document["images"]):
            t = (image["captured_at"] - first) / rate
            if 0 <= round(t) < len(time_s) and abs(t - round(t)) <= 0.5:
                at[image["id"]] = round(t)
                picture[round(t)] = place_in_film
                dark[round(t), camera] = False
        footage.append(Footage(_film(run / "cameras" / safe_name(model.camera)), picture))
        for found in document["annotations"]:
            t = at.get(found["image_id"], -1)
            row = place.get((t, number.get(found["track_id"], -1)))
            if row is not None and found["visible_share"] >= LEAST_SHARE:
                x, y, width, height = found["bbox_full"]
                boxes.append((row, camera, [x, y, x + width, y + height]))
    name = run.name
    return FloorScene(
        name,
        tuple(cameras),
        time_s,
        frame,
        person,
        xy_m,
        np.array([row for row, *_ in boxes], np.int64),
        np.array([camera for _, camera, _ in boxes], np.int64),
        np.array([box for *_, box in boxes], np.float64).reshape(-1, 4),
        _gates(plan),
        dark,
        name.rpartition("-")[0],  # runs are named by scenario and seed
        tuple(footage),
        plan,
    )


def _film(folder: Path) -> Path:
    """Where a camera's pictures are: its video, or else its folder of JPEG files."""
    video = folder / f"{folder.name}.mp4"
    return video if video.is_file() else folder / "frames"


def _step(moments: list[float]) -> float:
    steps = np.diff(moments)
    if not len(steps):
        raise ValueError("floor.csv has fewer than two moments")
    return float(np.median(steps))


def _cameras(document: dict[str, Any]) -> list[CameraModel]:
    return [
        CameraModel(
            name,
            (int(each["size"][0]), int(each["size"][1])),
            np.array(each["matrix"], np.float64).reshape(3, 3),
            np.array(each["distortion"], np.float64),
            np.array(each["rotation"], np.float64).reshape(3, 3),
            np.array(each["position"], np.float64),
        )
        for name, each in document.items()
    ]


def _gates(plan: Plan | None) -> np.ndarray[Any, Any] | None:
    gates = [(gate.a, gate.b) for gate in plan.gates] if plan is not None else []
    return np.array(gates, np.float64).reshape(-1, 2, 2) if gates else None


def _utc(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
