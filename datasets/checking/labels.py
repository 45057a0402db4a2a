"""Labels that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from datasets.checking.findings import Finding, Kind
from datasets.sample import Sample

TOLERANCE_PX = 1.0  # rounding by whoever wrote the labels


def label_findings(sample: Sample, *, may_leave: bool = False) -> Iterator[Finding]:
    """Boxes that are no numbers, without area, outside the picture or twice there, and visible points outside.

    With ``may_leave`` boxes are of whole objects, of which a part may be outside.
    """
    boxes = sample.xyxy
    finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(boxes), axis=1)
    sides = boxes[:, 2:] - boxes[:, :2]
    area = np.logical_and(finite, np.min(sides, axis=1, initial=np.inf) > 0)
    size = np.array(sample.size, np.float64)
    away = (boxes[:, :2] >= size).any(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
    over = (boxes[:, :2] < -TOLERANCE_PX).any(axis=1) | (boxes[:, 2:] > size + TOLERANCE_PX).any(axis=1)
    outside = area & (away if may_leave else over)
    for place in np.flatnonzero(np.logical_not(area)):
        yield _finding(Kind.NO_AREA if finite[place] else Kind.LABEL, sample, int(place))
    for place in np.flatnonzero(outside):
        yield _finding(Kind.OUTSIDE, sample, int(place))
    # Two people can be hidden behind one another; the same box twice of one track, or of unknown ones, is a slip.
    rows = np.column_stack([sample.label, boxes])
    _, first = np.unique(rows, axis=0, return_index=True)
    for place in np.setdiff1d(np.flatnonzero(finite), first).tolist():
        twins = np.flatnonzero((rows == rows[place]).all(axis=1))
        if not sample.track_id or len({sample.track_id[twin] for twin in twins}) < len(twins):
            yield _finding(Kind.TWICE, sample, place)
    if sample.keypoints is not None and not may_leave:
        xy, seen = sample.keypoints[..., :2], sample.keypoints[..., 2] > 0
        beyond = ((xy < -TOLERANCE_PX) | (xy > size + TOLERANCE_PX) | ~np.isfinite(xy)).any(axis=2) & seen
        for place in np.flatnonzero(beyond.any(axis=1) & ~outside):
            yield _finding(Kind.OUTSIDE, sample, int(place), f"{int(beyond[place].sum())} keypoints of ")


def _finding(kind: Kind, sample: Sample, place: int, prefix: str = "") -> Finding:
    box = sample.xyxy[place].tolist()
    said = ", ".join(f"{number:.1f}" for number in box)
    what = f"{prefix}object {place + 1} at {said} in {sample.size[0]}x{sample.size[1]}"
    return Finding(kind, sample.name, what, sample.picture, box=(box[0], box[1], box[2], box[3]))
