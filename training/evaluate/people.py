"""How well a detector finds the people of a dataset with truth: recall, precision, and how they trade.

Matching is COCO's (Lin et al., Microsoft COCO, 2014): by falling confidence, each detection takes the free truth that
it overlaps most, by half of their union or more. People of whom too little is seen are no truths but regions in which
detections count for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cameras import open_source
from datasets.formats.coco import CocoAnnotation, CocoFileError, read_coco
from models.boxes import overlaps
from models.people import PersonDetector

if TYPE_CHECKING:
    from rich.table import Table

Float = NDArray[np.float64]

IOU: Final = 0.5
PRECISION: Final = 0.9  # at which the recall is told, too
CONFIDENCES: Final = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))


@dataclass(frozen=True, slots=True)
class Limits:
    """Who must be found: people seen by ``visible`` of their body or more, on ``area`` pixels or more."""

    visible: float = 0.6
    area: float = 400.0


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What became of the detections in some pictures: ``confidence`` (n,) and whether each found somebody (n,); those
    in ignored regions are left out. ``people`` is how many were to be found.
    """

    confidence: Float
    found: NDArray[np.bool_]
    people: int

    @classmethod
    def together(cls, parts: Sequence[Matches]) -> Matches:
        """The matches of several sets of pictures as one."""
        return cls(
            np.concatenate([np.zeros(0), *(part.confidence for part in parts)]),
            np.concatenate([np.zeros(0, np.bool_), *(part.found for part in parts)]),
            sum(part.people for part in parts),
        )

    def at(self, confidence: float) -> tuple[float, float]:
        """Recall and precision of the detections of ``confidence`` or more, in 0..1; precision is 1 without any."""
        kept = self.found[self.confidence >= confidence]
        right = int(np.count_nonzero(kept))
        return right / max(self.people, 1), right / len(kept) if len(kept) else 1.0

    def recall_at(self, precision: float) -> tuple[float, float]:
        """The largest recall of all confidences whose precision is ``precision`` or more, and that confidence.

        Without such a confidence the recall is 0 at confidence 1.
        """
        order = np.argsort(-self.confidence, kind="stable")
        right = np.cumsum(self.found[order])
        good = np.flatnonzero(right >= precision * np.arange(1, len(order) + 1))
        # Detections of one confidence are taken together or not at all.
        falls = np.append(np.diff(self.confidence[order]) < 0, True)
        good = good[falls[good]]
        if not len(good):
            return 0.0, 1.0
        return float(right[good[-1]]) / max(self.people, 1), float(self.confidence[order][good[-1]])

    def best(self) -> float:
        """The confidence, among those quoted, of the largest F1: 2 recall precision / (recall + precision)."""

        def f1(confidence: float) -> float:
            recall, precision = self.at(confidence)
            return 2 * recall * precision / max(recall + precision, 1e-9)

        return max(CONFIDENCES, key=f1)


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """The matches of each camera."""

    cameras: dict[str, Matches]
    limits: Limits
    pictures: int

    @property
    def all(self) -> Matches:
        """The matches of all cameras."""
        return Matches.together(list(self.cameras.values()))

    def as_json(self) -> str:
        """Recall and precision at each confidence, for all and by camera."""
        best = self.all.best()
        return json.dumps(
            {
                "pictures": self.pictures,
                "min_visible": self.limits.visible,
                "min_area": self.limits.area,
                "best_confidence": best,
                "recall_at_precision": {"precision": PRECISION, "recall": round(self.all.recall_at(PRECISION)[0], 4)},
                "all": _points(self.all),
                "cameras": {name: _points(matches) for name, matches in self.cameras.items()},
            },
            indent=2,
        )

    def as_table(self) -> Table:
        """Recall and precision for people: a row a camera at the best confidence, and a row a confidence for all."""
        from rich import box
        from rich.table import Table

        best = self.all.best()
        table = Table(
            title=f"{self.pictures} pictures; people seen by {self.limits.visible:.0%} or more, "
            f"{self.limits.area:g} px or more",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for title in ("camera", "confidence", "people", "recall", "precision"):
            table.add_column(title, justify="left" if title == "camera" else "right", no_wrap=True)
        for name, matches in {**self.cameras, "all": self.all}.items():
            table.add_row(name, f"{best:.2f}", str(matches.people), *(f"{value:.3f}" for value in matches.at(best)))
        table.add_section()
        for confidence in CONFIDENCES[::2]:
            scores = (f"{value:.3f}" for value in self.all.at(confidence))
            table.add_row("all", f"{confidence:.2f}", str(self.all.people), *scores)
        recall, confidence = self.all.recall_at(PRECISION)
        table.caption = f"recall at a precision of {PRECISION:.2f}: {recall:.3f}, at confidence {confidence:.2f}"
        return table


def _points(matches: Matches) -> dict[str, Any]:
    scores = {confidence: matches.at(confidence) for confidence in CONFIDENCES}
    curve = [{"confidence": c, "recall": round(r, 4), "precision": round(p, 4)} for c, (r, p) in scores.items()]
    return {"people": matches.people, "curve": curve}


def evaluate_people(
    folder: Path,
    detector: PersonDetector,
    *,
    cameras: Sequence[str] = (),
    limits: Limits = Limits(),
    every: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PeopleReport:
    """Run ``detector`` over every ``every``-th picture of a simulated dataset, all cameras or those called ``cameras``.

    Raises ``CocoFileError`` where ``folder`` holds no truth, or none of these cameras, and ``CameraError``.
    """
    truths = sorted(folder.glob("runs/*/cameras/*/coco.json")) or sorted(folder.glob("cameras/*/coco.json"))
    known = sorted({path.parent.name for path in truths})
    unknown = sorted(set(cameras) - set(known))
    if not truths or unknown:
        what = f"no camera {', '.join(unknown)}; there are: {', '.join(known)}" if truths else "no simulated dataset"
        raise CocoFileError(f"{folder}: {what}")
    chosen = [path for path in truths if not cameras or path.parent.name in cameras]
    found: dict[str, list[Matches]] = {}
    pictures = 0
    for number, path in enumerate(chosen):
        for image, people in _pictures(path, every):
            (boxes,) = detector.detect([image], min(CONFIDENCES))
            size = (image.shape[1], image.shape[0])
            matches = match(boxes.xyxy.astype(np.float64), boxes.confidence.astype(np.float64), people, size, limits)
            found.setdefault(path.parent.name, []).append(matches)
            pictures += 1
        progress(number + 1, len(chosen))
    return PeopleReport({name: Matches.together(parts) for name, parts in sorted(found.items())}, limits, pictures)


def _pictures(path: Path, every: int) -> Iterator[tuple[NDArray[np.uint8], list[CocoAnnotation]]]:
    """Every ``every``-th picture of a camera with its people."""
    dataset = read_coco(path)
    people = dataset.by_image()
    video = path.parent / f"{path.parent.name}.mp4"
    with open_source(str(video if video.exists() else path.parent / "frames")) as source:
        for frame, image in zip(source, dataset.images, strict=False):
            if frame.index % every == 0:
                yield frame.image, people[image["id"]]


def match(
    xyxy: Float, confidence: Float, people: Sequence[CocoAnnotation], size: tuple[int, int], limits: Limits
) -> Matches:
    """Match detections ``xyxy`` (n, 4) with ``people`` in a picture of ``size`` (width, height).

    A person's box is that of what is seen or of the whole body within the picture, whichever fits the detection better.
    Detections that find nobody count for nothing where half of them lies on somebody below the ``limits``, or where
    they are smaller than what is to be found.
    """
    wanted = np.array(
        [person.get("visible_share", 1.0) >= limits.visible and person["area"] >= limits.area for person in people],
        np.bool_,
    )
    seen = _corners([person["bbox"] for person in people])
    whole = _corners([person.get("bbox_full", person["bbox"]) for person in people])
    whole = np.clip(whole, 0.0, [*size, *size])
    boxes = xyxy.astype(np.float32)
    overlap = np.maximum(*(overlaps(boxes, each.astype(np.float32))[0] for each in (seen, whole)))
    free = np.ones(len(people), np.bool_)
    order = np.argsort(-confidence, kind="stable")
    found, counts = np.zeros(len(xyxy), np.bool_), np.ones(len(xyxy), np.bool_)
    for n in order:
        candidates = np.where(free & wanted, overlap[n], 0.0)
        if len(people) and candidates.max() >= IOU:
            free[candidates.argmax()] = False
            found[n] = True
    area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    on_ignored = (_intersection(xyxy, whole)[:, ~wanted] >= IOU * area[:, None]).any(axis=1)
    counts &= found | ~(on_ignored | (area < limits.area))
    return Matches(confidence[counts], found[counts], int(np.count_nonzero(wanted)))


def _corners(boxes: Sequence[Sequence[float]]) -> Float:
    table = np.array(boxes, np.float64).reshape(-1, 4)
    return np.concatenate([table[:, :2], table[:, :2] + table[:, 2:]], axis=1)


def _intersection(a: Float, b: Float) -> Float:
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    return np.asarray(np.clip(sides, 0.0, None).prod(axis=-1))
