"""What an evaluation of reaches works on: parts of the data with what was spotted in them and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.reach import CLASSES
from training.evaluate.reach_events import EventScores, ReachFact, match


@dataclass(frozen=True, slots=True)
class Happened:
    """A true or a spotted reach with what it is sliced by.

    ``angle_deg`` of the ray from the camera to the hand, 0 straight down and 90 level; ``height_m`` of the hand above
    the floor, ``people`` within 1.5 m of whoever reaches, ``light`` the picture's mean luma in 0..255.
    """

    fact: ReachFact
    angle_deg: float
    height_m: float
    people: int
    light: float


@dataclass(frozen=True, eq=False)
class Part:
    """A stretch of footage by one camera. ``group`` is drawn as one in a bootstrap: a moment, or a run by a camera.

    ``hidden`` is how many reaches the camera could not see; they are neither found nor missed. ``label`` int (k,) and
    ``log_p`` (k, 3) are the looks at hands near shelves: what happened and what was said.
    """

    name: str
    group: str
    family: str
    seed: int
    camera: str
    found: tuple[Happened, ...]
    truth: tuple[Happened, ...]
    hidden: int
    label: NDArray[np.int64]
    log_p: NDArray[np.float64]

    def right(self) -> NDArray[np.int64]:
        """The place in ``truth`` of each of ``found`` (n,), -1 for a false one."""
        return match([each.fact for each in self.found], [each.fact for each in self.truth]).found

    def scores(self) -> EventScores:
        """Precision, recall and F1 of the part."""
        return EventScores(len(self.truth), len(self.found), int(np.count_nonzero(self.right() >= 0)))


@dataclass(frozen=True, eq=False)
class Looked:
    """All looks of some parts: ``label`` int (k,) places in ``CLASSES`` and ``log_p`` (k, 3)."""

    label: NDArray[np.int64]
    log_p: NDArray[np.float64]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Looked:
        """Those of ``parts``."""
        label = np.concatenate([np.zeros(0, np.int64), *(part.label for part in parts)])
        return cls(label, np.concatenate([np.zeros((0, len(CLASSES))), *(part.log_p for part in parts)]))

    def confusion(self) -> NDArray[np.int64]:
        """How many looks (3, 3): the row is what happened, the column what was thought likeliest."""
        table = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        np.add.at(table, (self.label, self.log_p.argmax(axis=1)), 1)
        return table

    def log_loss(self) -> float:
        """The mean of -log of the probability given to what happened, in nats; NaN without looks."""
        if not len(self.label):
            return float("nan")
        return float(-self.log_p[np.arange(len(self.label)), self.label].mean())

    def confidence(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The probability of what was thought likeliest (k,), and whether that is what happened (k,)."""
        p = np.exp(self.log_p)
        return np.minimum(p.max(axis=1, initial=0.0), 1.0), p.argmax(axis=1) == self.label
