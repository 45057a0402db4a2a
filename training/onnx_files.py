"""ONNX files without what nobody needs: where each node came from, and half the digits of large weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import onnx

# Smaller ones (biases, scales) weigh nothing, and some set shapes, which must stay as they are.
LEAST: Final = 1024
_LARGEST: Final = float(np.finfo(np.float16).max)


def without_origins(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model``, changed: torch notes at each node the Python lines, with their paths, that it came from; these go."""
    graph = model.graph
    parts = (graph.node, graph.initializer, graph.value_info, graph.input, graph.output, model.functions, [graph])
    for part in (each for several in parts for each in several):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for function in model.functions:
        for node in function.node:
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
    return model


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of ``model`` whose float32 weights of ``LEAST`` numbers or more are float16, cast to float32 when used.

    Weights with a number that float16 cannot hold stay.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < LEAST or not np.abs(values).max() <= _LARGEST:
            continue
        name, small = weight.name, f"{weight.name}.float16"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), small))
        casts.append(helper.make_node("Cast", [small], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return halved
