"""The one door to ultralytics: it is imported here so that it neither phones home nor installs anything."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from models.errors import UltralyticsMissingError, UnusableNetworkError
from store.cache import cache_dir

if TYPE_CHECKING:
    import torch


def import_ultralytics() -> ModuleType:
    """The package ``ultralytics``, offline: no download, no telemetry, no pip, its files under Aisle's cache folder.

    Checkpoints are read with torch's safe loader, which runs no code from the file. Raises ``UltralyticsMissingError``.
    """
    home = cache_dir() / "ultralytics"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "true"
    os.environ.setdefault("YOLO_CONFIG_DIR", str(home))
    os.environ.setdefault("YOLO_VERBOSE", "false")
    try:
        import ultralytics
    except ImportError as error:
        raise UltralyticsMissingError(
            f"ultralytics weights need torch and ultralytics ({error}). Install them with `pip install 'aisle[gpu]'`."
        ) from error
    folders = {f"{name}_dir": str(home / name) for name in ("datasets", "weights", "runs")}
    ultralytics.settings.update({"sync": False, **folders})
    module: ModuleType = ultralytics
    return module


def load_network(path: Path) -> tuple[torch.nn.Module, dict[int, str]]:
    """The detection or pose network in a .pt file and its class names.

    The network computes in float32 and gives one tensor. Where it has an end-to-end head that head answers, so that no
    suppression is needed. Raises ``UltralyticsMissingError``, or ``UnusableNetworkError`` for a file that holds no
    such network.
    """
    import_ultralytics()
    from ultralytics.nn.tasks import DetectionModel, PoseModel, load_checkpoint

    network: Any = load_checkpoint(path)[0]
    if type(network) not in (DetectionModel, PoseModel):
        raise UnusableNetworkError(f"{path} holds a {type(network).__name__}, which is no detection or pose network")
    head = network.model[-1]
    if getattr(head, "one2one_cv2", None) is not None:
        network.end2end = True
    head.export = True
    fused: torch.nn.Module = network.fuse(verbose=False).eval()
    return fused, dict(network.names)


def load_unsorted_network(path: Path) -> tuple[torch.nn.Module, dict[int, str], bool]:
    """The network in a .pt file as it is exported, its class names, and whether it has keypoints.

    It takes uint8 RGB ``pictures`` (n, h, w, 3) and answers for each of a places: boxes (n, 4, a), centre and size in
    pixels, scores (n, classes, a) in [0, 1] and, of a pose network, keypoints (n, k * 3, a). An end-to-end head answers
    without picking its best: to sort near-equal scores would let two runtimes answer in another order.
    """
    import torch

    from models.runtimes import from_uint8

    network, names = load_network(path)
    head: Any = network.model[-1]  # type: ignore[index]
    ends, classes = bool(head.end2end), int(head.nc)
    head.dynamic = True  # else it compares the number of pictures with the last one, which fixes that number in exports
    if ends:
        head.postprocess = lambda answer: answer.permute(0, 2, 1)

    class Unsorted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
            answer = self.network(pictures)
            boxes, scores, keypoints = answer[:, :4], answer[:, 4 : 4 + classes], answer[:, 4 + classes :]
            if ends:
                first, last = boxes[:, :2], boxes[:, 2:]
                boxes = torch.cat([(first + last) / 2, last - first], dim=1)
            return (boxes, scores, keypoints) if hasattr(head, "kpt_shape") else (boxes, scores)

    return from_uint8(Unsorted()), names, hasattr(head, "kpt_shape")


def decode_in_float32(network: torch.nn.Module) -> None:
    """Let the head of a network that will run in float16 place its boxes in float32.

    Float16 has steps of half a pixel beyond pixel 512, and of one beyond 1024.
    """
    import torch

    layers: Any = network.model
    head = layers[-1]
    plain: Callable[[dict[str, Any]], torch.Tensor] = head._get_decode_boxes

    def exact(answer: dict[str, Any]) -> torch.Tensor:
        # The feature maps give the grid of cells its shape and type; their values are not used.
        maps = [torch.empty_like(each, dtype=torch.float32) for each in answer["feats"]]
        return plain({**answer, "feats": maps})

    head._get_decode_boxes = exact
