"""Pictures of products as vectors: what they look like near by, and what is left of that in a few pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import UnknownWeightsError
from models.openvino_home import import_openvino
from models.products.pictures import Image, middle, squared
from models.registry import active, fetch, fetch_entries
from models.runtimes import OpenVinoRuntime, read_openvino

if TYPE_CHECKING:
    from openvino import Model

Float = NDArray[np.float32]

DETAIL: Final = 1280  # numbers of a vector's first part
_SIZE: Final = 224
_VIEWS: Final = (0.75, 0.55)  # of the picture, around its middle: what is held up is there, what is behind it is not


class ProductEmbedder:
    """Pictures to unit vectors (n, d) in two parts of equal weight.

    The first ``DETAIL`` numbers are EfficientNet-Lite0's features, which know many textures: good for large pictures,
    and only once an enrolment has learnt what varies in them. The rest are the trained network's (``aisle-products``),
    which stay alike from a catalogue's photo to a few pixels of a shelf. ``weights`` is another trained network's file;
    the weights of both are fetched where they are not cached. Raises what ``models.registry.fetch`` raises.
    """

    def __init__(self, weights: Path | None = None, *, threads: int | None = None) -> None:
        self._detail = OpenVinoRuntime(_features(fetch("efficientnet-lite0")), threads=threads)
        model = read_openvino(weights or fetch_entries([active("products")])[0])
        self._side = int(model.inputs[0].get_partial_shape()[1].get_length())
        model.reshape([1, self._side, self._side, 3])
        self._coarse = OpenVinoRuntime(model, threads=threads)
        self.dims = DETAIL + int(model.outputs[0].get_partial_shape()[1].get_length())

    def embed(self, images: Sequence[Image]) -> Float:
        """Vectors float32 (n, d) of length 1 of uint8 (H, W, 3) BGR pictures."""
        if not images:
            return np.zeros((0, self.dims), np.float32)
        return joined(self.detail(images), self.coarse(images))

    def detail(self, images: Sequence[Image]) -> Float:
        """The first part (n, ``DETAIL``), of length 1: two cuts of each picture's middle, stretched to a square."""
        total = np.zeros((len(images), DETAIL), np.float32)
        for share in _VIEWS:
            batch = np.stack([_stretched(middle(image, share)) for image in images])
            total += unit(self._detail.run(batch)[0].reshape(len(images), -1))
        return unit(total)

    def coarse(self, images: Sequence[Image]) -> Float:
        """The second part, of length 1: each whole picture in a small square."""
        return unit(self._coarse.run(np.stack([squared(image, self._side) for image in images]))[0])


def unit(vectors: NDArray[np.floating]) -> Float:
    """Vectors (..., d) scaled to length 1."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)


def joined(detail: Float, coarse: Float) -> Float:
    """Both parts as one unit vector."""
    return np.asarray(np.concatenate([detail, coarse], axis=1) * np.float32(0.5**0.5), np.float32)


def parts(vectors: Float) -> tuple[Float, Float]:
    """Both parts of vectors (n, d), each of length 1."""
    return unit(vectors[:, :DETAIL]), unit(vectors[:, DETAIL:])


def _stretched(image: Image) -> Float:
    import cv2

    how = cv2.INTER_AREA if min(image.shape[:2]) > _SIZE else cv2.INTER_CUBIC
    picture = cv2.resize(image, (_SIZE, _SIZE), interpolation=how)[..., ::-1]
    return np.asarray(picture, np.float32) / 127.5 - 1


def _features(path: Path) -> Model:
    """EfficientNet-Lite0 up to the mean of its last map."""
    model = read_openvino(path)
    pool = next(node for node in model.get_ordered_ops() if node.get_type_name() == "AvgPool")
    return import_openvino().Model([pool.output(0)], model.get_parameters())


def open_product_embedder(name: str | None = None, *, threads: int | None = None) -> ProductEmbedder:
    """With the trained network in a file, of that name in the registry, or where ``name`` is None the active one.

    Raises ``UnknownWeightsError``, and what ``models.registry.fetch`` raises.
    """
    if name is None:
        return ProductEmbedder(threads=threads)
    if Path(name).suffix in (".onnx", ".xml"):
        if not Path(name).is_file():
            raise UnknownWeightsError(f"there is no file {name}")
        return ProductEmbedder(Path(name), threads=threads)
    return ProductEmbedder(fetch(name), threads=threads)
