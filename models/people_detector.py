"""People by the network that Aisle ships: EfficientDet-Lite0, trained further, for persons alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.efficientdet import EfficientDet
from models.openvino_home import import_openvino
from models.runtimes import read_openvino

if TYPE_CHECKING:
    from openvino import Model

OUTPUTS: Final = ("scores", "offsets")


def is_people_network(model: Model) -> bool:
    """Whether a network's outputs are those of ours."""
    names = {name for output in model.outputs for name in output.get_names()}
    return names >= set(OUTPUTS)


def outputs_of(model: Model) -> list[Any]:
    """The outputs that ``OUTPUTS`` names, in that order."""
    by_name = {name: output for output in model.outputs for name in output.get_names()}
    return [by_name[name] for name in OUTPUTS]


class PeopleDetector(EfficientDet):
    """Finds people.

    ``weights`` is a file, or a network of this ``size`` with the outputs of ``OUTPUTS`` in their order. ``device`` is
    "cpu" (OpenVINO), or torch's "cuda", "cuda:1", ... or "torch" (a CPU).
    """

    def __init__(
        self, weights: Path | Model, *, size: tuple[int, int], device: str = "cpu", threads: int | None = None
    ) -> None:
        super().__init__(weights, size=size, threads=threads)
        if device != "cpu":
            from models.runtimes import TorchRuntime
            from models.trainable import trainable

            device = "cpu" if device == "torch" else device
            self._runtime = TorchRuntime(trainable(self._network(weights)), device=device)

    def _network(self, weights: Path | Model) -> Model:
        if not isinstance(weights, Path):
            return weights
        width, height = self.size
        model = read_openvino(weights)
        model.reshape(import_openvino().PartialShape([1, height, width, 3]))
        return import_openvino().Model(outputs_of(model), model.get_parameters())
