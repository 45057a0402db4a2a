"""Blurring heads: the only way from a frame to a picture that may be stored or shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras.frame import Frame
from models.boxes import Boxes
from vision.blurred import BlurredPicture, Image, blurred
from vision.detections import Detections, Tracks
from vision.heads import HeadMemory, face_regions, head_regions

Float = NDArray[np.float32]

# How many cells of colour are left along the longer side of a region, which is about twice as wide as a face.
_CELLS = 5
_FEATHER = 0.08
# A face smaller than a twentieth of what the network is given is missed, so a large picture is searched in parts.
_PART_PX = 960
_PART_OVERLAP = 0.1


class FaceFinder(Protocol):
    """Finds faces: ``models.faces.FaceDetector``."""

    def detect(self, image: Image) -> Boxes:
        """Faces in a uint8 (H, W, 3) BGR image, in its pixels."""
        ...


class PictureBlur:
    """Blurs the head of every person given and every face found, so that nobody can be recognised.

    The regions of ``vision.heads`` are reduced to a few cells of mean colour and these smoothed: the detail is not
    spread but gone. Heads missed in single frames stay covered for ``hold_s`` seconds of footage. One object may serve
    many cameras, from one thread.
    """

    def __init__(self, faces: FaceFinder, *, hold_s: float = 0.5) -> None:
        self._faces = faces
        self._hold_s = hold_s
        self._memory: dict[str, HeadMemory] = {}

    def blur(self, frame: Frame, *people: Detections | Tracks | Float) -> BlurredPicture:
        """A blurred copy of ``frame``. ``people`` are all its boxes (n, 4) in pixels, weak detections too."""
        faces = face_regions(find_faces(self._faces, frame.image))
        image = frame.image.copy()
        for region in self._remember(frame, np.concatenate([_heads(frame, people), faces])):
            blur_region(image, region)
        return blurred(image, frame.camera, frame.captured_at)

    def notice(self, frame: Frame, *people: Detections | Tracks | Float) -> None:
        """Remember the heads of a frame that nobody wants to see, for the frames after it. Costs nearly nothing."""
        self._remember(frame, _heads(frame, people))

    def _remember(self, frame: Frame, regions: Float) -> Float:
        memory = self._memory.setdefault(frame.camera, HeadMemory(self._hold_s))
        return memory.update(regions, frame.captured_at)

    def reset(self) -> None:
        """Forget the heads of earlier frames, of all cameras."""
        self._memory.clear()


def _heads(frame: Frame, people: Sequence[Detections | Tracks | Float]) -> Float:
    boxes = [each.xyxy if isinstance(each, Detections | Tracks) else np.asarray(each, np.float32) for each in people]
    together = np.concatenate([each.reshape(-1, 4) for each in boxes]) if boxes else np.zeros((0, 4), np.float32)
    return head_regions(together, frame.size)


def find_faces(faces: FaceFinder, image: Image) -> Float:
    """Faces (n, 4) in pixels: searched in the whole picture, and in overlapping parts of a large one."""
    height, width = image.shape[:2]
    found = [faces.detect(image).xyxy]
    if max(width, height) > _PART_PX:
        for top, bottom in _parts(height):
            for left, right in _parts(width):
                inside = faces.detect(image[top:bottom, left:right]).xyxy
                found.append(inside + np.array([left, top, left, top], np.float32))
    return np.concatenate(found)


def blur_region(image: Image, region: Float) -> None:
    """Blur ``region`` x1, y1, x2, y2 of a uint8 (H, W, 3) image in place; around it the blur fades out."""
    height, width = image.shape[:2]
    feather = _FEATHER * float(max(region[2] - region[0], region[3] - region[1])) + 1
    left, top = max(0, math.floor(region[0] - feather)), max(0, math.floor(region[1] - feather))
    right, bottom = min(width, math.ceil(region[2] + feather)), min(height, math.ceil(region[3] + feather))
    if right <= left or bottom <= top:
        return
    clear = image[top:bottom, left:right]
    cell = max(right - left, bottom - top) / _CELLS
    cells = max(1, round((right - left) / cell)), max(1, round((bottom - top) / cell))
    mosaic = cv2.resize(clear, cells, interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(mosaic, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    share_x = _ramp(np.arange(left, right) + 0.5, float(region[0]), float(region[2]), feather)
    share_y = _ramp(np.arange(top, bottom) + 0.5, float(region[1]), float(region[3]), feather)
    share = share_y[:, None] * share_x[None]
    clear[:] = cv2.blendLinear(smooth, clear, share, 1 - share)


def _ramp(at: NDArray[np.float64], start: float, end: float, feather: float) -> Float:
    """1 from ``start`` to ``end``, falling to 0 within ``feather`` outside of them."""
    outside = np.maximum(np.maximum(start - at, at - end), 0)
    return np.clip(1 - outside / feather, 0, 1).astype(np.float32)


def _parts(length: int) -> Iterator[tuple[int, int]]:
    count = max(1, math.ceil(length / _PART_PX))
    margin = _PART_OVERLAP * length / count
    for i in range(count):
        yield max(0, math.floor(i * length / count - margin)), min(length, math.ceil((i + 1) * length / count + margin))
