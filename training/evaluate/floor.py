"""`aisle evaluate floor`: the floor tracker, and the plain way, on many cameras' boxes, against truth in metres."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasets.floor_scene import FloorScene
from datasets.formats.simulated_floor import read_simulated_floor
from datasets.formats.wildtrack import EXPECTED, read_wildtrack, wildtrack_files
from datasets.sample import DatasetFileError
from store.events import Event, PersonTogether
from training.evaluate.floor_baseline import GreedySort
from training.evaluate.floor_groups import GroupScores, score_groups
from training.evaluate.floor_metrics import FloorScores, Paths, score_floor
from training.evaluate.floor_noise import noisy_detections, true_detections
from training.evaluate.floor_pictures import FloorEyes, found_detections
from vision.detections import Detections
from vision.floor import FloorMoment, FloorSettings, FloorTracker
from vision.floor.facts import FloorFacts
from vision.floor.sight import Sight

if TYPE_CHECKING:
    from rich.table import Table

OURS, LIVE, BASELINE = "settled", "live", "baseline"
Boxes = list[dict[str, Detections]]
_HEADINGS: Final = ("IDF1", "HOTA", "MODA", "whole", "count", "cm", "ids", "of", "ECE")


@dataclass(frozen=True, slots=True)
class FloorQuestion:
    """``noise`` seeds the boxes' noise, None leaves them as they are; ``frames`` (first, last) takes a part of each
    scene, the last not included; ``cameras`` are those used, all where empty; ``baseline`` runs the plain way too;
    ``by_count`` also measures with 2, 3, ... cameras. With ``eyes`` the boxes, and joints, are those that they find in
    the scenes' pictures, without noise.
    """

    noise: int | None = None
    frames: tuple[int, int] | None = None
    cameras: tuple[str, ...] = ()
    baseline: bool = False
    by_count: bool = False
    eyes: FloorEyes | None = None


@dataclass(frozen=True, slots=True)
class FloorReport:
    """What was found.

    ``scores`` by way (settled, live, baseline) of all scenes together, ``scenarios`` the same of each by name where
    there are several, and ``counts`` by number of cameras. ``latency_s`` is after how long a moment is settled at most,
    ``cpu_ms`` the tracker's CPU time a moment. ``visits`` are, by scene, the visits that ``person.entered`` told of and
    those that there were; ``groups``, by scenario, how many pairs of people were told of as together, where truth knows
    who came with whom.
    """

    scores: dict[str, FloorScores]
    latency_s: float
    cpu_ms: float
    scenarios: dict[str, dict[str, FloorScores]] = field(default_factory=dict)
    counts: dict[int, dict[str, FloorScores]] = field(default_factory=dict)
    visits: dict[str, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, GroupScores] = field(default_factory=dict)

    @property
    def visits_exact(self) -> float:
        """The share of scenes in which as many visits were told of as there were."""
        right = [told == there for told, there in self.visits.values()]
        return sum(right) / len(right) if right else float("nan")

    def as_json(self) -> str:
        """Our scores at the top, those of the other ways under their names; ``scenarios`` and ``by_cameras``."""
        document = {**_flat(self.scores), "latency_s": self.latency_s, "cpu_ms_per_moment": round(self.cpu_ms, 2)}
        document["visits_exact"] = self.visits_exact
        document["visits"] = {name: {"told": told, "there": there} for name, (told, there) in self.visits.items()}
        if self.groups:
            document["groups"] = {name: asdict(each) for name, each in self.groups.items()}
        if self.scenarios:
            document["scenarios"] = {name: _flat(scores) for name, scores in self.scenarios.items()}
        if self.counts:
            document["by_cameras"] = {str(count): _flat(scores) for count, scores in self.counts.items()}
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """A row a way, of everything, of each scenario and of each number of cameras."""
        from rich import box
        from rich.table import Table

        title = f"On the floor: settled after {self.latency_s:g} s at most, {self.cpu_ms:.1f} ms of CPU a moment"
        told = ", ".join(f"{name} {told} of {there}" for name, (told, there) in self.visits.items())
        title += f"\nVisits told of: {told}"
        if self.groups:
            pairs = (f"{name} {each.told} ({each.right} right) of {each.there}" for name, each in self.groups.items())
            title += f"\nPairs told of as together: {', '.join(pairs)}"
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        table.add_column("scenario", no_wrap=True)
        table.add_column("way", no_wrap=True)
        for heading in _HEADINGS:
            table.add_column(heading, justify="right", no_wrap=True)
        parts = {"all": self.scores, **self.scenarios, **{f"{n} cameras": each for n, each in self.counts.items()}}
        for name, ways in parts.items():
            for way, s in ways.items():
                shares = [f"{value:.3f}" for value in (s.idf1, s.hota, s.moda, s.whole_visit_identity)]
                rest = [f"{s.count_error:.2f}", f"{s.position_error_cm:.1f}", str(s.ids), str(s.people)]
                table.add_row(name, way, *shares, *rest, "" if np.isnan(s.ece) else f"{s.ece:.3f}")
        return table


def _flat(scores: dict[str, FloorScores]) -> dict[str, Any]:
    others = {way: each.as_dict() for way, each in scores.items() if way != OURS}
    return {**scores[OURS].as_dict(), **others}


def read_scenes(dataset: Path) -> list[FloorScene]:
    """The scenes at ``dataset``: WILDTRACK-style files or a simulated dataset's runs. Raises ``DatasetFileError``."""
    if not dataset.exists():
        raise DatasetFileError(f"{dataset}: there is no such file or folder")
    if files := wildtrack_files(dataset):
        return [read_wildtrack(file) for file in files]
    if scenes := read_simulated_floor(dataset):
        return scenes
    raise DatasetFileError(
        f"{dataset} holds no floor with several cameras. Expected {EXPECTED}; or a simulated dataset"
    )


