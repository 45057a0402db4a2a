"""YOLO weights for both sides of a comparison, and the detectors side by side.

There are no YOLO weights that find people and are as small as those that shops use, so that YOLO26n is untrained: its
random weights cost what trained ones do. Its last layer is set so that it finds about as many boxes as a shop has
people, which both sides must then follow. YOLOv8s has real weights (``yolov8s-people`` of the registry).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Finding, cpu_in_turns, milliseconds
from models.boxes import overlaps
from models.registry import fetch
from models.ultralytics_home import import_ultralytics
from models.yolo import open_yolo

Image = NDArray[np.uint8]

SIZE: Final = (640, 384)
"""The input (width, height) that ultralytics gives pictures of 640x360 by its defaults."""
CONFIDENCE: Final = 0.25  # ultralytics' default
_BOXES: Final = 4
_SPREAD: Final = 8.0
_SAME_IOU: Final = 0.9


def untrained(folder: Path, pictures: Sequence[Image], network: str = "yolo26n.yaml") -> Path:
    """A .pt file of a network with random weights that finds ``_BOXES`` "persons" in the middle one of pictures.

    Its scores of persons are stretched to a spread of ``_SPREAD`` between places, and those of other classes are low.
    """
    path = folder / f"{Path(network).stem}-untrained.pt"
    ultralytics = import_ultralytics()
    import torch

    torch.manual_seed(0)
    yolo = ultralytics.YOLO(network)
    model: Any = yolo.model
    model.names = {0: "person", **{number: f"thing{number}" for number in range(1, len(model.names))}}
    head = model.model[-1]
    # Ultralytics answers by the one head and suppresses, we by the other, which needs none; both begin alike.
    ends = [layers[-1] for layers in head.one2one_cv3]
    many = [layers[-1] for layers in head.cv3]
    # Of a new network the statistics of its layers do not fit, and all places look alike.
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean over all that it sees
    model.train()
    with torch.no_grad():
        batch = torch.stack([_tensor(picture) for picture in pictures])
        for _ in range(2):
            model(batch)
    model.eval()
    logits: list[torch.Tensor] = []
    hooks = [each.register_forward_hook(lambda _m, _i, out: logits.append(out[:, 0].flatten(1))) for each in ends]
    with torch.inference_mode():
        model(batch)
    for hook in hooks:
        hook.remove()
    values = torch.cat(logits, dim=1)
    top = values.topk(_BOXES, dim=1).values[:, -1].median()
    with torch.no_grad():
        scale = _SPREAD / values.std()
        for each in (*ends, *many):
            each.weight[0] *= scale
            each.bias[0] = (each.bias[0] - top) * scale - 1.0  # a confidence of .27
            each.bias[1:] = -12.0
            each.weight[1:] *= 0.01
    yolo.save(str(path))
    return path


def filled(picture: Image) -> Image:
    """A picture of 640x360 as large as the input: then neither side fills it up, which each does elsewhere, and what an
    untrained network finds hangs on that.
    """
    return np.asarray(cv2.copyMakeBorder(picture, 12, 12, 0, 0, cv2.BORDER_CONSTANT, value=(114,) * 3), np.uint8)


def _tensor(picture: Image) -> Any:
    import torch

    fitted = filled(picture)
    return torch.from_numpy(np.ascontiguousarray(fitted[..., ::-1]).transpose(2, 0, 1).copy()).float() / 255


def trained(folder: Path) -> Path:
    """The registry's YOLOv8s as a network that knows the class "person" alone: those who stand, of its two classes."""
    path = folder / "yolov8s-person.pt"
    ultralytics = import_ultralytics()
    yolo = ultralytics.YOLO(str(fetch("yolov8s-people")))
    yolo.model.names = {0: "person", 1: "fallen"}
    yolo.save(str(path))
    return path


def compared(weights: Path, pictures: Sequence[Image], turns: int) -> tuple[dict[str, float], float]:
    """CPU seconds a picture by ultralytics and by us, one at a time and two together; and how many boxes agree.

    The last is the share of ultralytics' boxes that have one of ours with an IoU of 0.9 or more. Both answer at the
    confidence that is ultralytics' default.
    """
    theirs = import_ultralytics().YOLO(str(weights))
    ours = open_yolo(weights, size=SIZE)
    pairs = [list(pictures[n : n + 2]) for n in range(0, len(pictures) - 1, 2)]

    def count(answers: Sequence[object]) -> int:
        return len(answers)

    ways = {
        "peer": lambda: count([theirs.predict(picture, verbose=False) for picture in pictures]),
        "peer two": lambda: 2 * count([theirs.predict(pair, verbose=False) for pair in pairs]),
        "one": lambda: count([ours.detect([picture], CONFIDENCE) for picture in pictures]),
        "two": lambda: 2 * count([ours.detect(pair, CONFIDENCE) for pair in pairs]),
    }
    found = cpu_in_turns(ways, turns)
    same = there = 0
    for picture in pictures:
        boxes = theirs.predict(picture, verbose=False)[0].boxes
        people = boxes.xyxy.numpy()[boxes.cls.numpy() == 0].astype(np.float32)
        iou, _ = overlaps(people, ours.detect([picture], CONFIDENCE)[0].xyxy)
        there += len(people)
        same += int((iou.max(axis=1, initial=0.0) >= _SAME_IOU).sum())
    return found, same / max(there, 1)


def findings(name: str, weights: Path, pictures: Sequence[Image], turns: int, asked: float | None) -> list[Finding]:
    """Rows of the table: two pictures together, as a worker's cameras send them, and one at a time."""
    found, same = compared(weights, pictures, turns)
    note = f"{name}; {same:.0%} of boxes the same within an IoU of .9"
    return [
        Finding(
            f"{name.partition(',')[0]} with pre- and post-processing, ultralytics predict beside it",
            milliseconds(found["two"], "a picture"),
            milliseconds(found["peer two"], "a picture"),
            found["peer two"] / found["two"],
            asked,
            note=f"{note}; two pictures a call on both sides",
        ),
        Finding(
            f"{name.partition(',')[0]}, one picture a call",
            milliseconds(found["one"], "a picture"),
            milliseconds(found["peer"], "a picture"),
            found["peer"] / found["one"],
            note=note,
        ),
    ]
