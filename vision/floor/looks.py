"""What people look like in each camera, for as long as they are followed: colours of now against colours of before.

Only what one camera saw is compared: light, white balance and angle differ too much between cameras. Vectors live with
the track in memory, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.appearance import colour_embedding
from vision.detections import Detections
from vision.floor.observations import Observations
from vision.floor.staff import Rgb, vest_share

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]
Image = NDArray[np.uint8]

LATER: Final = 0.3
"""What later looks count beside one: who is followed as one may be another soon."""
_EARLIER: Final = 0.9  # what earlier looks count beside a newer one
_COVERED: Final = 0.2  # of a box that nearer people's boxes cover: from then on it shows them too
# Log odds over the cosine of two looks, of two people and of one more than 1 s apart (simulated, crowd_8, seed 530).
_SLOPE: Final = 25.0  # 20 by that; with 25 fewer are followed as two (simulated, crowd_20, seeds 530, 531, 540)
_EVEN: Final = 0.775
_MOST: Final = 3.0  # that one camera speaks at most, either way


def described(image: Image, people: Detections, vest: Rgb | None) -> Detections:
    """``people`` with their colours, where they have no vectors yet, and how much of the colour ``vest`` they wear."""
    looks = colour_embedding(image, people.xyxy) if people.embedding is None else people.embedding
    share = None if vest is None else vest_share(image, people, vest)
    return replace(people, embedding=looks, vest=share)


def width(detections: Iterable[Detections]) -> int:
    """The length of appearance vectors, 0 where there are none. Raises ``ValueError`` where lengths differ."""
    found = {each.embedding.shape[1] for each in detections if each.embedding is not None}
    if len(found) > 1:
        raise ValueError(f"appearance vectors must have one length, got {sorted(found)}")
    return max(found, default=0)


def widened(looks: Float, length: int) -> Float:
    """Looks (n, cameras, d) of whom nothing is known, as vectors of another length."""
    return np.zeros((*looks.shape[:2], length))


def vectors(cameras: Sequence[str], detections: Mapping[str, Detections], seen: Observations, length: int) -> Float:
    """The appearance (n, length) of the boxes ``seen`` by ``cameras``; zeros where it is not known or not clear."""
    found = np.zeros((len(seen), length))
    for camera, name in enumerate(cameras):
        if name in detections and (looks := detections[name].embedding) is not None:
            own = np.flatnonzero(seen.camera == camera)
            found[own] = (looks * clear(detections[name].xyxy)[:, None])[seen.box[own]]
    return found


def clear(xyxy: NDArray[np.float32]) -> Bools:
    """Which boxes (n, 4) of a picture show one person: no nearer one, whose box ends lower, covers much of them."""
    low = np.maximum(xyxy[:, None, :2], xyxy[None, :, :2])
    high = np.minimum(xyxy[:, None, 2:], xyxy[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(axis=-1)
    size = np.maximum((xyxy[:, 2:] - xyxy[:, :2]).prod(axis=-1), 1e-9)
    nearer = xyxy[None, :, 3] > xyxy[:, None, 3]
    return np.asarray(np.where(nearer, common / size[:, None], 0.0).max(axis=1, initial=0.0) < _COVERED)


def remembered(before: Float, now: Float, share: float = _EARLIER) -> Float:
    """Looks (n, cameras, d): those of ``now``, zeros where a camera shows nothing, and those ``before`` that fade."""
    shown = now.any(axis=-1, keepdims=True)
    return np.where(shown, share * before + now, before)


def speaks(one: Float, other: Float) -> Float:
    """What looks (..., d) of one camera speak for being one person's, log odds (...); 0 where either is not known."""
    size = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    cosine = (one * other).sum(axis=-1) / np.where(size > 0, size, 1.0)
    return np.where(size > 0, np.clip(_SLOPE * (cosine - _EVEN), -_MOST, _MOST), 0.0)
