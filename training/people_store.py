"""Views of a dataset with what the frozen trunk makes of them, computed once and kept on disk.

features.npy    float16 (n, 40, h / 8, w / 8)
people.npz      boxes and flags of all people, and how many each view has
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from datasets.sample import Dataset, Sample
from models.people_network import TRUNK_CHANNELS, TRUNK_STRIDE
from models.runtimes import Runtime
from training.people_views import People, Views

FEATURES: Final = "features.npy"
PEOPLE: Final = "people.npz"
KEY: Final = "made-of.json"
_TOGETHER: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStore:
    """The views of one store: ``features`` memory-mapped, ``people`` one entry a view."""

    features: NDArray[np.float16]
    people: tuple[People, ...]

    def __len__(self) -> int:
        return len(self.people)

    @classmethod
    def open(cls, folder: Path) -> FeatureStore:
        """The store in ``folder``, which must be whole."""
        with np.load(folder / PEOPLE) as table:
            ends = np.cumsum(table["counts"])[:-1]
            columns = (np.split(table[name], ends) for name in ("xyxy", "ignored"))
            people = tuple(People(*each) for each in zip(*columns, strict=True))
        return cls(np.load(folder / FEATURES, mmap_mode="r"), people)


def made(
    folder: Path,
    datasets: Sequence[Dataset],
    trunk: Runtime,
    views: Views,
    *,
    size: tuple[int, int],
    each: int,
    empty: float,
    seed: int,
    key: dict[str, object],
    progress: Callable[[int, int], None],
) -> FeatureStore:
    """The store in ``folder``, made where it is missing or was made of something else (``key``).

    Of datasets that are split it is made of "train".
    Every picture gives ``each`` views of ``size`` (width, height), of those without people only a share of ``empty``.
    """
    said = json.dumps(key, sort_keys=True, default=str)
    if (folder / KEY).is_file() and (folder / KEY).read_text() == said:
        return FeatureStore.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEY).unlink(missing_ok=True)
    chosen = list(_chosen(datasets, empty, seed))
    count = len(chosen)
    shape = (count * each, TRUNK_CHANNELS, size[1] // TRUNK_STRIDE, size[0] // TRUNK_STRIDE)
    features = np.lib.format.open_memmap(folder / FEATURES, mode="w+", dtype=np.float16, shape=shape)
    people: list[People] = []
    pictures = []
    for number, sample in enumerate(chosen):
        image = sample.picture.read()
        for turn in range(each):
            view, found = views.draw(image, sample, size, np.random.default_rng([seed, number, turn]))
            pictures.append(view)
            people.append(found)
        if len(pictures) >= _TOGETHER or number + 1 == count:
            (answer,) = trunk.run(np.stack(pictures))
            features[len(people) - len(pictures) : len(people)] = answer
            pictures = []
        progress(number + 1, count)
    features.flush()
    np.savez(
        folder / PEOPLE,
        counts=np.array([len(one.xyxy) for one in people]),
        xyxy=np.concatenate([one.xyxy for one in people]),
        ignored=np.concatenate([one.ignored for one in people]),
    )
    (folder / KEY).write_text(said)
    return FeatureStore.open(folder)


def _chosen(datasets: Sequence[Dataset], empty: float, seed: int) -> Iterator[Sample]:
    rng = np.random.default_rng([seed, len(datasets)])
    for dataset in datasets:
        for sample in dataset.samples():
            if sample.split in ("", "train") and (len(sample) or rng.random() < empty):
                yield sample
