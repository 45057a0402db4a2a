"""What a network is shown of a picture: a part of it at some scale, mirrored or not, in some light; and its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.sample import Sample

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

PADDING: Final = 127


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The n people of one view: ``xyxy`` float32 (n, 4) pixels, what is seen of them; ``ignored`` bool (n,): too little
    is seen to ask for them.
    """

    xyxy: Float
    ignored: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Views:
    """How views are drawn.

    ``scales``: the range of a picture's scale, 1 being that at which a whole picture fills ``whole`` (width, height),
    the size of use; drawn evenly in its logarithm. People seen by less than ``least_seen`` of their body or on fewer
    than ``least_area`` pixels of the view are ignored. ``light`` is the strength of changes of light, colour, sharpness
    and noise, 0 for none.
    """

    whole: tuple[int, int] = (640, 384)
    scales: tuple[float, float] = (0.55, 1.15)
    stretch: float = 1.12
    least_seen: float = 0.2
    least_area: float = 150.0
    light: float = 1.0

    def draw(
        self, image: Image, sample: Sample, size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[Image, People]:
        """A view uint8 RGB (h, w, 3) of ``size`` (width, height) of a BGR image, and the people in it."""
        height, width = image.shape[:2]
        scale = np.exp(rng.uniform(*np.log(self.scales)))
        uneven = np.exp(rng.uniform(-1, 1) * np.log(self.stretch))
        sx, sy = scale * self.whole[0] / width * uneven, scale * self.whole[1] / height / uneven
        mirror = bool(rng.random() < 0.5)
        # Where the view begins within the scaled picture; below zero where the picture is the smaller one.
        left, top = (rng.uniform(min(free, 0), max(free, 0)) for free in (width * sx - size[0], height * sy - size[1]))
        matrix = np.array([[sx, 0, -left], [0, sy, -top]], np.float32)
        if mirror:
            matrix = np.array([[-sx, 0, width * sx - left], [0, sy, -top]], np.float32)
        view = cv2.warpAffine(
            _smaller(image, min(sx, sy)), matrix @ _undo(image, min(sx, sy)), size, borderValue=(PADDING,) * 3
        )
        people = self._people(sample, matrix, size)
        shown = np.asarray(cv2.cvtColor(view, cv2.COLOR_BGR2RGB), np.uint8)
        return lit(shown, self.light, rng) if self.light else shown, people

    def _people(self, sample: Sample, matrix: Float, size: tuple[int, int]) -> People:
        corners = sample.xyxy.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
        whole = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        xyxy = np.clip(whole, 0, [*size, *size])
        area, kept = _area(xyxy), _area(xyxy) / np.maximum(_area(whole), 1e-6)
        seen = shares(sample.details, len(sample)) * kept
        ignored = (seen < self.least_seen) | (area < self.least_area) | ~sample.counted
        there = area > 0
        return People(xyxy[there].astype(np.float32), ignored[there])


def shares(details: Sequence[Any], count: int) -> NDArray[np.float64]:
    """How much of each of ``count`` people's bodies is seen, (n,) in 0..1; 1 where a dataset does not say."""
    return np.array([each.get("visible_share", 1.0) for each in details] if details else np.ones(count), np.float64)


def _area(xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1]))


def _smaller(image: Image, scale: float) -> Image:
    """The image halved where it will be shown at half its size or less: linear interpolation alone would alias."""
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if scale <= 0.5 else image  # type: ignore[return-value]


def _undo(image: Image, scale: float) -> Float:
    return np.diag([2.0, 2.0, 1.0] if scale <= 0.5 else [1.0, 1.0, 1.0]).astype(np.float32)


def lit(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Other exposure, white balance, colourfulness, gamma, sharpness, noise and compression."""
    gains = np.exp(rng.normal(0, 0.06 * strength, 3) + rng.normal(0, 0.2 * strength))
    picture = image.astype(np.float32) * gains.astype(np.float32)
    if rng.random() < 0.5:
        grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
        share = 0.0 if rng.random() < 0.15 else float(np.exp(rng.normal(0, 0.3 * strength)))
        picture = np.asarray(grey[..., None] * (1 - share) + picture * share, np.float32)
    gamma = float(np.exp(rng.normal(0, 0.2 * strength)))
    picture = np.asarray(255 * np.clip(picture / 255, 0, 1) ** gamma, np.float32)
    if rng.random() < 0.3 * strength:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2)), np.float32)
    if rng.random() < 0.4 * strength:
        noise = rng.standard_normal(picture.shape[:2], np.float32)[..., None] * rng.uniform(1, 10)
        picture = np.asarray(picture + noise, np.float32)
    shown = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        code = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 85))])[1]
        shown = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return shown
