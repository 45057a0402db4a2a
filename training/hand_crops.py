"""Hands cut out of simulated runs, with what they hold, kept on disk; and how a crop is varied.

crops.npy     uint8 (n, 96, 96, 3) RGB, as ``models.hands.hand_matrix`` places hands
hands.npy     float32 (n, 3): whether it holds something, whether the wrist is in sight, pixels from elbow to wrist
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from cameras.scale import pixels_per_metre
from datasets.formats.registry import open_dataset
from datasets.formats.simulated import runs
from datasets.sample import Sample
from datasets.simulation.filming.recipes import safe_name
from datasets.simulation.filming.replay import replayed
from datasets.simulation.truth.holding import Holding
from models.hands import ACROSS_M, SIZE, WRIST, cut_hand, hand_matrix
from store.plan import load_plan
from training.errors import DataError
from training.people_views import lit, shares

Image = NDArray[np.uint8]
Float = NDArray[np.float64]

CROPS: Final = "crops.npy"
HANDS: Final = "hands.npy"
KEY: Final = "made-of.json"
KEPT: Final = 96
"""Crops are kept larger than the network's input, at the same scale, to be turned and moved."""
WRIST_M: Final = 1.1
"""How high hands are taken to be where one asks how large they are seen."""
ELBOWS: Final = (7, 8)
WRISTS: Final = (9, 10)
_LEAST_SEEN: Final = 0.25
_HIDDEN_COUNT: Final = 0.3  # how often hands out of sight are drawn, beside those in sight
_EMPTY: Final = 4  # n-th picture of those in which nobody holds anything: these are most


@dataclass(frozen=True, slots=True, eq=False)
class SeenHands:
    """The n hands of one picture that may be looked at: ``person`` int64 (n,) the place in the sample, ``hand`` (n,) 0
    or 1, ``held`` and ``seen`` bool (n,), ``scale`` (n,) pixels a metre.
    """

    sample: Sample
    person: NDArray[np.int64]
    hand: NDArray[np.int64]
    held: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    scale: Float

    def __len__(self) -> int:
        return len(self.person)


def hands_of(folder: Path) -> Iterator[SeenHands]:
    """The hands in every picture of a dataset of simulated runs.

    Hands of people of whom a quarter is seen, their wrists in the picture. Raises ``DataError`` for a dataset without
    runs, and what ``datasets.simulation.filming.replay.replayed`` raises.
    """
    found = {run.name: _Run(run) for run in runs(folder)}
    if not found:
        raise DataError(f"{folder} holds no runs of the simulator, which alone says what hands hold")
    for sample in open_dataset(folder).samples():
        run, _, camera = sample.sequence.partition("/")
        yield found[run].hands(sample, camera)


