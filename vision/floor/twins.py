"""Finds two tracks of one person: near one another, and hardly ever in one camera's picture at the same time.

At each moment the boxes of both are explained once as one person's and once as two people's. What speaks for one adds
up over time; a camera that sees both at once speaks strongly for two. What a camera sees of one is also compared with
what it saw of the other before.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.floor.association import evidence
from vision.floor.motion import States
from vision.floor.observations import Observations

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEAR_M: Final = 0.8
_BODIES_M: Final = 0.35  # the middles of two bodies are no nearer than that
_ERROR_M: Final = 0.12  # of two places close to one another
_BODIES_MOST: Final = 2.0  # that this speaks for one at a moment
_LOOKS: Final = 0.5  # of what looks speak at a moment: those of the next moments err alike
_LEAST: Final = -20.0  # that much speaks against at most, so that it can be outweighed


class Twins:
    """What speaks for pairs of tracks being one person, as log odds by their keys (older, newer)."""

    def __init__(self) -> None:
        self._odds: dict[tuple[int, int], float] = {}

    def same(
        self,
        observations: Observations,
        owner: Ints,
        ahead: States,
        states: States,
        found: Float,
        saw: NDArray[np.bool_],
        key: Ints,
        odds: Float,
        alone: Float,
        alike: Float,
    ) -> list[tuple[int, int]]:
        """Rows (older, newer) of tracks that are one person, each row once.

        ``alone`` (people,) is the evidence of each with its own boxes, ``odds`` (people,) what a track is worth,
        ``alike`` (people, boxes) what looks speak for a box being somebody's.
        """
        apart = np.linalg.norm(states.mean[:, None, :2] - states.mean[None, :, :2], axis=2)
        older, newer = np.nonzero((apart < _NEAR_M) & (key[:, None] < key[None]))
        if not len(older):
            self._odds = {}
            return []
        one = self._as_one(observations, owner, ahead, found, saw, older, newer)
        one += np.minimum(0.5 * (np.maximum(_BODIES_M - apart[older, newer], 0.0) / _ERROR_M) ** 2, _BODIES_MOST)
        one += _LOOKS * _looks(owner, observations.camera, saw, older, newer, alike)
        before, self._odds = self._odds, {}
        found_pairs: list[tuple[int, int]] = []
        used: set[int] = set()
        for i, j, speaks in zip(
            older.tolist(), newer.tolist(), (one - alone[older] - alone[newer]).tolist(), strict=True
        ):
            pair = int(key[i]), int(key[j])
            total = max(before.get(pair, 0.0) + speaks, _LEAST)
            if total > max(float(odds[j]), 0.0) and i not in used and j not in used:
                found_pairs.append((i, j))
                used |= {i, j}
            else:
                self._odds[pair] = min(total, 20.0)
        return found_pairs

    @staticmethod
    def _as_one(
        observations: Observations,
        owner: Ints,
        ahead: States,
        found: Float,
        saw: NDArray[np.bool_],
        older: Ints,
        newer: Ints,
    ) -> Float:
        """The evidence of each pair with the older's expectation, all its boxes and the newer's of other cameras."""
        place, variance = ahead.place[older], ahead.place_variance[older]
        pair, box = np.nonzero((owner[None] == older[:, None]) | (owner[None] == newer[:, None]))
        double = (owner[box] == newer[pair]) & saw[older[pair], observations.camera[box]]
        pair, box = pair[~double], box[~double]
        seen = saw[older] | saw[newer]
        return evidence(observations[box], pair, place, variance, found[older], seen)


def _looks(owner: Ints, camera: Ints, saw: NDArray[np.bool_], older: Ints, newer: Ints, alike: Float) -> Float:
    """What the looks of either's boxes speak for being the other's, in cameras that do not see both (pairs,)."""
    told = np.zeros(len(older))
    for one, other in ((older, newer), (newer, older)):
        pair, box = np.nonzero(owner[None] == other[:, None])
        apart = ~saw[one[pair], camera[box]]
        np.add.at(told, pair[apart], alike[one[pair[apart]], box[apart]])
    return told
