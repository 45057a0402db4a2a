"""The guard of a promotion: is the candidate worse than what is active, on data that nobody trained or tuned on?

Each role is compared by its own evaluation, paired on the same data, with a bootstrap interval over groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from models.candidates import Candidate
from models.entries import WeightEntry
from models.facts import Role
from models.promotion import Outcome, Verdict
from models.registry import fetch_entries

if TYPE_CHECKING:
    from training.evaluate.bootstrap import Comparison


_BOTH: Final = ("candidate", "active")


class Judgement(NamedTuple):
    """How the first network is beside the second, and one line about it: the numbers, the difference, its interval."""

    outcome: Outcome
    said: str


class Guard(Protocol):
    """A role's comparison of two networks on the same data."""

    def __call__(self, candidate: Path, active: Path, dataset: Path, /) -> Judgement:
        """Judge the candidate's .onnx file beside the active one's. Raises what the role's evaluation raises."""
        ...


def judge(candidate: Candidate, active: WeightEntry, dataset: Path) -> Verdict:
    """Compare ``candidate`` with what is active on the guard set ``dataset``.

    Raises what ``models.registry.fetch_entries`` and the role's evaluation raise.
    """
    (beside,) = fetch_entries([active])
    judgement = GUARDS[candidate.facts.role](candidate.network, beside, dataset)
    return Verdict(judgement.outcome, active.name, f"{judgement.said}, on {dataset.name}")


def judgement_of(comparisons: Mapping[str, Comparison]) -> Judgement:
    """Worse where any of the comparisons by score is worse, else better where any is, else not known."""
    verdicts = {comparison.verdict for comparison in comparisons.values()}
    outcome: Outcome = "worse" if "worse" in verdicts else "better" if "better" in verdicts else "not known"
    return Judgement(outcome, "; ".join(f"{name} {comparison}" for name, comparison in comparisons.items()))


# The evaluations are imported when they are asked: each has libraries of its own.


def people(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By AP50 of `aisle evaluate detector`."""
    from models.people import open_person_detector
    from training.evaluate.detector import evaluate_detectors
    from training.evaluate.people_pictures import Question

    detectors = {name: open_person_detector(str(path)) for name, path in zip(_BOTH, (candidate, active), strict=True)}
    return judgement_of({"AP50": evaluate_detectors(Question(dataset), detectors)[0].against["AP50"]})


def joints(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By PCK and AP50 of `aisle evaluate pose`, both in the boxes of the active people network."""
    from models.joints import JointFinder, PosedDetector
    from models.people import open_person_detector
    from training.evaluate.people_pictures import Question
    from training.evaluate.pose import evaluate_poses

    people = open_person_detector("active")
    posed = {
        name: PosedDetector(people, JointFinder(path)) for name, path in zip(_BOTH, (candidate, active), strict=True)
    }
    against = evaluate_poses(Question(dataset), posed)[0].against
    return judgement_of({"AP50 by OKS": against["OKS AP50"], "PCK": against["PCK"]})


def hands(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By accuracy of `aisle evaluate hands`, both at the joints that the active joints network finds."""
    from models.hands import HandReader
    from models.joints import open_joint_finder
    from training.evaluate.hands import evaluate_hands

    new, old = (HandReader(path) for path in (candidate, active))
    return judgement_of({"accuracy": evaluate_hands(dataset, new, open_joint_finder(), against=old).comparison()})


def persons(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By rank-1 of `aisle evaluate persons`."""
    from models.persons import open_person_embedder
    from training.evaluate.persons import evaluate_persons

    new, old = (open_person_embedder(str(path)) for path in (candidate, active))
    comparison = evaluate_persons(dataset, new, against=old).comparison
    assert comparison is not None
    return judgement_of({"rank-1": comparison})


def reach(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By event F1 of `aisle evaluate reach`."""
    from models.reach import ReachModel
    from training.evaluate.reach import evaluate_reach

    new, old = (ReachModel.open(path) for path in (candidate, active))
    comparison = evaluate_reach(dataset, new, against=old).comparison()
    assert comparison is not None
    return judgement_of({"F1": comparison})


def products(candidate: Path, active: Path, dataset: Path) -> Judgement:
    """By top-1 of `aisle evaluate products`, enrolled from catalogue photos."""
    from models.products.embedder import open_product_embedder
    from training.evaluate.products import evaluate_products

    new, old = (open_product_embedder(str(path)) for path in (candidate, active))
    comparison = evaluate_products(dataset, new, against=old).against
    assert comparison is not None
    return judgement_of({"top-1": comparison})


GUARDS: Final[Mapping[Role, Guard]] = {
    "people": people,
    "joints": joints,
    "hands": hands,
    "persons": persons,
    "products": products,
    "reach": reach,
}
