"""From a candidate to the active model: self-test, guard set, promotion. Every refusal stands in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from models.candidates import Candidate, candidate_of
from models.errors import PromotionError, SelfTestError
from models.history import Record
from models.promotion import Promotions, Verdict
from models.selftest import self_test
from training.guard import judge


def promote_candidate(
    name: str,
    registry: Path,
    *,
    guard: Path | None = None,
    guards: Mapping[str, Path] | None = None,
    force: bool = False,
    reason: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> Record:
    """Promote the candidate called ``name``, unless it fails its self-test or is worse on the guard set.

    ``guard`` is the guard set, else ``guards`` has one for the role; without one, only ``force`` with a ``reason``
    promotes beside an active model. ``force`` spares the comparison, unless ``guard`` is given; then its result stands
    in the history. A failed self-test cannot be overruled. Raises ``PromotionError``, what ``candidate_of`` raises,
    and what the role's evaluation raises.
    """
    candidate = candidate_of(name, registry)
    promotions = Promotions(registry)
    try:
        self_test(candidate.entry(), threads=None)
    except SelfTestError as error:
        promotions.refuse(candidate, str(error))
        raise PromotionError(f"{name} is not promoted: {error}") from error
    dataset = guard or (None if force else (guards or {}).get(candidate.facts.role))
    verdict = _verdict(candidate, promotions, dataset, say) if dataset is not None else None
    return promotions.promote(candidate, verdict, force=force, reason=reason)


def _verdict(candidate: Candidate, promotions: Promotions, dataset: Path, say: Callable[[str], None]) -> Verdict | None:
    active = promotions.active(candidate.facts.role)
    if active is None or active.name == candidate.id:
        return None
    if not dataset.exists():
        raise PromotionError(f"there is no guard set {dataset}")
    say(f"comparing {candidate.id} with {active.name} on {dataset}")
    return judge(candidate, active, dataset)
