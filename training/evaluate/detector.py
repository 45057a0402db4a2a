"""How well detectors find the people of a dataset: COCO's AP and AR, recall and precision, by slice, calibrated or not.

Whoever is seen too little is no truth but a region in which answers count for nothing; so is what a dataset marks as
ignored. A person's box is that of what is seen or of the whole body within the picture, whichever fits better.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.boxes import Boxes
from models.people import PersonDetector
from training.evaluate.bootstrap import Comparison, compare
from training.evaluate.gallery import FOUND, TRUTH, WRONG, Mark, Mistake, Section, Shown, Worst, write_gallery
from training.evaluate.matching import CONFIDENCES, PRECISION, Bools, Ints, Matches, Scores, match
from training.evaluate.people_pictures import SLICINGS, Limits, PeoplePicture, Question, people_pictures
from training.evaluate.reliability import Reliability, reliability

if TYPE_CHECKING:
    from rich.table import Table

LOWEST: Final = 0.05  # confidence of the answers that are asked for


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """What one detector found. ``against`` holds comparisons with another by score, ``other`` its name."""

    detector: str
    question: Question
    pictures: int
    matches: Matches
    missed: Worst = field(default_factory=Worst)
    wrong: Worst = field(default_factory=Worst)
    other: str = ""
    against: Mapping[str, Comparison] = field(default_factory=dict)

    @property
    def cameras(self) -> dict[str, Matches]:
        """The matches of each camera by name; empty where no camera is known."""
        by_name: dict[str, list[str]] = {}
        for group in self.matches.groups:
            run, slash, camera = group.rpartition("/")
            if run and slash and "." not in camera:
                by_name.setdefault(camera, []).append(group)
        return {name: self.matches.of_groups(groups) for name, groups in sorted(by_name.items())}

    @property
    def slices(self) -> dict[str, dict[str, Scores]]:
        """The scores of each part of each slicing that holds people."""
        return slices_of(self.matches)

    @property
    def reliability(self) -> Reliability:
        """How far confidences are the share of answers that find somebody, at an overlap of .5."""
        kept = self.matches.counts[:, 0]
        return reliability(self.matches.confidence[kept], self.matches.found[kept, 0])

    def as_json(self) -> str:
        """All numbers, for all pictures, by camera and by slice."""
        best, (recall, _) = self.matches.best(), self.matches.recall_at(PRECISION)
        document: dict[str, Any] = {
            "detector": self.detector,
            "pictures": self.pictures,
            **self.question.as_dict(),
            **self.matches.scores().as_dict(),
            "best_confidence": best,
            "recall_at_precision": {"precision": PRECISION, "recall": round(recall, 4)},
            "all": _points(self.matches),
            "cameras": {name: _points(matches) for name, matches in self.cameras.items()},
            "slices": {name: {part: s.as_dict() for part, s in of.items()} for name, of in self.slices.items()},
            "reliability": self.reliability.as_dict(),
        }
        if self.against:
            document["against"] = {"detector": self.other, **{k: c.as_dict() for k, c in self.against.items()}}
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """For people: all, each slice, each camera at the best confidence, and what confidences mean."""
        best = self.matches.best()
        table = table_of(f"{self.detector}: {self.pictures} pictures; {self.question}")
        for title in ("", "people", "AP", "AP50", "AR", f"recall at {best:.2f}", "precision"):
            table.add_column(title, justify="right" if title else "left", no_wrap=True)
        table.add_row("all", *match_cells(self.matches.scores()), *(f"{v:.3f}" for v in self.matches.at(best)))
        for name, parts in self.slices.items():
            table.add_section()
            for part, scores in parts.items():
                table.add_row(f"{name}: {part}", *match_cells(scores))
        table.add_section()
        for name, matches in self.cameras.items():
            table.add_row(name, *match_cells(matches.scores()), *(f"{v:.3f}" for v in matches.at(best)))
        recall, confidence = self.matches.recall_at(PRECISION)
        lines = [f"recall at a precision of {PRECISION:.2f}: {recall:.3f}, at confidence {confidence:.2f}"]
        lines += [f"calibration error (ECE) of the confidence: {self.reliability.ece:.3f}"]
        lines += [f"{name} beside {self.other}: {found}" for name, found in self.against.items()]
        table.caption = "\n".join(lines)
        table.caption_justify = "left"
        return table

    def write_page(self, path: Path) -> None:
        """The worst mistakes as pictures."""
        scores, best = self.matches.scores(), self.matches.best()
        recall, precision = self.matches.at(best)
        figures = {"AP50": f"{scores.ap50:.3f}", "AP": f"{scores.ap:.3f}", "recall": f"{recall:.3f}"}
        figures |= {"precision": f"{precision:.3f}", "people": str(scores.people), "pictures": str(self.pictures)}
        missed = "Not found at any confidence at an overlap of .5. Whoever is seen best comes first."
        wrong = "Found where nobody is, at an overlap of .5. The most confident come first."
        write_gallery(
            path,
            f"What {self.detector} gets wrong",
            f"People in {self.question.folder.name}; {self.question}. "
            f"Recall and precision are those at a confidence of {best:.2f}.",
            [
                Section("Missed people", missed, self.missed.mistakes, self.missed.count),
                Section("Wrong answers", wrong, self.wrong.mistakes, self.wrong.count),
            ],
            figures=figures,
        )


def evaluate_detectors(
    question: Question,
    detectors: Mapping[str, PersonDetector],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[DetectorReport]:
    """Run all ``detectors`` over the same pictures; a report of each, the first one compared with the second."""
    gathered = {name: Gathered() for name in detectors}
    pictures = 0
    for picture in people_pictures(question, progress):
        pictures += 1
        for name, detector in detectors.items():
            (boxes,) = detector.detect([picture.image], LOWEST)
            gathered[name].add(picture, boxes, question.limits)
    reports = [DetectorReport(n, question, pictures, g.matches(), g.missed, g.wrong) for n, g in gathered.items()]
    if len(reports) < 2:
        return reports
    first, second = reports[:2]
    found = comparisons(first.matches, second.matches)
    rest = (first.matches, first.missed, first.wrong, second.detector, found)
    return [DetectorReport(first.detector, question, pictures, *rest), *reports[1:]]


class Gathered:
    """What a detector answered to picture after picture."""

    def __init__(self) -> None:
        self.missed, self.wrong = Worst(), Worst()
        self._parts: list[Matches] = []

    def add(self, picture: PeoplePicture, boxes: Boxes, limits: Limits) -> None:
        """Match the answers to one picture."""
        confidence = boxes.confidence.astype(np.float64)
        forgiven = picture.forgiven(boxes.xyxy, limits)
        truth, counts = match(picture.likeness(boxes.xyxy), confidence, picture.wanted, forgiven)
        self._parts.append(of_picture(picture, boxes, truth, counts, picture.wanted))
        for place in np.flatnonzero(picture.wanted & ~np.isin(np.arange(len(picture.wanted)), truth[:, 0])).tolist():
            self.missed.add(float(picture.area[place]), partial(_missed, picture, boxes, place))
        for place in np.flatnonzero(counts[:, 0] & (truth[:, 0] < 0)).tolist():
            self.wrong.add(float(confidence[place]), partial(_wrong, picture, boxes, place))

    def matches(self) -> Matches:
        """All pictures' together."""
        return Matches.joined(self._parts)


