"""What all cameras' looks at a slot say together about what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.shop.evidence import SlotChange
from vision.shop.slot_change import Cell
from vision.shop.slot_counts import CAME, GONE, WENT

Float = NDArray[np.float64]

ALIKE: Final = 0.6  # what a camera's word counts for: cameras err together
ROWS_GONE: Final = (0.0003, 0.001, 0.03, 1.0, 0.03, 0.001, 0.0003)
"""How often a cell goes so many rows deeper (``GONE``) where a slot changes, relative to staying."""
MOST: Final = 6
"""Packages that a slot's change is told of."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One camera's looks at a slot: the log likelihoods (cells, 9) of what happened to each cell, 0 of those not seen,
    and between which times (seconds) it happened.
    """

    camera: str
    likelihoods: Float
    before_s: float
    after_s: float


def answer(slot: str, cells: Sequence[Cell], looks: Sequence[Compared]) -> SlotChange:
    """What ``looks`` of several cameras say about ``slot`` with its ``cells``.

    The cameras must agree on each cell: their log likelihoods are added cell by cell. The packages that are gone are
    the rows that all cells went deeper: each way to lose so many counts as often as it happens.
    """
    if not looks:
        return SlotChange(slot, {})
    sums = ALIKE * np.sum([look.likelihoods for look in looks], axis=0)
    usual = np.log(ROWS_GONE)
    told, always = _sums(sums[:, : len(GONE)] + usual), _sums(np.broadcast_to(usual, (len(sums), len(GONE))))
    middle = len(told) // 2
    logs = (told - told[middle]) - (always - always[middle])
    most = min(MOST, middle)
    gained = {-gone: float(logs[middle + gone]) for gone in range(-most, most + 1) if gone}
    return SlotChange(
        slot,
        gained,
        tuple(look.camera for look in looks),
        _strange(sums[:, CAME], cells),
        _strange(sums[:, WENT], cells),
        min(look.before_s for look in looks),
        max(look.after_s for look in looks),
    )


def _sums(logs: Float) -> Float:
    """The log weights (n,) of the sum of independent numbers, given those (k, 7) of each; 0 is in the middle."""
    found = np.zeros(1)
    for each in logs:
        # Convolved as they are, relative to the largest: a slot has few cells.
        top, peak = found.max(), each.max()
        found = top + peak + np.log(np.maximum(np.convolve(np.exp(found - top), np.exp(each - peak)), 1e-300))
    return found


def _strange(logs: Float, cells: Sequence[Cell]) -> float:
    """The log likelihood that something strange came (or went) before one column or two neighbouring ones."""
    columns = np.zeros(1 + max(cell.column for cell in cells))
    for log, cell in zip(logs, cells, strict=True):
        if cell.layer == 0:
            columns[cell.column] = log
    ways = np.concatenate([columns, columns[:-1] + columns[1:]])
    return float(np.logaddexp.reduce(ways) - np.log(len(ways)))
