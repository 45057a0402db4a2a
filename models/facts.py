"""What is known of a network that our scripts trained: its ``facts.json``, beside the network and its card."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.errors import FactsError

Role = Literal["people", "joints", "hands", "persons", "products", "reach"]
ROLES: tuple[Role, ...] = get_args(Role)
TASKS: Mapping[Role, str] = {
    "people": "find people",
    "joints": "find the joints of people",
    "hands": "tell whether a hand holds a product",
    "persons": "describe people, to know one again within a visit",
    "products": "describe products, to find them in the catalogue",
    "reach": "tell what a hand does at a shelf",
}


@dataclass(frozen=True, slots=True)
class DataUsed:
    """Data that a network was trained on: ``sha256`` is that of its manifest file, ``seeds`` the simulator's."""

    name: str
    sha256: str
    licence: str
    counts: Mapping[str, Any] = field(default_factory=dict)
    seeds: str | Sequence[int] = ""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorFacts(_Frozen):
    """An input or output; an axis that may have any length has a name in place of a number."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


class Parity(_Frozen):
    """How far an export's answers lie from torch's on the same real inputs, and how far they may.

    ``absolute`` is the largest difference, ``relative`` the largest difference over the largest number of that output;
    each output passes by either limit.
    """

    absolute: float
    relative: float
    absolute_limit: float
    relative_limit: float
    inputs: int
    accepted: bool
    note: str = ""


class Facts(_Frozen):
    """All that is known of one network. ``bytes`` and ``sha256`` are those of the ONNX file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    role: Role
    created: datetime
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int
    licence: str
    input: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    metrics: dict[str, float]
    recipe: dict[str, Any]
    data: tuple[DataUsed, ...]
    commit: str
    parity: dict[str, Parity]

    @field_validator("created")
    @classmethod
    def _utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)

    @field_validator("parity")
    @classmethod
    def _checked(cls, value: dict[str, Parity]) -> dict[str, Parity]:
        if not ("onnx" in value and value["onnx"].accepted):
            raise ValueError("the ONNX file was not found to answer as torch does")
        return value

    @property
    def trained_on(self) -> str:
        """The data and the commit, in one line."""
        used = [f"{each.name} ({_seeds(each.seeds)}{each.licence})" for each in self.data]
        return f"{', '.join(used) or 'no data named'}; commit {self.commit}"


def _seeds(seeds: str | Sequence[int]) -> str:
    if not seeds:
        return ""
    return f"seeds {seeds if isinstance(seeds, str) else ' '.join(map(str, seeds))}, "


def read_facts(path: Path) -> Facts:
    """Read a facts file. Raises ``FactsError`` naming the file and what is wrong in it."""
    try:
        return Facts.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FactsError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise FactsError(f"{path} does not hold a network's facts: {where}: {first['msg']}") from error


def write_facts(path: Path, facts: Facts) -> None:
    """Write a facts file; whoever reads it meanwhile finds the whole old or the whole new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