def of_picture(picture: PeoplePicture, boxes: Boxes, truth: Ints, counts: Bools, wanted: Bools) -> Matches:
    """The matches of one picture with its group and parts."""
    confidence = boxes.confidence.astype(np.float64)
    here = np.zeros(len(confidence), np.int64), np.zeros(len(wanted), np.int64)
    parts, truth_parts = picture.parts(boxes.xyxy), picture.parts(picture.whole)
    return Matches(confidence, truth, counts, wanted, *here, (picture.group,), parts, truth_parts)


def comparisons(first: Matches, second: Matches) -> dict[str, Comparison]:
    """AP and AP50 of two detectors on the same pictures, by camera and run."""
    assert first.groups == second.groups
    count = len(first.groups)
    return {
        "AP": compare(count, lambda drawn: first.scores(drawn).ap, lambda drawn: second.scores(drawn).ap, rounds=300),
        "AP50": compare(count, first.ap50, second.ap50),
    }


def slices_of(matches: Matches) -> dict[str, dict[str, Scores]]:
    """The scores of each part of each slicing that holds people."""
    found: dict[str, dict[str, Scores]] = {}
    for slicing in SLICINGS:
        for part, label in enumerate(slicing.labels):
            inside = matches.part(slicing.name, part)
            if inside.people:
                found.setdefault(slicing.name, {})[label] = inside.scores()
    return found


def table_of(title: str) -> Table:
    """An empty table as evaluations show it."""
    from rich import box
    from rich.table import Table

    return Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")


def match_cells(scores: Scores) -> list[str]:
    """People, AP, AP50 and AR as a row of a table has them."""
    return [str(scores.people), *(f"{value:.3f}" for value in (scores.ap, scores.ap50, scores.ar))]


def _points(matches: Matches) -> dict[str, Any]:
    scores = {confidence: matches.at(confidence) for confidence in CONFIDENCES}
    curve = [{"confidence": c, "recall": round(r, 4), "precision": round(p, 4)} for c, (r, p) in scores.items()]
    return {"people": matches.people, "curve": curve}


def _missed(picture: PeoplePicture, boxes: Boxes, place: int) -> Mistake:
    marks = [Mark(FOUND, xyxy_of(box)) for box in boxes.at_least(0.3).xyxy]
    box = xyxy_of(picture.seen[place])
    shown = Shown(picture.image, picture.camera, (Mark(TRUTH, box), *marks)).cropped(box)
    return Mistake(f"{picture.area[place]:.0f} px are seen, in {picture.name}", (shown,), float(picture.area[place]))


def _wrong(picture: PeoplePicture, boxes: Boxes, place: int) -> Mistake:
    box, confidence = xyxy_of(boxes.xyxy[place]), float(boxes.confidence[place])
    truths = [Mark(TRUTH, xyxy_of(each)) for each in picture.seen[picture.wanted]]
    shown = Shown(picture.image, picture.camera, (Mark(WRONG, box), *truths)).cropped(box)
    return Mistake(f"found with {confidence:.2f}, in {picture.name}", (shown,), confidence)


def xyxy_of(box: Any) -> tuple[float, float, float, float]:
    """A row of four numbers as floats."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return x1, y1, x2, y2
