"""How well people were followed: HOTA, IDF1 and MOTA by trackeval's metric classes, straight from arrays.

The preparation (frames, unique ids, removal of boxes on distractors) follows trackeval's ``MotChallenge2DBox``, so the
numbers are those of its own command on the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from datasets.formats.mot import MotBoxes
from training.evaluate.extra import extra

# Person on a vehicle, static person, distractor, reflection: neither right nor wrong to follow.
DISTRACTORS = (2, 7, 8, 12)
_SAME_BOX = 0.5
_EPS = float(np.finfo(float).eps)


class DuplicateIdError(ValueError):
    """One id is on two boxes of one frame, so nobody can say which of them is meant."""


@dataclass(frozen=True, slots=True)
class TrackingScores:
    """``hota``, ``idf1``, ``mota`` as fractions of 1 (``mota`` can be negative).

    ``id_switches`` counts how often a person's id changed, ``ids`` the distinct ids in the output and ``people`` the
    distinct people in the truth. ``detection`` and ``association`` are HOTA's two parts, DetA and AssA.
    HOTA: Luiten et al. 2020, the mean over overlaps .05 to .95; IDF1: Ristani et al. 2016; MOTA: Bernardin 2008.
    """

    hota: float
    idf1: float
    mota: float
    id_switches: int
    ids: int
    people: int
    detection: float
    association: float

    def as_json(self) -> dict[str, float | int]:
        """What the command prints: fractions rounded to four places."""
        return {
            "hota": round(self.hota, 4),
            "idf1": round(self.idf1, 4),
            "mota": round(self.mota, 4),
            "id_switches": self.id_switches,
            "ids": self.ids,
            "people": self.people,
        }


def evaluate_sequence(
    truth: MotBoxes, results: MotBoxes, first_frame: int | None = None, last_frame: int | None = None
) -> TrackingScores:
    """Score ``results`` against ``truth`` over the frames ``first_frame`` to ``last_frame``, both included.

    Frames default to 1 and to the last one that either has. ``truth`` is a truth file with all its rows; where it has
    classes, results that lie on distractors are taken out first, as MOTChallenge does. ``results.id`` may be any
    numbers. Raises ``DuplicateIdError`` for an id that is twice in one frame, ``MissingExtraError`` without trackeval.
    """
    first = 1 if first_frame is None else first_frame
    last = max(truth.last_frame, results.last_frame) if last_frame is None else last_frame
    truth, results = truth.between(first, last), results.between(first, last)
    _check_unique(truth, "truth")
    _check_unique(results, "results")
    data = _prepare(truth, results, first, last)
    with extra():
        from trackeval.metrics import CLEAR, HOTA, Identity
    quiet = {"PRINT_CONFIG": False}
    hota = HOTA().eval_sequence(data)
    clear = CLEAR(dict(quiet)).eval_sequence(data)
    identity = Identity(dict(quiet)).eval_sequence(data)
    return TrackingScores(
        hota=float(np.mean(hota["HOTA"])),
        idf1=float(identity["IDF1"]),
        mota=float(clear["MOTA"]),
        id_switches=int(clear["IDSW"]),
        ids=len(np.unique(results.id)),
        people=int(data["num_gt_ids"]),
        detection=float(np.mean(hota["DetA"])),
        association=float(np.mean(hota["AssA"])),
    )


def box_overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of every box of ``a`` (n, 4) with every box of ``b`` (m, 4), xyxy: (n, m); 0 if empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(axis=1), (b[:, 2:] - b[:, :2]).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - common
    solid = (area_a > _EPS)[:, None] & (area_b > _EPS)[None, :] & (union > _EPS)
    return np.where(solid, common / np.where(solid, union, 1.0), 0.0)


def _check_unique(boxes: MotBoxes, name: str) -> None:
    order = np.lexsort((boxes.id, boxes.frame))
    frame, number = boxes.frame[order], boxes.id[order]
    same = np.flatnonzero((frame[1:] == frame[:-1]) & (number[1:] == number[:-1]))
    if len(same):
        raise DuplicateIdError(f"{name}: id {number[same[0]]} is on two boxes of frame {frame[same[0]]}")


def _prepare(truth: MotBoxes, results: MotBoxes, first: int, last: int) -> dict[str, Any]:
    """What trackeval's metrics read: per frame contiguous ids (from 0) and the overlap of every pair of boxes."""
    people = truth.considered()
    truth_at, results_at = truth.offsets(first, last), results.offsets(first, last)
    wanted = np.ones(len(results), dtype=bool)
    overlaps = []
    for t in range(last - first + 1):
        here, there = slice(truth_at[t], truth_at[t + 1]), slice(results_at[t], results_at[t + 1])
        overlap = box_overlap(truth.xyxy[here], results.xyxy[there])
        if truth.category is not None:
            wanted[there] = ~_on_distractor(overlap, truth.category[here])
        overlaps.append(overlap[people[here]][:, wanted[there]])
    person, gt_ids = np.unique(truth.id[people], return_inverse=True)
    track, tracker_ids = np.unique(results.id[wanted], return_inverse=True)
    return {
        "gt_ids": _by_frame(gt_ids, people, truth_at),
        "tracker_ids": _by_frame(tracker_ids, wanted, results_at),
        "similarity_scores": overlaps,
        "num_gt_ids": len(person),
        "num_tracker_ids": len(track),
        "num_gt_dets": len(gt_ids),
        "num_tracker_dets": len(tracker_ids),
        "num_timesteps": last - first + 1,
    }


def _on_distractor(overlap: NDArray[np.float64], category: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which results (m,) are best matched, one to one by overlap of at least one half, with a distractor."""
    removed = np.zeros(overlap.shape[1], dtype=bool)
    distractor = np.isin(category, DISTRACTORS)
    if not distractor.any():
        return removed
    score = np.where(overlap < _SAME_BOX - _EPS, 0.0, overlap)
    rows, columns = linear_sum_assignment(-score)
    matched = score[rows, columns] > _EPS
    removed[columns[matched & distractor[rows]]] = True
    return removed


def _by_frame(ids: NDArray[np.int64], kept: NDArray[np.bool_], offsets: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split the ids of the kept rows at the frames' borders."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return np.split(ids, before[offsets[1:-1]])
