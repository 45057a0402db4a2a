"""A network file that OpenVINO reads, as a torch module whose weights can be trained further.

TensorFlow Lite files carry folded batch norms and, where they are quantised, int8 weights with scales. Here the weights
are float32 parameters and activations are not quantised: the network computes what its float original did. Only the
operations that image networks of that kind consist of are known; any other is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.errors import UnusableNetworkError
from models.openvino_home import import_openvino
from models.runtimes import read_openvino

if TYPE_CHECKING:
    from openvino import Model

Step = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class _Call:
    """One operation: its result goes to place ``to``; ``inputs`` are places of tensors or names of parameters.

    One that ``casts`` gives numbers of the weights' type, whichever that is by then.
    """

    step: Step
    inputs: tuple[int | str, ...]
    to: int
    casts: bool = False


class Graph(nn.Module):
    """The operations of a network in order. Takes (n, ...) where the file takes (1, ...), gives a tuple of outputs."""

    def __init__(self, calls: Sequence[_Call], weights: dict[str, Tensor], outputs: Sequence[int]) -> None:
        super().__init__()
        self._calls = tuple(calls)
        self._outputs = tuple(outputs)
        self._last = _last_uses(calls, outputs)
        self.weights = nn.ParameterDict({name: nn.Parameter(value) for name, value in weights.items()})

    def forward(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Every output, in the file's order."""
        places: dict[int, Tensor] = {0: batch}
        kind = next(self.weights.parameters()).dtype
        for number, call in enumerate(self._calls):
            given = [self.weights[each] if isinstance(each, str) else places[each] for each in call.inputs]
            places[call.to] = call.step(*given).to(kind) if call.casts else call.step(*given)
            for place in self._last.get(number, ()):
                del places[place]
        return tuple(places[place] for place in self._outputs)


def trainable(network: Path | Model) -> Graph:
    """The network of one input as a torch module. Raises ``UnusableNetworkError`` for an operation it does not know."""
    model = read_openvino(network) if isinstance(network, Path) else network
    if len(model.inputs) != 1:
        raise UnusableNetworkError(f"a network with one input is expected, this has {len(model.inputs)}")
    from openvino.passes import ConstantFolding, Manager

    folded = model.clone()
    passes = Manager()
    passes.register_pass(ConstantFolding())  # leaves nothing of the shapes that ONNX files compute
    passes.run_passes(folded)
    return _Translation(folded).graph()


class _Translation:
    """Walks the nodes of an OpenVINO model. Whatever does not depend on the input is computed once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._places: dict[str, int] = {}
        self._constants = _constants(model)
        self._names: dict[str, str] = {}
        self._weights: dict[str, Tensor] = {}
        self._calls: list[_Call] = []

    def graph(self) -> Graph:
        for node in self._model.get_ordered_ops():
            name, kind = node.get_name(), node.get_type_name()
            if kind == "Parameter":
                self._places[name] = 0
            elif kind == "Result":
                continue
            elif name not in self._constants:
                self._add(node)
        outputs = [self._places[each.get_node().input_value(0).get_node().get_name()] for each in self._model.outputs]
        return Graph(self._calls, self._weights, outputs)

    def _add(self, node: Any) -> None:
        kind, name = node.get_type_name(), node.get_name()
        if kind not in _STEPS:
            raise UnusableNetworkError(f"operation {kind} ({name}) cannot be trained; known: {', '.join(_STEPS)}")
        sources = _sources(node)
        if kind == "Add" and self._is_bias(sources):
            self._add_bias(name, sources)
            return
        step, weighted = _STEPS[kind](node, [self._constants.get(each.get_name()) for each in sources])
        if step is None:
            self._places[name] = self._places[sources[0].get_name()]
            return
        inputs: list[int | str] = []
        for place, each in enumerate(sources):
            source = each.get_name()
            if source in self._places:
                inputs.append(self._places[source])
            elif place in weighted:
                inputs.append(self._weight(source, weighted[place]))
        to = len(self._calls) + 1
        self._calls.append(_Call(step, tuple(inputs), to, casts=kind == "Convert"))
        self._places[name] = to

    def _is_bias(self, sources: Sequence[Any]) -> bool:
        """Whether a constant a channel is added to what a convolution alone gives: then it is the convolution's."""
        of, bias = sources
        values = self._constants.get(bias.get_name())
        if values is None or not of.get_type_name().endswith("Convolution"):
            return False
        per_channel = values.ndim == 4 and values.shape[1] == values.size
        return per_channel and len(of.output(0).get_target_inputs()) == 1

    def _add_bias(self, name: str, sources: Sequence[Any]) -> None:
        place = self._places[sources[0].get_name()]
        convolution = self._calls[place - 1]
        bias = self._weight(sources[1].get_name(), (-1,))
        self._calls[place - 1] = _Call(convolution.step, (*convolution.inputs, bias), place)
        self._places[name] = place

    def _weight(self, source: str, shape: tuple[int, ...]) -> str:
        """The parameter made of a constant; several users of one constant share it."""
        # By order, since OpenVINO's names count on through a process: checkpoints must fit in the next one.
        key = self._names.setdefault(source, f"w{len(self._names):04d}")
        if key not in self._weights:
            self._weights[key] = torch.tensor(self._constants[source].astype(np.float32)).reshape(shape)
        return key


