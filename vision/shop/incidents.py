"""Which explanations of several acts go together: steps of plates and pictures of slots are explained once.

Acts are joined one after the other; of the joint explanations the likeliest are kept (a beam search). A plate's step
weighs in when the last act that may have part in it has been joined, pictures of a slot as far as it is explained by
then: five packages that are gone need five acts, of which none is likely by itself. So do what people hold when they
come to a shelf and when they leave.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.shop.deeds import Option
from vision.shop.evidence import PlateStep, SlotChange
from vision.shop.weighing import AttributionSettings, slot_log

Float = NDArray[np.float64]
Int = NDArray[np.int64]

MOST = 12
"""Packages that a slot, or somebody, gains or loses in one incident."""
_BEAM = 400  # joint explanations that are kept
_LEAST = 1e-5  # a joint explanation less likely than that, against the likeliest, is none
_ALIKE = math.log(2 * math.pi) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """``chosen`` int64 (k, acts) is the option of each act, likeliest first; ``probability`` (k,) adds up to 1."""

    chosen: Int
    probability: Float


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """What is known of how many packages people gained at each of k stops: ``table`` (k, 2 * MOST + 1), log likelihoods
    of ``-MOST`` to ``MOST``; ``stop_of`` has, of each act, the stop that it belongs to by who did it.
    """

    table: Float
    stop_of: Sequence[Mapping[int, int]]


@dataclass(slots=True, eq=False)
class _Beam:
    """b joint explanations of the acts so far, likeliest first: ``grams`` (b, steps) with how ``many`` deeds are in
    each step, and the packages that each slot gained, then people at each stop, ``net`` (b, slots + stops), ``foreign``
    where any of them does not belong there. ``told`` (b,) is what pictures and hands say of that, beside ``log``.
    """

    log: Float
    told: Float
    chosen: Int
    grams: Float
    share_g2: Float
    many: Int
    net: Int
    foreign: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Choices:
    """The n options of an act: ``log`` (n,), the ``step`` that they are in, -1 for none, with ``grams`` and
    ``share_g2``, and the column of the ``slot`` and of the ``stop`` where packages come, -1 for none.
    """

    log: Float
    step: Int
    grams: Float
    share_g2: Float
    slot: Int
    stop: Int
    comes: Int
    foreign: NDArray[np.bool_]


def explain(
    acts: Sequence[Sequence[Option]],
    steps: Sequence[PlateStep],
    changes: Mapping[str, SlotChange],
    settings: AttributionSettings,
    gains: Gains,
) -> Explanations:
    """The joint explanations of ``acts``, each a list of options; ``changes`` is what pictures say of each slot, and
    ``gains`` what is known of people.
    """
    slots = {slot: place for place, slot in enumerate(changes)}
    last_step = _last([{option.step for option in options} for options in acts])
    table = np.concatenate([_slot_table(changes.values(), settings), np.repeat(gains.table[:, None], 2, axis=1)])
    beam = _Beam(
        np.zeros(1), np.array([table[:, 0, MOST].sum()]), np.zeros((1, 0), np.int64), np.zeros((1, len(steps))),
        np.zeros((1, len(steps))), np.zeros((1, len(steps)), np.int64), np.zeros((1, len(table)), np.int64),
        np.zeros((1, len(table)), np.bool_),
    )  # fmt: skip
    for number in range(len(steps)):
        if number not in last_step:
            beam.log += math.log(settings.spurious / settings.span_g)
    for place, options in enumerate(acts):
        stops = {who: len(slots) + stop for who, stop in gains.stop_of[place].items()}
        over = {number: step for number, step in enumerate(steps) if last_step.get(number) == place}
        beam = _joined(beam, _choices(options, slots, stops, settings), over, table, settings)
    logs = beam.log + beam.told
    weights = np.exp(logs - logs[0])
    likely = weights >= _LEAST
    return Explanations(beam.chosen[likely], weights[likely] / weights[likely].sum())


def _slot_table(changes: Iterable[SlotChange], settings: AttributionSettings) -> Float:
    """What pictures say of each slot (s) that gains ``-MOST`` to ``MOST`` packages, own and foreign: (s, 2, n)."""
    numbers = range(-MOST, MOST + 1)
    rows = [
        [[slot_log(change, gained, foreign, settings) for gained in numbers] for foreign in (False, True)]
        for change in changes
    ]
    return np.array(rows, np.float64).reshape(-1, 2, len(numbers))


def _last(parts: Sequence[set[int] | set[str]]) -> dict[int | str, int]:
    """The last act that has part in each thing."""
    return {part: place for place, found in enumerate(parts) for part in found}


def _choices(
    options: Sequence[Option], slots: Mapping[str, int], stops: Mapping[int, int], settings: AttributionSettings
) -> _Choices:
    """``slots`` and ``stops`` (by person) have columns."""
    deeds = [option.deed for option in options]
    step = np.array([option.step for option in options], np.int64)
    grams = np.array([option.grams for option in options], np.float64)
    return _Choices(
        np.array([option.log for option in options], np.float64),
        step,
        np.where(step >= 0, grams, 0.0),
        np.where(step >= 0, (settings.package_share * grams) ** 2, 0.0),
        np.array([-1 if deed is None else slots.get(deed.slot, -1) for deed in deeds], np.int64),
        np.array([-1 if deed is None else stops.get(deed.who, -1) for deed in deeds], np.int64),
        np.array([0 if d is None else d.quantity if d.kind == "put" else -d.quantity for d in deeds], np.int64),
        np.array([option.foreign for option in options], np.bool_),
    )


def _joined(
    beam: _Beam, act: _Choices, over: Mapping[int, PlateStep], table: Float, settings: AttributionSettings
) -> _Beam:
    """Each joint explanation with each option of one more act, the likeliest of them; ``over`` has the steps in which
    no later act may have part, by number, and ``table`` (columns, 2, n) what pictures and hands say of each column.
    """
    log = beam.log[:, None] + act.log
    for number, step in over.items():
        own = act.step == number
        grams = beam.grams[:, number, None] + np.where(own, act.grams, 0.0)
        share = beam.share_g2[:, number, None] + np.where(own, act.share_g2, 0.0)
        log += _step_log(grams, share, beam.many[:, number, None] + own, step, settings)
    told = beam.told[:, None] + _said_more(beam, act.slot, act.comes, act.foreign, table)
    told += _said_more(beam, act.stop, -act.comes, np.zeros_like(act.foreign), table)
    kept = np.argsort(-(log + told), axis=None, kind="stable")[:_BEAM]
    row, choice = np.divmod(kept, len(act.log))
    new = _Beam(*(getattr(beam, name)[row] for name in _Beam.__slots__))
    new.log, new.told = log.ravel()[kept], told.ravel()[kept]
    new.chosen = np.column_stack([new.chosen, choice])
    here = np.flatnonzero(act.step[choice] >= 0)
    new.grams[here, act.step[choice[here]]] += act.grams[choice[here]]
    new.share_g2[here, act.step[choice[here]]] += act.share_g2[choice[here]]
    new.many[here, act.step[choice[here]]] += 1
    for column, comes in ((act.slot, act.comes), (act.stop, -act.comes)):
        here = np.flatnonzero(column[choice] >= 0)
        new.net[here, column[choice[here]]] += comes[choice[here]]
    here = np.flatnonzero(act.slot[choice] >= 0)
    new.foreign[here, act.slot[choice[here]]] |= act.foreign[choice[here]]
    return new


def _said_more(beam: _Beam, column: Int, comes: Int, foreign: NDArray[np.bool_], table: Float) -> Float:
    """What pictures or hands say more (b, n) of explanations by which so many packages come to a column (n,)."""
    if not len(table):
        return np.zeros((len(beam.log), len(column)))
    place = np.maximum(column, 0)
    before, strange = beam.net[:, place], beam.foreign[:, place]
    old = table[place, strange.astype(np.int64), np.clip(before, -MOST, MOST) + MOST]
    new = table[place, (strange | foreign).astype(np.int64), np.clip(before + comes, -MOST, MOST) + MOST]
    return np.where(column >= 0, new - old, 0.0)


def _step_log(grams: Float, share_g2: Float, many: Int, step: PlateStep, settings: AttributionSettings) -> Float:
    """How well the deeds in a step explain its grams: a density a gram, of the shape of ``grams``."""
    off, variance = grams - step.grams, share_g2 + step.sigma_g**2
    close = _gauss(off, variance) + math.log(1 - settings.pressed)
    pressed = _gauss(off, variance + settings.pressed_g**2) + math.log(settings.pressed)
    spurious = math.log(settings.spurious / settings.span_g)
    return np.asarray(np.where(many > 0, np.logaddexp(close, pressed), spurious))


def _gauss(off: Float, variance: Float) -> Float:
    return np.asarray(-0.5 * off**2 / variance - 0.5 * np.log(variance) - _ALIKE)
