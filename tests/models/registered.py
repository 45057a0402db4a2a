"""Tiny networks, as ONNX files and as candidates, made without torch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.candidates import CARD, NETWORK, REFERENCE, Candidate, register
from models.facts import Facts, Parity, Role, TensorFacts, write_facts
from models.selftest import Reference
from store.wheels import sha256_of

SIZE = (64, 32)
PEOPLE = np.array([[8.0, 4.0, 24.0, 28.0, 0.5, 0.0]], np.float32)


def adder(path: Path, add: float) -> None:
    """A network that adds a number to float32 (n, 2)."""
    _save(
        path,
        [helper.make_node("Add", ["values", "add"], ["sum"])],
        helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", 2]),
        helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 2]),
        add=np.array([add], np.float32),
    )


def finder(path: Path, confidence: float, aside: float = 0.0) -> None:
    """An ultralytics-like detector of 64x32 pictures (n, 3, 32, 64) that sees one person everywhere, so confident.

    The person is as wide as the picture's mean is bright, so that the answer depends on the picture, and stands
    ``aside`` pixels to the right.
    """
    rows = PEOPLE.copy()
    rows[:, 4] = confidence
    rows[:, [0, 2]] += aside
    _save(
        path,
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
            helper.make_node("Squeeze", ["mean", "axis"], ["bright"]),
            helper.make_node("Mul", ["bright", "wide"], ["shift"]),
            helper.make_node("Add", ["shift", "rows"], ["people"]),
        ],
        helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, SIZE[1], SIZE[0]]),
        helper.make_tensor_value_info("people", TensorProto.FLOAT, ["n", 1, 6]),
        axis=np.array([3], np.int64),
        wide=np.array([[[0, 0, 16, 0, 0, 0]]], np.float32),
        rows=rows,
        names="{0: 'person'}",
    )


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    taken: onnx.ValueInfoProto,
    given: onnx.ValueInfoProto,
    names: str = "",
    **weights: NDArray[np.generic],
) -> None:
    initializers = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [taken], [given], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if names:
        model.metadata_props.add(key="names", value=names)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def facts_for(network: Path, name: str, role: Role, metrics: dict[str, float] | None = None) -> Facts:
    parity = Parity(
        absolute=0, relative=0, absolute_limit=1e-3, relative_limit=4e-3, inputs=2, accepted=True, note="tiny"
    )
    graph = onnx.load(network).graph
    (taken, given) = (
        TensorFacts(
            name=each.name,
            dtype="float32",
            shape=tuple(dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim),
        )
        for each in (graph.input[0], graph.output[0])
    )
    return Facts(
        name=name,
        role=role,
        created=datetime.now(UTC),
        sha256=sha256_of(network),
        bytes=network.stat().st_size,
        licence="CC0",
        input="numbers",
        inputs=(taken,),
        outputs=(given,),
        metrics=metrics or {},
        recipe={"steps": 3},
        data=(),
        commit="0123456789ab",
        parity={"onnx": parity},
    )


def add_candidate(
    registry: Path,
    make: Callable[[Path], None],
    inputs: NDArray[np.generic],
    outputs: NDArray[np.generic],
    *,
    name: str = "tiny",
    role: Role = "persons",
    metrics: dict[str, float] | None = None,
) -> Candidate:
    """Register what ``make`` writes, with these reference inputs and outputs."""

    def fill(folder: Path) -> Facts:
        make(folder / NETWORK)
        Reference(("in",), (inputs,), ("out",), (outputs,)).write(folder / REFERENCE)
        (folder / CARD).write_text(f"# {name}\n")
        return facts_for(folder / NETWORK, name, role, metrics)

    return register(fill, registry)


def add_adder(
    registry: Path, add: float, *, role: Role = "persons", metrics: dict[str, float] | None = None
) -> Candidate:
    values = np.array([[1, 2], [3, 4]], np.float32)
    return add_candidate(
        registry, lambda path: adder(path, add), values, values + np.float32(add), role=role, metrics=metrics
    )


def add_finder(registry: Path, confidence: float) -> Candidate:
    black = np.zeros((1, 3, SIZE[1], SIZE[0]), np.float32)
    rows = PEOPLE.copy()
    rows[:, 4] = confidence
    return add_candidate(registry, lambda path: finder(path, confidence), black, rows[None], role="people")


def ship(folder: Path, add: float, *, name: str = "aisle-tiny", role: Role = "persons") -> None:
    """Put an adder with its facts and card among the shipped networks in ``folder``."""
    folder.mkdir(exist_ok=True)
    adder(folder / f"{name}.onnx", add)
    (folder / f"{name}.md").write_text(f"# {name}\n")
    write_facts(folder / f"{name}.json", facts_for(folder / f"{name}.onnx", name, role))
