"""Whether a network answers as another form of it did: the difference, and how large it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.facts import Parity
from models.openvino_home import import_openvino
from models.runtimes import read_openvino

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far answers may differ: ``absolute``, or ``relative`` to the largest number of the same output."""

    absolute: float
    relative: float


# A sum of n rounded terms errs by about sqrt(n) u of its size (Higham and Mary, A new approach to probabilistic
# rounding error analysis, 2019); a network of d layers by sqrt(d) times that.
# float32: u = 2^-24, n = 4608 (512 channels, 3x3), d = 64 give 3e-5; thrice that for the largest of many answers.
FLOAT32: Final = Limits(absolute=1e-4, relative=1e-4)
# float16 weights, float32 sums: each weight errs by u = 2^-11 at most, and independently of the others, so that a layer
# errs by u and d = 128 layers, as deep as EfficientDet-Lite0, by 11 u = 6e-3. Confidences are quoted to a hundredth: a
# thousandth changes none.
FLOAT16: Final = Limits(absolute=1e-3, relative=6e-3)


def compare(expected: Sequence[Array], found: Sequence[Array], limits: Limits, note: str = "") -> Parity:
    """The largest differences of all outputs, and whether each output is within one of the two limits.

    Another number of outputs, another shape, or a number that is not finite is never accepted, and ``note`` says so.
    """
    absolute = relative = 0.0
    wrong = ""
    accepted = True
    if len(expected) != len(found):
        wrong = f"{len(found)} outputs where {len(expected)} are expected"
    for index, (wanted, got) in enumerate(zip(expected, found, strict=False)):
        if wanted.shape != got.shape:
            wrong = f"output {index} has shape {got.shape} where {wanted.shape} is expected"
            break
        if not (np.isfinite(got).all() and np.isfinite(wanted).all()):
            wrong = f"output {index} holds numbers that are not finite"
            break
        if not wanted.size:
            continue
        difference = float(np.abs(got.astype(np.float64) - wanted).max())
        share = difference / max(float(np.abs(wanted).max()), 1e-30)
        absolute, relative = max(absolute, difference), max(relative, share)
        accepted &= difference <= limits.absolute or share <= limits.relative
    return Parity(
        absolute=absolute,
        relative=relative,
        absolute_limit=limits.absolute,
        relative_limit=limits.relative,
        inputs=len(expected[0]) if expected and expected[0].ndim else 1,
        accepted=accepted and not wrong,
        note="; ".join(each for each in (note, wrong) if each),
    )


def answers(network: Path, inputs: Sequence[Array], threads: int | None = None) -> list[Array]:
    """What the .onnx or .xml file answers to these inputs in OpenVINO, in float32 on every processor."""
    config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        config["INFERENCE_NUM_THREADS"] = threads
    compiled = import_openvino().Core().compile_model(read_openvino(network), "CPU", config)
    return [np.array(each) for each in compiled(list(inputs)).values()]
