from __future__ import annotations

import pytest

from models.promotion import Outcome
from training.evaluate.bootstrap import Comparison, Verdict
from training.guard import judgement_of


def comparison(verdict: Verdict) -> Comparison:
    return Comparison(0.9, 0.8, 0.05, 0.15, 12, verdict)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        (["better", "worse"], "worse"),
        (["better", "not known"], "better"),
        (["not known", "not known"], "not known"),
        ([], "not known"),
    ],
)
def test_one_score_that_is_worse_is_enough(verdicts: list[Verdict], outcome: Outcome) -> None:
    found = judgement_of({f"score {place}": comparison(each) for place, each in enumerate(verdicts)})
    assert found.outcome == outcome
    assert all(f"score {place} 0.900 against 0.800" in found.said for place in range(len(verdicts)))
