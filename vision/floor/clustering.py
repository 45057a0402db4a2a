"""New people from boxes that are nobody's yet: which boxes of different cameras are of one person.

Every box starts alone; the two groups whose union explains their boxes best join, as long as one explanation beats two
(agglomerative, by the ratio of likelihoods). A group's evidence integrates over all places on the floor and over
heights; its cameras that should see the place and do not count against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.floor.motion import unknown
from vision.floor.observations import Observations
from vision.floor.settings import BoxErrors

Float = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """k groups: ``place`` (k, 3) and ``variance`` (k, 3, 3) as x, y, height; ``odds`` (k,) the log odds of a person;
    ``group`` (n,) the group of each box.
    """

    place: Float
    variance: Float
    odds: Float
    group: Ints


def clusters(observations: Observations, found: Float, newcomers: Float, errors: BoxErrors) -> Clusters:
    """Group the n boxes.

    ``found`` (n, cameras) is the chance that each camera finds a person at each box's place, ``newcomers`` (n,) how
    many new people a square metre are expected there.
    """
    n = len(observations)
    information, pull = unknown(errors)
    weight = np.swapaxes(observations.weight, 1, 2)
    state = _Groups(
        weight @ observations.weight + information,
        (weight @ observations.value[..., None])[..., 0] + pull,
        (observations.value**2).sum(axis=1) + errors.height_m * pull[2],
        observations.rarity.copy(),
        np.zeros((n, found.shape[1]), np.bool_),
        np.log1p(-np.minimum(found, 0.995)),
        np.log(np.clip(found, 1e-3, 0.995)),
        np.log(newcomers),
        errors,
    )
    state.cameras[np.arange(n), observations.camera] = True
    group = np.arange(n)
    alone = state.evidence(np.arange(n), None)
    gain = np.full((n, n), -np.inf)
    i, j = np.nonzero(np.triu(_may_join(observations), 1))
    gain[i, j] = gain[j, i] = state.evidence(i, j) - np.maximum(alone[i], 0) - np.maximum(alone[j], 0)
    while n:
        a, b = divmod(int(gain.argmax()), n)
        if not gain[a, b] > 0:
            break
        state.join(a, b)
        group[group == b] = a
        alone[a], alone[b] = state.evidence(np.array([a]), None)[0], -np.inf
        gain[b], gain[:, b] = -np.inf, -np.inf
        others = np.setdiff1d(np.unique(group), [a])
        others = others[~(state.cameras[others] & state.cameras[a]).any(axis=1)]
        joint = state.evidence(np.full(len(others), a), others)
        gain[a], gain[:, a] = -np.inf, -np.inf
        gain[a, others] = gain[others, a] = joint - np.maximum(alone[a], 0) - np.maximum(alone[others], 0)
    kept, group = np.unique(group, return_inverse=True)
    variance = np.asarray(np.linalg.inv(state.information[kept]), np.float64)
    return Clusters((variance @ state.pull[kept][..., None])[..., 0], variance, alone[kept], group)


def _may_join(observations: Observations) -> NDArray[np.bool_]:
    """Pairs (n, n) of different cameras that are near enough for their errors."""
    apart = np.linalg.norm(observations.place[:, None, :2] - observations.place[None, :, :2], axis=2)
    reach = 4 * np.sqrt(np.trace(observations.variance[:, :2, :2], axis1=1, axis2=2))
    return np.asarray((apart < reach[:, None] + reach) & (observations.camera[:, None] != observations.camera[None]))


@dataclass(slots=True, eq=False)
class _Groups:
    information: Float
    pull: Float
    square: Float
    rarity: Float
    cameras: NDArray[np.bool_]
    miss: Float
    hit: Float
    newcomers: Float
    errors: BoxErrors

    def evidence(self, a: Ints, b: Ints | None) -> Float:
        """Log odds that groups ``a`` (m,), each with its of ``b`` where given, are one person and not made up."""
        information, pull, square = self.information[a], self.pull[a], self.square[a]
        rarity, cameras = self.rarity[a], self.cameras[a]
        if b is not None:
            prior, prior_pull = unknown(self.errors)
            information = information + self.information[b] - prior
            pull = pull + self.pull[b] - prior_pull
            square = square + self.square[b] - self.errors.height_m * prior_pull[2]
            rarity, cameras = rarity + self.rarity[b], cameras | self.cameras[b]
        explained = (pull[:, None] @ np.linalg.solve(information, pull[..., None]))[:, 0, 0]
        fit = -(square - explained) / 2 - np.log(np.linalg.det(information)) / 2
        # The places' flat prior leaves 2 pi, the height's its standard deviation.
        fit += np.log(2 * np.pi) - np.log(self.errors.height_sd_m) + self.newcomers[a]
        return np.asarray(rarity + fit + np.where(cameras, self.hit[a], self.miss[a]).sum(axis=1))

    def join(self, a: int, b: int) -> None:
        """Add group ``b`` to ``a``."""
        prior, prior_pull = unknown(self.errors)
        self.information[a] += self.information[b] - prior
        self.pull[a] += self.pull[b] - prior_pull
        self.square[a] += self.square[b] - self.errors.height_m * prior_pull[2]
        self.rarity[a] += self.rarity[b]
        self.cameras[a] |= self.cameras[b]
