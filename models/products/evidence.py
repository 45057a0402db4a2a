"""What speaks for each product in a picture, as numbers: looks, shared print, its colours, its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.products.alignment import NOTHING, Alignment, align, colour_agreement
from models.products.keypoints import SIDE, Image, Keypoints, keypoints, scaled
from models.products.references import References, least_gain, worth

Float = NDArray[np.float32]

NAMES: Final = ("detail", "near", "coarse", "print", "own print", "words", "cover", "colours", "size", "box")
DETAIL, NEAR, COARSE, PRINT, OWN_PRINT, WORDS, COVER, COLOURS, SIZE, BOX = range(len(NAMES))
_QUERY: Final = 400  # keypoints of a picture
_PER_GAIN: Final = 3.0
_LEAST_MATCHES: Final = 6
_LEAST_SEEN: Final = 3.0  # a keypoint's size in the query's units
_FEW: Final = 20
_ALIGNED: Final = 8  # products whose matches are looked at in earnest: those with the most to show
_PHOTOS: Final = 4  # of each of them
_SIZE_DEVIATION: Final = 0.08  # of the natural logarithm of a measured size


@dataclass(frozen=True, eq=False)
class Described:
    """n pictures as recognition looks at them: ``vectors`` float32 (n, d), ``points`` and small BGR ``pictures`` of
    each, and how many units of the points' places a pixel has, ``unit`` (n,).
    """

    vectors: Float
    points: tuple[Keypoints, ...]
    pictures: tuple[Image, ...]
    unit: Float

    def __len__(self) -> int:
        return len(self.points)


def describe(images: Sequence[Image], vectors: Float) -> Described:
    """Describe uint8 (H, W, 3) BGR pictures whose ``vectors`` (n, d) are known."""
    return Described(
        vectors,
        tuple(keypoints(image, _QUERY) for image in images),
        tuple(scaled(image) for image in images),
        np.array([SIDE / max(image.shape[:2]) for image in images], np.float32),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """How one product's photos lie in a picture."""

    best: Alignment
    photo: int
    own: float


def print_evidence(
    described: Described, row: int, references: References, products: Sequence[int], height_m: Float,
    pixels_per_metre: float | None = None,
) -> Float:  # fmt: skip
    """Evidence (k, 6) that picture ``row`` has for each of ``products``: print, own print, words, cover, colours, size.

    Print is ln(1 + 3 g) of the gain g of the photo that lies best in the picture (``alignment.align``): how much nearer
    its descriptors are than the background's (McCann and Lowe, Local Naive Bayes Nearest Neighbor, 2012). Own print is
    the same of the part that no other of ``products`` matches as well; words are all of that part, wherever it lies.
    Cover is the share of the photo's keypoints, of those that would lie in the picture and be large enough to be seen,
    that are matched. Colours are ``colour_agreement``. Size is minus half the squared deviation of the height that the
    print says from ``height_m``, 0 where either is not known.
    """
    values = np.zeros((len(products), SIZE - PRINT + 1), np.float32)
    query = described.points[row]
    if not len(query):
        return values
    limit = worth(query, references)
    nearest = np.full((len(query), len(products)), np.inf, np.float32)
    matches: list[list[tuple[int, NDArray[np.int64], Float]]] = []
    for place, product in enumerate(products):
        own = _nearest(query, references, product)
        for _, _, least in own:
            nearest[:, place] = np.minimum(nearest[:, place], least)
        matches.append(own)
    votes = np.maximum(limit[:, None] - nearest, 0.0).sum(axis=0)
    for rank, place in enumerate(np.argsort(-votes, kind="stable").tolist()):
        others = np.delete(nearest, place, axis=1).min(axis=1) if len(products) > 1 else limit
        others = np.minimum(others, limit)
        values[place, WORDS - PRINT] = np.log1p(_PER_GAIN * np.maximum(others - nearest[:, place], 0.0).sum())
        if rank >= _ALIGNED:
            continue
        best = sorted(matches[place], key=lambda one: -float(np.maximum(limit - one[2], 0.0).sum()))[:_PHOTOS]
        found = _aligned(query, references, best, limit, others)
        values[place, 0] = np.log1p(_PER_GAIN * found.best.gain)
        values[place, OWN_PRINT - PRINT] = np.log1p(_PER_GAIN * found.own)
        if found.best.affine is None or found.best.matches < _LEAST_MATCHES:
            continue
        width, high = references.thumb_size[found.photo].tolist()
        thumb = references.thumbs[found.photo, :high, :width]
        values[place, COVER - PRINT] = _cover(
            found.best, references.places[references.span(found.photo)], described.pictures[row]
        )
        values[place, COLOURS - PRINT] = colour_agreement(described.pictures[row], thumb, found.best.affine)
        if pixels_per_metre is not None and np.isfinite(height_m[place]):
            high_px = float(np.linalg.norm(found.best.affine[1])) * SIDE * high / max(high, width) / described.unit[row]
            off = np.log(high_px / pixels_per_metre / float(height_m[place])) / _SIZE_DEVIATION
            values[place, SIZE - PRINT] = -0.5 * min(float(off) ** 2, 16.0)
    return values


def _nearest(query: Keypoints, references: References, product: int) -> list[tuple[int, NDArray[np.int64], Float]]:
    """For each photo of a product: its number, the keypoint nearest to each of the query, and the squared distance."""
    found = []
    for photo in np.flatnonzero(references.owner == product).tolist():
        span = references.span(photo)
        if span.stop - span.start < _LEAST_MATCHES:
            continue
        distance = 2 - 2 * query.descriptors @ references.descriptors[span].astype(np.float32).T
        to = distance.argmin(axis=1)
        found.append((photo, to, distance[np.arange(len(to)), to]))
    return found


def _cover(lies: Alignment, reference: Float, picture: Image) -> float:
    assert lies.affine is not None
    at = np.column_stack([reference[:, :2], np.ones(len(reference), np.float32)]) @ lies.affine
    height, width = picture.shape[:2]
    seen = (at > 0).all(axis=1) & (at < (width, height)).all(axis=1) & (reference[:, 2] * lies.scale > _LEAST_SEEN)
    return lies.matches / max(int(seen.sum()), _FEW)


def _aligned(
    query: Keypoints, references: References, matches: list[tuple[int, NDArray[np.int64], Float]], limit: Float,
    others: Float,
) -> _Found:  # fmt: skip
    best = _Found(NOTHING, -1, 0.0)
    for photo, to, least in matches:
        gain = np.maximum(limit - least, 0.0)
        rows = np.flatnonzero(gain > least_gain())
        places = references.places[references.span(photo)][to[rows]]
        lies = align(query.places[rows], places, gain[rows])
        if lies.gain <= best.best.gain:
            continue
        own = 0.0
        if lies.affine is not None:
            ground = np.column_stack([places[:, :2], np.ones(len(rows), np.float32)])
            inside = rows[np.linalg.norm(ground @ lies.affine - query.places[rows, :2], axis=1) < 5.0]
            own = float(np.maximum(others[inside] - least[inside], 0.0).sum())
        best = _Found(lies, photo, own)
    return best