def _sources(node: Any) -> list[Any]:
    return [value.get_node() for value in node.input_values()]


def _last_uses(calls: Sequence[_Call], outputs: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """After which call a place is needed no more, so that its memory is free."""
    last = {place: number for number, call in enumerate(calls) for place in call.inputs if isinstance(place, int)}
    freed: dict[int, list[int]] = {}
    for place, number in last.items():
        if place not in outputs:
            freed.setdefault(number, []).append(place)
    return {number: tuple(places) for number, places in freed.items()}


def _constants(model: Model) -> dict[str, np.ndarray[Any, Any]]:
    """The value of every node that does not depend on the input, by its name."""
    openvino = import_openvino()
    values: dict[str, np.ndarray[Any, Any]] = {}
    computed: dict[str, Any] = {}
    for node in model.get_ordered_ops():
        name, kind = node.get_name(), node.get_type_name()
        if kind == "Constant":
            values[name] = node.data
        elif kind not in ("Parameter", "Result") and all(
            each.get_name() in values or each.get_name() in computed for each in _sources(node)
        ):
            computed[name] = node.output(0)
    if computed:
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        folded = openvino.Core().compile_model(openvino.Model(list(computed.values()), []), "CPU", exact)
        values.update(zip(computed, (np.array(value) for value in folded([]).values()), strict=True))
    return values


_Constants = Sequence["np.ndarray[Any, Any] | None"]
_Made = tuple[Step | None, dict[int, tuple[int, ...]]]
"""What runs, and which constant inputs become parameters, with their shapes; None passes the first input on."""


def _convolution(node: Any, constants: _Constants) -> _Made:
    weight = constants[1]
    assert weight is not None
    grouped = node.get_type_name() == "GroupConvolution"
    groups = weight.shape[0] if grouped else 1
    shape = (weight.shape[0] * weight.shape[1], *weight.shape[2:]) if grouped else weight.shape
    stride, kernel, pads = _geometry(node, tuple(shape[2:]))

    def step(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        begin = pads(x)
        if begin is None:
            padding = (kernel[0] // 2, kernel[1] // 2)
            return functional.conv2d(x, w, b, stride=stride, padding=padding, groups=groups)
        return functional.conv2d(functional.pad(x, begin), w, b, stride=stride, groups=groups)

    return step, {1: tuple(shape)}


def _geometry(
    node: Any, kernel: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], Callable[[Tensor], list[int] | None]]:
    """Stride, kernel, and the pads (left, right, top, bottom) that an input needs; None where they are kernel // 2."""
    attributes = node.get_attributes()
    stride = tuple(attributes["strides"])
    fixed = [*zip(attributes["pads_begin"], attributes["pads_end"], strict=True)]
    same = attributes["auto_pad"] == "same_upper"

    def pads(x: Tensor) -> list[int] | None:
        found = []
        for side in (1, 0):
            length = int(x.shape[2 + side])
            total = max((-(-length // stride[side]) - 1) * stride[side] + kernel[side] - length, 0)
            found += [total // 2, total - total // 2] if same else list(fixed[side])
        half = [kernel[1] // 2] * 2 + [kernel[0] // 2] * 2
        return None if found == half else found

    return (stride[0], stride[1]), kernel, pads


def _max_pool(node: Any, constants: _Constants) -> _Made:
    stride, kernel, pads = _geometry(node, tuple(node.get_attributes()["kernel"]))

    def step(x: Tensor) -> Tensor:
        begin = pads(x)
        if begin is None:
            return functional.max_pool2d(x, kernel, stride, padding=(kernel[0] // 2, kernel[1] // 2))
        return functional.max_pool2d(functional.pad(x, begin, value=float("-inf")), kernel, stride)

    return step, {}


def _binary(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, _Constants], _Made]:
    def made(node: Any, constants: _Constants) -> _Made:
        return operation, {place: value.shape for place, value in enumerate(constants) if value is not None}

    return made


def _limit(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, _Constants], _Made]:
    """One side of a clamp, as ONNX files have it; the limit is no weight."""

    def made(node: Any, constants: _Constants) -> _Made:
        limits = [
            torch.tensor(float(value.reshape(-1)[0])) for value in constants if value is not None and value.size == 1
        ]
        if len(limits) != 1:
            raise UnusableNetworkError(f"{node.get_type_name()} ({node.get_name()}) has no single limit")
        return lambda x: operation(x, limits[0].to(x)), {}

    return made


def _pad(node: Any, constants: _Constants) -> _Made:
    begin, end = (np.asarray(constants[place]).tolist() for place in (1, 2))
    value = float(np.asarray(constants[3]).reshape(-1)[0]) if constants[3:] else 0.0
    pads = [int(side) for pair in zip(reversed(begin), reversed(end), strict=True) for side in pair]
    return lambda x: functional.pad(x, pads, value=value), {}


def _clamp(node: Any, constants: _Constants) -> _Made:
    low, high = float(node.get_attributes()["min"]), float(node.get_attributes()["max"])
    return lambda x: functional.hardtanh(x, low, high), {}


def _fake_quantize(node: Any, constants: _Constants) -> _Made:
    """Ranges alone: where input and output range are one, nothing is left of it."""
    ranges = [float(np.asarray(value).reshape(-1)[0]) for value in constants[1:] if value is not None]
    low, high, to_low, to_high = ranges
    if np.allclose((low, high), (to_low, to_high), rtol=1e-5, atol=1e-6):
        return None, {}
    scale = (to_high - to_low) / (high - low)
    return lambda x: (x - low) * scale + to_low, {}


def _transpose(node: Any, constants: _Constants) -> _Made:
    assert constants[1] is not None
    order = [int(axis) for axis in constants[1]]
    return lambda x: x.permute(order), {}


def _reshape(node: Any, constants: _Constants) -> _Made:
    rest = [int(side) for side in node.get_output_shape(0)][1:]
    # The first axis, the cells of a map, follows from the others, so that the network takes inputs of other sizes, too.
    rest[0] = -1
    return lambda x: x.reshape(x.shape[0], *rest), {}


def _interpolate(node: Any, constants: _Constants) -> _Made:
    before, after = node.get_input_shape(0), node.get_output_shape(0)
    scale = [b / a for a, b in zip(before, after, strict=True)]
    attributes = node.get_attributes()
    inner = scale[1] == 1  # (n, c, h, w), as torch has it
    factor = (float(scale[2]), float(scale[3])) if inner else (float(scale[1]), float(scale[2]))
    fixed = (scale[0], scale[1] if inner else scale[3])
    if attributes["mode"] != "nearest" or fixed != (1, 1) or not all(each.is_integer() for each in factor):
        raise UnusableNetworkError(f"only nearest resizing of pictures by whole factors is known, found {scale}")

    def step(x: Tensor) -> Tensor:
        if inner:
            return functional.interpolate(x, scale_factor=factor, mode="nearest")
        larger = functional.interpolate(x.permute(0, 3, 1, 2), scale_factor=factor, mode="nearest")
        return larger.permute(0, 2, 3, 1)

    return step, {}


def _concat(node: Any, constants: _Constants) -> _Made:
    axis = int(node.get_attributes()["axis"])
    return lambda *parts: torch.cat(parts, dim=axis), {}


def _mean(node: Any, constants: _Constants) -> _Made:
    assert constants[1] is not None
    axes, keep = [int(axis) for axis in constants[1]], bool(node.get_attributes()["keep_dims"])
    return lambda x: x.mean(dim=axes, keepdim=keep), {}


def _matmul(node: Any, constants: _Constants) -> _Made:
    weight, flip = constants[1], bool(node.get_attributes()["transpose_b"])
    assert weight is not None
    return (lambda x, w: x @ (w.mT if flip else w)), {1: weight.shape}


def _average_pool(node: Any, constants: _Constants) -> _Made:
    kernel = tuple(node.get_attributes()["kernel"])
    return lambda x: functional.avg_pool2d(x, kernel), {}


_STEPS: dict[str, Callable[[Any, _Constants], _Made]] = {
    "Convolution": _convolution,
    "GroupConvolution": _convolution,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "AvgPool": _average_pool,
    "ReduceMean": _mean,
    "Add": _binary(torch.add),
    "Multiply": _binary(torch.mul),
    "Subtract": _binary(torch.sub),
    "Clamp": _clamp,
    "Maximum": _limit(torch.maximum),
    "Minimum": _limit(torch.minimum),
    "Pad": _pad,
    "Relu": lambda node, constants: (functional.relu, {}),
    "Sigmoid": lambda node, constants: (torch.sigmoid, {}),
    "Softmax": lambda node, constants: (lambda x: torch.softmax(x, -1), {}),
    "FakeQuantize": _fake_quantize,
    "Convert": lambda node, constants: (lambda x: x, {}),
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Interpolate": _interpolate,
    "Concat": _concat,
}
