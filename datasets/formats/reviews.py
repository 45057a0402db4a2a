"""Reviewed evidence: pictures of which a person has said what they show, a line a review, appended as they come in.

``reviews.jsonl``, and ``pictures/`` with the files that it names. A line has ``id`` (of what was asked), ``picture``
(from the folder), ``answer`` (a product's GTIN, "take", "person", ...; null where the reviewer could not tell), and
maybe ``xyxy`` (pixels; the whole picture without), ``kind`` (what was asked for: product, reach, person),
``asked`` (the alternatives that were shown, with their probabilities), ``store``, ``camera``, ``session``, ``at`` (when
the picture was taken) and ``answered_at``. The last line of an id counts: whoever reviews anew corrects. What is stored
has been blurred before; nothing here says who the reviewer was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from datasets.formats.files import stated_licence
from datasets.formats.remarks import json_lines
from datasets.pictures import PictureError, PictureFile, picture_size
from datasets.sample import Dataset, DatasetFileError, OnFault, Sample, refuse

LINES: Final = "reviews.jsonl"
PICTURES: Final = "pictures"
EXPECTED: Final = "reviewed evidence: reviews.jsonl with id, picture and answer in each line"
_GROUPS: Final = ("kind", "store", "camera", "session")


@dataclass(frozen=True, slots=True)
class Review:
    """One answer. ``details`` is what else a line may say: see the module."""

    id: str
    picture: str
    answer: str | None
    xyxy: tuple[float, float, float, float] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The line of the file."""
        said: dict[str, Any] = {"id": self.id, "picture": self.picture, "answer": self.answer}
        if self.xyxy is not None:
            said["xyxy"] = [round(side, 2) for side in self.xyxy]
        return json.dumps(said | dict(self.details), ensure_ascii=False, separators=(",", ":")) + "\n"


def append(folder: Path, review: Review) -> None:
    """Add a review to ``folder``; it is on the disk when this returns. Its picture must be there already.

    Raises ``DatasetFileError`` where the picture is missing.
    """
    if not (folder / review.picture).is_file():
        raise DatasetFileError(f"review {review.id}: {folder / review.picture} is missing: write the picture first")
    with (folder / LINES).open("ab") as file:
        file.write(review.line().encode())
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True)
class ReviewFolder:
    """The reviewed evidence at ``folder``. Raises ``DatasetFileError`` naming the line that is wrong."""

    folder: Path
    kind: str = field(default="reviews", init=False)
    keypoint_names: tuple[str, ...] = field(default=(), init=False)

    @cached_property
    def _reviews(self) -> list[Review]:
        """The last answer to each question, but for those that nobody could tell."""
        path = self.folder / LINES
        last: dict[str, Review] = {}
        for number, said in enumerate(json_lines(path, "id", "picture", "answer"), 1):
            review = _review(said, f"{path}, review {number}", self.folder)
            last.pop(review.id, None)
            last[review.id] = review
        return [review for review in last.values() if review.answer is not None]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every answer, by name."""
        return tuple(sorted({review.answer for review in self._reviews if review.answer is not None}))

    @property
    def licence(self) -> str:
        """What the manifest or a LICENSE file says."""
        return stated_licence(self.folder)

    def __len__(self) -> int:
        return len(self._reviews)

    def samples(self, on_fault: OnFault = refuse) -> Iterator[Sample]:
        """A sample a review, in order of the last answers; its name is the review's id."""
        place = {name: number for number, name in enumerate(self.classes)}
        for review in self._reviews:
            path = self.folder / review.picture
            try:
                size = picture_size(path)
            except PictureError as error:
                on_fault(review.id, error)
                continue
            assert review.answer is not None
            groups = {name: (str(review.details[name]),) for name in _GROUPS if review.details.get(name)}
            if review.details.get("kind", "product") == "product":
                groups["product"] = (review.answer,)
            yield Sample(
                review.id,
                PictureFile(path),
                size,
                np.array([review.xyxy or (0, 0, *size)], np.float64),
                np.array([place[review.answer]], np.int64),
                details=(review.details,),
                split=str(review.details.get("split", "")),
                groups=groups,
            )


def _review(said: dict[str, Any], where: str, folder: Path) -> Review:
    rest = {key: value for key, value in said.items() if key not in ("id", "picture", "answer", "xyxy")}
    answer, xyxy = said["answer"], said.get("xyxy")
    if answer is not None and not (isinstance(answer, str) and answer):
        raise DatasetFileError(f"{where}: answer is {answer!r}, expected a text or null")
    if xyxy is not None and not (
        isinstance(xyxy, list) and len(xyxy) == 4 and all(isinstance(side, int | float) for side in xyxy)
    ):
        raise DatasetFileError(f"{where}: xyxy is {xyxy!r}, expected x1, y1, x2, y2 in pixels")
    picture = Path(str(said["picture"]))
    if picture.is_absolute() or ".." in picture.parts:
        raise DatasetFileError(f"{where}: picture {picture} lies outside of {folder}")
    box = None if xyxy is None else (float(xyxy[0]), float(xyxy[1]), float(xyxy[2]), float(xyxy[3]))
    return Review(str(said["id"]), picture.as_posix(), answer, box, rest)


class ReviewWriter:
    """Writes every object of a dataset as a review that was answered with its class; ignored ones are left out."""

    def __init__(self, folder: Path, source: Dataset) -> None:
        self._folder = folder
        self._classes = source.classes
        (folder / PICTURES).mkdir()
        self._lines = (folder / LINES).open("w", encoding="utf-8")

    def add(self, sample: Sample, stem: str) -> int:
        """Write the objects of a sample; its picture is kept as it is. How many were written."""
        kept = sample.take(sample.counted)
        if not len(kept):
            return 0
        data, suffix = kept.picture.encoded()
        name = f"{PICTURES}/{stem}{suffix}"
        (self._folder / name).write_bytes(data)
        details = {key: values[0] for key in _GROUPS if (values := kept.groups.get(key))}
        if kept.split:
            details["split"] = kept.split
        for place, (label, box) in enumerate(zip(kept.label.tolist(), kept.xyxy.tolist(), strict=True)):
            review = Review(f"{stem}-{place}", name, self._classes[label], tuple(box), details)
            self._lines.write(review.line())
        return len(kept)

    def finish(self) -> None:
        """Nothing is left to write."""
        self._lines.close()

    def close(self) -> None:
        """Free what is open; safe to call twice."""
        self._lines.close()
