"""How alike strong detections and confirmed tracks are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.association import Index, Pairs, height_overlap, overlapping
from vision.motion import Array
from vision.track_table import TrackTable
from vision.tracker_settings import FirstLook


def first_look(
    table: TrackTable, rows: Index, predicted: Array, box: Array, confidence: Array, looks: Array, settings: FirstLook
) -> tuple[Pairs, Array]:
    """The allowed pairs of the tracks ``rows`` (n,) and detections (m,), and their similarity; ``FirstLook`` has it.

    ``predicted`` (n, 4) and ``box`` (m, 4) are corners, ``looks`` (m, d) appearance vectors, d = 0 without.
    """
    s = settings
    pairs = overlapping(predicted, box, s.widen)
    lost = table.missed[rows] > 0
    gate = np.where(lost, s.lost_gate, s.gate)
    allowed = pairs.iou > gate[pairs.row]
    differs = appearance_difference(table, rows[pairs.row], looks, pairs.column)
    if differs is not None:
        allowed &= differs < s.appearance_gate
        differs = differs[allowed]
    i, j, iou = pairs.row[allowed], pairs.column[allowed], pairs.iou[allowed]
    similarity = iou * height_overlap(predicted[i], box[j]) ** s.height_power
    similarity *= (1 - s.confidence_weight) + s.confidence_weight * confidence[j]
    if differs is not None:
        similarity += s.appearance_weight * (s.appearance_far - differs)
    similarity *= np.where(lost, s.lost_weight, 1.0)[i]
    return Pairs(i, j, iou), similarity


def appearance_difference(table: TrackTable, row: Index, looks: Array, column: Index) -> Array | None:
    """1 - cosine of tracks ``row`` (k,) and vectors ``looks[column]`` (k,), None where either has no appearance."""
    if not looks.shape[1] or table.embedding.shape[1] != looks.shape[1]:
        return None
    return np.asarray(1 - np.einsum("kd,kd->k", table.embedding[row], looks[column]))


def agreeing(pairs: Pairs, allowed: NDArray[np.bool_]) -> Pairs:
    """The subset of the pairs that ``allowed`` (k,) says."""
    return Pairs(pairs.row[allowed], pairs.column[allowed], pairs.iou[allowed])
