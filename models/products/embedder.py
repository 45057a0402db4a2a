"""Pictures of products as vectors: what they look like near by, and what is left of that in a few pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.errors import UnknownWeightsError
from models.openvino_home import import_openvino
from models.products.colours import COLOURS, colour_vectors
from models.products.pictures import Image, middle, squared
from models.registry import active, fetch, fetch_entries
from models.runtimes import OpenVinoRuntime, read_openvino

if TYPE_CHECKING:
    from openvino import Model

Float = NDArray[np.float32]

_FEATURES: Final = 1280
_COLOURS_COUNT: Final = 0.3  # beside the features
DETAIL: Final = _FEATURES + COLOURS  # numbers of a vector's first part
# Shares of the picture around its middle, where what is held up is and what is behind it is not, and the sides in
# pixels at which they are looked at.
_VIEWS: Final = ((0.75, 288), (0.55, 224))
_POWER: Final = 3.0
_AT_ONCE: Final = 16


class ProductEmbedder:
    """Pictures to unit vectors (n, d) in two parts of equal weight.

    The first ``DETAIL`` numbers are EfficientNet-Lite0's features, which know many textures, and a histogram of
    colours: good for large pictures, and only once an enrolment has learnt what varies in them. The rest are the
    trained network's (``aisle-products``), which stay alike from a catalogue's photo to a few pixels of a shelf.
    ``weights`` is another trained network's file; the weights of both are fetched where they are not cached. Raises
    what ``models.registry.fetch`` raises.
    """

    def __init__(self, weights: Path | None = None, *, threads: int | None = None) -> None:
        path = fetch("efficientnet-lite0")
        self._detail = [OpenVinoRuntime(_features(path, side), threads=threads) for _, side in _VIEWS]
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
        """The first part (n, ``DETAIL``), of length 1: two cuts of each picture's middle, stretched to a square, and
        ``colour_vectors``.

        The cube roots of the mean cubes of what the network sees at each place (Radenovic et al., Fine-tuning CNN Image
        Retrieval with No Human Annotation, 2018), which what is strong in few places says more in than in a mean.
        """
        total = np.zeros((len(images), _FEATURES), np.float32)
        for (share, side), network in zip(_VIEWS, self._detail, strict=True):
            for start in range(0, len(images), _AT_ONCE):
                several = images[start : start + _AT_ONCE]
                batch = np.stack([_stretched(middle(image, share), side) for image in several])
                maps = network.run(batch)[0].reshape(len(several), _FEATURES, -1)
                total[start : start + len(several)] += unit((maps**_POWER).mean(axis=2) ** (1 / _POWER))
        return unit(np.concatenate([unit(total), _COLOURS_COUNT * colour_vectors(images)], axis=1))

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


def _stretched(image: Image, side: int) -> Float:
    import cv2

    how = cv2.INTER_AREA if min(image.shape[:2]) > side else cv2.INTER_CUBIC
    picture = cv2.resize(image, (side, side), interpolation=how)[..., ::-1]
    return np.asarray(picture, np.float32) / 127.5 - 1


def _features(path: Path, side: int) -> Model:
    """EfficientNet-Lite0 up to its last map, (1, 1280, h, w) of a picture of ``side`` pixels."""
    openvino = import_openvino()
    model = read_openvino(path)
    pool = next(node for node in model.get_ordered_ops() if node.get_type_name() == "AvgPool")
    features = openvino.Model([pool.input_value(0)], model.get_parameters())
    features.reshape([1, side, side, 3])
    return features


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
