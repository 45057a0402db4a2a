"""What all cameras' looks at a slot say together about what happened to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.shop.evidence import SlotChange
from vision.shop.slot_change import Goods
from vision.shop.slot_motion import features, shipped
from vision.shop.slot_views import SlotViews

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

CHANGED = (1.9, 0.8)  # mean and standard deviation of the logarithm of a changed column's difference
QUIET = (-0.9, 0.5)  # and of one where nothing happened
ODD = (0.15, 0.02)  # the shares of changed and quiet columns that look like anything
RANGE = 7.0  # over which such ones are spread
CLEAR = 1.5  # from which difference on a column's way is asked for
ALIKE = 0.6  # what a camera's word on the way counts for: cameras err together


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One camera's looks at a slot: row ``row`` of its ``views``, ``before`` and ``after`` (ROWS, COLUMNS, 3) in the
    same light, the ``difference`` (columns,) of each column, NaN where too little is seen of it, and between which
    times (seconds) it arose.
    """

    views: SlotViews
    row: int
    before: Float32
    after: Float32
    difference: Float
    before_s: float
    after_s: float


def answer(slot: str, goods: Goods, places: Sequence[tuple[slice, slice]], looks: Sequence[Compared]) -> SlotChange:
    """What ``looks`` of several cameras say about ``slot``, whose columns are at ``places`` of its patches.

    The cameras must agree on the column: their log likelihoods are added column by column, and any column may be it.
    """
    if not looks:
        return SlotChange(slot, 0.0, 0.0)
    sums = np.sum([likelihood(look.difference) for look in looks], axis=0)
    changed = float(np.logaddexp.reduce(sums) - math.log(len(sums)))
    column = int(np.argmax(sums))
    told = [
        features(look.before, look.after, look.views, look.row, goods, places[column])
        for look in looks
        if look.difference[column] >= CLEAR
    ]
    weights = shipped()
    way = ALIKE * float(np.sum([weights.way @ ways for ways, _ in told]))
    foreign = float(np.mean([weights.foreign @ strange for _, strange in told])) if told else 0.0
    # Twice a probability, so that a change whose way is not known counts in full for both.
    taken, returned = (changed + math.log(2.0) - math.log1p(math.exp(-sign * way)) for sign in (1.0, -1.0))
    return SlotChange(
        slot,
        taken,
        returned,
        tuple(look.views.camera for look in looks),
        returned + foreign,
        min(look.before_s for look in looks),
        max(look.after_s for look in looks),
    )


def likelihood(difference: Float) -> Float:
    """The log likelihood of its ``difference`` if a column changed, relative to nothing having happened; 0 of NaN."""
    # A camera with less noise than usual says the same: nothing.
    log = np.maximum(np.log(np.maximum(np.nan_to_num(difference, nan=1.0), 1e-3)), QUIET[0])

    def density(mean: float, deviation: float, odd: float) -> Float:
        bell = np.exp(-(((log - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
        return np.asarray((1 - odd) * bell + odd / RANGE)

    ratio = np.log(density(*CHANGED, ODD[0])) - np.log(density(*QUIET, ODD[1]))
    return np.where(np.isnan(difference), 0.0, ratio)
