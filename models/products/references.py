"""The photos of an enrolment as local features: which photos, which keypoints of them, and their small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.products.alignment import align
from models.products.keypoints import Image, Keypoints, keypoints, scaled
from models.products.pictures import trimmed

Float = NDArray[np.float32]

THUMB: Final = 64
_PHOTOS: Final = 8  # of a product
_KEYPOINTS: Final = 320  # of a photo
_CLUTTERED: Final = 450  # of a photo that shows more than the product, before those are left out that no other shares
_KEPT: Final = 120  # of those that others share: what most share first
_BACKGROUND: Final = 2000
_FAR: Final = 0.6  # squared distance beyond which two descriptors have nothing to do with one another
_RANK: Final = 4
_LEAST_GAIN: Final = 0.02
_LEAST_SHARED: Final = 8


@dataclass(frozen=True, eq=False)
class References:
    """r photos: ``owner`` int (r,) is the product of each, ``thumbs`` uint8 (r, 64, 64, 3) BGR with the photo in the
    upper left ``thumb_size`` int (r, 2) as width, height. Of p keypoints in the photos' order: ``places`` float32
    (p, 4), ``descriptors`` float16 (p, 128), ``ends`` int (r,). ``background`` int (b,) indexes keypoints that stand
    for whatever else a picture shows.
    """

    owner: NDArray[np.int64]
    thumbs: Image
    thumb_size: NDArray[np.int64]
    places: Float
    descriptors: NDArray[np.float16]
    ends: NDArray[np.int64]
    background: NDArray[np.int64]

    def span(self, photo: int) -> slice:
        """The keypoints of a photo."""
        return slice(int(self.ends[photo - 1]) if photo else 0, int(self.ends[photo]))

    def only(self, place: NDArray[np.int64]) -> References:
        """The photos of some products: ``place`` (k,) is the new number of each product, -1 for those left out."""
        photos = np.flatnonzero(place[self.owner] >= 0)
        spans = [self.span(int(photo)) for photo in photos]
        points = (
            np.concatenate([np.arange(span.start, span.stop) for span in spans]) if spans else np.zeros(0, np.int64)
        )
        background = np.random.default_rng(0).permutation(len(points))[:_BACKGROUND]
        return References(
            place[self.owner[photos]],
            self.thumbs[photos],
            self.thumb_size[photos],
            self.places[points],
            self.descriptors[points],
            np.cumsum([span.stop - span.start for span in spans]),
            background,
        )


def choose(vectors: Float, most: int = _PHOTOS) -> list[int]:
    """The ``most`` of a product's photos that differ most: each next is the farthest from those before."""
    chosen = [int((vectors @ vectors.mean(axis=0)).argmax())] if len(vectors) else []
    while len(chosen) < min(most, len(vectors)):
        nearest = (vectors @ vectors[chosen].T).max(axis=1)
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
    return chosen


def refer(photos: Mapping[int, Sequence[Image]]) -> References:
    """The references from the chosen photos of each product."""
    owner, thumbs, sizes, found = [], [], [], []
    for product, images in photos.items():
        cut = [trimmed(image) for image in images]
        clean = [one.shape != image.shape for one, image in zip(cut, images, strict=True)]
        points = [keypoints(one, _KEYPOINTS if tidy else _CLUTTERED) for one, tidy in zip(cut, clean, strict=True)]
        found += _shared(points, clean)
        for one in cut:
            small = scaled(one, THUMB)
            thumb = np.zeros((THUMB, THUMB, 3), np.uint8)
            thumb[: small.shape[0], : small.shape[1]] = small
            thumbs.append(thumb)
            sizes.append((small.shape[1], small.shape[0]))
            owner.append(product)
    descriptors = np.concatenate([each.descriptors for each in found])
    rng = np.random.default_rng(0)
    background = rng.permutation(len(descriptors))[:_BACKGROUND]
    return References(
        np.array(owner, np.int64),
        np.stack(thumbs),
        np.array(sizes, np.int64),
        np.concatenate([each.places for each in found]),
        descriptors.astype(np.float16),
        np.cumsum([len(each) for each in found]),
        background,
    )


def _shared(points: list[Keypoints], clean: list[bool]) -> list[Keypoints]:
    """Of photos with a background, the keypoints that lie alike in most other photos of the product, if there are."""
    counts = [np.zeros(len(own), np.int64) for own in points]
    for a, b in combinations(range(len(points)), 2):
        if len(points[a]) > 1 and len(points[b]) > 1:
            rows, columns = _alike(points[a], points[b])
            counts[a][rows] += 1
            counts[b][np.unique(columns)] += 1
    kept = []
    for own, tidy, count in zip(points, clean, counts, strict=True):
        shared = np.flatnonzero(count)
        if tidy or len(points) == 1:
            kept.append(own)
        elif len(shared) < _LEAST_SHARED:
            kept.append(own.take(np.arange(min(len(own), _KEPT))))
        else:
            kept.append(own.take(np.sort(shared[np.argsort(-count[shared], kind="stable")[:_KEPT]])))
    return kept


def _alike(one: Keypoints, other: Keypoints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which keypoints of two photos are the same places of one flat print, as indices of both."""
    distance = 2 - 2 * one.descriptors @ other.descriptors.T
    nearest = distance.argmin(axis=1)
    two = np.partition(distance, 1, axis=1)[:, :2]
    rows = np.flatnonzero((two[:, 0] < 0.8 * two[:, 1]) & (two[:, 0] < _FAR))
    worth = _FAR - distance[rows, nearest[rows]]
    lies = align(one.places[rows], other.places[nearest[rows]], worth)
    if lies.affine is None or lies.matches < _LEAST_SHARED:
        return rows[:0], rows[:0]
    ground = np.column_stack([other.places[nearest[rows], :2], np.ones(len(rows), np.float32)])
    rows = rows[np.linalg.norm(ground @ lies.affine - one.places[rows, :2], axis=1) < 8.0]
    return rows, nearest[rows]


def worth(query: Keypoints, references: References) -> Float:
    """What a match of each keypoint of a query must be better than (n,): the squared distance to the background."""
    ground = references.descriptors[references.background].astype(np.float32)
    if not len(query) or len(ground) <= 8 * _RANK:
        return np.full(len(query), _FAR, np.float32)
    distance = 2 - 2 * query.descriptors @ ground.T
    return np.asarray(np.minimum(np.partition(distance, _RANK, axis=1)[:, _RANK], _FAR), np.float32)


def least_gain() -> float:
    """Matches that are worth less are noise."""
    return _LEAST_GAIN
