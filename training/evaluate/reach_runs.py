"""Whole simulated runs as a shop would see them: every camera, every hand near a shelf, every moment."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cameras import open_source
from cameras.geometry import CameraModel
from datasets.formats.coco import KEYPOINTS, CocoFileError, read_coco
from datasets.formats.simulated import runs
from models.reach import CLASSES, SIDE_M, WITHIN_S
from store.furniture import PlacedSlot
from store.plan import load_plan
from training.evaluate.reach_events import ReachFact
from training.evaluate.reach_parts import Happened, Part
from training.evaluate.slices import light
from vision.reach_spotter import Classifier, Hands, ReachSpotter, SpottedReach

Float = NDArray[np.float64]

NEAR_M: Final = 0.35  # of a slot: a hand that is nearer is watched
SHOWN_S: Final = 0.3  # a reach counts where the wrist is seen within this of it
CROWD_M: Final = 1.5
WRISTS: Final = (KEYPOINTS.index("left_wrist"), KEYPOINTS.index("right_wrist"))
_VISIBLE: Final = 2
_TAKES: Final = {"product.taken": "take", "product.returned": "return", "product.misplaced": "return"}


@dataclass(frozen=True, slots=True)
class Wrists:
    """How wrong a keypoint model's wrists are: pixels where seen and where hidden, and the share that is lost."""

    px: float = 3.0
    hidden_px: float = 7.0
    lost: float = 0.08
    hidden_lost: float = 0.5


