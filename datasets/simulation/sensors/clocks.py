"""When a simulated camera exposes its frames, and when it says that it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.timeline import CameraOutage

MOST_OFFSET_S = 0.2
_EXPOSURE_JITTER_S = 0.003
_STAMP_JITTER_S = 0.001
_MEAN_DROPPED = 0.005
# A frame never comes this near the next one's turn, as a share of the interval: frames keep their order.
_MOST_JITTER = 0.3


@dataclass(frozen=True, eq=False)
class CameraClock:
    """The frames of one camera, in order: ``time_s`` (n,) is when each is exposed, ``stamped_s`` (n,) when the camera's
    own clock says so, both in seconds of the timeline; ``kept`` (n,) is False where the frame is lost on its way.

    ``offset_s`` is how far the camera's clock is ahead of the shop's.
    """

    camera: str
    offset_s: float
    time_s: NDArray[np.float64]
    stamped_s: NDArray[np.float64]
    kept: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_s)


def camera_clock(
    seed: int, camera: str, rate_hz: float, duration_s: float, outages: Iterable[CameraOutage] = ()
) -> CameraClock:
    """The frames of ``camera`` at ``rate_hz`` frames a second over ``duration_s`` seconds.

    The offset is uniform in +-0.2 s, the first frame comes within the first interval, frames jitter by 3 ms (standard
    deviation) around their turn and stamps by 1 ms around the frame, and about 0.5 % are lost: all by ``seed`` and the
    camera's name, the beginning not by the duration. Frames within an outage of this camera are lost too.
    """
    words = [seed, crc32(camera.encode())]
    offset, phase, dropped = np.random.default_rng([*words, 0]).uniform(size=3)
    count = max(int(np.ceil(duration_s * rate_hz - phase)), 1)
    limit = _MOST_JITTER / rate_hz / 2
    exposure, stamp, luck = (np.random.default_rng([*words, stream]) for stream in (1, 2, 3))
    time_s = (phase + np.arange(count)) / rate_hz
    time_s += np.clip(exposure.normal(0.0, _EXPOSURE_JITTER_S, count), -limit, limit)
    time_s = np.clip(time_s, 0.0, duration_s)
    offset_s = float(round(MOST_OFFSET_S * (2 * offset - 1), 4))
    stamped_s = time_s + offset_s + np.clip(stamp.normal(0.0, _STAMP_JITTER_S, count), -limit, limit)
    kept = luck.uniform(size=count) >= 2 * _MEAN_DROPPED * dropped
    for outage in outages:
        if outage.camera == camera:
            kept &= ~((time_s >= outage.start_s) & (time_s < outage.end_s))
    return CameraClock(camera, offset_s, time_s, stamped_s, kept)
