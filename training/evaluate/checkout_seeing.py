"""From a clip's pictures to moments with everybody found in them, as cameras in a shop give them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.evaluate.checkout_clip import Clip
from training.evaluate.checkout_suite import SuiteSettings
from vision.detections import Detections
from vision.shop.gathering import Gathered, MomentGatherer
from vision.shop.looking import Find

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class SeenMoment:
    """Pictures that belong to about ``time_s``, known at ``now_s`` of the stream, both seconds, UTC.

    ``captured`` has each camera's own time, on the shop's clock, and its picture; ``detections`` the people in it.
    """

    time_s: float
    now_s: float
    captured: Mapping[str, tuple[float, Image]]
    detections: Mapping[str, Detections]


@dataclass
class Cost:
    """CPU seconds of this process by stage."""

    spent: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str) -> _Timer:
        """Add what a ``with`` block costs to ``stage``."""
        return _Timer(self.spent, stage)


class _Timer:
    def __init__(self, spent: dict[str, float], stage: str) -> None:
        self._spent, self._stage = spent, stage

    def __enter__(self) -> None:
        self._began = time.process_time()

    def __exit__(self, *_: object) -> None:
        self._spent[self._stage] = self._spent.get(self._stage, 0.0) + time.process_time() - self._began


def seen_moments(clip: Clip, find: Find, settings: SuiteSettings, cost: Cost) -> Iterator[SeenMoment]:
    """The moments of a clip, each when the stream has come so far that a shop would have it; then its tail.

    ``find`` tells the people in pictures, each given with its camera and its time on the camera's own clock.
    """
    offset_s = clip.clock_offset_s
    gatherer: MomentGatherer[Image] = MomentGatherer(offset_s)
    pictures = clip.pictures()
    now_s = -np.inf
    newest: dict[str, tuple[Image, Detections]] = {}
    last_s = now_s
    while True:
        with cost.timed("decode"):
            row = next(pictures, None)
        if row is None:
            break
        camera, stamped, image = row
        now_s = max(now_s, stamped - offset_s[camera])
        for moment in gatherer.add(camera, stamped, image):
            seen = _look(moment, now_s, find, offset_s, cost)
            newest |= {name: (seen.captured[name][1], found) for name, found in seen.detections.items()}
            last_s = seen.time_s
            yield seen
    for moment in gatherer.finish():
        seen = _look(moment, now_s, find, offset_s, cost)
        newest |= {name: (seen.captured[name][1], found) for name, found in seen.detections.items()}
        last_s = seen.time_s
        yield seen
    yield from _tail(newest, last_s, settings)


def _look(moment: Gathered[Image], now_s: float, find: Find, offset_s: Mapping[str, float], cost: Cost) -> SeenMoment:
    names = list(moment.looks)
    keys = [(name, moment.captured_at[name] + offset_s[name]) for name in names]
    with cost.timed("detect"):
        found = find(keys, [moment.looks[name] for name in names])
    people = {
        name: Detections(boxes.xyxy, boxes.confidence, boxes.keypoints)
        for name, boxes in zip(names, found, strict=True)
    }
    captured = {name: (moment.captured_at[name], moment.looks[name]) for name in names}
    return SeenMoment(moment.time_s, now_s, captured, people)


def _tail(
    newest: Mapping[str, tuple[Image, Detections]], last_s: float, settings: SuiteSettings
) -> Iterator[SeenMoment]:
    """The cameras go on to show what they showed last: a shop's cameras do not end with a clip."""
    for step in range(1, round(settings.tail_s * settings.rate_hz) + 1):
        time_s = last_s + step / settings.rate_hz
        captured = {name: (time_s, image) for name, (image, _) in newest.items()}
        yield SeenMoment(time_s, time_s, captured, {name: people for name, (_, people) in newest.items()})