def evaluate_floor(
    scenes: Sequence[FloorScene],
    question: FloorQuestion,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FloorReport:
    """Follow everybody in every scene and score it. Raises ``DatasetFileError`` for a part or a camera that is not
    there, and ``MissingExtraError``.
    """
    parts = [_part(scene, question) for scene in scenes]
    counts = range(2, max(len(part.cameras) for part in parts)) if question.by_count else range(0)
    total, done = len(parts) * (1 + len(counts)), 0
    runs: list[dict[str, tuple[Paths, Paths, int]]] = []
    found: list[Boxes] = []
    visits: dict[str, tuple[int, int]] = {}
    groups: dict[str, GroupScores] = {}
    cpu_s = 0.0
    for part in parts:
        found.append(_boxes(part, question))
        ways, followed = _followed(part, found[-1], question)
        runs.append(ways)
        cpu_s += followed.cpu_s
        visits[part.name] = followed.visits, len(np.unique(part.person))
        if part.party is not None:
            told, name = score_groups(part, followed.moments, followed.groups), part.scenario or part.name
            groups[name] = groups[name] + told if name in groups else told
        progress(done := done + 1, total)
    by_count: dict[int, dict[str, FloorScores]] = {}
    for count in counts:
        fewer = [part.seen_by(most_telling(part, count)) for part in parts]
        boxes = [_fewer(*each, question) for each in zip(fewer, found, strict=True)]
        by_count[count] = _scored([_followed(*each, question)[0] for each in zip(fewer, boxes, strict=True)])
        progress(done := done + len(parts), total)
    families: dict[str, list[dict[str, tuple[Paths, Paths, int]]]] = {}
    for part, run in zip(parts, runs, strict=True):
        families.setdefault(part.scenario or part.name, []).append(run)
    return FloorReport(
        _scored(runs),
        FloorSettings().window_s,
        cpu_s * 1e3 / max(sum(len(part.time_s) for part in parts), 1),
        {name: _scored(family) for name, family in families.items()} if len(families) > 1 else {},
        by_count,
        visits,
        groups,
    )


def most_telling(scene: FloorScene, count: int) -> list[str]:
    """``count`` cameras, each the one that adds most people who are in fewer than two of those chosen before."""
    seen = np.zeros((len(scene.frame), len(scene.cameras)), np.bool_)
    seen[scene.box_row, scene.box_camera] = True
    chosen: list[int] = []
    for _ in range(min(count, len(scene.cameras))):
        new = seen & (seen[:, chosen].sum(axis=1) < 2)[:, None]
        new[:, chosen] = False
        rest = [place for place in range(len(scene.cameras)) if place not in chosen]
        chosen.append(max(rest, key=lambda place: int(new[:, place].sum())))
    return [scene.cameras[place].camera for place in sorted(chosen)]


def _part(scene: FloorScene, question: FloorQuestion) -> FloorScene:
    try:
        part = scene.seen_by(question.cameras) if question.cameras else scene
    except ValueError as error:
        raise DatasetFileError(str(error)) from None
    if question.frames is not None:
        part = part.between(*question.frames)
    if not len(part.time_s):
        raise DatasetFileError(f"{scene.name}: there are {len(scene.time_s)} frames, and none of those asked for")
    return part


def _boxes(scene: FloorScene, question: FloorQuestion) -> Boxes:
    if question.eyes is not None:
        return found_detections(scene, question.eyes)
    return list(true_detections(scene) if question.noise is None else noisy_detections(scene, question.noise))


def _fewer(scene: FloorScene, found: Boxes, question: FloorQuestion) -> Boxes:
    """The boxes of a scene with fewer cameras, of which ``found`` are all; the noise is drawn anew."""
    if question.eyes is None:
        return _boxes(scene, question)
    names = {camera.camera for camera in scene.cameras}
    return [{name: boxes for name, boxes in each.items() if name in names} for each in found]


def _followed(
    scene: FloorScene, boxes: Boxes, question: FloorQuestion
) -> tuple[dict[str, tuple[Paths, Paths, int]], Followed]:
    """By way: truth, tracks and how many moments; and what our tracker did."""
    ours = follow(scene, boxes)
    tracks = [moment.tracks for moment in ours.moments]
    rows = [(t, each.track_id, each.xy) for t, each in enumerate(tracks)]
    settled = Paths.joined(rows, [each.confidence for each in tracks])
    paths = {OURS: settled, LIVE: ours.live}
    if question.baseline:
        plain = GreedySort(scene.cameras)
        paths[BASELINE] = Paths.joined(
            [(t, *plain.update(float(scene.time_s[t]), seen)) for t, seen in enumerate(boxes)]
        )
    truth = Paths(scene.frame, scene.person, scene.xy_m)
    return {way: (truth, each, len(scene.time_s)) for way, each in paths.items()}, ours


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Our tracker over a scene: its settled ``moments``, what it gave at once (``live``), how many ``visits`` were told
    of, the CPU seconds that it took, and the ``groups`` of tracks that were told of as together.
    """

    moments: list[FloorMoment]
    live: Paths
    visits: int
    cpu_s: float
    groups: list[tuple[int, ...]]


def follow(scene: FloorScene, boxes: Boxes, settings: FloorSettings | None = None) -> Followed:
    """Follow everybody in a scene by its ``boxes``."""
    tracker = FloorTracker(scene.cameras, settings, gates=scene.gates, sight=Sight.of(scene.plan, scene.cameras))
    told: list[Event] = []
    facts = FloorFacts("evaluated", scene.cameras, told.extend)
    numbers: dict[str, int] = {}
    moments: list[FloorMoment] = []
    live = []
    spent = 0.0
    for t, seen in enumerate(boxes):
        start = time.process_time()
        tracks = tracker.update(float(scene.time_s[t]), seen)
        spent += time.process_time() - start
        live.append((t, tracks.track_id, tracks.xy))
        facts.add(tracker.settled, tracker.alive)
        numbers |= {facts.name(number): number for number in facts.sure}
        moments += tracker.settled
    start = time.process_time()
    rest = tracker.finish()
    spent += time.process_time() - start
    facts.add(rest, tracker.alive)
    numbers |= {facts.name(number): number for number in facts.sure}
    facts.close()
    groups = [tuple(numbers[name] for name in each.track_id) for each in told if isinstance(each, PersonTogether)]
    return Followed(moments + rest, Paths.joined(live), facts.entered, spent, groups)


def _scored(runs: Iterable[dict[str, tuple[Paths, Paths, int]]]) -> dict[str, FloorScores]:
    """The scores of several scenes as of one after the other, in which nobody is in two scenes."""
    runs = list(runs)
    scores = {}
    for way in runs[0]:
        truths, tracks, moments = zip(*(run[way] for run in runs), strict=True)
        scores[way] = score_floor(
            _after_one_another(truths, moments), _after_one_another(tracks, moments), sum(moments)
        )
    return scores


def _after_one_another(paths: Sequence[Paths], moments: Sequence[int]) -> Paths:
    start = np.cumsum([0, *moments])
    highest = np.cumsum([0, *(int(each.name.max(initial=0)) + 1 for each in paths)])
    return Paths(
        np.concatenate([each.frame + t for each, t in zip(paths, start, strict=False)]),
        np.concatenate([each.name + n for each, n in zip(paths, highest, strict=False)]),
        np.concatenate([each.xy_m for each in paths]),
        np.concatenate(sure) if (sure := [each.confidence for each in paths if each.confidence is not None]) else None,
    )
