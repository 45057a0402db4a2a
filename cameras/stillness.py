"""Does anything move in front of a camera? Asked of a few pixels of the luma plane, before anything else is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_SAMPLES: Final = 3  # pixels across a cell
_LEAST_NOISE: Final = 1.0  # grey values: what is even must not be called moving for a rounding


@dataclass(frozen=True, slots=True)
class StillnessSettings:
    """``across``: so many square cells lie side by side in a picture. A cell moves that differs from the picture of
    before by ``sigmas`` times its own noise, and at least by ``least`` grey values; ``cells`` of them are a movement.
    After a movement ``linger_s`` seconds count as moving. A picture is looked at every ``look_every_s`` seconds in any
    case, so that people who stand still are not forgotten. ``memory_s`` is over how long the noise is estimated.
    """

    across: int = 80
    sigmas: float = 6.5
    least: float = 3.0
    cells: int = 1
    linger_s: float = 1.0
    look_every_s: float = 2.0
    memory_s: float = 20.0


class MotionGate:
    """Says of each picture of one camera whether it is worth a look. Pictures of another size begin anew.

    The luma is averaged over cells and compared with the last picture that was looked at, so that slow movements add
    up. What the whole picture does at once (a lamp, the camera's exposure) is taken out first: the median difference.
    """

    def __init__(self, settings: StillnessSettings | None = None) -> None:
        self.settings = settings or StillnessSettings()
        self.reset()

    @property
    def still(self) -> bool:
        """Whether nothing moved in the last picture, nor for ``linger_s`` before it."""
        return self._time is not None and self._time - self._moved_at > self.settings.linger_s

    def reset(self) -> None:
        """Forget all pictures."""
        self._looked: NDArray[np.float32] | None = None
        self._before: NDArray[np.float32] | None = None
        self._noise: NDArray[np.float32] | None = None
        self._moved_at = self._looked_at = -np.inf
        self._time: float | None = None

    def update(self, luma: NDArray[np.uint8], time_s: float) -> bool:
        """Whether to look at the picture with this luma plane (H, W), taken at ``time_s``."""
        s = self.settings
        cells = self._cells(luma)
        if self._looked is None or self._before is None or self._noise is None or cells.shape != self._looked.shape:
            self._noise = np.full_like(cells, s.least)
            moved = True
        else:
            limit = np.maximum(s.sigmas * self._noise, s.least)
            changed = _apart(cells, self._looked)
            moved = bool(np.count_nonzero(changed > limit) >= s.cells)
            # The noise is that from one picture to the next, of cells that seem still.
            step = _apart(cells, self._before)
            share = min((time_s - (self._time or time_s)) / s.memory_s, 1.0) if self._time is not None else 1.0
            calm = step <= limit
            self._noise += np.float32(share) * np.where(calm, np.maximum(step, _LEAST_NOISE / 2) - self._noise, 0)
        self._before, self._time = cells, time_s
        if moved:
            self._moved_at = time_s
        looks = moved or time_s - self._moved_at <= s.linger_s or time_s - self._looked_at >= s.look_every_s
        if looks:
            self._looked, self._looked_at = cells, time_s
        return looks

    def _cells(self, luma: NDArray[np.uint8]) -> NDArray[np.float32]:
        # A few pixels of a cell are enough for a mean: the others are not even read.
        step = max(luma.shape[1] // (_SAMPLES * self.settings.across), 1)
        few = np.ascontiguousarray(luma[step // 2 :: step, step // 2 :: step])
        side = few.shape[1] / self.settings.across
        size = self.settings.across, max(round(few.shape[0] / side), 1)
        return np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_AREA), np.float32)


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    difference = one - other
    # The upper one of two middles: np.median takes longer than all the rest.
    middle = difference.size // 2
    difference -= np.partition(difference, middle, axis=None)[middle]
    return np.asarray(np.abs(difference, out=difference))
