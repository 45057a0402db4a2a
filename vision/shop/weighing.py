"""How much each piece of evidence weighs, in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from vision.shop.evidence import HandChange, Pair, SlotChange, Stop

NOBODY = 0
"""In place of a track id: somebody whom no camera follows."""

_FULL_AFTER = {
    -2: ((0.90, 0.07, 0.03), (0.80, 0.15, 0.05), (0.60, 0.30, 0.10)),
    -1: ((0.90, 0.07, 0.03), (0.75, 0.20, 0.05), (0.10, 0.70, 0.20)),
    0: ((0.95, 0.03, 0.02), (0.03, 0.94, 0.03), (0.02, 0.03, 0.95)),
    1: ((0.20, 0.73, 0.07), (0.05, 0.35, 0.60), (0.02, 0.13, 0.85)),
    2: ((0.20, 0.40, 0.40), (0.05, 0.35, 0.60), (0.02, 0.13, 0.85)),
}
"""By the packages that somebody gained at a stop before shelves and by how many hands held something before, how often
none, one and both do afterwards. Set by judgement: things go into bags, and into one hand together.
"""


@dataclass(frozen=True, slots=True)
class AttributionSettings:
    """Every number that ``attribution`` reasons with. Probabilities in [0, 1], logarithms natural.

    What is not said to be counted or measured is set by judgement.

    What a reach is for: ``reach_takes`` and ``reach_returns`` (the latter if the hand's slot is that of a product
    that the person holds), the rest is nothing (about half of the reported reaches are taken to do nothing).
    ``puts_elsewhere`` is how much less likely a held product goes to another's slot. ``unheld`` is the chance that
    somebody holds what nobody saw them take (what was missed, and the rest of their bag), ``stocks`` that of somebody
    who fills shelves, as ``stockers`` of all people do. ``foreign`` is the chance that a product of which nothing was
    known to lie in a slot does, ``restocked`` that something is in a slot that was empty as far as is known.
    ``several`` gives the chances of 1, 2, 3, ... packages in one hand.

    What pictures say: ``hand_weight`` and ``slot_weight`` multiply their logarithms (below 1 where pictures repeat one
    another), ``most_slot`` bounds the latter, from the likeliest to the least likely. ``hand_take``, ``hand_return``
    and ``hand_idle`` are the chances of (empty, empty), (empty, full), (full, empty), (full, full) before and after (in
    the simulated truth of seeds 500 and 600 all 160 hands that took were empty before, all 35 that returned were so
    afterwards, and 27 % of the others hold something; real hands hold baskets and lists too, so that none is 0).
    ``named_right`` is the chance that a product in a hand is named by its distribution at all, ``named_weight``
    multiplies that logarithm.

    What plates say: a package weighs what the catalogue says up to a share of ``package_share`` (filling tolerance:
    Directive 76/211/EEC allows 1.5 to 3 % at most from 300 g on). A share ``pressed`` of steps is wrong by about
    ``pressed_g``, for another hand pressed on the plate. ``step_missed`` is the chance that a plate that was watched
    told of no step (measured: none of 133), ``step_pending`` that it has not yet. ``unseen`` is the chance that a step
    has no reach that was seen, ``spurious`` that nothing was moved, over ``span_g`` grams. ``unseen_change`` is the
    chance that a slot near somebody was reached into without a reach that was seen, which is asked where pictures speak
    for a change by ``least_change``, a log likelihood.

    Who: somebody within ``arm_m`` of a slot may have reached into it, by a Gaussian of ``arm_sigma_m``; somebody whom
    nobody follows weighs ``nobody`` on that scale. ``swapped`` is the chance that a wrist is that of somebody else
    within ``swap_m``. Of things that somebody gives away each older one is ``older_given`` times as likely as the next
    newer one. ``given`` is how often a meeting of two is a hand-over, ``hand_moved`` how often a hand holds something
    else after a meeting for other reasons than that and than what the person took or returned meanwhile.

    The floor: ``laid`` is how often a thing on the floor is one that somebody who stood there held, if they hold
    anything, ``other_size`` the likelihood of the size of anything else, against the best, ``lifted`` how often one
    that is gone was picked up. Somebody within ``stoop_m`` of a spot may have laid something there, by a Gaussian of
    ``stoop_sigma_m`` beyond that.

    When: evidence that overlaps within ``slack_s`` is of one incident. It is decided ``settle_s`` after its end, and
    reopened by what comes until ``open_s`` after it. An event is told from a probability of ``tell_at`` on, at once
    when all of it is at least ``clear`` sure, and told anew when ``retell`` of its probability moves, or when it passes
    ``sure``, from which on a line waits for nothing. What was known of somebody who has not been seen for ``gone_s`` is
    forgotten. Mass balance corrects what is up to ``balance_s`` old.
    """

    reach_takes: float = 0.45
    reach_returns: float = 0.35
    puts_elsewhere: float = 0.15
    unheld: float = 0.03
    stocks: float = 0.7
    stockers: float = 0.05
    foreign: float = 0.003
    restocked: float = 0.02
    several: tuple[float, ...] = (0.86, 0.11, 0.02, 0.01)
    hand_weight: float = 1.0
    slot_weight: float = 1.0
    most_slot: float = 10.0
    hand_take: tuple[float, float, float, float] = (0.02, 0.90, 0.01, 0.07)
    hand_return: tuple[float, float, float, float] = (0.02, 0.01, 0.90, 0.07)
    hand_idle: tuple[float, float, float, float] = (0.70, 0.02, 0.02, 0.26)
    named_right: float = 0.9
    named_weight: float = 1.0
    package_share: float = 0.01
    pressed: float = 0.03
    pressed_g: float = 30.0
    step_missed: float = 0.01
    step_pending: float = 0.5
    unseen: float = 0.05
    unseen_change: float = 0.03
    least_change: float = 1.0
    spurious: float = 0.01
    span_g: float = 3000.0
    arm_m: float = 1.4
    arm_sigma_m: float = 0.5
    nobody: float = 0.03
    swapped: float = 0.1
    swap_m: float = 0.8
    older_given: float = 0.4
    given: float = 0.3
    hand_moved: float = 0.06
    laid: float = 0.9
    other_size: float = 0.2
    lifted: float = 0.97
    stoop_m: float = 0.5
    stoop_sigma_m: float = 0.2
    slack_s: float = 0.4
    settle_s: float = 1.5
    open_s: float = 14.0
    tell_at: float = 0.1
    clear: float = 0.97
    retell: float = 0.1
    sure: float = 0.95
    gone_s: float = 1800.0
    balance_s: float = 180.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type != "float":
                if not all(0 < part <= 1 for part in value) or abs(sum(value) - 1) > 0.001:
                    raise ValueError(f"{each.name} must be probabilities that add up to 1, found {value}")
            elif not (math.isfinite(value) and value > 0):
                raise ValueError(f"{each.name} must be more than 0, found {value:g}")


def hand_log(change: HandChange | None, kind: str | None, settings: AttributionSettings) -> float:
    """How much what a hand held before and after speaks for ``take``, ``put`` or, None, nothing."""
    if change is None:
        return 0.0
    chances = {"take": settings.hand_take, "put": settings.hand_return, None: settings.hand_idle}[kind]
    states = ((0, 0), (0, 1), (1, 0), (1, 1))
    likely = sum(
        chance * (change.before if before else 1 - change.before) * (change.after if after else 1 - change.after)
        for chance, (before, after) in zip(chances, states, strict=True)
    )
    return settings.hand_weight * math.log(4.0 * max(likely, 1e-4))


def stop_log(stop: Stop, gained: int) -> float:
    """How much what hands held before and after a stop speaks for so many packages that the person gained there."""
    table = _FULL_AFTER[min(max(gained, -2), 2)]
    before, (none, one, both) = _hands_full(stop.before), _hands_full(stop.after)
    # One full hand may be either: of the four that two hands may hold, all alike before anything is seen.
    after = none, one / 2, both
    likely = sum(had * has * table[full][number] for full, had in enumerate(before) for number, has in enumerate(after))
    return math.log(max(4.0 * likely, 1e-3))


def _hands_full(pair: Pair) -> tuple[float, float, float]:
    """The probabilities that none, one and both of two hands hold something."""
    left, right = pair
    return (1 - left) * (1 - right), left + right - 2 * left * right, left * right


def named_log(change: HandChange | None, product: str, products: int, settings: AttributionSettings) -> float:
    """How much what was seen in a hand speaks for ``product``, against any of ``products`` alike."""
    if change is None or not change.product:
        return 0.0
    named = settings.named_right * change.product.get(product, 0.0) + (1 - settings.named_right) / products
    return settings.named_weight * math.log(max(named * products, 1e-4))


def slot_log(change: SlotChange, gained: int, foreign: bool, settings: AttributionSettings) -> float:
    """How much pictures of a slot speak for so many packages more in it; ``foreign``: for one that does not belong."""
    log = change.log(gained)
    if foreign and gained:
        log = max(log, change.misplaced if gained > 0 else change.removed)
    # What is least likely is not believed to be less likely than that; how many are gone may be told all the same.
    least = max(0.0, change.most) - settings.most_slot
    return settings.slot_weight * (max(log, least) - max(0.0, least))


def normalised(weights: Mapping[int, float]) -> dict[int, float]:
    """The same with a sum of 1. Raises ``ZeroDivisionError`` when all are 0."""
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()}
