"""Which cameras should see whom: inside the picture, not behind somebody nearer, nor behind what stands in the shop."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import distort
from vision.floor.observations import Rig
from vision.floor.sight import Sight

Float = NDArray[np.float64]

_LEAST_DEPTH_M: Final = 0.3
_TALL_M: Final = 1.7
_WIDE: Final = 0.3  # a body's width over its height


def standing(xy: Float) -> Float:
    """People (n, 3: x, y, height) of usual height at ``xy`` (n, 2), metres."""
    return np.asarray(np.column_stack([xy, np.full(len(xy), _TALL_M)]), np.float64)


def boxes_of(rig: Rig, place: Float) -> tuple[Float, Float]:
    """Boxes (n, c, 4) in pixels that people at ``place`` (n, 3: x, y, height) have in the cameras, and depths (n, c).

    NaN behind a camera.
    """
    foot = np.concatenate([place[:, :2], np.zeros((len(place), 1))], axis=1)
    ends = []
    for point in (foot, place):
        local = np.einsum("cij,ncj->nci", rig.rotation, point[:, None] - rig.position)
        depth = local[..., 2]
        ends.append((_bent(rig, local[..., :2] / np.maximum(depth, _LEAST_DEPTH_M)[..., None]) * rig.focal, depth))
    centre = np.array([model.matrix[:2, 2] for model in rig.cameras]).reshape(-1, 2)
    (low, near), (high, far) = ends
    low, high = low + centre, high + centre
    half = _WIDE / 2 * np.linalg.norm(low - high, axis=-1)
    middle = (low[..., 0] + high[..., 0]) / 2
    upper, lower = np.minimum(low[..., 1], high[..., 1]), np.maximum(low[..., 1], high[..., 1])
    boxes = np.stack([middle - half, upper, middle + half, lower], axis=-1)
    depth = np.minimum(near, far)
    boxes[depth < _LEAST_DEPTH_M] = np.nan
    return boxes, depth


def _bent(rig: Rig, xy: Float) -> Float:
    """Points (n, c, 2) of the plane z = 1, where the lenses put them: at the edge of a picture that is far away."""
    bent = xy.copy()
    for place, model in enumerate(rig.cameras):
        if model.distortion.any():
            bent[:, place] = distort(xy[:, place], model.distortion)
    return bent


def seen_share(rig: Rig, place: Float, *, hiding: bool = True, sight: Sight | None = None) -> Float:
    """How much of each person (n, c) each camera should see, in [0, 1]: inside the picture, not behind one nearer.

    Where the people are not ``hiding`` one another, as when they are guesses, each counts alone. With ``sight`` walls
    and furniture hide them too.
    """
    boxes, depth = boxes_of(rig, place)
    with np.errstate(invalid="ignore"):
        inside = np.clip(boxes, 0.0, np.tile(rig.size, 2))
        size = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
        share = (inside[..., 2:] - inside[..., :2]).prod(axis=-1) / np.maximum(size, 1e-9)
    share = np.nan_to_num(share)
    if sight is not None:
        share = share * sight.share(place[:, :2])
    return np.asarray(share * (1 - _hidden(boxes, depth)) if hiding else share)


def _hidden(boxes: Float, depth: Float) -> Float:
    """The share (n, c) of each box's width and height that the one nearer box that hides most of it hides."""
    low = np.maximum(boxes[:, None, :, :2], boxes[None, :, :, :2])
    high = np.minimum(boxes[:, None, :, 2:], boxes[None, :, :, 2:])
    with np.errstate(invalid="ignore"):
        common = np.maximum(high - low, 0.0).prod(axis=-1)
        share = common / np.maximum((boxes[..., 2:] - boxes[..., :2]).prod(axis=-1), 1e-9)[:, None]
        share[depth[None] >= depth[:, None]] = 0.0
    return np.asarray(np.nan_to_num(share).max(axis=1, initial=0.0))
