"""Finding faces, for one purpose: to blur them. Nothing here tells one face from another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes, clip, suppress, vote
from models.openvino_home import import_openvino
from models.pictures import fit
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, Runtime, read_openvino

if TYPE_CHECKING:
    from openvino import Model

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

_WEIGHTS = "face-full-range"
_SIDE = 192
_STRIDE = 4
_SAME_IOU = 0.3
_SAME_PART = 0.6
# A person's head lies within this square at the top of the person's box, in heights of the box.
_HEAD_SIDE = 0.5
_HEAD_ABOVE = 0.08
_SMALLEST_HEAD_PX = 8


class FaceDetector:
    """Finds faces with BlazeFace full range (Bazarevsky et al. 2019) on a CPU."""

    def __init__(self, weights: Path, *, threads: int | None = None) -> None:
        self._runtime: Runtime = OpenVinoRuntime(face_network(read_openvino(weights)), threads=threads)
        y, x = np.mgrid[_STRIDE / 2 : _SIDE : _STRIDE, _STRIDE / 2 : _SIDE : _STRIDE]
        self._centres = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)

    def detect(self, image: Image, min_confidence: float = 0.4) -> Boxes:
        """Faces in a uint8 (H, W, 3) BGR image, in its pixels; those under a twentieth of its longer side are missed.

        The default confidences are low, since a blurred wall costs less than a face left clear.
        """
        return self._detect_regions(image, [(0, 0, image.shape[1], image.shape[0])], min_confidence)

    def detect_in(self, image: Image, xyxy: Float, min_confidence: float = 0.3) -> Boxes:
        """Faces of the people in ``xyxy`` (n, 4) pixels: looks closely at the top of each box, so finds small ones."""
        height, width = image.shape[:2]
        return self._detect_regions(image, head_regions(xyxy, width, height), min_confidence)

    def _detect_regions(self, image: Image, regions: list[tuple[int, int, int, int]], min_confidence: float) -> Boxes:
        if not regions:
            return Boxes.empty()
        fitted = [fit(image[y1:y2, x1:x2], (_SIDE, _SIDE), padding=0) for x1, y1, x2, y2 in regions]
        logits, offsets = self._runtime.run(np.stack([each.image for each in fitted]))
        found = []
        for (x1, y1, _, _), each, logit, offset in zip(regions, fitted, logits[..., 0], offsets, strict=True):
            confidence = np.asarray(1 / (1 + np.exp(-np.clip(logit, -80, 80))), np.float32)
            likely = np.flatnonzero(confidence >= min_confidence)
            centre, half = self._centres[likely] + offset[likely, :2], offset[likely, 2:4] / 2
            candidates = Boxes(np.concatenate([centre - half, centre + half], axis=1), confidence[likely])
            kept = vote(suppress(candidates, iou=_SAME_IOU, containment=_SAME_PART), candidates, iou=_SAME_IOU)
            found.append(Boxes(each.to_picture(kept.xyxy) + np.array([x1, y1, x1, y1], np.float32), kept.confidence))
        together = Boxes(np.concatenate([each.xyxy for each in found]), np.concatenate([f.confidence for f in found]))
        once = suppress(together, iou=_SAME_IOU, containment=_SAME_PART)
        return clip(once, image.shape[1], image.shape[0])


def open_face_detector(*, threads: int | None = None) -> FaceDetector:
    """Open the detector of faces; ``threads`` limits the CPU threads, None for all."""
    return FaceDetector(fetch(_WEIGHTS), threads=threads)


def head_regions(xyxy: Float, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Where to look for the heads of people in boxes (n, 4): whole pixels x1, y1, x2, y2 inside the picture.

    The region is a square of half the box's height, or the box's width where that is more (somebody seen to the waist).
    Boxes whose head is outside or too small to have a face give none.
    """
    regions = []
    for x1, y1, x2, y2 in xyxy.tolist():
        side = max(_HEAD_SIDE * (y2 - y1), x2 - x1)
        middle, top = (x1 + x2) / 2, y1 - _HEAD_ABOVE * (y2 - y1)
        left, right = max(0, round(middle - side / 2)), min(width, round(middle + side / 2))
        upper, lower = max(0, round(top)), min(height, round(top + side))
        if right - left >= _SMALLEST_HEAD_PX and lower - upper >= _SMALLEST_HEAD_PX:
            regions.append((left, upper, right, lower))
    return regions


def face_network(model: Model) -> Model:
    """Let the published network take uint8 RGB and give logits (1, 2304, 1), then offsets (1, 2304, 16)."""
    openvino = import_openvino()
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(127.5).scale(127.5)
    built = steps.build()
    return openvino.Model(sorted(built.outputs, key=lambda output: output.shape[2]), built.get_parameters())