class _Run:
    """What is true of one run, read when the first picture asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holding: Holding | None = None
        self._times: dict[str, list[float]] = {}
        self._cameras: dict[str, CameraModel] = {}

    def hands(self, sample: Sample, camera: str) -> SeenHands:
        if self._holding is None:
            self._holding = Holding.of(replayed(self._folder))
            views = load_plan(self._folder / "plan.yaml").cameras
            self._cameras = {safe_name(view.camera): CameraModel.of(view) for view in views}
        if camera not in self._times:
            with (self._folder / "cameras" / camera / "frames.csv").open(encoding="utf-8", newline="") as file:
                self._times[camera] = [datetime.fromisoformat(row["time"]).timestamp() for row in csv.DictReader(file)]
        held = self._holding.at(sample.track_id, self._times[camera][sample.frame])
        assert sample.keypoints is not None
        wrists, elbows = sample.keypoints[:, WRISTS], sample.keypoints[:, ELBOWS]
        there = (wrists[..., 2] > 0) & (elbows[..., 2] > 0)
        there &= (shares(sample.details, len(sample)) >= _LEAST_SEEN)[:, None]
        person, hand = np.nonzero(there)
        xy = np.array([each["xy_m"] for each in sample.details], np.float64).reshape(-1, 2)
        scale = pixels_per_metre(self._cameras[camera], np.column_stack([xy, np.full(len(xy), WRIST_M)]))
        seen = wrists[person, hand, 2] == 2
        return SeenHands(sample, person, hand, held[person, hand], seen, scale[person])


@dataclass(frozen=True, slots=True, eq=False)
class HandCrops:
    """n hands: ``pictures`` memory-mapped uint8 (n, 96, 96, 3); ``held`` and ``seen`` bool (n,); ``forearm`` (n,) in
    pixels of the crop.
    """

    pictures: Image
    held: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    forearm: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.held)

    @classmethod
    def open(cls, folder: Path) -> HandCrops:
        """The crops in ``folder``, which must be whole."""
        facts = np.load(folder / HANDS)
        return cls(np.load(folder / CROPS, mmap_mode="r"), facts[:, 0] > 0, facts[:, 1] > 0, facts[:, 2])

    def drawn(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """``count`` places: as many hands that hold something as empty ones, those out of sight less often."""
        weight = np.where(self.seen, 1.0, _HIDDEN_COUNT)
        share = np.where(self.held, weight / weight[self.held].sum(), weight / weight[~self.held].sum()) / 2
        return rng.choice(len(self), count, p=share)


def made(
    folder: Path, datasets: Sequence[Path], *, key: dict[str, object], progress: Callable[[int, int], None]
) -> HandCrops:
    """The crops of ``datasets`` in ``folder``, made where they are missing or were made of something else (``key``).

    Raises what ``hands_of`` raises, and ``DataError`` unless some hands hold something and some do not.
    """
    said = json.dumps(key, sort_keys=True, default=str)
    if (folder / KEY).is_file() and (folder / KEY).read_text(encoding="utf-8") == said:
        return HandCrops.open(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEY).unlink(missing_ok=True)
    found = [hands for path in datasets for hands in hands_of(path) if len(hands)]
    empty = [number for number, hands in enumerate(found) if not hands.held.any()]
    left_out = set(empty) - set(empty[::_EMPTY])
    found = [hands for number, hands in enumerate(found) if number not in left_out]
    held = np.concatenate([hands.held for hands in found] or [np.zeros(0, np.bool_)])
    if not held.any() or held.all():
        raise DataError("hands that hold something and hands that do not are both needed to learn from")
    pictures = np.lib.format.open_memmap(folder / CROPS, mode="w+", dtype=np.uint8, shape=(len(held), KEPT, KEPT, 3))
    facts, done = np.zeros((len(held), 3), np.float32), 0
    for number, hands in enumerate(found, 1):
        image = hands.sample.picture.read()
        for place in range(len(hands)):
            assert hands.sample.keypoints is not None
            joints = hands.sample.keypoints[hands.person[place], :, :2]
            wrist, elbow = joints[WRISTS[hands.hand[place]]], joints[ELBOWS[hands.hand[place]]]
            scale = float(hands.scale[place])
            pictures[done] = cut_hand(image, hand_matrix(wrist, elbow, scale, KEPT), KEPT)
            forearm = math.dist(wrist, elbow) * SIZE / (ACROSS_M * scale)
            facts[done] = hands.held[place], hands.seen[place], forearm
            done += 1
        progress(number, len(found))
    pictures.flush()
    np.save(folder / HANDS, facts)
    (folder / KEY).write_text(said, encoding="utf-8")
    return HandCrops.open(folder)


@dataclass(frozen=True, slots=True)
class Variation:
    """How a crop is varied: how far joints are found from where they are, in pixels of the crop (the median of
    deviations), and how that differs; deviation of the scale's logarithm; strength of changes of light; share of crops
    of which a patch is covered.
    """

    joints: float = 2.5
    joints_vary: float = 0.6
    scale: float = 0.12
    light: float = 0.8
    covered: float = 0.2

    def draw(self, picture: Image, forearm: float, rng: np.random.Generator) -> Image:
        """A kept crop as the network's input uint8 (48, 48, 3), as the joints might have been found."""
        wrist = np.array(WRIST) * SIZE + (KEPT - SIZE) / 2
        elbow = wrist + np.array([0.0, forearm])
        off = self.joints * math.exp(rng.normal(0, self.joints_vary))
        wrist, elbow = wrist + rng.normal(0, off, 2), elbow + rng.normal(0, off, 2)
        scale = SIZE / ACROSS_M * math.exp(rng.normal(0, self.scale))
        matrix = hand_matrix(wrist, elbow, scale)
        if rng.random() < 0.5:
            matrix = np.array([[-1.0, 0.0, SIZE - 1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])[:2, :2] @ matrix + np.array(
                [[0.0, 0.0, SIZE - 1], [0.0, 0.0, 0.0]]
            )
        varied = lit(cut_hand(picture[..., ::-1], matrix), self.light, rng)
        if rng.random() < self.covered:
            width, height = rng.integers(4, 18, 2)
            x, y = rng.integers(0, SIZE - 4, 2)
            varied[y : y + height, x : x + width] = rng.integers(0, 256, 3)
        return varied


def plain(picture: Image) -> Image:
    """A kept crop as the network's input in use, were the joints found where they are."""
    edge = (KEPT - SIZE) // 2
    return np.ascontiguousarray(picture[edge : edge + SIZE, edge : edge + SIZE])
