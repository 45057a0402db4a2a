"""What `aisle evaluate checkout` found: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from training.evaluate.checkout_judging import RunOutcome
from training.evaluate.checkout_scores import reliability_of, review_curve, scored

if TYPE_CHECKING:
    from rich.table import Table

_COLUMNS: Final = (
    ("F1", "item_f1"), ("prec.", "item_precision"), ("recall", "item_recall"), ("exact", "exact_receipts"),
    ("wrong", "wrong_charge"), ("unrev.", "wrong_charge_unreviewed"), ("review", "review_rate"),
    ("p95 s", "final_receipt_p95_s"), ("ECE", "ece"), ("whole", "whole_visit_identity"), ("bound", "sessions_bound"),
)  # fmt: skip
"""Headings of the table and the scores under them."""


@dataclass(frozen=True)
class CheckoutReport:
    """The outcomes of a ``suite``'s runs, by sensors."""

    suite: str
    outcomes: Mapping[str, Sequence[RunOutcome]]

    def as_json(self) -> str:
        """``overall``, ``families``, ``review_curve``, ``failures`` and ``cost``; with several choices of sensors these
        by the choice, under ``sensors``.
        """
        parts = {name: self.part(name) for name in self.outcomes}
        whole = next(iter(parts.values())) if len(parts) == 1 else {"sensors": parts}
        return json.dumps({"suite": self.suite, **whole}, indent=2)

    def part(self, sensors: str) -> dict[str, Any]:
        """All that is told of one choice of sensors."""
        runs = self.outcomes[sensors]
        sessions = [session for run in runs for session in run.sessions]
        return {
            "sensors": sensors,
            "overall": summary(runs),
            "families": {name: summary(own) for name, own in by_family(runs).items()},
            "review_curve": review_curve(sessions),
            "reliability": reliability_of(sessions),
            "failures": [failure.as_dict() for run in runs for failure in run.failures],
            "cost": _cost(runs),
        }

    def as_table(self) -> Table:
        """A row a family and one for all, for each choice of sensors; the causes of failures below."""
        from rich import box
        from rich.table import Table

        first = next(iter(self.outcomes.values()))
        cost = _cost(first)
        title = (
            f"Checkout of {self.suite}: {len(first)} runs, {cost['cpu_s']:.0f} CPU s "
            f"for {cost['stream_s']:.0f} s of stream"
        )
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        table.add_column("family", no_wrap=True)
        for heading, _ in _COLUMNS:
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("causes of failures", overflow="fold")
        for sensors, runs in self.outcomes.items():
            for name, own in {f"all, {sensors}": list(runs), **by_family(runs)}.items():
                scores = summary(own)
                table.add_row(name, *(_cell(scores[key]) for _, key in _COLUMNS), _causes(own))
            table.add_section()
        return table


def summary(runs: Sequence[RunOutcome]) -> dict[str, Any]:
    """The scores of ``runs`` together."""
    people = sum(run.people for run in runs)
    return {
        **scored([session for run in runs for session in run.sessions]),
        "whole_visit_identity": round(sum(run.whole for run in runs) / people, 6) if people else None,
        "runs": len(runs),
    }


def by_family(runs: Sequence[RunOutcome]) -> dict[str, list[RunOutcome]]:
    """The runs of each family, by name."""
    found: dict[str, list[RunOutcome]] = {}
    for run in sorted(runs, key=lambda run: run.family):
        found.setdefault(run.family, []).append(run)
    return found


def _cost(runs: Sequence[RunOutcome]) -> dict[str, Any]:
    """Sums over runs. Stages that several choices of sensors share are counted once, as they are done once."""
    stages = sorted({stage for run in runs for stage in run.cpu_s})
    by_stage = {stage: round(sum(run.cpu_s.get(stage, 0.0) for run in runs), 1) for stage in stages}
    return {
        "stream_s": round(sum(run.stream_s for run in runs), 1),
        "wall_s": round(sum(run.wall_s for run in runs), 1),
        "cpu_s": by_stage.pop("all", 0.0),
        "cpu_s_by_stage": by_stage,
    }


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _causes(runs: Sequence[RunOutcome]) -> str:
    count: dict[str, int] = {}
    for run in runs:
        for failure in run.failures:
            count[failure.cause] = count.get(failure.cause, 0) + 1
    return ", ".join(f"{n} {cause}" for cause, n in sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))
