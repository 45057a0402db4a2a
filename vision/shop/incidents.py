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
    """b joint explanations of the acts so far: ``grams`` (b, steps) with how ``many`` deeds are in each step, and the
    packages that each slot gained, then people at each stop, ``net`` (b, slots + stops), ``foreign`` where any of them
    does not belong there.
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
    gains: Gains,
) -> Explanations:
    """The joint explanations of ``acts``, each a list of options; ``changes`` is what pictures say of each slot, and
    ``gains`` what is known of people.
    """
    slots = {slot: place for place, slot in enumerate(changes)}
    last_step = _last([{option.step for option in options} for options in acts])
    table = np.concatenate([_slot_table(changes.values(), settings), np.repeat(gains.table[:, None], 2, axis=1)])
    beam = _Beam(
        np.zeros(1), np.zeros((1, 0), np.int64), np.zeros((1, len(steps))), np.zeros((1, len(steps))),
        np.zeros((1, len(steps)), np.int64), np.zeros((1, len(table)), np.int64),
        np.zeros((1, len(table)), np.bool_),
    )  # fmt: skip
    for number in range(len(steps)):
        if number not in last_step:
            beam.log += math.log(settings.spurious / settings.span_g)
    for place, options in enumerate(acts):
        stops = {who: len(slots) + stop for who, stop in gains.stop_of[place].items()}
        beam = _joined(beam, options, slots, stops, settings)
        for number, step in enumerate(steps):
            if last_step.get(number) == place:
                beam.log += _step_log(beam, number, step, settings)
        beam = _kept(beam, np.argsort(-(beam.log + _gained_logs(beam, table)), kind="stable")[:_BEAM])
    logs = beam.log + _gained_logs(beam, table)
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


def _gained_logs(beam: _Beam, table: Float) -> Float:
    """How well pictures of slots, and of people's hands, go with what each joint explanation (b,) says so far."""
    gained = np.clip(beam.net, -MOST, MOST) + MOST
    return np.asarray(table[np.arange(len(table)), beam.foreign.astype(np.int64), gained].sum(axis=1))


def _last(parts: Sequence[set[int] | set[str]]) -> dict[int | str, int]:
    """The last act that has part in each thing."""
    return {part: place for place, found in enumerate(parts) for part in found}


def _joined(
    beam: _Beam,
    options: Sequence[Option],
    slots: Mapping[str, int],
    stops: Mapping[int, int],
    settings: AttributionSettings,
) -> _Beam:
    """Each joint explanation with each option of one more act; ``slots`` and ``stops`` (by person) have columns."""
    b, n = len(beam.log), len(options)
    grams, share = np.zeros((n, beam.grams.shape[1])), np.zeros((n, beam.grams.shape[1]))
    many, net = np.zeros(grams.shape, np.int64), np.zeros((n, beam.net.shape[1]), np.int64)
    foreign = np.zeros(net.shape, np.bool_)
    for row, option in enumerate(options):
        if option.step >= 0:
            grams[row, option.step] = option.grams
            share[row, option.step] = (settings.package_share * option.grams) ** 2
            many[row, option.step] = 1
        if option.deed is None:
            continue
        comes = option.deed.quantity if option.deed.kind == "put" else -option.deed.quantity
        if (column := slots.get(option.deed.slot)) is not None:
            net[row, column], foreign[row, column] = comes, option.foreign
        if (column := stops.get(option.deed.who)) is not None:
            net[row, column] = -comes
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
