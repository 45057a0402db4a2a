"""What runs a network: one small interface, OpenVINO on a CPU, torch on a CPU or a GPU."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.openvino_home import import_openvino
from store.cache import cache_dir

if TYPE_CHECKING:
    import torch
    from openvino import CompiledModel, Model

Float = NDArray[np.float32]


class Runtime(Protocol):
    """A network that is ready to run; calls from several threads need one runtime each."""

    def run(self, batch: NDArray[np.generic]) -> tuple[Float, ...]:
        """Every output, in the network's order, for one input array whose first axis counts the pictures."""
        ...


def read_openvino(path: Path) -> Model:
    """The network in a .tflite, .onnx or .xml file, not yet compiled."""
    model: Model = import_openvino().Core().read_model(path)
    return model


class OpenVinoRuntime:
    """A network on the CPU by OpenVINO; the network takes one picture at a time.

    One picture is answered as soon as possible, with all threads on it; several run side by side, one thread each,
    which costs about a third less CPU time a picture. ``threads`` is how many it may use, None for all. ``exact`` keeps
    float32 on processors that have a faster, coarser type. What is compiled is cached, so that the next start is quick.
    """

    def __init__(self, model: Model, *, threads: int | None = None, exact: bool = False) -> None:
        self._model = model
        # Threads that are bound to a core wait there for the decoders that share it, and for one another.
        self._config: dict[str, Any] = {"CACHE_DIR": str(cache_dir() / "openvino"), "ENABLE_CPU_PINNING": False}
        if exact:
            self._config["INFERENCE_PRECISION_HINT"] = "f32"
        if threads is not None:
            self._config["INFERENCE_NUM_THREADS"] = threads
        self._single: CompiledModel | None = None
        self._several: Any = None
        self._results: list[tuple[Float, ...]] = []

    def run(self, batch: NDArray[np.generic]) -> tuple[Float, ...]:
        """Every output, in the network's order, for (n, ...) pictures."""
        results = [self._run_one(batch)] if len(batch) == 1 else self._run_several(batch)
        return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))

    def _run_one(self, batch: NDArray[np.generic]) -> tuple[Float, ...]:
        if self._single is None:
            self._single = self._compile("LATENCY")
        return _copies(self._single(batch).values())

    def _run_several(self, batch: NDArray[np.generic]) -> list[tuple[Float, ...]]:
        if self._several is None:
            self._several = import_openvino().AsyncInferQueue(self._compile("THROUGHPUT"))
            self._several.set_callback(self._keep)
        self._results = [()] * len(batch)
        for index in range(len(batch)):
            self._several.start_async([batch[index : index + 1]], index)
        self._several.wait_all()
        return self._results

    def _keep(self, request: Any, index: int) -> None:
        self._results[index] = _copies(request.results.values())

    def _compile(self, hint: str) -> CompiledModel:
        config = {**self._config, "PERFORMANCE_HINT": hint}
        compiled: CompiledModel = import_openvino().Core().compile_model(self._model, "CPU", config)
        return compiled


def _copies(outputs: Any) -> tuple[Float, ...]:
    return tuple(np.array(output, np.float32) for output in outputs)


class TorchRuntime:
    """A torch module on ``device``: "cpu" in float32, or "cuda", "cuda:0", ... in float16.

    The module takes one tensor and gives a tensor or a tuple of them. On a GPU each batch size is recorded as a CUDA
    graph when it is first seen and replayed from then on, since launching a small network costs more than running it.
    """

    def __init__(self, module: torch.nn.Module, *, device: str = "cpu") -> None:
        import torch

        self._device = torch.device(device)
        self._module = module.eval().to(self._device)
        if self._device.type == "cuda":
            self._module = self._module.half().to(memory_format=torch.channels_last)
        self._graphs: dict[tuple[int, ...], tuple[Any, torch.Tensor, tuple[torch.Tensor, ...]]] = {}

    def run(self, batch: NDArray[np.generic]) -> tuple[Float, ...]:
        """Every output, in the network's order, for (n, ...) pictures."""
        import torch

        with torch.inference_mode():
            pictures = torch.from_numpy(batch)
            outputs = self._replay(pictures) if self._device.type == "cuda" else self._forward(pictures)
            return tuple(output.float().cpu().numpy() for output in outputs)

    def _forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs = self._module(pictures)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def _replay(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        shape = tuple(pictures.shape)
        if shape not in self._graphs:
            self._graphs[shape] = self._record(pictures)
        graph, place, outputs = self._graphs[shape]
        place.copy_(pictures)
        graph.replay()
        return outputs

    def _record(self, pictures: torch.Tensor) -> tuple[Any, torch.Tensor, tuple[torch.Tensor, ...]]:
        import torch

        place = pictures.to(self._device)
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            # Libraries choose their kernels in the first runs, which must not be recorded.
            for _ in range(3):
                self._forward(place)
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._forward(place)
        return graph, place, outputs


def pictures_runtime(weights: Path, size: int, *, device: str = "cpu", threads: int | None = None) -> Runtime:
    """What runs a network file of ours that takes square pictures uint8 (n, ``size``, ``size``, 3).

    ``device`` is "cpu" (OpenVINO), or torch's "cuda", "cuda:1", ... or "torch" (a CPU); ``threads`` limits OpenVINO's
    threads.
    """
    model = read_openvino(weights)
    model.reshape(import_openvino().PartialShape([1, size, size, 3]))
    if device == "cpu":
        return OpenVinoRuntime(model, threads=threads)
    from models.trainable import trainable

    return TorchRuntime(trainable(model), device="cpu" if device == "torch" else device)


def from_uint8(network: torch.nn.Module) -> torch.nn.Module:
    """Let a network that takes float (n, 3, h, w) in [0, 1] take uint8 (n, h, w, 3)."""
    import torch

    class FromUint8(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pictures: torch.Tensor) -> Any:
            kind = next(self.network.parameters()).dtype
            return self.network(pictures.permute(0, 3, 1, 2).to(kind) / 255)

    return FromUint8()


def torch_to_openvino(module: torch.nn.Module, example: torch.Tensor) -> Model:
    """Convert a torch module by tracing it on an example input; the input's shape and type become the network's own."""
    import torch

    with warnings.catch_warnings(), torch.inference_mode():
        # The tracer warns of every shape that Python code looks at; here all shapes are fixed.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module.eval(), example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
        model: Model = import_openvino().convert_model(traced, input=list(example.shape), example_input=example)
    return model
