"""What may have been done: every explanation of a reach, and of a plate's step that no reach explains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from vision.shop.evidence import HandChange, PlateStep, Reach, SlotChange
from vision.shop.goods import Goods
from vision.shop.weighing import NOBODY, AttributionSettings, hand_log, named_log

Kind = Literal["take", "put", "hand"]
_LEAST = 0.02  # a slot or a possession less likely than that is not looked at
_OTHERS = 4  # products looked at beside those that are known to be there


@dataclass(frozen=True, slots=True)
class Deed:
    """``quantity`` packages of ``product`` (id) went out of ``slot`` (take) or into it (put) by ``who`` (track id), or
    from that person's hand into another's (hand; no slot).
    """

    who: int
    kind: Kind
    product: str
    slot: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Option:
    """One explanation of an act: ``deed``, None for nothing; ``log`` what speaks for it besides what acts share.

    ``step`` is the number of the plate step that shows it, -1 for none, and ``grams`` what it puts on that plate;
    ``foreign``: the product is not that of the slot.
    """

    deed: Deed | None
    log: float
    step: int = -1
    grams: float = 0.0
    foreign: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """A reach with all that is known of it. ``key`` sorts acts and names them, whatever order they came in."""

    reach: Reach
    hand: HandChange | None = None
    changes: Mapping[str, SlotChange] = field(default_factory=dict)

    @property
    def key(self) -> tuple[float, float, int, int]:
        """By time, then person and hand."""
        return (self.reach.start_s, self.reach.end_s, self.reach.track_id, self.reach.hand)


class Belongings(Protocol):
    """What is known of things that are not where the plan has them."""

    def held(self, who: int, before_s: float) -> Mapping[str, float]:
        """The probability that a person has one of each product."""

    def unheld(self, who: int) -> float:
        """The chance that a person puts down what nobody saw them take."""

    def astray(self, slot: str, before_s: float) -> Mapping[str, float]:
        """The probability that one of each product lies in a slot that is not its own."""

    def empty(self, slot: str, before_s: float) -> float:
        """The probability that nothing of a slot's own product is left in it."""


def reach_options(
    act: Act,
    steps: Sequence[PlateStep],
    watched: Mapping[str, float],
    goods: Goods,
    belongings: Belongings,
    settings: AttributionSettings,
    instead: Mapping[int, float],
) -> list[Option]:
    """All explanations of a reach, nothing first; ``watched`` is until when each plate that tells anything has told.

    ``instead`` has the probabilities that it was the hand of somebody else.
    """
    reach = act.reach
    people = {reach.track_id: 1.0 - sum(instead.values())} | dict(instead)
    held = {who: belongings.held(who, reach.start_s) for who in people}
    named = sorted(act.hand.product.items(), key=lambda pair: -pair[1])[:_OTHERS] if act.hand else []
    guesses = {product for product, p in named if p >= 0.2 and product in goods.products}
    drafts: list[tuple[Deed, float]] = []
    for slot, inside in reach.slots.items():
        if inside < _LEAST or slot not in goods.slots:
            continue
        home = goods.home(slot)
        there = {home: 1.0 - (1 - settings.restocked) * belongings.empty(slot, reach.start_s)} | dict(
            belongings.astray(slot, reach.start_s)
        )
        there |= {product: settings.foreign for product in guesses if there.get(product, 0.0) < settings.foreign}
        for who, own in people.items():
            for product, p in there.items():
                drafts.append((Deed(who, "take", product, slot), math.log(own * settings.reach_takes * inside * p)))
            for product, p in _puts(slot, held[who], belongings.unheld(who), goods, settings).items():
                drafts.append((Deed(who, "put", product, slot), math.log(own * settings.reach_returns * inside * p)))
    returns = settings.reach_returns * _has_own(reach, held[reach.track_id], goods)
    nothing = math.log(max(1 - settings.reach_takes - returns, 0.05))
    options = [Option(None, nothing + hand_log(act.hand, None, settings))]
    level = _mean_named(drafts, act.hand, len(goods.products), settings)
    for deed, log in drafts:
        # By somebody else's hand the own one did nothing.
        own = deed.who == reach.track_id
        log += hand_log(act.hand, deed.kind if own else None, settings)
        log += named_log(act.hand, deed.product, len(goods.products), settings) - level if own else 0.0
        change = act.changes.get(deed.slot)
        options += _shown(deed, log, reach.start_s, reach.end_s, steps, watched, goods, settings, change)
    return options


def step_options(
    number: int,
    step: PlateStep,
    near: Mapping[int, float],
    goods: Goods,
    belongings: Belongings,
    settings: AttributionSettings,
) -> list[Option]:
    """All explanations of step ``number`` by a hand that was not seen, nothing first; ``near`` weighs who it was.

    ``near`` adds up to 1, NOBODY among them.
    """
    options = [Option(None, math.log(1 - settings.unseen))]
    slots = goods.on_plate.get(step.plate, ())
    for slot in slots:
        for who, weight in near.items():
            held = belongings.held(who, step.start_s) if who != NOBODY else {}
            if step.grams < 0:
                chances = {goods.home(slot): 1.0} | dict(belongings.astray(slot, step.start_s))
            else:
                chances = _puts(slot, held, belongings.unheld(who), goods, settings)
            for product, quantity, log in _weighed(step, chances, goods, settings):
                deed = Deed(who, "take" if step.grams < 0 else "put", product, slot, quantity)
                log += math.log(settings.unseen * weight / len(slots))
                options.append(_option(deed, log, goods, number))
    return options


