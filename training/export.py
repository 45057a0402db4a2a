"""From a torch network to files that run without torch: ONNX, OpenVINO, TensorRT; each is checked against torch."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from models.facts import Parity
from models.openvino_home import import_openvino
from models.parity import FLOAT16, FLOAT32, Array, Limits, answers, compare
from models.runtimes import read_openvino
from training.errors import TrainingError
from training.onnx_files import halve_weights, without_origins

if TYPE_CHECKING:
    import onnx

OPSET: Final = 18  # read by OpenVINO 2026, TensorRT 10 and ONNX Runtime alike


class ExportError(TrainingError):
    """A network could not be exported, or its export answers otherwise than it; the message says by how much."""


@dataclass(frozen=True, slots=True, eq=False)
class Exportable:
    """A network with real inputs, what it answers to them, and the names of both.

    ``dynamic`` gives, by input's name, the axes that may have any length, with a name for each; axes of one name have
    one length.
    """

    network: nn.Module
    inputs: tuple[Tensor, ...]
    answers: tuple[Array, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]]

    def of(self, rows: slice) -> Exportable:
        """The same with some of the inputs, by their first axis."""
        inputs = tuple(each[rows] for each in self.inputs)
        return replace(self, inputs=inputs, answers=_answer(self.network, inputs))


def exportable(
    network: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    output_names: Sequence[str],
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
) -> Exportable:
    """Make a copy of ``network`` on the CPU ready and let it answer ``example``, real inputs.

    The inputs have the names of ``forward``'s parameters. Raises ``ExportError`` where the names do not fit or an
    answer is not finite.
    """
    inputs = tuple(each.detach().cpu() for each in ((example,) if isinstance(example, Tensor) else example))
    names = tuple(inspect.signature(network.forward).parameters)[: len(inputs)]
    unknown = sorted(set(dynamic or {}) - set(names))
    if len(names) < len(inputs) or unknown:
        said = f"no input {', '.join(unknown)}" if unknown else f"{len(inputs)} example inputs"
        raise ExportError(f"{type(network).__name__}.forward takes {', '.join(names) or 'nothing'}: {said}")
    ready = copy.deepcopy(network).cpu().float().eval()
    found = _answer(ready, inputs)
    if len(found) != len(output_names):
        raise ExportError(
            f"{type(network).__name__} gives {len(found)} outputs, and {len(output_names)} are named: "
            f"{', '.join(output_names)}"
        )
    for name, each in zip(output_names, found, strict=True):
        if not np.isfinite(each).all():
            raise ExportError(f"output {name} of {type(network).__name__} is not finite on the example inputs")
    return Exportable(ready, inputs, found, names, tuple(output_names), dict(dynamic or {}))


def _answer(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Array, ...]:
    with torch.inference_mode():
        given = network(*inputs)
    return tuple(each.detach().numpy() for each in ((given,) if isinstance(given, Tensor) else given))


def export_onnx(network: Exportable, target: Path, metadata: Mapping[str, str] | None = None) -> Parity:
    """Write ``network`` to ``target``, a .onnx file, with float16 weights where it still answers as torch does.

    ``metadata`` is kept in the file, such as an ultralytics network's class names. Raises ``ExportError``.
    """
    import onnx

    model = _to_onnx(network)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, target)
    exact = _checked(network, target, compare(network.answers, _answers(network, target), FLOAT32))
    onnx.save(halve_weights(model), target)
    half = compare(network.answers, _answers(network, target), FLOAT16, "float16 weights")
    if half.accepted:
        return half
    onnx.save(model, target)
    said = f"float32 weights: float16 ones differ by {half.absolute:.2g}, {half.relative:.2g} of the largest number"
    return exact.model_copy(update={"note": f"{said}; {half.note}"})


def export_openvino(network: Exportable, source: Path, target: Path, accepted: Parity) -> Parity:
    """Convert ``source``, the .onnx file of ``network``, to ``target``, a .xml file with a .bin file beside it.

    The weights stay as they are there, and so do the limits: those of ``accepted``, its parity. Raises ``ExportError``.
    """
    # Not compressed further: OpenVINO would round every small number, too, on which the large ones depend.
    import_openvino().save_model(read_openvino(source), target, compress_to_fp16=False)
    limits = Limits(accepted.absolute_limit, accepted.relative_limit)
    return _checked(network, target, compare(network.answers, _answers(network, target), limits, accepted.note))


def _answers(network: Exportable, path: Path) -> list[Array]:
    return answers(path, [each.numpy() for each in network.inputs])


def _checked(network: Exportable, path: Path, parity: Parity) -> Parity:
    if parity.accepted:
        return parity
    raise ExportError(
        f"{path.name} of {type(network.network).__name__} does not answer as torch does: off by {parity.absolute:.3g} "
        f"({parity.relative:.3g} of the largest number), at most {parity.absolute_limit:g} ({parity.relative_limit:g}) "
        f"is accepted. {parity.note}".rstrip()
    )


def _to_onnx(network: Exportable) -> onnx.ModelProto:
    dims: dict[str, Any] = {}
    shapes: list[dict[int, Any]] = []
    inputs = list(network.inputs)
    for place, name in enumerate(network.input_names):
        axes = network.dynamic.get(name, {})
        shapes.append({axis: dims.setdefault(label, torch.export.Dim(label)) for axis, label in axes.items()})
        for axis in axes:
            # An axis of length 1 would be taken for one that is always 1.
            if inputs[place].shape[axis] == 1:
                inputs[place] = torch.cat([inputs[place]] * 2, axis)
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            # The exporter warns of its own parts that will change.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network.network,
                tuple(inputs),
                input_names=list(network.input_names),
                output_names=list(network.output_names),
                dynamic_shapes=tuple(shapes) if dims else None,
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # torch raises what its parts raise
        raise ExportError(f"{type(network.network).__name__} cannot be exported to ONNX: {error}") from error
    assert program is not None
    return without_origins(program.model_proto)
