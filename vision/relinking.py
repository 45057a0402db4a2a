"""Finds which newly confirmed tracks continue a lost one."""

from __future__ import annotations

import numpy as np

from vision.association import Index, assign
from vision.track_table import TrackTable
from vision.tracker_settings import Relink


def relink(table: TrackTable, ready: Index, lost: Index, settings: Relink) -> dict[int, int]:
    """Rows of ``ready`` tracks (r,) that continue rows of ``lost`` ones (l,): {ready row: lost row}, one to one.

    Near is what is near to where the lost track's motion led, or to where it was last seen.
    """
    if not len(ready) or not len(lost):
        return {}
    gap_s = table.born_s[ready][None] - table.seen_s[lost][:, None]
    last, first = table.last_box[lost], table.first_box[ready]
    height = np.minimum(last[:, None, 3], first[None, :, 3])
    coasted = table.motion.value[lost, None, :2] - table.motion.value[None, ready, :2]
    stayed = last[:, None, :2] - first[None, :, :2]
    distance = np.minimum(np.linalg.norm(coasted, axis=-1), np.linalg.norm(stayed, axis=-1)) / height
    reach = settings.start + settings.speed * gap_s
    taller = np.abs(np.log(last[:, None, 3] / first[None, :, 3]))
    longest_s = settings.longest_s if table.embedding.shape[1] else settings.blind_s
    allowed = (gap_s > 0) & (gap_s <= longest_s) & (distance < reach) & (taller < settings.height)
    similarity = 1 - distance / (2 * np.maximum(reach, 1e-9)) - taller
    if table.embedding.shape[1]:
        differs = 1 - table.embedding[lost] @ table.embedding[ready].T
        allowed &= differs < settings.appearance
        similarity += 2 * (settings.appearance - differs)
    old, new = np.nonzero(allowed)
    old, new = assign(old, new, similarity[old, new])
    return dict(zip(ready[new].tolist(), lost[old].tolist(), strict=True))
