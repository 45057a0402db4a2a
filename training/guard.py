"""The guard of a promotion: is the candidate worse than what is active, on data that nobody trained or tuned on?"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from models.candidates import Candidate
from models.entries import WeightEntry
from models.facts import Role
from models.promotion import Outcome, Verdict
from models.registry import fetch_entries


class Judgement(NamedTuple):
    """How the first network is beside the second, and one line about it: the number, the difference, its interval."""

    outcome: Outcome
    said: str


class Guard(Protocol):
    """A role's comparison of two networks on the same data, paired, with a bootstrap interval."""

    def __call__(self, candidate: Path, active: Path, dataset: Path) -> Judgement:
        """Judge the candidate's .onnx file beside the active one's. Raises what the role's evaluation raises."""
        ...


# The evaluations are imported when they are asked: each has libraries of its own.
GUARDS: Final[Mapping[Role, str]] = {
    "people": "training.evaluate.pose:guard",
    "persons": "training.evaluate.persons:guard",
    "products": "training.evaluate.products:guard",
    "reach": "training.evaluate.reach:guard",
}


def guard_of(role: Role) -> Guard:
    """The comparison of that role."""
    module, _, name = GUARDS[role].partition(":")
    guard: Guard = getattr(importlib.import_module(module), name)
    return guard


def judge(candidate: Candidate, active: WeightEntry, dataset: Path) -> Verdict:
    """Compare ``candidate`` with what is active on the guard set ``dataset``.

    Raises what ``models.registry.fetch_entries`` and the role's evaluation raise.
    """
    (beside,) = fetch_entries([active])
    judgement = guard_of(candidate.facts.role)(candidate.network, beside, dataset)
    return Verdict(judgement.outcome, active.name, f"{judgement.said}, on {dataset.name}")
