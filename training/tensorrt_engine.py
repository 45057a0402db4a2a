"""TensorRT engines: built on the machine that runs them, for its GPU and its TensorRT, where both are there.

``python -m training.tensorrt_engine CANDIDATE`` builds and checks the engine of a candidate that was made elsewhere.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from models.candidates import FACTS, Candidate, candidate_of, registry_dir
from models.errors import ModelError
from models.facts import Facts, Parity, write_facts
from models.parity import FLOAT16, Array, compare
from models.selftest import Reference
from training.errors import TrainingError

ENGINE: Final = "network.engine"
_MOST: Final = 64  # the longest that an axis of any length may be in an engine


class EngineError(TrainingError):
    """An engine cannot be built here, or answers otherwise than torch did."""


def why_not() -> str | None:
    """Why no engine can be built on this machine; None where one can."""
    if importlib.util.find_spec("tensorrt") is None:
        return "tensorrt is not installed"
    return None if torch.cuda.is_available() else "torch finds no GPU"


def build_engine(network: Path, facts: Facts, reference: Reference, target: Path) -> Parity:
    """Build the engine of a .onnx file at ``target`` and compare its answers with the reference's.

    Raises ``EngineError`` where it cannot be built here, or answers otherwise; nothing is left at ``target`` then.
    """
    reason = why_not()
    if reason is not None:
        raise EngineError(f"no TensorRT engine can be built on this machine: {reason}")
    target.write_bytes(_built(network, facts, reference))
    try:
        found = _run(target, reference.inputs)
        note = f"on {torch.cuda.get_device_name()}"
        parity = compare(reference.outputs, found, FLOAT16, note)
        if not parity.accepted:
            raise EngineError(
                f"the TensorRT engine of {facts.name} does not answer as torch does: off by {parity.absolute:.3g} "
                f"({parity.relative:.3g} of the largest number). {parity.note}"
            )
    except BaseException:
        target.unlink()
        raise
    return parity


def _built(network: Path, facts: Facts, reference: Reference) -> bytes:
    import tensorrt

    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    definition = builder.create_network(0)
    parser = tensorrt.OnnxParser(definition, logger)
    if not parser.parse_from_file(str(network)):
        said = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        raise EngineError(f"TensorRT cannot read {network}: {said}")
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    for each, example in zip(facts.inputs, reference.inputs, strict=True):
        if any(isinstance(length, str) for length in each.shape):
            least = tuple(1 if isinstance(length, str) else length for length in each.shape)
            most = tuple(_MOST if isinstance(length, str) else length for length in each.shape)
            profile.set_shape(each.name, least, example.shape, most)
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(definition, config)
    if engine is None:
        raise EngineError(f"TensorRT cannot build an engine of {network}")
    return bytes(engine)


def _run(engine: Path, inputs: Sequence[Array]) -> list[Array]:
    """What an engine answers to ``inputs``, in the order of its outputs."""
    import tensorrt

    runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
    loaded: Any = runtime.deserialize_cuda_engine(engine.read_bytes())
    context = loaded.create_execution_context()
    names = [loaded.get_tensor_name(index) for index in range(loaded.num_io_tensors)]
    taken = [name for name in names if loaded.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT]
    tensors = {name: torch.from_numpy(each).cuda().contiguous() for name, each in zip(taken, inputs, strict=True)}
    for name, each in tensors.items():
        context.set_input_shape(name, tuple(each.shape))
    given = [name for name in names if name not in tensors]
    for name in given:
        kind = torch.from_numpy(np.zeros(0, tensorrt.nptype(loaded.get_tensor_dtype(name)))).dtype
        tensors[name] = torch.empty(tuple(context.get_tensor_shape(name)), dtype=kind, device="cuda")
    for name, each in tensors.items():
        context.set_tensor_address(name, each.data_ptr())
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    if not context.execute_async_v3(stream.cuda_stream):
        raise EngineError(f"the engine {engine} does not run")
    stream.synchronize()
    return [tensors[name].cpu().numpy() for name in given]


def add_engine(candidate: Candidate) -> Parity:
    """Build a candidate's engine and note its parity in the facts. Raises ``EngineError``."""
    reference = Reference.read(candidate.reference)
    parity = build_engine(candidate.network, candidate.facts, reference, candidate.folder / ENGINE)
    known = candidate.facts.parity | {"tensorrt": parity}
    write_facts(candidate.folder / FACTS, candidate.facts.model_copy(update={"parity": known}))
    return parity


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the engine of the candidate that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candidate", help="its id, as `aisle models list` shows it")
    name = parser.parse_args(arguments).candidate
    try:
        parity = add_engine(candidate_of(name, registry_dir()))
    except (ModelError, TrainingError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{name}/{ENGINE}: off by {parity.absolute:.2g}, {parity.relative:.2g} of the largest number\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
