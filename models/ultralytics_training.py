"""The trainer of ultralytics, offline: checkpoints that are whole or not there, and no file but those of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from models.errors import UnusableNetworkError
from models.ultralytics_home import import_ultralytics

Task = Literal["detect", "pose"]
OnEpoch = Callable[[int, int, dict[str, float]], None]
_OURS = ("model", "data", "task", "mode", "resume", "project", "name", "exist_ok", "device", "save_dir", "pretrained")


def train_ultralytics(
    task: Task,
    *,
    model: str,
    weights: Path | None,
    data: Path,
    folder: Path,
    device: str = "cpu",
    settings: Mapping[str, Any] | None = None,
    on_epoch: OnEpoch = lambda done, total, scalars: None,
) -> Path:
    """Train a network of ultralytics, or go on from ``folder``'s last checkpoint; the file of the best weights.

    ``model`` is one of ultralytics' configurations (yolo26n.yaml), ``weights`` a .pt file of which all tensors that fit
    are taken; ``data`` a YOLO dataset's YAML file. ``device`` is "cpu", "0" or "0,1": several GPUs train in processes
    of their own. ``settings`` are ultralytics' own for training, such as epochs, imgsz and batch. ``on_epoch`` is told
    the epochs that are done, all of them, and losses, metrics and rates by name. A run that ended is not trained again.

    Raises ``UltralyticsMissingError``; ``UnusableNetworkError`` for settings that are ours or that ultralytics does not
    know; what ultralytics raises.
    """
    import_ultralytics()
    _without_font_download()
    settings = dict(settings or {})
    if theirs := sorted(set(settings) & set(_OURS)):
        raise UnusableNetworkError(f"{', '.join(theirs)} cannot be set: the script sets it")
    best, last = folder / "weights" / "best.pt", folder / "weights" / "last.pt"
    if (folder / "results.csv").exists() and _ended(last):
        return best
    overrides: dict[str, Any] = {"plots": False, "workers": 4, "verbose": False, **settings}
    overrides |= {"task": task, "mode": "train", "data": str(data), "device": device, "save_dir": str(folder)}
    overrides |= {"project": str(folder.parent), "name": folder.name, "exist_ok": True}
    if last.exists():
        overrides |= {"resume": str(last), "model": str(last)}
    else:
        overrides |= {"model": model, "pretrained": str(weights) if weights is not None else False}
    try:
        trainer = _trainer_class(task)(overrides=overrides)
    except SyntaxError as error:  # what ultralytics raises for settings that it does not know
        raise UnusableNetworkError(f"ultralytics does not know a setting: {' '.join(str(error).split())}") from None
    trainer.add_callback("on_fit_epoch_end", _Told(on_epoch))
    trainer.train()
    return best if best.exists() else last


def _trainer_class(task: Task) -> Any:
    """The trainer of a task, with checkpoints that appear under their names when all of them is written."""
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.models.yolo.pose import PoseTrainer

    base: Any = {"detect": DetectionTrainer, "pose": PoseTrainer}[task]

    class WholeCheckpoints(base):  # type: ignore[misc]
        last: Path
        best: Path

        def save_model(self) -> None:
            last, best = self.last, self.best
            self.last, self.best = (path.with_name(f".{path.name}.part") for path in (last, best))
            try:
                super().save_model()
                for part, path in ((self.last, last), (self.best, best)):
                    if part.exists():
                        part.replace(path)
            finally:
                self.last.unlink(missing_ok=True)
                self.best.unlink(missing_ok=True)
                self.last, self.best = last, best

    return WholeCheckpoints


def _ended(last: Path) -> bool:
    """Whether the run of this checkpoint is over: ultralytics takes the optimizer out of it then."""
    if not last.exists():
        return False
    from ultralytics.nn.tasks import load_checkpoint

    return bool(load_checkpoint(last)[1].get("epoch", 0) == -1)


class _Told:
    """Passes on what an epoch came to; a class, since processes of other GPUs get a copy of it."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        self._on_epoch = on_epoch
        self._last = -1

    def __call__(self, trainer: Any) -> None:
        if trainer.epoch <= self._last or trainer.epoch >= trainer.epochs:  # the last evaluation is of the best epoch
            return
        self._last = trainer.epoch
        scalars: dict[str, Any] = trainer.label_loss_items(trainer.tloss, prefix="train") if trainer.loss_names else {}
        scalars = {**scalars, **(trainer.metrics or {}), "learning_rate": trainer.optimizer.param_groups[0]["lr"]}
        numbers = {name: float(value) for name, value in scalars.items()}
        self._on_epoch(trainer.epoch + 1, trainer.epochs, numbers)


def _without_font_download() -> None:
    """Let ultralytics find its font: it would fetch one, for labels on pictures that are not drawn here."""
    from ultralytics.utils import USER_CONFIG_DIR

    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        if not (USER_CONFIG_DIR / name).exists():
            (USER_CONFIG_DIR / name).touch()
