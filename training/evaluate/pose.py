"""How well the joints of people are found: COCO's AP by object keypoint similarity, and the share of right joints.

OKS of a found pose and a true one = mean over the labelled joints of exp(-d^2 / (2 s^2 k^2)), d the distance in pixels,
s^2 the area that is seen of the person, k twice COCO's deviation of that joint; in 0..1 (cocodataset.org, Keypoint
Evaluation). AP, AP50 and AR are COCO's with OKS in place of the overlap of boxes.

PCK@0.2 is the share of joints placed within .2 of a length of the person, among the people whose box was found at an
overlap of .5, in 0..1. The length is the larger side of the whole body's box (Yang and Ramanan, Articulated Human
Detection with Flexible Mixtures of Parts, 2013), or the torso: from the left shoulder to the right hip (Sapp and
Taskar, MODEC, 2013), which is short where a person is seen from above. Joints that can be seen count; those that are
labelled and hidden are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from datasets.formats.coco import KEYPOINTS
from models.boxes import Boxes
from models.errors import UnusableNetworkError
from models.people import PersonDetector
from training.errors import DataError
from training.evaluate.bootstrap import Comparison, compare
from training.evaluate.detector import (
    LOWEST,
    comparisons,
    match_cells,
    of_picture,
    slices_of,
    table_of,
    xyxy_of,
)
from training.evaluate.gallery import TRUTH, WRONG, Mark, Mistake, Section, Shown, Worst, write_gallery
from training.evaluate.matching import Matches, Scores, match
from training.evaluate.people_pictures import SLICINGS, Limits, PeoplePicture, Question, people_pictures
from training.evaluate.reliability import Reliability, reliability

if TYPE_CHECKING:
    from rich.table import Table

Float = NDArray[np.float64]

WITHIN: Final = 0.2
SEEN: Final = 2  # COCO's visibility of a joint that can be seen; 1 is labelled and hidden
SIGMAS: Final = np.array(
    [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
     0.089]
)  # fmt: skip
WRISTS: Final = tuple(KEYPOINTS.index(name) for name in ("left_wrist", "right_wrist"))
_SHOULDER, _HIP = KEYPOINTS.index("left_shoulder"), KEYPOINTS.index("right_hip")


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The labelled joints of p people whose box was found, each array (p, 17).

    ``off`` is how far each was placed from the truth by the person's larger side, ``off_torso`` by the torso (NaN where
    the torso is not labelled); both NaN for joints that are not labelled. ``visible`` is COCO's visibility and
    ``confidence`` the detector's. ``group`` (p,) are places in the groups of the matches, ``parts`` (p,) by slicing.
    """

    off: Float
    off_torso: Float
    visible: NDArray[np.int64]
    confidence: Float
    group: NDArray[np.int64]
    parts: Mapping[str, NDArray[np.int64]]

    def pck(
        self, *, joints: tuple[int, ...] | None = None, torso: bool = False, visible: int = SEEN,
        people: NDArray[np.bool_] | None = None, drawn: Float | None = None,
    ) -> float:  # fmt: skip
        """PCK@0.2 of ``joints`` (all by default), of some ``people`` (p,), each counting ``drawn`` (groups,) times.

        NaN where there are no such joints.
        """
        off = self.off_torso if torso else self.off
        counts = (self.visible == visible) & np.isfinite(off)
        if joints is not None:
            counts = counts & np.isin(np.arange(off.shape[1]), joints)
        weight = np.ones(len(off)) if people is None else people.astype(np.float64)
        weight = weight if drawn is None else weight * drawn[self.group]
        total = float(weight @ counts.sum(axis=1))
        return float(weight @ (counts & (off <= WITHIN)).sum(axis=1)) / total if total else float("nan")

    def reliability(self) -> Reliability:
        """How far a joint's confidence is the share of joints within .2 of the person's larger side."""
        seen = (self.visible == SEEN) & np.isfinite(self.off)
        return reliability(self.confidence[seen], self.off[seen] <= WITHIN)


