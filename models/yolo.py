"""Any ultralytics detection or pose weights, for people: YOLO26's answers without suppression, and the older heads'."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.boxes import Boxes, clip, suppress
from models.errors import UnknownWeightsError, UnusableNetworkError
from models.exports import class_names, convert, with_uint8_input
from models.pictures import fit
from models.runtimes import OpenVinoRuntime, Runtime, TorchRuntime, from_uint8, read_openvino
from store.cache import cache_dir

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

STEP = 32
_PADDING = 114
_SAME_IOU = 0.6
_POINTS = 17
_DEFAULT_SIZE = (640, 384)


class Yolo:
    """Finds people with a network that takes uint8 RGB pictures of ``size`` (width, height)."""

    def __init__(self, runtime: Runtime, *, size: tuple[int, int], person: int, classes: int = 0) -> None:
        self.size = size
        self._runtime = runtime
        self._person = person
        self._classes = classes

    def detect(self, images: Sequence[Image], min_confidence: float = 0.1) -> list[Boxes]:
        """People in each uint8 (H, W, 3) BGR image, in its pixels."""
        if not images:
            return []
        fitted = [fit(image, self.size, padding=_PADDING) for image in images]
        parts = self._runtime.run(np.stack([each.image for each in fitted]))
        outputs = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
        found = []
        for image, each, output in zip(images, fitted, outputs, strict=True):
            answer = decode(output, self._person, min_confidence, self._classes)
            points = None if answer.keypoints is None else (answer.keypoints / (*each.scale, 1)).astype(np.float32)
            boxes = Boxes(each.to_picture(answer.xyxy), answer.confidence, points)
            boxes = clip(boxes, image.shape[1], image.shape[0])
            found.append(boxes if is_end_to_end(output) else suppress(boxes, iou=_SAME_IOU))
        return found


def decode(output: Float, person: int, min_confidence: float, classes: int = 0) -> Boxes:
    """The class ``person`` of one picture's answer, in the input's pixels, by falling confidence.

    The answer is (n, 6), rows of x1, y1, x2, y2, confidence, class, from an end-to-end head (YOLO26, YOLOv10), or
    (4 + classes, n), columns of centre x, y, width, height and each class's confidence (YOLOv8, YOLO11), many a person.
    A pose network's has x, y, confidence of 17 keypoints besides, after these; of many a person it is told by the
    number of ``classes``.
    """
    if is_end_to_end(output):
        rows = output[(output[:, 5] == person) & (output[:, 4] >= min_confidence)]
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        return Boxes(rows[:, :4], rows[:, 4], rows[:, 6:].reshape(-1, _POINTS, 3) if output.shape[1] > 6 else None)
    confidence = output[4 + person]
    likely = np.flatnonzero(confidence >= min_confidence)
    likely = likely[np.argsort(-confidence[likely], kind="stable")]
    centre, half = output[:2, likely].T, output[2:4, likely].T / 2
    posed = classes and len(output) == 4 + classes + 3 * _POINTS
    keypoints = output[4 + classes :, likely].T.reshape(-1, _POINTS, 3) if posed else None
    return Boxes(np.concatenate([centre - half, centre + half], axis=1), confidence[likely], keypoints)


def is_end_to_end(output: Float) -> bool:
    """Whether an answer is one box a person already, (n, 6) or more with keypoints, or many, (4 + classes, n)."""
    return bool(output.shape[1] in (6, 6 + 3 * _POINTS))


def open_yolo(
    path: Path, *, size: tuple[int, int] | None = None, device: str = "cpu", threads: int | None = None
) -> Yolo:
    """Open ultralytics detection weights: a .pt file, an exported .onnx or .xml file, or an exported OpenVINO folder.

    On "cpu" a .pt file runs in OpenVINO: it is converted once for each size, which needs torch, and kept in the cache.
    On "cuda" and on "torch" (a CPU, for comparison) it runs in torch. ``size`` is (width, height), multiples of 32; an
    exported file has its own, and another one is refused. Raises ``UnknownWeightsError``, ``UltralyticsMissingError``
    or ``UnusableNetworkError``.
    """
    if not path.exists():
        raise UnknownWeightsError(f"there is no weights file {path}")
    if path.suffix != ".pt":
        if device != "cpu":
            raise UnusableNetworkError(
                f"{path} is an export, which runs on 'cpu' alone; for {device!r} give the .pt file"
            )
        return _open_export(path, size, threads)
    size = size or _DEFAULT_SIZE
    if min(size) < STEP or size[0] % STEP or size[1] % STEP:
        raise UnusableNetworkError(f"size must be two multiples of {STEP} (width, height), got {size[0]}x{size[1]}")
    if device == "cpu":
        return _open_export(converted(path, size), size, threads)
    from models.ultralytics_home import decode_in_float32, load_network

    network, names = load_network(path)
    if device != "torch":
        decode_in_float32(network)
    runtime = TorchRuntime(from_uint8(network), device="cpu" if device == "torch" else device)
    return Yolo(runtime, size=size, person=person_class(names, path), classes=len(names))


def converted(path: Path, size: tuple[int, int]) -> Path:
    """The OpenVINO form of a .pt file at this size, from the cache where it was made before."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache_dir() / "converted" / f"{path.stem}-{digest[:16]}-{size[0]}x{size[1]}.xml"
    if not target.exists():
        convert(path, size, target)
    return target


def person_class(names: Mapping[int, str], path: Path) -> int:
    """The index of "person", or of the only class; raises ``UnusableNetworkError``."""
    if not names:
        raise UnusableNetworkError(f"{path} carries no class names: export it with ultralytics")
    for index, name in names.items():
        if name.lower() == "person" or len(names) == 1:
            return int(index)
    raise UnusableNetworkError(f"{path} knows no class 'person', only: {', '.join(names.values())}")


def _open_export(path: Path, size: tuple[int, int] | None, threads: int | None) -> Yolo:
    if path.is_dir():
        files = sorted(path.glob("*.xml"))
        if len(files) != 1:
            raise UnusableNetworkError(
                f"{path} should hold one .xml file, an exported OpenVINO network; it holds {len(files)}"
            )
        path = files[0]
    model = read_openvino(path)
    names = class_names(model)
    person = person_class(names, path)
    model = with_uint8_input(model)
    shape = model.inputs[0].partial_shape
    if shape.is_dynamic:
        width, height = size or _DEFAULT_SIZE
        # An export may take any number of pictures, and yet pictures of one size.
        height = height if shape[1].is_dynamic else shape[1].get_length()
        width = width if shape[2].is_dynamic else shape[2].get_length()
        model.reshape([1, height, width, 3])
    own = (int(model.inputs[0].shape[2]), int(model.inputs[0].shape[1]))
    if size is not None and size != own:
        raise UnusableNetworkError(
            f"{path} was exported for {own[0]}x{own[1]}: give that size or none, not {size[0]}x{size[1]}"
        )
    runtime = OpenVinoRuntime(model, threads=threads, exact=True)
    return Yolo(runtime, size=own, person=person, classes=len(names))
