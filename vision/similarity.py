"""How alike strong detections and confirmed tracks are."""

from __future__ import annotations

import numpy as np

from vision.association import Index, Pairs, overlapping
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
    lost = table.missed.take(rows).take(pairs.row) > 0
    allowed = pairs.iou > np.where(lost, s.lost_gate, s.gate)
    differs = appearance_difference(table, rows.take(pairs.row), looks, pairs.column)
    if differs is not None:
        allowed &= differs < s.appearance_gate
        differs = differs[allowed]
    if np.count_nonzero(allowed) < len(allowed):
        lost = lost[allowed]
        pairs = pairs.only(allowed)
    similarity = pairs.iou * pairs.vertical**s.height_power
    similarity *= (1 - s.confidence_weight) + s.confidence_weight * confidence.take(pairs.column)
    if differs is not None:
        similarity += s.appearance_weight * (s.appearance_far - differs)
    if np.count_nonzero(lost):
        similarity[lost] *= s.lost_weight
    return pairs, similarity


def appearance_difference(table: TrackTable, row: Index, looks: Array, column: Index) -> Array | None:
    """1 - cosine of tracks ``row`` (k,) and vectors ``looks[column]`` (k,), None where either has no appearance."""
    if not looks.shape[1] or table.embedding.shape[1] != looks.shape[1]:
        return None
    return np.asarray(1 - np.einsum("kd,kd->k", table.embedding.take(row, 0), looks.take(column, 0)))
