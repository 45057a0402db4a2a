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
    """The detection network in a .pt file and its class names.

    The network computes in float32 and gives one tensor. Where it has an end-to-end head that head answers, so that no
    suppression is needed. Raises ``UltralyticsMissingError``, or ``UnusableNetworkError`` for a file that holds no
    detection network.
    """
    import_ultralytics()
    from ultralytics.nn.tasks import DetectionModel, load_checkpoint

    network: Any = load_checkpoint(path)[0]
    if type(network) is not DetectionModel:
        raise UnusableNetworkError(f"{path} holds a {type(network).__name__}, which is no detection network")
    head = network.model[-1]
    if getattr(head, "one2one_cv2", None) is not None:
        network.end2end = True
    head.export = True
    fused: torch.nn.Module = network.fuse(verbose=False).eval()
    return fused, dict(network.names)


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
