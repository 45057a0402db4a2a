"""Describes people by what they wear and how they are built, so that a visitor is known again for one visit.

Nothing of this is kept: a vector lives in the memory of the process that made it, for the length of a visit, and is
written nowhere. It is no means of knowing somebody on another day: other clothes are another person to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import UnknownWeightsError, UnusableNetworkError
from models.registry import active, fetch, fetch_entries
from models.runtimes import OpenVinoRuntime, read_openvino

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

_LEAST_PX: Final = 2.0  # smaller boxes are widened to it


class PersonEmbedder:
    """The network in a .onnx or .xml file of ``training.person_embedder``.

    ``dims`` is how many numbers describe a person; ``size`` the network's input (width, height). ``threads`` limits
    OpenVINO's threads, None for all. Raises ``UnusableNetworkError`` for a network of another kind.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        model = read_openvino(path)
        shape = model.inputs[0].partial_shape
        fits = len(model.inputs) == 1 and len(model.outputs) == 2 and len(shape) == 4
        if not fits or shape[1].is_dynamic or shape[2].is_dynamic or shape[3].to_string() != "3":
            raise UnusableNetworkError(
                f"{path} is no person embedder: one takes pictures (n, height, width, 3) and gives vectors and their "
                f"calibration; it has {len(model.inputs)} inputs, the first {shape}, and {len(model.outputs)} outputs"
            )
        height, width = shape[1].get_length(), shape[2].get_length()
        self.size = (width, height)
        model.reshape([1, height, width, 3])
        self._runtime = OpenVinoRuntime(model, threads=threads)
        vectors, calibration = self._runtime.run(np.zeros((1, height, width, 3), np.uint8))
        self.dims = vectors.shape[1]
        self._slope, self._offset = (float(value) for value in calibration[0])

    def embed(self, image: Image, xyxy: NDArray[np.floating]) -> Float:
        """Vectors (n, dims) of length 1 of the people in the boxes ``xyxy`` (n, 4) of a uint8 (H, W, 3) BGR image.

        Boxes bound what is seen of a person; what lies outside of the image is cut off. The scalar product of two
        vectors is near 1 for the same clothes and body, whatever the camera.
        """
        return self.embed_pictures(pictures_of(image, xyxy, self.size))

    def embed_pictures(self, pictures: Image) -> Float:
        """As ``embed`` for pictures of people uint8 (n, height, width, 3) RGB that fit the network."""
        if not len(pictures):
            return np.zeros((0, self.dims), np.float32)
        return self._runtime.run(pictures)[0]

    def same_person_probability(self, a: Float, b: Float, prior: float = 0.5) -> Float:
        """The probability (n, m) that vectors ``a`` (n, dims) and ``b`` (m, dims) are of one visitor.

        A logistic function of the scalar product, fitted on pairs from different cameras of one shop in which "the
        same" and "another" weigh alike (Platt, Probabilistic outputs for support vector machines, 1999). ``prior``, in
        (0, 1), is how probable one visitor is before looking: 1 / 20 among twenty.
        """
        logit = self._slope * (a @ b.T) + self._offset + np.log(prior / (1 - prior))
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -60, 60))), np.float32)


def pictures_of(image: Image, xyxy: NDArray[np.floating], size: tuple[int, int]) -> Image:
    """What is in boxes (n, 4) of a uint8 (H, W, 3) BGR image, stretched: uint8 (n, height, width, 3) RGB."""
    width, height = size
    found = np.empty((len(xyxy), height, width, 3), np.uint8)
    high, wide = image.shape[:2]
    for row, (x1, y1, x2, y2) in enumerate(np.asarray(xyxy, np.float64).reshape(-1, 4).tolist()):
        left, right = _span(x1, x2, wide)
        top, bottom = _span(y1, y2, high)
        inside = image[top:bottom, left:right]
        shrinks = inside.shape[0] > height or inside.shape[1] > width
        sized = cv2.resize(inside, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        found[row] = cv2.cvtColor(sized, cv2.COLOR_BGR2RGB)
    return found


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    """Whole pixels from ``low`` to ``high`` within 0 to ``length``, at least one."""
    high = max(high, low + _LEAST_PX)
    first = int(np.clip(round(low), 0, length - 1))
    return first, int(np.clip(round(high), first + 1, length))


def open_person_embedder(name: str | None = None, *, threads: int | None = None) -> PersonEmbedder:
    """The embedder in a file, of that name in the registry, or where ``name`` is None what is promoted or shipped.

    Raises ``UnknownWeightsError``, ``UnusableNetworkError``, and what ``models.registry.fetch`` raises.
    """
    if name is None:
        return PersonEmbedder(fetch_entries([active("persons")])[0], threads=threads)
    if Path(name).suffix in (".onnx", ".xml"):
        if not Path(name).is_file():
            raise UnknownWeightsError(f"there is no file {name}")
        return PersonEmbedder(Path(name), threads=threads)
    return PersonEmbedder(fetch(name), threads=threads)