@dataclass(frozen=True, slots=True)
class PoseReport:
    """What one detector found. ``found`` are its matches by OKS, ``boxes`` by the overlap of boxes."""

    detector: str
    question: Question
    pictures: int
    found: Matches
    boxes: Matches
    joints: Joints
    worst: Worst = field(default_factory=Worst)
    other: str = ""
    against: Mapping[str, Comparison] = field(default_factory=dict)

    @property
    def slices(self) -> dict[str, dict[str, tuple[Scores, float, float]]]:
        """Of each part of each slicing that holds people: the scores by OKS, PCK of all joints and of wrists."""
        told: dict[str, dict[str, tuple[Scores, float, float]]] = {}
        labels = {slicing.name: slicing.labels for slicing in SLICINGS}
        for name, parts in slices_of(self.found).items():
            for label, scores in parts.items():
                people = self.joints.parts[name] == labels[name].index(label)
                pck = self.joints.pck(people=people), self.joints.pck(joints=WRISTS, people=people)
                told.setdefault(name, {})[label] = (scores, *pck)
        return told

    def measures(self) -> dict[str, float]:
        """The numbers that stand for all: by OKS, of boxes, of joints and of wrists."""
        scores, boxes, joints = self.found.scores(), self.boxes.scores(), self.joints
        return {
            "oks_ap": scores.ap,
            "oks_ap50": scores.ap50,
            "oks_ar": scores.ar,
            "box_ap50": boxes.ap50,
            "people_found": boxes_found(self.boxes),
            "pck": joints.pck(),
            "pck_torso": joints.pck(torso=True),
            "pck_wrists": joints.pck(joints=WRISTS),
            "pck_wrists_torso": joints.pck(joints=WRISTS, torso=True),
            "pck_hidden": joints.pck(visible=1),
        }

    def by_joint(self) -> dict[str, tuple[float, float, float]]:
        """Each joint's PCK by the larger side and by the torso, and by the larger side where it is hidden."""
        told = {}
        for place, name in enumerate(KEYPOINTS):
            one = (place,)
            pck = self.joints.pck(joints=one), self.joints.pck(joints=one, torso=True)
            told[name] = (*pck, self.joints.pck(joints=one, visible=1))
        return told

    def as_json(self) -> str:
        """All numbers; null where there is nothing to count."""
        document: dict[str, Any] = {
            "detector": self.detector,
            "pictures": self.pictures,
            **self.question.as_dict(),
            "people": self.found.people,
            **{name: _rounded(value) for name, value in self.measures().items()},
            "joints": {
                name: dict(zip(("pck", "pck_torso", "pck_hidden"), map(_rounded, values), strict=True))
                for name, values in self.by_joint().items()
            },
            "slices": {
                name: {
                    part: {**scores.as_dict(), "pck": _rounded(pck), "pck_wrists": _rounded(wrists)}
                    for part, (scores, pck, wrists) in parts.items()
                }
                for name, parts in self.slices.items()
            },
            "reliability": self.joints.reliability().as_dict(),
        }
        if self.against:
            document["against"] = {"detector": self.other, **{k: c.as_dict() for k, c in self.against.items()}}
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """For people: all, each slice, then each joint."""
        table = table_of(f"{self.detector}: {self.pictures} pictures; {self.question}")
        for title in ("", "people", "OKS AP", "AP50", "AR", "PCK", "wrists", "by torso", "hidden"):
            table.add_column(title, justify="right" if title else "left", no_wrap=True)
        said = self.measures()
        pck = (said[name] for name in ("pck", "pck_wrists", "pck_torso", "pck_hidden"))
        table.add_row("all", *match_cells(self.found.scores()), *map(_cell, pck))
        for name, parts in self.slices.items():
            table.add_section()
            for part, (scores, all_, wrists) in parts.items():
                table.add_row(f"{name}: {part}", *match_cells(scores), _cell(all_), _cell(wrists))
        table.add_section()
        for name, (larger, torso, hidden) in self.by_joint().items():
            table.add_row(name.replace("_", " "), "", "", "", "", _cell(larger), "", _cell(torso), _cell(hidden))
        lines = [f"PCK@{WITHIN} of people whose box was found: {said['people_found']:.1%} of all"]
        lines += [f"calibration error (ECE) of a joint's confidence: {self.joints.reliability().ece:.3f}"]
        lines += [f"{name} beside {self.other}: {found}" for name, found in self.against.items()]
        table.caption, table.caption_justify = "\n".join(lines), "left"
        return table

    def write_page(self, path: Path) -> None:
        """The worst mistakes as pictures."""
        said = self.measures()
        figures = {"PCK@0.2": _cell(said["pck"]), "wrists": _cell(said["pck_wrists"]), "OKS AP": _cell(said["oks_ap"])}
        figures |= {"people": str(self.found.people), "pictures": str(self.pictures)}
        text = (
            "Joints that can be seen and were placed beyond .2 of the person's larger side; the most wrong come first."
        )
        write_gallery(
            path,
            f"Where {self.detector} places joints wrong",
            f"People in {self.question.folder.name}; {self.question}.",
            [Section("Wrong poses", text, self.worst.mistakes, self.worst.count)],
            figures=figures,
        )


