"""From joint explanations to facts: one package that one person moved, with what is unclear about it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vision.shop.deeds import Deed, Kind, Option
from vision.shop.goods import Goods
from vision.shop.incidents import Explanations
from vision.shop.weighing import NOBODY

K = TypeVar("K", bound=Hashable)

_ENOUGH = 0.9999  # of the probability: explanations beyond that change nothing
_SAME = 0.01


@dataclass(frozen=True, slots=True)
class Source:
    """The act or step that a fact hangs on: ``name`` is the same whenever it is found again; ``at_s``, ``end_s``
    seconds UTC.
    """

    name: str
    at_s: float
    end_s: float
    cameras: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Fact:
    """One package that may have gone out of a slot or into one.

    ``chances`` has the probability of each deed that it may be, each of quantity 1; they exclude each other, and what
    they lack to 1 is the probability that it never happened. ``step`` names the plate step that shows it. ``number``
    counts facts of one source and kind. ``to`` is who was handed it. ``balanced`` is what mass balance makes of
    ``chances``.
    """

    source: Source
    kind: Kind
    number: int
    slot: str
    step: str = ""
    chances: dict[Deed, float] = field(default_factory=dict)
    to: int = NOBODY
    balanced: dict[Deed, float] | None = None

    def likely(self) -> dict[Deed, float]:
        """The chances as far as they are known by now."""
        return self.chances if self.balanced is None else self.balanced

    @property
    def time_s(self) -> float:
        """When it happened."""
        return self.source.at_s

    @property
    def confidence(self) -> float:
        """The probability that it happened at all."""
        return min(1.0, sum(self.likely().values()))

    def who(self) -> dict[int, float]:
        """Whose hand it was, if it happened: adds up to 1, NOBODY among them; likeliest first."""
        return _shares(self.likely(), lambda deed: deed.who)

    def what(self) -> dict[str, float]:
        """Which product (id) it was, if it happened: adds up to 1; likeliest first."""
        return _shares(self.likely(), lambda deed: deed.product)


def _shares(chances: Mapping[Deed, float], of: Callable[[Deed], K]) -> dict[K, float]:
    """The probability of each ``of`` a deed, adding up to 1, likeliest first; all alike where no deed has any chance
    left, as when mass balance rules them out.
    """
    found: dict[K, float] = {}
    for deed, p in chances.items():
        found[of(deed)] = found.get(of(deed), 0.0) + p
    total = sum(found.values())
    if total <= 0.0:
        return {key: 1 / len(found) for key in found}
    return {key: p / total for key, p in sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))}


@dataclass(frozen=True, slots=True)
class _Unit:
    """One package of one option of a joint explanation."""

    act: int
    step: str
    deed: Deed


def alike(before: Sequence[Fact], after: Sequence[Fact]) -> bool:
    """Whether facts say much the same: the same ones, none of whose chances changed by more than ``_SAME``."""
    if len(before) != len(after):
        return False
    return all(
        (one.source, one.kind, one.number, one.slot, one.step, one.to)
        == (other.source, other.kind, other.number, other.slot, other.step, other.to)
        and all(
            abs(one.chances.get(deed, 0.0) - other.chances.get(deed, 0.0)) <= _SAME
            for deed in one.chances.keys() | other.chances.keys()
        )
        for one, other in zip(before, after, strict=True)
    )


def gather(
    explanations: Explanations,
    options: Sequence[Sequence[Option]],
    sources: Sequence[Source],
    steps: Sequence[str],
    known: Sequence[Fact],
    goods: Goods,
) -> list[Fact]:
    """The facts in ``explanations``; those in ``known`` first, in their order, with other chances.

    The likeliest explanation tells what facts there are; what less likely ones have in the same place is the same fact
    done otherwise, and only what finds no place is a fact of its own. ``steps`` names the steps that options number.
    """
    facts = [Fact(fact.source, fact.kind, fact.number, fact.slot, fact.step) for fact in known]
    done = 0.0
    for chosen, probability in zip(explanations.chosen.tolist(), explanations.probability.tolist(), strict=True):
        units = _units(chosen, options, steps)
        for unit, fact in _paired(units, facts, sources, goods):
            if fact is None:
                source, kind = sources[unit.act], unit.deed.kind
                same = (other.number for other in facts if other.source.name == source.name and other.kind == kind)
                number = max(same, default=-1) + 1
                fact = Fact(source, kind, number, unit.deed.slot, unit.step)
                facts.append(fact)
            fact.chances[unit.deed] = fact.chances.get(unit.deed, 0.0) + probability
        done += probability
        if done >= _ENOUGH:
            break
    return facts


def _units(chosen: Sequence[int], options: Sequence[Sequence[Option]], steps: Sequence[str]) -> list[_Unit]:
    found = []
    for act, (number, choices) in enumerate(zip(chosen, options, strict=True)):
        option = choices[number]
        if option.deed is not None:
            one = Deed(option.deed.who, option.deed.kind, option.deed.product, option.deed.slot)
            found += [_Unit(act, steps[option.step] if option.step >= 0 else "", one)] * option.deed.quantity
    return found


def _paired(
    units: Sequence[_Unit], facts: Sequence[Fact], sources: Sequence[Source], goods: Goods
) -> list[tuple[_Unit, Fact | None]]:
    """Each unit with the fact that it is, the nearest first; None for a new one."""
    ranks = [
        (rank, i, j)
        for i, unit in enumerate(units)
        for j, fact in enumerate(facts)
        if (rank := _apart(unit, sources[unit.act], fact, goods)) is not None
    ]
    found: dict[int, Fact] = {}
    taken: set[int] = set()
    for _, i, j in sorted(ranks):
        if i not in found and j not in taken:
            found[i] = facts[j]
            taken.add(j)
    return [(unit, found.get(i)) for i, unit in enumerate(units)]


def _apart(unit: _Unit, source: Source, fact: Fact, goods: Goods) -> int | None:
    """How far a unit is from being ``fact``; None: it cannot be."""
    if unit.deed.kind != fact.kind:
        return None
    same = source.name == fact.source.name
    if same and unit.deed.slot == fact.slot:
        return 0
    if unit.step and unit.step == fact.step:
        return 1
    # What was taken is known better than when: one hand's packages would be mixed with another's otherwise.
    if unit.deed.slot == fact.slot:
        return 2
    plate = goods.plate_of.get(unit.deed.slot)
    if same or (plate is not None and plate == goods.plate_of.get(fact.slot)):
        return 3
    return None


def people_of(fact: Fact) -> list[int]:
    """Everybody who is followed and may have part in a fact."""
    return sorted(({deed.who for deed in fact.chances} | {fact.to}) - {NOBODY})


def parties(facts: Sequence[Fact]) -> set[int | str]:
    """The people and slots of facts."""
    deeds = {deed for fact in facts for deed in fact.chances}
    return {deed.who for deed in deeds} | {deed.slot for deed in deeds}
