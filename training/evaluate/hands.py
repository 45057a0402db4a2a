"""How well hands that hold a product are told from empty ones, in simulated runs, which say what hands hold.

Each hand of whom a quarter is seen is looked at in every n-th picture, at the joints that a joints network finds in the
person's true box. ``auroc`` is the chance that a hand that holds something has more evidence than an empty one, in
0..1 and .5 by chance; ``accuracy`` the mean share of hands of either kind whose evidence points the right way;
``log_loss`` the mean of -ln of the probability of the truth, both kinds weighing the same (0.693 by chance). Hands are
taken alone: what a shop's cameras tell together, over time, is more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.hands import HandReader, cut_hands
from models.joints import JointFinder
from training.errors import DataError
from training.evaluate.bootstrap import Comparison, compare
from training.evaluate.reidentification import auroc
from training.hand_crops import ELBOWS, WRISTS, hands_of

if TYPE_CHECKING:
    from rich.table import Table

Bool = NDArray[np.bool_]
Float = NDArray[np.floating]

OURS: Final = "ours"
AGAINST: Final = "against"


@dataclass(frozen=True, slots=True, eq=False)
class HandReport:
    """n hands: ``held`` and ``seen`` bool (n,) are true of them, ``evidence`` (n,) each network's by name, ours first;
    ``group`` int (n,) the run and camera.
    """

    held: Bool
    seen: Bool
    evidence: dict[str, Float]
    group: NDArray[np.int64]

    def measures(self, name: str = OURS) -> dict[str, float]:
        """The measures over all hands, and the AUROC of those that can be seen; NaN where a kind is missing."""
        evidence, held = self.evidence[name], self.held
        both = [evidence[held], -evidence[~held]]
        return {
            "auroc": auroc(*_by_truth(evidence, held)),
            "auroc_seen": auroc(*_by_truth(evidence[self.seen], held[self.seen])),
            "accuracy": float(np.mean([_mean(each > 0) for each in both])),
            "log_loss": float(np.mean([_mean(np.logaddexp(0, -each)) for each in both])),
        }

    def comparison(self) -> Comparison:
        """Our accuracy beside that of ``against``, drawn by run and camera."""
        right = {
            name: np.where(self.held, each > 0, each < 0).astype(np.float64) for name, each in self.evidence.items()
        }
        groups = int(self.group.max(initial=-1)) + 1

        def score(name: str, drawn: NDArray[np.float64]) -> float:
            weight = drawn[self.group]
            parts = [weight * kind for kind in (self.held, ~self.held)]
            if not all(part.sum() for part in parts):
                return float("nan")
            return float(np.mean([right[name] @ part / part.sum() for part in parts]))

        return compare(groups, lambda drawn: score(OURS, drawn), lambda drawn: score(AGAINST, drawn))

    def as_json(self) -> str:
        """One JSON object: our measures, how many hands, and ``against``."""
        document: dict[str, Any] = {
            **{name: round(value, 4) for name, value in self.measures().items() if np.isfinite(value)},
            "hands": len(self.held),
            "held": int(self.held.sum()),
            "seen": int(self.seen.sum()),
        }
        if AGAINST in self.evidence:
            document["against"] = self.comparison().as_dict()
        return json.dumps(document, indent=2)

    def as_table(self) -> Table:
        """A row a network."""
        from rich import box
        from rich.table import Table

        title = f"{len(self.held)} hands, {int(self.held.sum())} hold something, {int(self.seen.sum())} in sight"
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("", "AUROC", "of those in sight", "accuracy", "log loss"):
            table.add_column(name, justify="right" if name else "left", no_wrap=True)
        for name in self.evidence:
            table.add_row(name, *(f"{value:.3f}" for value in self.measures(name).values()))
        if AGAINST in self.evidence:
            table.caption = f"accuracy {self.comparison()}"
        return table


def evaluate_hands(
    folder: Path,
    reader: HandReader,
    joints: JointFinder,
    *,
    against: HandReader | None = None,
    every: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HandReport:
    """Measure ``reader``, and ``against`` beside it, on a dataset of simulated runs.

    Raises ``DataError`` where no hand is to be seen, and what ``training.hand_crops.hands_of`` raises.
    """
    readers = {OURS: reader} | ({AGAINST: against} if against is not None else {})
    chosen = list(hands_of(folder))[::every]
    held, seen, group = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)], [np.zeros(0, np.int64)]
    evidence = {name: [np.zeros(0, np.float32)] for name in readers}
    places: dict[str, int] = {}
    for number, hands in enumerate(chosen, 1):
        if len(hands):
            image, people = hands.sample.picture.read(), np.unique(hands.person)
            found = joints.find(image, hands.sample.xyxy[people].astype(np.float32))
            own = found[np.searchsorted(people, hands.person), :, :2]
            rows = np.arange(len(hands))
            wrists, elbows = (own[rows, np.array(which)[hands.hand]] for which in (WRISTS, ELBOWS))
            crops = cut_hands(image, wrists, elbows, hands.scale)
            for name, each in readers.items():
                evidence[name].append(each.evidence(crops))
            held.append(hands.held)
            seen.append(hands.seen)
            group.append(np.full(len(hands), places.setdefault(hands.sample.sequence, len(places))))
        progress(number, len(chosen))
    if not places:
        raise DataError(f"{folder} shows no hands")
    whole = {name: np.concatenate(parts) for name, parts in evidence.items()}
    return HandReport(np.concatenate(held), np.concatenate(seen), whole, np.concatenate(group))


def _by_truth(evidence: Float, held: Bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return evidence[held].astype(np.float64), evidence[~held].astype(np.float64)


def _mean(values: Bool | Float) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
