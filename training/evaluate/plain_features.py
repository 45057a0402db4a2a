"""Features of networks that nobody trained for it, to compare an embedder with: ImageNet's, of what is in a box."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.openvino_home import import_openvino
from models.persons import pictures_of
from models.registry import fetch
from models.runtimes import OpenVinoRuntime, Runtime, TorchRuntime, read_openvino
from training.evaluate.extra import extra

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

SIZE: Final = (224, 224)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PlainFeatures:
    """Boxes stretched to 224x224, through a network to its last mean over places: vectors (n, 1280) of length 1.

    ``name`` is ``efficientnet-lite0`` or ``mobilenetv2-bottleneck``, fetched where it is not cached.
    """

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        self._lite = name == "efficientnet-lite0"
        self._runtime = _lite0(threads) if self._lite else _mobilenet()

    def embed(self, image: Image, xyxy: NDArray[np.float32]) -> Float:
        """Vectors (n, 1280) of boxes (n, 4) of a uint8 (H, W, 3) BGR image."""
        if not len(xyxy):
            return np.zeros((0, 1280), np.float32)
        pictures = pictures_of(image, xyxy, SIZE).astype(np.float32)
        if self._lite:
            given = (pictures - 127.0) / 128.0
        else:
            given = ((pictures / 255 - _MEAN) / _DEVIATION).astype(np.float32).transpose(0, 3, 1, 2)
        found = self._runtime.run(given)[0].reshape(len(xyxy), -1)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def _lite0(threads: int | None) -> Runtime:
    model = read_openvino(fetch("efficientnet-lite0"))
    pooled = next(node for node in model.get_ordered_ops() if node.get_type_name() == "AvgPool")
    return OpenVinoRuntime(import_openvino().Model([pooled.output(0)], model.get_parameters()), threads=threads)


def _mobilenet() -> Runtime:
    with extra():
        import torch
        from torchvision.models import mobilenet_v2

    network = mobilenet_v2(weights=None)
    saved = torch.load(fetch("mobilenetv2-bottleneck"), map_location="cpu", weights_only=True)
    # The file has older names for the same layers in the same order.
    network.features.load_state_dict(dict(zip(network.features.state_dict(), saved.values(), strict=True)))
    network.classifier = torch.nn.Identity()
    return TorchRuntime(network)
