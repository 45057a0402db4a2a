"""Batches for the product embedder: crops of packages beside one another, and the catalogue's photos of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.products.pictures import squared, trimmed
from training.package_sets import VIEWS, PackageSet

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Variation:
    """How much pictures are varied: the largest ``shift`` and ``margin`` of a crop, in its longer side; shares of
    crops that are ``turned``, made ``coarse`` and partly ``hidden``; the deviations of ``light`` and ``tint``.
    """

    shift: float = 0.1
    margin: float = 0.25
    turned: float = 0.25
    coarse: float = 0.3
    hidden: float = 0.2
    light: float = 0.2
    tint: float = 0.06


class ProductBatches:
    """Draws ``places`` neighbourhoods of ``near`` products that stand side by side; a crop and a photo of each product.

    Calling it with a step's number gives ``crops`` and ``photos`` uint8 (b, size, size, 3) RGB, ``product`` and
    ``look`` int64 (b,): neighbours are the hardest to tell apart, and the ones that must be.
    """

    def __init__(
        self, sets: Sequence[PackageSet], *, places: int, near: int, size: int, variation: Variation, seed: int
    ) -> None:
        self._sets = tuple(sets)
        self._places, self._near, self._size = places, near, size
        self._variation, self._seed = variation, seed
        self._rows = [{int(p): np.flatnonzero(each.product == p) for p in np.unique(each.product)} for each in sets]

    def __call__(self, step: int) -> dict[str, Tensor]:
        """The batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        crops, photos, product, look = [], [], [], []
        for _ in range(self._places):
            which = int(rng.integers(len(self._sets)))
            shop, rows = self._sets[which], self._rows[which]
            middle = int(rng.choice(list(rows)))
            near = [int(p) for p in shop.neighbours[middle] if p in rows]
            for one in near[: self._near]:
                row = int(rng.choice(rows[one]))
                crops.append(self._crop(shop, row, rng))
                view = int(rng.integers(len(VIEWS)))
                photos.append(squared(_toned(trimmed(shop.photo(one, view)), rng, 0.05, 0.02), self._size))
                product.append(which * 10_000 + one)
                look.append(which * 10_000 + int(shop.look[one]))
        return {
            "crops": torch.from_numpy(np.stack(crops)),
            "photos": torch.from_numpy(np.stack(photos)),
            "product": torch.tensor(product),
            "look": torch.tensor(look),
        }

    def _crop(self, shop: PackageSet, row: int, rng: np.random.Generator) -> Image:
        how = self._variation
        dx, dy = rng.uniform(-how.shift, how.shift, 2)
        image = shop.cut(row, float(rng.uniform(0.0, how.margin)), (float(dx), float(dy)))
        if rng.random() < how.turned:
            image = _turned(image, float(rng.normal(0.0, 40.0)))
        if rng.random() < how.coarse:
            image = _coarse(image, float(rng.uniform(0.4, 0.9)))
        image = _toned(image, rng, how.light, how.tint)
        picture = squared(image, self._size)
        if rng.random() < how.hidden:
            _hide(picture, rng)
        return picture


def _turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _coarse(image: Image, factor: float) -> Image:
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8) if min(small.shape[:2]) >= 4 else image


def _toned(image: Image, rng: np.random.Generator, light: float, tint: float) -> Image:
    gain = np.exp(rng.normal(0.0, light) + rng.normal(0.0, tint, 3))
    contrast = np.exp(rng.normal(0.0, light / 2))
    values = (image.astype(np.float32) - 127) * contrast + 127
    return np.asarray(np.clip(values * gain, 0, 255), np.uint8)


def _hide(picture: Image, rng: np.random.Generator) -> None:
    """Cover a part, as a hand does."""
    size = len(picture)
    width, height = rng.integers(size // 6, size // 2, 2)
    x, y = rng.integers(0, size - width), rng.integers(0, size - height)
    picture[y : y + height, x : x + width] = rng.integers(0, 255, 3)
