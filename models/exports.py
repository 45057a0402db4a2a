"""Networks exported to OpenVINO: made from ultralytics weights here, or brought along as a file."""

from __future__ import annotations

import ast
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from models.openvino_home import import_openvino
from models.runtimes import from_uint8, torch_to_openvino

if TYPE_CHECKING:
    from openvino import Model

# Where ultralytics keeps the class names in an OpenVINO network, and where OpenVINO puts an ONNX file's.
_LABELS = ["model_info", "labels"]
_ONNX_NAMES = ["framework", "names"]


def convert(weights: Path, size: tuple[int, int], target: Path) -> None:
    """Write a .pt file to ``target`` as an OpenVINO network that takes uint8 (1, h, w, 3).

    ``size`` is (width, height). Other processes see ``target`` only when it is whole. Needs torch and ultralytics.
    """
    import torch

    from models.ultralytics_home import load_network

    network, names = load_network(weights)
    model = torch_to_openvino(from_uint8(network), torch.zeros((1, size[1], size[0], 3), dtype=torch.uint8))
    model.set_rt_info([name.replace(" ", "_") for name in names.values()], _LABELS)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=target.parent) as scratch:
        part = Path(scratch) / target.name
        import_openvino().save_model(model, part, compress_to_fp16=False)
        # The .xml file last: it is the one that is looked for.
        os.replace(part.with_suffix(".bin"), target.with_suffix(".bin"))
        os.replace(part, target)


def class_names(model: Model) -> dict[int, str]:
    """The class names that an export carries; empty where it carries none."""
    if model.has_rt_info(_LABELS):
        return dict(enumerate(model.get_rt_info(_LABELS).astype(str).split()))
    if model.has_rt_info(_ONNX_NAMES):
        return {
            int(key): str(name) for key, name in ast.literal_eval(model.get_rt_info(_ONNX_NAMES).astype(str)).items()
        }
    return {}


def with_uint8_input(model: Model) -> Model:
    """Let an export that takes float (n, 3, h, w) in [0, 1] take uint8 (n, h, w, 3); one that does already stays."""
    openvino = import_openvino()
    from openvino.preprocess import PrePostProcessor

    if model.inputs[0].get_element_type() == openvino.Type.u8:
        return model
    own_type = model.inputs[0].get_element_type()
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(own_type).scale(255.0)
    return steps.build()
