"""What the training scripts share: options, recipes in YAML files, the rate over a run, the order of examples."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import typer
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from datasets.manifest import NAME as MANIFEST
from datasets.manifest import read_manifest, sha256
from models.facts import DataUsed
from models.registry import fetch

OutOption = Annotated[Path, typer.Option(help="Folder of the run; one that was stopped goes on.")]
RecipeOption = Annotated[Path, typer.Option(help="What to learn, and how.")]
SmokeOption = Annotated[bool, typer.Option("--smoke", help="A small variation that takes seconds.")]
DeviceOption = Annotated[str, typer.Option(help='"cpu" or "cuda".')]
ProcessesOption = Annotated[int, typer.Option(min=1, help="That many GPUs, or processes on a CPU.")]


class Part(BaseModel):
    """A part of a recipe. What it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptRecipe(Part):
    """All that decides what a run learns, but for the data. ``SMOKE`` is what a run of some seconds has otherwise."""

    SMOKE: ClassVar[dict[str, Any]] = {}

    @classmethod
    def read(cls, path: Path, smoke: bool = False) -> Self:
        """The recipe in a YAML file; ``smoke`` makes it a matter of seconds.

        Raises ``OSError``, ``yaml.YAMLError`` and ``pydantic.ValidationError``, which names what is wrong.
        """
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls.model_validate(document | cls.SMOKE if smoke else document)


def weights_file(name: str) -> Path:
    """The file of a network by its name in the registry, or the .onnx file itself."""
    return Path(name) if name.endswith(".onnx") else fetch(name)


def order(count: int, seed: int, first: int, number: int) -> NDArray[np.int64]:
    """The places ``first`` to ``first + number`` of an endless row: all ``count`` examples, shuffled anew each time
    around.
    """
    rounds = {place // count for place in range(first, first + number)}
    shuffled = {turn: np.random.default_rng([seed, turn]).permutation(count) for turn in rounds}
    return np.array([shuffled[place // count][place % count] for place in range(first, first + number)])


def warm_then_cosine(step: int, steps: int) -> float:
    """The rate's share at a step: rising over the first 3 %, then a half cosine to 1 %."""
    warm = max(round(0.03 * steps), 1)
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * (1 + float(np.cos(np.pi * (step - warm) / max(steps - warm, 1)))) / 2


def cosine_after_rise(step: int, steps: int) -> float:
    """The rate's share at a step: the lesser of a rise over the first 20th and a half cosine over all, to 1 %."""
    rise = (step + 1) / max(steps // 20, 1)
    return min(rise, 0.51 + 0.5 * math.cos(math.pi * min(step / steps, 1.0)))


def used(path: Path) -> DataUsed:
    """A dataset of one's own as a candidate's facts name it. Raises ``ManifestError`` where it has no manifest."""
    manifest = read_manifest(path)
    return DataUsed(path.name, sha256(path / MANIFEST), manifest.licence, manifest.counts)


def told(what: str) -> Callable[[int, int], None]:
    """Tells of progress on stderr, every 5 %."""

    def tell(done: int, total: int) -> None:
        if done == total or done % max(total // 20, 1) == 0:
            say(f"{what}: {done} of {total}")

    return tell


def say(text: str) -> None:
    """A line of progress on stderr."""
    sys.stderr.write(f"{text}\n")