def change_options(
    change: SlotChange,
    steps: Sequence[PlateStep],
    watched: Mapping[str, float],
    near: Mapping[int, float],
    goods: Goods,
    belongings: Belongings,
    settings: AttributionSettings,
) -> list[Option]:
    """All explanations of a slot that looks otherwise, by a hand that was not seen, nothing first; as of steps."""
    slot, home = change.slot, goods.home(change.slot)
    span = (change.before_s, change.after_s)
    options = [Option(None, math.log(1 - settings.unseen_change))]
    there = {home: 1.0 - (1 - settings.restocked) * belongings.empty(slot, change.before_s)}
    there |= dict(belongings.astray(slot, change.before_s))
    for who, weight in near.items():
        share = settings.unseen_change * weight
        held = belongings.held(who, change.before_s) if who != NOBODY else {}
        for product, p in there.items():
            deed, log = Deed(who, "take", product, slot), math.log(share * p * settings.reach_takes)
            options += _shown(deed, log, *span, steps, watched, goods, settings, change)
        for product, p in _puts(slot, held, belongings.unheld(who), goods, settings).items():
            deed, log = Deed(who, "put", product, slot), math.log(share * p * settings.reach_returns)
            options += _shown(deed, log, *span, steps, watched, goods, settings, change)
    return options


def _puts(
    slot: str, held: Mapping[str, float], unheld: float, goods: Goods, settings: AttributionSettings
) -> dict[str, float]:
    """What somebody may put into a slot, with how likely that is besides the chance of a return."""
    home = goods.home(slot)
    found = {p: chance * settings.puts_elsewhere for p, chance in held.items() if chance >= _LEAST and p != home}
    has = held.get(home, 0.0)
    found[home] = has + (1 - has) * unheld
    return found


def _has_own(reach: Reach, held: Mapping[str, float], goods: Goods) -> float:
    """The probability that the person holds the product of the slot that the hand is in."""
    return sum(p * held.get(goods.home(slot), 0.0) for slot, p in reach.slots.items() if slot in goods.slots)


def _mean_named(
    drafts: Sequence[tuple[Deed, float]], hand: HandChange | None, products: int, settings: AttributionSettings
) -> float:
    """What a hand's product says of these drafts on average: its look tells which it was, not whether it was."""
    if hand is None or not hand.product or not drafts:
        return 0.0
    total = sum(math.exp(log) for _, log in drafts)
    said = sum(math.exp(log + named_log(hand, deed.product, products, settings)) for deed, log in drafts)
    return math.log(said / total)


def _shown(
    deed: Deed,
    log: float,
    start_s: float,
    end_s: float,
    steps: Sequence[PlateStep],
    watched: Mapping[str, float],
    goods: Goods,
    settings: AttributionSettings,
    change: SlotChange | None = None,
) -> Iterator[Option]:
    """The deed as a step of its plate shows it, in each number; and as no step shows it, in each where pictures of the
    slot tell of its ``change``.
    """
    plate = goods.plate_of.get(deed.slot)
    if plate is None or plate not in watched:
        # Where only pictures tell, they may tell of more than one.
        most = len(settings.several) if change is not None and change.cameras else 1
        for many, chance in enumerate(settings.several[:most], 1):
            yield _option(replace(deed, quantity=many), log + (math.log(chance) if most > 1 else 0.0), goods)
        return
    told = watched[plate] >= end_s + settings.slack_s
    yield _option(deed, log + math.log(settings.step_missed if told else settings.step_pending), goods)
    for number, step in enumerate(steps):
        if step.plate != plate or not touch(start_s, end_s, step, settings):
            continue
        for many, chance in enumerate(settings.several, 1):
            yield _option(replace(deed, quantity=many), log + math.log(chance), goods, number)


def touch(start_s: float, end_s: float, step: PlateStep, settings: AttributionSettings) -> bool:
    """Whether a step may be of something that took from ``start_s`` to ``end_s``."""
    return step.start_s <= end_s + settings.slack_s and step.end_s >= start_s - settings.slack_s


def _weighed(
    step: PlateStep, chances: Mapping[str, float], goods: Goods, settings: AttributionSettings
) -> Iterator[tuple[str, int, float]]:
    """(product, how many, log) of what is known to have been there and, unlikelier, of all else that weighs so much."""
    for product, p in chances.items():
        for many, chance in enumerate(settings.several, 1):
            yield product, many, math.log(p * chance)
    grams = abs(step.grams)
    others = goods.weighing(grams, 3.0 * math.hypot(step.sigma_g, settings.package_share * grams))
    others = [product for product in others if product not in chances]
    for product in others:
        yield product, 1, math.log(settings.foreign / len(others))


def _option(deed: Deed, log: float, goods: Goods, step: int = -1) -> Option:
    grams = goods.grams(deed.product) * deed.quantity if step >= 0 else 0.0
    return Option(deed, log, step, -grams if deed.kind == "take" else grams, goods.home(deed.slot) != deed.product)