def evaluate_poses(
    question: Question,
    detectors: Mapping[str, PersonDetector],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[PoseReport]:
    """Run all ``detectors`` over the same pictures; a report of each, the first one compared with the second.

    Raises ``UnusableNetworkError`` for a detector without keypoints, ``DataError`` for a dataset without.
    """
    gathered = {name: _Gathered(name) for name in detectors}
    pictures = 0
    for picture in people_pictures(question, progress):
        if picture.keypoints is None:
            raise DataError(f"{question.folder} says nothing of keypoints")
        pictures += 1
        for name, detector in detectors.items():
            (boxes,) = detector.detect([picture.image], LOWEST)
            gathered[name].add(picture, picture.keypoints, boxes, question.limits)
    reports = [each.report(question, pictures) for each in gathered.values()]
    if len(reports) < 2:
        return reports
    first, second = reports[:2]
    count = len(first.found.groups)
    found = {f"OKS {name}": each for name, each in comparisons(first.found, second.found).items()}
    for name, joints in (("PCK", None), ("PCK of wrists", WRISTS)):
        of = [partial(_drawn_pck, report.joints, joints) for report in (first, second)]
        found[name] = compare(count, *of)
    rest = (first.found, first.boxes, first.joints, first.worst, second.detector, found)
    return [PoseReport(first.detector, question, pictures, *rest), *reports[1:]]


def oks(found: Float, true: Float, area: Float) -> Float:
    """Object keypoint similarity (n, m) of poses (n, 17, 2 or 3) and true ones (m, 17, 3), of people of ``area`` (m,).

    0 with a true pose of which no joint is labelled.
    """
    labelled = true[..., 2] > 0
    away = ((found[:, None, :, :2] - true[None, :, :, :2]) ** 2).sum(axis=-1)
    scale = 2 * np.maximum(area, 1e-9)[None, :, None] * (2 * SIGMAS) ** 2
    alike = np.where(labelled[None], np.exp(-away / scale), 0.0)
    return np.asarray(alike.sum(axis=-1) / np.maximum(labelled.sum(axis=-1), 1)[None])


def boxes_found(matches: Matches) -> float:
    """The share of the people who should be found whose box was found at an overlap of .5."""
    return len(np.unique(matches.truth[matches.found[:, 0], 0])) / max(matches.people, 1)


class _Gathered:
    """What a detector answered to picture after picture."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._poses: list[Matches] = []
        self._boxes: list[Matches] = []
        self._rows: list[tuple[Float, Float, Float, Float, str, dict[str, NDArray[np.int64]]]] = []
        self._worst = Worst()

    def add(self, picture: PeoplePicture, true: Float, boxes: Boxes, limits: Limits) -> None:
        """Match the answers to one picture, by OKS and by boxes."""
        if boxes.keypoints is None or boxes.keypoints.shape[1] != len(KEYPOINTS):
            raise UnusableNetworkError(f"{self._name} finds people without COCO's 17 keypoints")
        points, confidence = boxes.keypoints.astype(np.float64), boxes.confidence.astype(np.float64)
        forgiven = picture.forgiven(boxes.xyxy, limits)
        posed = picture.wanted & (true[..., 2] > 0).any(axis=1)
        alike = oks(points, true, picture.area)
        self._poses.append(of_picture(picture, boxes, *match(alike, confidence, posed, forgiven), posed))
        truth, counts = match(picture.likeness(boxes.xyxy), confidence, picture.wanted, forgiven)
        self._boxes.append(of_picture(picture, boxes, truth, counts, picture.wanted))
        who = np.flatnonzero(counts[:, 0] & (truth[:, 0] >= 0))
        whom = truth[who, 0]
        off = np.linalg.norm(points[who, :, :2] - true[whom, :, :2], axis=2)
        off = np.where(true[whom, :, 2] > 0, off, np.nan)
        side = (picture.body[whom, 2:] - picture.body[whom, :2]).max(axis=1)
        torso = _torso(true[whom])
        parts = picture.parts(picture.whole[whom])
        by_side, by_torso = off / np.maximum(side, 1.0)[:, None], off / torso[:, None]
        seen = true[whom, :, 2]
        self._rows.append((by_side, by_torso, seen, np.clip(points[who, :, 2], 0, 1), picture.group, parts))
        wrong = np.where((seen == SEEN) & (by_side > WITHIN), by_side, 0.0)
        for place in np.flatnonzero(wrong.any(axis=1)).tolist():
            cost = float(wrong[place].sum())
            make = partial(_mistake, picture, true[whom[place]], points[who[place]], wrong[place], int(whom[place]))
            self._worst.add(cost, make)

    def report(self, question: Question, pictures: int) -> PoseReport:
        """All pictures' together."""
        found = Matches.joined(self._poses)
        place = {name: index for index, name in enumerate(found.groups)}
        off, off_torso, seen, confidence = (
            np.concatenate([np.zeros((0, len(KEYPOINTS))), *(row[column] for row in self._rows)]) for column in range(4)
        )
        group = np.array([place[row[4]] for row in self._rows for _ in row[0]], np.int64)
        parts = {
            each.name: np.concatenate([np.zeros(0, np.int64), *(row[5][each.name] for row in self._rows)])
            for each in SLICINGS
        }
        joints = Joints(off, off_torso, seen.astype(np.int64), confidence, group, parts)
        return PoseReport(self._name, question, pictures, found, Matches.joined(self._boxes), joints, self._worst)


def _torso(true: Float) -> Float:
    """From the left shoulder to the right hip in pixels (p,), at least one; NaN where one is not labelled."""
    length = np.linalg.norm(true[:, _SHOULDER, :2] - true[:, _HIP, :2], axis=1)
    labelled = (true[:, [_SHOULDER, _HIP], 2] > 0).all(axis=1)
    return np.where(labelled, np.maximum(length, 1.0), np.nan)


def _drawn_pck(joints: Joints, which: tuple[int, ...] | None, drawn: Float) -> float:
    return joints.pck(joints=which, drawn=drawn)


def _mistake(picture: PeoplePicture, true: Float, found: Float, wrong: Float, place: int) -> Mistake:
    bad = np.flatnonzero(wrong)
    names = ", ".join(KEYPOINTS[k].replace("_", " ") for k in bad.tolist())
    marks = (Mark(TRUTH, None, _points(true[bad])), Mark(WRONG, None, _points(found[bad])))
    shown = Shown(picture.image, picture.camera, marks).cropped(xyxy_of(picture.seen[place]))
    said = f"{names}: off by up to {wrong.max():.2f} of the person, in {picture.name}"
    return Mistake(said, (shown,), float(wrong.sum()))


def _points(points: Float) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points[:, :2])


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"
