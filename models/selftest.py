"""The self-test of a network: it answers real inputs as torch did when it was made, in whole and finite numbers."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.candidates import REFERENCE, facts_of
from models.entries import Registered, WeightEntry
from models.errors import SelfTestError
from models.parity import FLOAT32, Array, Limits, answers, compare
from models.registry import path_of, state_of


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Real inputs in the network's order, and what torch answered to them."""

    input_names: tuple[str, ...]
    inputs: tuple[Array, ...]
    output_names: tuple[str, ...]
    outputs: tuple[Array, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a candidate's reference file. Raises ``SelfTestError``."""
        try:
            # Opened here: numpy leaves a broken file open.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise SelfTestError(f"the reference answers {path} cannot be read: {error}") from error
        inputs = {name.removeprefix("input."): each for name, each in arrays.items() if name.startswith("input.")}
        outputs = {name.removeprefix("output."): each for name, each in arrays.items() if name.startswith("output.")}
        return cls(tuple(inputs), tuple(inputs.values()), tuple(outputs), tuple(outputs.values()))

    def write(self, path: Path) -> None:
        """Write it where ``read`` finds it."""
        inputs = {f"input.{name}": each for name, each in zip(self.input_names, self.inputs, strict=True)}
        outputs = {f"output.{name}": each for name, each in zip(self.output_names, self.outputs, strict=True)}
        np.savez_compressed(path, allow_pickle=False, **inputs, **outputs)


def self_test(entry: WeightEntry, threads: int | None = 1) -> None:
    """Check that the file is the one that was registered, and that a candidate answers as torch did.

    The limits are those of its parity check and float32's own, since another processor sums in another order.
    ``threads`` is how many threads it may take from whoever works meanwhile. Raises ``SelfTestError``.
    """
    path = path_of(entry)
    state = state_of(entry)
    if state != "verified":
        raise SelfTestError(f"{entry.name}: {path} is not the registered file: {state}")
    if isinstance(entry.source, Registered):
        reference = Reference.read(path.parent / REFERENCE)
        parity = facts_of(entry).parity["onnx"]
        limits = Limits(parity.absolute_limit + FLOAT32.absolute, parity.relative_limit + FLOAT32.relative)
        try:
            found = answers(path, reference.inputs, threads)
        except RuntimeError as error:
            raise SelfTestError(f"{entry.name}: {path} cannot be run: {' '.join(str(error).split())[:300]}") from error
        result = compare(reference.outputs, found, limits)
        if not result.accepted:
            raise SelfTestError(
                f"{entry.name} does not answer its reference inputs as it did when it was made: off by "
                f"{result.absolute:.3g} ({result.relative:.3g} of the largest number). {result.note}".rstrip()
            )
