"""Answered reviews with their pictures as datasets, which the retraining loop reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from checkout.questions import Answered, answered_questions
from datasets.formats.remarks import json_lines
from datasets.formats.reviews import LINES, PICTURES, Review, append
from store.evidence import EvidencePicture, EvidenceStore
from store.records import Records
from store.settings import Settings

PRODUCTS: Final = "products"
REACHES: Final = "reaches"
NOTHING: Final = "nothing"
_DEEDS: Final = {
    "product.taken": "take",
    "product.returned": "return",
    "product.misplaced": "misplace",
    "product.handed_over": "hand_over",
}


@dataclass(slots=True)
class Exported:
    """How many answered reviews there were, how many of them without a picture, and how many lines were new."""

    reviews: int = 0
    without_pictures: int = 0
    lines: int = 0


def export_reviews(records: Records, settings: Settings, out: Path, start: float, end: float) -> Exported:
    """Add the reviews that were answered from ``start`` until before ``end`` to ``out``; what is there already stays.

    Two folders of reviewed evidence (``datasets.formats.reviews``): ``products`` has the pictures of what somebody
    really took or put back, answered with its GTIN, and the box to look at; ``reaches`` all pictures, answered with
    what the hand did. A review that was answered anew gets new lines, and the last one counts. Run it more often than
    ``evidence_hours``: what is older has no pictures any more.
    """
    found = Exported()
    store = EvidenceStore(settings.evidence_dir)
    known = {kind: _known(out / kind) for kind in (PRODUCTS, REACHES)}
    for each in answered_questions(records, settings.store, start, end):
        found.reviews += 1
        lines = list(_lines(each, store, settings.store))
        found.without_pictures += not lines
        for kind, file, review in lines:
            if known[kind].get(review.id) == review.answer:
                continue
            target = out / kind / review.picture
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
            append(out / kind, review)
            known[kind][review.id] = review.answer
            found.lines += 1
    return found


def _lines(each: Answered, store: EvidenceStore, name: str) -> Iterator[tuple[str, Path, Review]]:
    """The folder, the picture's file and the line of every picture of a review."""
    review, answer = each.question.review, each.answer
    happened = answer.confidence > 0
    deed = _DEEDS.get(each.question.kind, "take") if happened else NOTHING
    asked: dict[str, float] = {}
    for way in each.question.alternatives:
        asked[way.gtin] = round(asked.get(way.gtin, 0.0) + way.probability, 6)
    for id in review.body["evidence"]:
        clip = store.clip(id)
        for number, about in enumerate(clip.pictures if clip else ()):
            file = store.picture(id, number)
            if file is None:
                continue
            common = {"store": name, "session": review.session_id, "camera": about.camera, "at": about.captured_at}
            common["answered_at"] = answer.time
            picture = f"{PICTURES}/{id}-{number}.jpg"
            yield REACHES, file, _line(f"{review.id}-{id}-{number}", picture, deed, about, {"kind": "reach", **common})
            if happened and about.focus is not None:
                details = {"kind": "product", "asked": asked, **common}
                yield PRODUCTS, file, _line(f"{review.id}-{id}-{number}", picture, answer.gtin, about, details)


def _line(id: str, picture: str, answer: str, about: EvidencePicture, details: dict[str, Any]) -> Review:
    return Review(id, picture, answer, about.focus, details)


def _known(folder: Path) -> dict[str, str | None]:
    return {str(said["id"]): said["answer"] for said in json_lines(folder / LINES, "id", "answer")}
