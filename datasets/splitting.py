"""Splits that do not leak: what shares a person, product, shop, run or camera stays together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from datasets.sample import Sample
from datasets.splits import SplitFile

KEYS = ("person", "product", "shop", "seed", "run", "scenario", "camera", "picture")
NAMES = {2: ("train", "val"), 3: ("train", "val", "test")}


class SplitError(ValueError):
    """The pictures cannot be split so; the message says why and what would go."""


@dataclass(frozen=True)
class Division:
    """A split and how it came out: pictures and groups in each part, by name."""

    file: SplitFile
    pictures: dict[str, int]
    groups: dict[str, int]


def divide(
    samples: Iterable[Sample], classes: tuple[str, ...], by: str, ratios: tuple[float, ...], seed: int
) -> Division:
    """Split by the key ``by`` in parts as large as ``ratios`` say, as nearly as groups allow.

    Pictures that share a value of the key, directly or by others between them, are one group. A picture without any
    value goes with the first of its footage that has one, or of its run; otherwise it is a group of its own. Groups
    are dealt out from the largest, those of equal size in an order chosen by ``seed``, each to the part where the
    numbers of pictures, of objects of each class and of pictures of each camera come nearest to the ratios. Raises
    ``SplitError``.
    """
    names = NAMES.get(len(ratios))
    if names is None or min(ratios) <= 0:
        raise SplitError(f"ratios are 2 or 3 numbers above 0 (train:val or train:val:test), not {ratios}")
    pictures: list[str] = []
    pairs: list[tuple[int, int]] = []
    values: dict[str, int] = {}
    traits: dict[tuple[int, int], float] = {}
    cameras: dict[str, int] = {}
    anchors: dict[str, int] = {}
    homeless: list[tuple[int, list[str]]] = []
    for place, sample in enumerate(samples):
        pictures.append(sample.name)
        homes = [f"sequence {sample.sequence}"] if sample.sequence else []
        homes += [f"run {run}" for run in sample.values("run")]
        found = [values.setdefault(value, len(values)) for value in sample.values(by)]
        pairs += [(place, value) for value in found]
        for home in homes if found else ():
            anchors.setdefault(home, found[0])
        if not found:
            homeless.append((place, homes))
        traits[place, 0] = 1.0
        for label, count in zip(*np.unique(sample.label, return_counts=True), strict=True):
            traits[place, 1 + int(label)] = float(count)
        for camera in sample.values("camera"):
            traits[place, 1 + len(classes) + cameras.setdefault(camera, len(cameras))] = 1.0
    if not pictures:
        raise SplitError("there are no pictures to split")
    if not values:
        raise SplitError(f"no picture says to which {by} it belongs; the keys are {', '.join(KEYS)}")
    for place, homes in homeless:
        pairs += [(place, anchors[home]) for home in homes if home in anchors][:1]
    group = _groups(pairs, len(pictures), len(values))
    totals = _totals(group, traits, 1 + len(classes) + len(cameras))
    if len(totals) < len(names):
        raise SplitError(
            f"by {by} the pictures hang together in {len(totals)} group{'s' if len(totals) > 1 else ''}, "
            f"too few for {len(names)} parts; split by another key, or take more data"
        )
    part = _deal(totals, np.array(ratios, np.float64) / sum(ratios), seed)
    splits = {name: names[part[which]] for name, which in zip(pictures, group.tolist(), strict=True)}
    parts = list(splits.values())
    return Division(
        SplitFile(splits, by, seed, ratios),
        {name: parts.count(name) for name in names},
        {name: int((part == place).sum()) for place, name in enumerate(names)},
    )


def _groups(pairs: list[tuple[int, int]], pictures: int, values: int) -> NDArray[np.int64]:
    """The group of each picture, (pictures,), from pairs of picture and value."""
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    size = pictures + values
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1] + pictures)), shape=(size, size))
    found = connected_components(graph, directed=False)[1][:pictures]
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _totals(group: NDArray[np.int64], traits: dict[tuple[int, int], float], kinds: int) -> NDArray[np.float64]:
    """How much of each trait each group has, as shares of all: (groups, kinds)."""
    places = np.array(list(traits), np.int64)
    totals: NDArray[np.float64] = np.zeros((int(group.max()) + 1, kinds))
    np.add.at(totals, (group[places[:, 0]], places[:, 1]), list(traits.values()))
    totals /= np.maximum(totals.sum(axis=0), 1.0)
    return totals


def _deal(totals: NDArray[np.float64], ratios: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """The part of each group, (groups,)."""
    order = np.random.default_rng([seed, 7]).permutation(len(totals))
    order = order[np.argsort(-totals[order].sum(axis=1).round(9), kind="stable")]
    part = np.zeros(len(totals), np.int64)
    lacking = np.tile(ratios[:, None], totals.shape[1])
    for place, which in enumerate(order.tolist()):
        # What the sum of squared differences to the ratios grows by, for each part.
        growth = (totals[which] * (totals[which] - 2 * lacking)).sum(axis=1)
        empty = np.flatnonzero(np.bincount(part[order[:place]], minlength=len(ratios)) == 0)
        if len(order) - place <= len(empty):  # the last groups, for parts that else have none
            growth[np.setdiff1d(np.arange(len(ratios)), empty)] = np.inf
        part[which] = np.argmin(growth)
        lacking[part[which]] -= totals[which]
    return part
