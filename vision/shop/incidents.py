"""Which explanations of several acts go together: steps of plates and pictures of slots are explained once.

Acts are joined one after the other; of the joint explanations the likeliest are kept (a beam search). A plate's step
weighs in when the last act that may have part in it has been joined, pictures of a slot as far as it is explained by
then: five packages that are gone need five acts, of which none is likely by itself.
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

_BEAM = 400  # joint explanations that are kept
_MOST = 12  # packages that a slot gains or loses in one incident
_LEAST = 1e-5  # a joint explanation less likely than that, against the likeliest, is none
_ALIKE = math.log(2 * math.pi) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """``chosen`` int64 (k, acts) is the option of each act, likeliest first; ``probability`` (k,) adds up to 1."""

    chosen: Int
    probability: Float


@dataclass(slots=True, eq=False)
class _Beam:
    """b joint explanations of the acts so far: ``grams`` (b, steps) with how ``many`` deeds are in each step, and the
    packages that each slot gained, ``net`` (b, slots), ``foreign`` where any of them does not belong there.
    """

    log: Float
    chosen: Int
    grams: Float
    share_g2: Float
    many: Int
    net: Int
    foreign: NDArray[np.bool_]


def explain(
    acts: Sequence[Sequence[Option]],
    steps: Sequence[PlateStep],
    changes: Mapping[str, SlotChange],
    settings: AttributionSettings,
) -> Explanations:
    """The joint explanations of ``acts``, each a list of options; ``changes`` is what pictures say of each slot."""
    slots = {slot: place for place, slot in enumerate(changes)}
    last_step = _last([{option.step for option in options} for options in acts])
    table = _slot_table(changes.values(), settings)
    beam = _Beam(
        np.zeros(1), np.zeros((1, 0), np.int64), np.zeros((1, len(steps))), np.zeros((1, len(steps))),
        np.zeros((1, len(steps)), np.int64), np.zeros((1, len(slots)), np.int64),
        np.zeros((1, len(slots)), np.bool_),
    )  # fmt: skip
    for number in range(len(steps)):
        if number not in last_step:
            beam.log += math.log(settings.spurious / settings.span_g)
    for place, options in enumerate(acts):
        beam = _joined(beam, options, slots, settings)
        for number, step in enumerate(steps):
            if last_step.get(number) == place:
                beam.log += _step_log(beam, number, step, settings)
        beam = _kept(beam, np.argsort(-(beam.log + _slot_logs(beam, table)), kind="stable")[:_BEAM])
    logs = beam.log + _slot_logs(beam, table)
    weights = np.exp(logs - logs[0])
    likely = weights >= _LEAST
    return Explanations(beam.chosen[likely], weights[likely] / weights[likely].sum())


def _slot_table(changes: Iterable[SlotChange], settings: AttributionSettings) -> Float:
    """What pictures say of each slot (s) that gains ``-_MOST`` to ``_MOST`` packages, own and foreign: (s, 2, n)."""
    numbers = range(-_MOST, _MOST + 1)
    rows = [
        [[slot_log(change, gained, foreign, settings) for gained in numbers] for foreign in (False, True)]
        for change in changes
    ]
    return np.array(rows, np.float64).reshape(-1, 2, len(numbers))


def _slot_logs(beam: _Beam, table: Float) -> Float:
    """How well pictures of slots go with what each joint explanation (b,) does to them so far."""
    gained = np.clip(beam.net, -_MOST, _MOST) + _MOST
    return np.asarray(table[np.arange(len(table)), beam.foreign.astype(np.int64), gained].sum(axis=1))


def _last(parts: Sequence[set[int] | set[str]]) -> dict[int | str, int]:
    """The last act that has part in each thing."""
    return {part: place for place, found in enumerate(parts) for part in found}


def _joined(beam: _Beam, options: Sequence[Option], slots: Mapping[str, int], settings: AttributionSettings) -> _Beam:
    """Each joint explanation with each option of one more act."""
    b, n = len(beam.log), len(options)
    grams, share = np.zeros((n, beam.grams.shape[1])), np.zeros((n, beam.grams.shape[1]))
    many, net = np.zeros(grams.shape, np.int64), np.zeros((n, len(slots)), np.int64)
    foreign = np.zeros(net.shape, np.bool_)
    for row, option in enumerate(options):
        if option.step >= 0:
            grams[row, option.step] = option.grams
            share[row, option.step] = (settings.package_share * option.grams) ** 2
            many[row, option.step] = 1
        if option.deed is not None and option.deed.slot in slots:
            column, put = slots[option.deed.slot], option.deed.kind == "put"
            net[row, column] = option.deed.quantity if put else -option.deed.quantity
            foreign[row, column] = option.foreign
    log = beam.log[:, None] + np.array([option.log for option in options])
    chosen = np.empty((b, n, beam.chosen.shape[1] + 1), np.int64)
    chosen[:, :, :-1], chosen[:, :, -1] = beam.chosen[:, None], np.arange(n)
    return _Beam(
        log.ravel(),
        chosen.reshape(b * n, -1),
        (beam.grams[:, None] + grams).reshape(b * n, -1),
        (beam.share_g2[:, None] + share).reshape(b * n, -1),
        (beam.many[:, None] + many).reshape(b * n, -1),
        (beam.net[:, None] + net).reshape(b * n, -1),
        (beam.foreign[:, None] | foreign).reshape(b * n, -1),
    )


def _step_log(beam: _Beam, number: int, step: PlateStep, settings: AttributionSettings) -> Float:
    """How well the deeds in a step explain its grams: a density a gram, (b,)."""
    off = beam.grams[:, number] - step.grams
    variance = beam.share_g2[:, number] + step.sigma_g**2
    close = _gauss(off, variance) + math.log(1 - settings.pressed)
    pressed = _gauss(off, variance + settings.pressed_g**2) + math.log(settings.pressed)
    spurious = math.log(settings.spurious / settings.span_g)
    return np.asarray(np.where(beam.many[:, number] > 0, np.logaddexp(close, pressed), spurious))


def _gauss(off: Float, variance: Float) -> Float:
    return np.asarray(-0.5 * off**2 / variance - 0.5 * np.log(variance) - _ALIKE)


def _kept(beam: _Beam, rows: Int) -> _Beam:
    return _Beam(*(getattr(beam, name)[rows] for name in _Beam.__slots__))
