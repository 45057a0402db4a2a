"""The end of every training script: export the network, check it, and register it with all that is known of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from torch import Tensor, nn

from models.candidates import CARD, NETWORK, REFERENCE, Candidate, register, registry_dir
from models.facts import DataUsed, Facts, Parity, Role, TensorFacts
from models.selftest import Reference
from store.wheels import sha256_of
from training.export import Exportable, export_onnx, export_openvino, exportable
from training.tensorrt_engine import ENGINE, build_engine, why_not

__all__ = ["DataUsed", "submit"]
log = structlog.get_logger(__name__)

LICENCE: Final = "AGPL-3.0-only"
REFERENCES: Final = 2  # real inputs that a candidate keeps, for its self-test


def submit(
    *,
    name: str,
    role: Role,
    network: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    input: str,
    output_names: Sequence[str],
    metrics: Mapping[str, float],
    recipe: Mapping[str, Any],
    data: Sequence[DataUsed],
    card: str,
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    registry: Path | None = None,
    licence: str = LICENCE,
    metadata: Mapping[str, str] | None = None,
) -> Candidate:
    """Register ``network`` as a candidate for ``role`` under a new id that begins with ``name``.

    ``example`` are real inputs (a tensor, or one for each of the network's inputs), which the exports are checked with;
    ``input`` says in words what the network takes. ``dynamic`` gives, by the name of ``forward``'s parameter, the axes
    that may have any length. ``metrics`` are what the evaluation printed, ``card`` is Markdown. ``registry`` is the
    registry folder, by default the configured one. ``metadata`` is kept in the ONNX file.

    The candidate holds the network as ONNX and as OpenVINO, and as a TensorRT engine where TensorRT is installed.
    Raises ``training.export.ExportError`` where an export answers otherwise than torch; nothing is registered then.
    """
    ready = exportable(network, example, output_names, dynamic)
    created = datetime.now(UTC)
    parity: dict[str, Parity] = {}

    def fill(folder: Path) -> Facts:
        target = folder / NETWORK
        parity["onnx"] = export_onnx(ready, target, metadata)
        parity["openvino"] = export_openvino(ready, target, target.with_suffix(".xml"), parity["onnx"])
        (folder / CARD).write_text(card.rstrip() + "\n", encoding="utf-8")
        reference = _reference(ready)
        reference.write(folder / REFERENCE)
        facts = Facts(
            name=name,
            role=role,
            created=created,
            sha256=sha256_of(target),
            bytes=target.stat().st_size,
            licence=licence,
            input=input,
            inputs=_inputs(ready),
            outputs=_outputs(ready, target),
            metrics=dict(metrics),
            recipe=dict(recipe),
            data=tuple(data),
            commit=commit(),
            parity=parity,
        )
        if (reason := why_not()) is None:
            parity["tensorrt"] = build_engine(target, facts, reference, folder / ENGINE)
            return facts.model_copy(update={"parity": parity})
        log.info("no TensorRT engine is made", network=name, reason=reason)
        return facts

    return register(fill, registry or registry_dir())


def _reference(network: Exportable) -> Reference:
    """The first real inputs and torch's answers to them: all where the network takes a fixed number."""
    batched = all(0 in network.dynamic.get(name, {}) for name in network.input_names)
    kept = network.of(slice(0, REFERENCES)) if batched else network
    inputs = tuple(each.numpy() for each in kept.inputs)
    return Reference(kept.input_names, inputs, kept.output_names, kept.answers)


def _named(network: Exportable) -> list[tuple[str, Tensor]]:
    return list(zip(network.input_names, network.inputs, strict=True))


def _inputs(network: Exportable) -> tuple[TensorFacts, ...]:
    facts = []
    for name, each in _named(network):
        axes = network.dynamic.get(name, {})
        shape = tuple(axes.get(axis, length) for axis, length in enumerate(each.shape))
        facts.append(TensorFacts(name=name, dtype=str(each.numpy().dtype), shape=shape))
    return tuple(facts)


def _outputs(network: Exportable, path: Path) -> tuple[TensorFacts, ...]:
    """The outputs, with the axes' names as the ONNX file has them."""
    import onnx

    facts = []
    declared = onnx.load(path).graph.output
    for each, answer in zip(declared, network.answers, strict=True):
        shape = tuple(dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim)
        facts.append(TensorFacts(name=each.name, dtype=str(answer.dtype), shape=shape))
    return tuple(facts)


def commit() -> str:
    """The commit of the checkout that this file lies in, with ``+changes`` where files differ; else "unknown"."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head[:12]}{'+changes' if changed.stdout.strip() else ''}"