def watch_runs(
    folder: Path,
    model: Classifier,
    *,
    cameras: Sequence[str] = (),
    wrists: Wrists = Wrists(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Part]:
    """Watch every run of a dataset of `aisle simulate` by every camera, or those called ``cameras``; a part is either.

    Raises ``CocoFileError`` where ``folder`` holds no truth, or none of these cameras.
    """
    truths = [path for run in runs(folder) for path in sorted((run / "cameras").glob("*/coco.json"))]
    known = sorted({path.parent.name for path in truths})
    unknown = sorted(set(cameras) - set(known))
    if not truths or unknown:
        what = f"no camera {', '.join(unknown)}; there are: {', '.join(known)}" if truths else "no simulated dataset"
        raise CocoFileError(f"{folder}: {what}")
    chosen = [path for path in truths if not cameras or path.parent.name in cameras]
    for number, path in enumerate(chosen):
        yield _watched(path.parent, model, wrists, number)
        progress(number + 1, len(chosen))


def _watched(folder: Path, model: Classifier, errors: Wrists, number: int) -> Part:
    run = folder.parent.parent
    settings = json.loads((run / "run.json").read_text(encoding="utf-8"))["made"]["settings"]
    floor = _Floor.read(run)
    slots = load_plan(run / "plan.yaml").slots()
    shelves = _Shelves.of(slots)
    camera = _camera(run, folder.name)
    dataset = read_coco(folder / "coco.json")
    people = dataset.by_image()
    rng = np.random.default_rng([settings["seed"], number])
    looks: list[tuple[str, float, NDArray[np.float32]]] = []
    spotter = ReachSpotter(model, lambda name, time_s, log_p: looks.append((name, time_s, log_p)))
    shown: dict[tuple[str, int], list[float]] = {}
    found: list[SpottedReach] = []
    lumas: list[tuple[float, float]] = []
    start = float(dataset.images[0]["captured_at"])
    video = folder / f"{folder.name}.mp4"
    with open_source(str(video if video.exists() else folder / "frames")) as source:
        for frame, image in zip(source, dataset.images, strict=False):
            now = float(image["captured_at"])
            lumas.append((now, light(frame.image)))
            names, xy, sides = [], [], []
            for one in people[image["id"]]:
                keypoints = np.array(one["keypoints"]).reshape(-1, 3)
                for hand, place in enumerate(WRISTS):
                    x, y, v = keypoints[place]
                    where = floor.wrist(one["track_id"], hand, now)
                    if v == 0 or where is None or shelves.apart(where).min(initial=np.inf) > NEAR_M:
                        continue
                    if v == _VISIBLE:
                        shown.setdefault((one["track_id"], hand), []).append(now)
                    if rng.random() < (errors.lost if v == _VISIBLE else errors.hidden_lost):
                        continue
                    off = rng.normal(size=2) * (errors.px if v == _VISIBLE else errors.hidden_px)
                    names.append(f"{one['track_id']}/{hand}")
                    xy.append(np.array([x, y]) + off)
                    sides.append(SIDE_M * camera.matrix[0, 0] / np.linalg.norm(where - camera.position))
            n = len(names)
            hands = Hands(tuple(names), np.array(xy).reshape(n, 2), np.array(sides).reshape(n), np.ones(n, np.bool_))
            found += spotter.update(now - start, frame.image, hands)
    found += spotter.flush()
    happened = list(_deeds(run, floor, {slot.id: place for place, slot in enumerate(slots)}, shelves))
    sliced = _Sliced(floor, camera, np.array(lumas))
    truth = [
        sliced.of(ReachFact(kind, time_s, track), hand)
        for kind, time_s, track, hand in happened
        if any(abs(moment - time_s) <= SHOWN_S for moment in shown.get((track, hand), []))
    ]
    told = []
    for each in found:
        track, _, side = each.name.rpartition("/")
        told.append(sliced.of(ReachFact(each.kind, each.time_s + start, track, each.probability), int(side)))
    return Part(
        name=f"{run.name}/{folder.name}",
        group=f"{run.name}/{folder.name}",
        family=str(settings["scenario"]),
        seed=int(settings["seed"]),
        camera=folder.name,
        found=tuple(told),
        truth=tuple(truth),
        hidden=len(happened) - len(truth),
        label=np.array([_label(name, time_s + start, happened) for name, time_s, _ in looks], np.int64),
        log_p=np.array([log_p for _, _, log_p in looks], np.float64).reshape(-1, len(CLASSES)),
    )


def _label(name: str, time_s: float, happened: Sequence[tuple[str, float, str, int]]) -> int:
    for kind, at, track, hand in happened:
        if name == f"{track}/{hand}" and abs(at - time_s) <= WITHIN_S:
            return CLASSES.index(kind)
    return 0


@dataclass(frozen=True, eq=False)
class _Floor:
    """Where people and their wrists were: by track, times (t,) and rows (t, 9): x, y, heading, two wrists."""

    tracks: dict[str, tuple[Float, Float]]

    @classmethod
    def read(cls, run: Path) -> _Floor:
        rows: dict[str, list[list[float]]] = {}
        with (run / "floor.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                numbers = [float(value) for name, value in row.items() if name not in ("time", "track_id")]
                rows.setdefault(row["track_id"], []).append([_seconds(row["time"]), *numbers])
        tables = {track: np.array(each) for track, each in rows.items()}
        return cls({track: (table[:, 0], table[:, 1:]) for track, table in tables.items()})

    def row(self, track: str, time_s: float) -> Float | None:
        """The person's row at a moment, between two that are known; None before and after."""
        times, rows = self.tracks.get(track, (np.zeros(0), np.zeros((0, 9))))
        if not len(times) or not times[0] - 0.2 <= time_s <= times[-1] + 0.2:
            return None
        return np.array([np.interp(time_s, times, rows[:, k]) for k in range(rows.shape[1])])

    def wrist(self, track: str, hand: int, time_s: float) -> Float | None:
        """The wrist (3,) of hand 0 (left) or 1 (right)."""
        row = self.row(track, time_s)
        return None if row is None else row[3 + 3 * hand : 6 + 3 * hand]

    def near(self, track: str, time_s: float) -> int:
        """How many people are within ``CROWD_M``, the person included."""
        own = self.row(track, time_s)
        others = [self.row(other, time_s) for other in self.tracks]
        return sum(bool(o is not None and own is not None and np.hypot(*(o - own)[:2]) < CROWD_M) for o in others)


@dataclass(frozen=True, eq=False)
class _Sliced:
    """Tells what reaches of one camera are sliced by; ``lumas`` (t, 2) times and how bright the picture was."""

    floor: _Floor
    camera: CameraModel
    lumas: Float

    def of(self, fact: ReachFact, hand: int) -> Happened:
        where = self.floor.wrist(fact.who, hand, fact.time_s)
        luma = float(np.interp(fact.time_s, self.lumas[:, 0], self.lumas[:, 1]))
        if where is None:
            return Happened(fact, float("nan"), float("nan"), 1, luma)
        way = self.camera.position - where
        angle = float(np.degrees(np.arccos(way[2] / np.linalg.norm(way))))
        return Happened(fact, angle, float(where[2]), self.floor.near(fact.who, fact.time_s), luma)


@dataclass(frozen=True, eq=False)
class _Shelves:
    """The rooms of s slots: left front ``corner`` (s, 3), ``axes`` (s, 3, 3) along, out and up, ``low`` and ``high``
    (s, 3) along these.
    """

    corner: Float
    axes: Float
    low: Float
    high: Float

    @classmethod
    def of(cls, slots: Sequence[PlacedSlot]) -> _Shelves:
        axes = np.array([[(*s.along, 0.0), (*s.normal, 0.0), (0.0, 0.0, 1.0)] for s in slots]).reshape(-1, 3, 3)
        low = np.array([(0.0, -s.depth_m, 0.0) for s in slots]).reshape(-1, 3)
        high = np.array([(s.width_m, 0.0, min(s.headroom_m, 0.4)) for s in slots]).reshape(-1, 3)
        return cls(np.array([s.corner for s in slots]).reshape(-1, 3), axes, low, high)

    def apart(self, point: Float) -> Float:
        """The distance (s,) of ``point`` (3,) to each slot's room, metres; 0 inside."""
        local = np.einsum("sij,sj->si", self.axes, point - self.corner)
        return np.asarray(np.linalg.norm(np.maximum(np.maximum(self.low - local, local - self.high), 0.0), axis=1))


def _deeds(run: Path, floor: _Floor, slots: dict[str, int], shelves: _Shelves) -> Iterator[tuple[str, float, str, int]]:
    """Kind, time, person and hand of every take and return; two at one moment are by different hands."""
    before: dict[str, tuple[float, int]] = {}
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event: dict[str, Any] = json.loads(line)
        kind, data = _TAKES.get(event["type"]), event["data"]
        if kind is None or data.get("slot") is None:
            continue
        time_s, track = _seconds(event["time"]), str(data["track_id"])
        wrists = [floor.wrist(track, hand, time_s) for hand in (0, 1)]
        apart = [np.inf if wrist is None else shelves.apart(wrist)[slots[data["slot"]]] for wrist in wrists]
        hand = int(np.argmin(apart))
        last = before.get(track)
        if last is not None and time_s - last[0] < 0.05:
            hand = 1 - last[1]
        before[track] = (time_s, hand)
        yield kind, time_s, track, hand


def _camera(run: Path, name: str) -> CameraModel:
    """The camera whose folder is called ``name``, as the run's calibration has it."""
    from datasets.simulation.filming.recipes import safe_name

    path = run / "calibration.json"
    for camera, told in json.loads(path.read_text(encoding="utf-8")).items():
        if safe_name(camera) == name:
            arrays = [np.array(told[key], np.float64) for key in ("matrix", "distortion", "rotation", "position")]
            return CameraModel(camera, tuple(told["size"]), *arrays)
    raise CocoFileError(f"{path} does not know the camera {name}")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
