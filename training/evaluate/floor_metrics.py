"""How well people were followed on the floor: identities, positions and counts against truth, in metres.

``idf1``: Ristani et al. 2016, 2 IDTP / (people + tracks, both summed over moments), where IDTP are the moments at which
a person and the one track that the best one-to-one choice gives it are at most 1 m apart. 0..1.
``hota``: Luiten et al. 2020, with the similarity 1 - d / 2 m of a person and a track d apart (TrackEval's for places
on the floor), the mean over similarities .05 to .95. 0..1.
``moda``: Bernardin 2008, 1 - (missed + false) / people, with at most 0.5 m between the two of a pair. At most 1.
``whole_visit_identity``: the share of visitors with one track within 1 m at 80 % or more of the visit's moments, with
no moment at which another track is the visitor's, and none at which the track is another visitor's. 0..1.
``count_error``: the mean of |tracks - people| over the moments.
``position_error_cm``: the mean distance of the pairs within 1 m, in centimetres.
``ece``: by how much the confidence of tracks is off (``training.evaluate.reliability``), a track being right at a
moment at which it is one of a pair; NaN for tracks without a confidence. 0..1.

A moment's pairs are the one-to-one choice with the most pairs within the limit, and of those the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from training.evaluate.extra import extra
from training.evaluate.reliability import reliability

SAME_PERSON_M: Final = 1.0
SAME_PLACE_M: Final = 0.5
WHOLE: Final = 0.8

Float = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Who is where: ``frame`` (n,) moments from 0, rising; ``name`` (n,) numbers of people or tracks; ``xy_m`` (n, 2);
    ``confidence`` (n,) in 0..1 where there is one.

    Raises ``ValueError`` when one name is twice at one moment.
    """

    frame: Ints
    name: Ints
    xy_m: Float
    confidence: Float | None = None

    def __post_init__(self) -> None:
        order = np.lexsort((self.name, self.frame))
        frame, name = self.frame[order], self.name[order]
        if (twice := np.flatnonzero((frame[1:] == frame[:-1]) & (name[1:] == name[:-1]))).size:
            raise ValueError(f"{name[twice[0]]} is twice at moment {frame[twice[0]]}")

    @classmethod
    def joined(cls, moments: Sequence[tuple[int, Ints, Float]], confidence: Sequence[Float] | None = None) -> Self:
        """From moments as (frame, names, xy), and the confidences of each."""
        frame = np.repeat([t for t, *_ in moments], [len(names) for _, names, _ in moments])
        name = np.concatenate([np.zeros(0, np.int64), *(names for _, names, _ in moments)])
        xy_m = np.concatenate([np.zeros((0, 2)), *(xy for *_, xy in moments)])
        sure = None if confidence is None else np.concatenate([np.zeros(0), *confidence])
        return cls(frame.astype(np.int64), name, xy_m, sure)


@dataclass(frozen=True, slots=True)
class FloorScores:
    """The scores of the module's text; ``ids`` are the tracks given out, ``people`` those that there were."""

    idf1: float
    hota: float
    moda: float
    whole_visit_identity: float
    count_error: float
    position_error_cm: float
    ids: int
    people: int
    ece: float = float("nan")

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON, with four places; None for what there is none of."""
        return {
            name: None if isinstance(value, float) and np.isnan(value) else round(value, 4)
            for name, value in asdict(self).items()
        }


def score_floor(truth: Paths, tracks: Paths, moments: int) -> FloorScores:
    """The scores of ``tracks`` over ``moments`` moments. Raises ``MissingExtraError`` without trackeval."""
    with extra():
        from trackeval.metrics import CLEAR, HOTA, Identity
    quiet = {"PRINT_CONFIG": False}
    data, distances = _data(truth, tracks, moments)
    identity = Identity(dict(quiet)).eval_sequence(_similar(data, distances, 2 * SAME_PERSON_M))
    hota = HOTA().eval_sequence(_similar(data, distances, 2 * SAME_PERSON_M))
    clear = CLEAR(dict(quiet)).eval_sequence(_similar(data, distances, 2 * SAME_PLACE_M))
    pairs = [_nearest(distance, SAME_PERSON_M) for distance in distances]
    apart = np.concatenate([np.zeros(0), *(d[i, j] for d, (i, j) in zip(distances, pairs, strict=True))])
    counts = [np.bincount(each.frame, minlength=moments) for each in (truth, tracks)]
    return FloorScores(
        idf1=float(identity["IDF1"]),
        hota=float(np.mean(hota["HOTA"])),
        moda=float(clear["MODA"]),
        whole_visit_identity=_whole(data, pairs),
        count_error=float(np.abs(counts[0] - counts[1]).mean()),
        position_error_cm=float(apart.mean()) * 100 if len(apart) else float("nan"),
        ids=int(data["num_tracker_ids"]),
        people=int(data["num_gt_ids"]),
        ece=_ece(tracks, pairs),
    )


def _ece(tracks: Paths, pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    if tracks.confidence is None:
        return float("nan")
    start = np.searchsorted(tracks.frame, np.arange(len(pairs)))
    right = np.zeros(len(tracks.frame), np.bool_)
    right[np.concatenate([np.zeros(0, np.intp), *(at + j for at, (_, j) in zip(start, pairs, strict=True))])] = True
    return reliability(tracks.confidence, right).ece


def _data(truth: Paths, tracks: Paths, moments: int) -> tuple[dict[str, Any], list[Float]]:
    """What trackeval reads, but for the similarities, and the distance of every pair at each moment."""
    people, person = np.unique(truth.name, return_inverse=True)
    names, track = np.unique(tracks.name, return_inverse=True)
    ends = [np.searchsorted(each.frame, np.arange(1, moments)) for each in (truth, tracks)]
    where = [np.split(each.xy_m, end) for each, end in zip((truth, tracks), ends, strict=True)]
    data = {
        "gt_ids": np.split(person, ends[0]),
        "tracker_ids": np.split(track, ends[1]),
        "num_gt_ids": len(people),
        "num_tracker_ids": len(names),
        "num_gt_dets": len(person),
        "num_tracker_dets": len(track),
        "num_timesteps": moments,
    }
    return data, [np.linalg.norm(a[:, None] - b[None], axis=2) for a, b in zip(*where, strict=True)]


def _similar(data: dict[str, Any], distances: list[Float], none_m: float) -> dict[str, Any]:
    """The data with similarities 1 - d / ``none_m``, at least 0: trackeval takes a half for the same."""
    return {**data, "similarity_scores": [np.maximum(1 - distance / none_m, 0.0) for distance in distances]}


def _nearest(distance: Float, limit: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    # What is too far costs more than all pairs within the limit together.
    cost = np.where(distance <= limit, distance, limit * (1 + min(distance.shape)))
    i, j = linear_sum_assignment(cost)
    near = distance[i, j] <= limit
    return i[near], j[near]


def _whole(data: dict[str, Any], pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    together = np.zeros((data["num_gt_ids"], data["num_tracker_ids"]), np.int64)
    for people, tracks, (i, j) in zip(data["gt_ids"], data["tracker_ids"], pairs, strict=True):
        np.add.at(together, (people[i], tracks[j]), 1)
    if not together.size:
        return 0.0 if len(together) else float("nan")
    length = np.bincount(np.concatenate(data["gt_ids"]), minlength=len(together))
    best = together.argmax(axis=1)
    alone = (np.count_nonzero(together, axis=1) == 1) & (np.count_nonzero(together, axis=0)[best] == 1)
    return float((alone & (together.max(axis=1) >= WHOLE * length)).mean())
