"""What runs a network: one small interface, OpenVINO on a CPU and torch on either."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.cache import cache_dir

if TYPE_CHECKING:
    from openvino import Model


class Runtime(Protocol):
    """A network that is ready to run."""

    def run(self, batch: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """Every output, in the network's order, for one input array; the arrays are the caller's to keep."""
        ...


def read_openvino(path: Path) -> Model:
    """The network in a .tflite, .onnx or .xml file, not yet compiled."""
    # OpenVINO reports its use by itself unless told not to.
    os.environ.setdefault("OPENVINO_TELEMETRY", "0")
    import openvino

    return openvino.Core().read_model(path)


class OpenVinoRuntime:
    """A network on the CPU by OpenVINO, tuned for the time of one answer.

    ``threads`` is how many threads it may use, None for all. What is compiled is cached, so that the next start is quick.
    Calls from several threads are safe only with one runtime each.
    """

    def __init__(self, model: Model | Path, *, threads: int | None = None) -> None:
        import openvino

        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "CACHE_DIR": str(cache_dir() / "openvino")}
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = threads
        source = read_openvino(model) if isinstance(model, Path) else model
        self._compiled = openvino.Core().compile_model(source, "CPU", config)
        self._request = self._compiled.create_infer_request()

    def run(self, batch: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """Every output, in the network's order, for one input array."""
        self._request.infer([batch], share_inputs=True)
        return tuple(np.array(tensor.data, np.float32) for tensor in self._request.output_tensors)
