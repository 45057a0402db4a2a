"""Whether the keypoints that two pictures share lie as on one flat print, and whether its colours agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.products.keypoints import SIDE, Image

Float = NDArray[np.float32]

_NEAR: Final = 10.0  # how far a match may lie from where a similarity puts it, in units of the query's places
_TURN: Final = 0.6  # radians
_STRETCH: Final = 0.7  # natural logarithm of a factor of scale
_LEAST_SCALE: Final = 0.12
_LEAST: Final = 4
_MOST: Final = 160  # matches looked at


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """``gain`` is what the matches that lie together are worth, ``matches`` how many they are. ``affine`` float32
    (3, 2) takes (x, y, 1) of the reference to the query, None where there are too few.
    """

    gain: float
    matches: int
    affine: Float | None

    @property
    def scale(self) -> float:
        """How many units of the query one of the reference measures; NaN without ``affine``."""
        if self.affine is None:
            return float("nan")
        return float(np.sqrt(abs(np.linalg.det(self.affine[:2]))))


NOTHING: Final = Alignment(0.0, 0, None)


def align(query: Float, reference: Float, gain: Float) -> Alignment:
    """The best alignment of matched places (m, 4) of a query and of a reference, each worth ``gain`` (m,).

    Every match by itself gives a similarity, since keypoints have a size and a direction; the one that most agree with
    is refined to an affine map by least squares, twice.
    """
    if len(gain) > _MOST:
        best = np.argpartition(-gain, _MOST)[:_MOST]
        query, reference, gain = query[best], reference[best], gain[best]
    if len(gain) < _LEAST:
        return NOTHING
    scale = query[:, 2] / reference[:, 2]
    turn = np.deg2rad(query[:, 3] - reference[:, 3])
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    x, y = reference[:, 0], reference[:, 1]
    # Hypotheses in rows, matches in columns.
    dx, dy = x[None] - x[:, None], y[None] - y[:, None]
    off_x = query[:, 0][:, None] + cos[:, None] * dx - sin[:, None] * dy - query[:, 0][None]
    off_y = query[:, 1][:, None] + sin[:, None] * dx + cos[:, None] * dy - query[:, 1][None]
    log = np.log(scale)
    turned = np.abs((turn[None] - turn[:, None] + np.pi) % (2 * np.pi) - np.pi)
    agrees = (off_x**2 + off_y**2 < _NEAR**2) & (turned < _TURN) & (np.abs(log[None] - log[:, None]) < _STRETCH)
    agrees &= (scale > _LEAST_SCALE)[:, None]
    best_row = int((agrees @ gain).argmax())
    inside = agrees[best_row]
    affine = None
    ground = np.column_stack([reference[:, :2], np.ones(len(reference), np.float32)])
    for near in (0.8 * _NEAR, 0.5 * _NEAR):
        if np.count_nonzero(inside) < _LEAST:
            return Alignment(float(gain[inside].sum()), int(inside.sum()), None)
        weight = np.sqrt(gain[inside])[:, None]
        affine = np.linalg.lstsq(ground[inside] * weight, query[inside, :2] * weight, rcond=None)[0]
        inside = np.linalg.norm(ground @ affine - query[:, :2], axis=1) < near
    assert affine is not None
    stretch = np.linalg.svd(affine[:2], compute_uv=False)
    if np.linalg.det(affine[:2]) <= 0 or stretch[1] < _LEAST_SCALE or stretch[0] > 5 * stretch[1]:
        return NOTHING
    # Many keypoints of the query may match one of the reference: each counts once.
    once = np.zeros(len(gain), np.bool_)
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(-gain[rows], kind="stable")]
    once[rows[np.unique(reference[rows, :2], axis=0, return_index=True)[1]]] = True
    return Alignment(float(gain[once].sum()), int(once.sum()), affine.astype(np.float32))


def colour_agreement(query: Image, thumb: Image, affine: Float) -> float:
    """How far the colours of a query agree with those of a reference's small picture laid over it, -1..1.

    Both BGR, the query at the size of its places. The correlation of the two pictures' a and b of CIE Lab and, by a
    third, of their lightness, over the part that lies inside the query; 0 where that is less than a fifth.
    """
    height, width = thumb.shape[:2]
    unit = SIDE / max(height, width)
    # From the thumb's pixels to the reference's places to the query's.
    matrix = np.column_stack([affine[0] * unit, affine[1] * unit, affine[2] + (affine[0] + affine[1]) * (unit - 1) / 2])
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    shown = cv2.warpAffine(query, matrix, (width, height), flags=inverse)
    inside = cv2.warpAffine(np.full(query.shape[:2], 255, np.uint8), matrix, (width, height), flags=inverse) > 250
    inside &= thumb.min(axis=2) < 243  # a catalogue's white
    if inside.mean() < 0.2:
        return 0.0
    one = cv2.cvtColor(np.asarray(shown, np.uint8), cv2.COLOR_BGR2LAB)[inside].astype(np.float32)
    two = cv2.cvtColor(thumb, cv2.COLOR_BGR2LAB)[inside].astype(np.float32)
    one -= one.mean(axis=0)
    two -= two.mean(axis=0)
    along = (one * two).sum(axis=0)
    size = np.maximum(np.sqrt((one**2).sum(axis=0) * (two**2).sum(axis=0)), 50.0 * len(one) ** 0.5)
    return float((along / size) @ np.array([1.0, 1.0, 1.0]) / 3)
