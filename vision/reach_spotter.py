"""Takes and returns from a camera's pictures and where hands are in them, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.reach import AFTER_S, BEFORE_S, CLASSES, WITHIN_S, cut_clip

Float = NDArray[np.float64]
Kind = Literal["take", "return"]
OnLook = Callable[[str, float, NDArray[np.float32]], None]

STEP_S: Final = 0.2  # between the moments that are looked at
SPACING_S: Final = 0.08  # between the pictures that are kept
LATE_S: Final = 0.15  # a hand seen within this of a moment was there at that moment
LOW: Final = 0.15  # of the probability that something happens: below, nothing goes on
SURE: Final = 0.5  # the least probability of what is told
SHARPER: Final = 1.6  # fitted on the clips that the shipped model is calibrated on
AROUND_S: Final = 0.5  # looks so near an event speak of it
APART: Final = 1.0  # probability summed over moments: two things happened one right after the other


class Classifier(Protocol):
    """What the spotter asks of ``models.reach.ReachModel``."""

    def classify(self, clips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Log-probabilities (n, 3) of nothing, take and return."""
        ...


@dataclass(frozen=True, eq=False)
class Hands:
    """Hands (or slots without a known hand) to watch in a picture.

    ``name`` tells one from another over time, ``xy`` float (n, 2) is the wrist or the slot's middle in pixels,
    ``side_px`` (n,) the width of the square to look at: ``models.reach.SIDE_M`` at the hand, or about 1.7 times the
    larger side of a slot's box. ``is_wrist`` bool (n,) says that ``xy`` is a wrist. Raises ``ValueError`` for arrays of
    other shapes.
    """

    name: tuple[str, ...]
    xy: Float
    side_px: Float
    is_wrist: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.name)
        for what, array, shape in (
            ("xy", self.xy, (n, 2)),
            ("side_px", self.side_px, (n,)),
            ("is_wrist", self.is_wrist, (n,)),
        ):
            if np.shape(array) != shape:
                raise ValueError(f"{what} of {n} hands is {shape}, found {np.shape(array)}")
        if len(set(self.name)) != n:
            raise ValueError(f"hands of one picture have different names, found {', '.join(self.name)}")

    @classmethod
    def none(cls) -> Hands:
        """No hands."""
        return cls((), np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True)
class SpottedReach:
    """The hand (or slot) ``name`` took or returned something: the package left its place, or the hand, at ``time_s``.

    ``probability`` is that this is so, ``xy`` where, in pixels.
    """

    name: str
    kind: Kind
    time_s: float
    probability: float
    xy: tuple[float, float]


def spotted(times_s: Float, log_probabilities: NDArray[np.floating]) -> list[tuple[Kind, float, float]]:
    """Kind, time and probability of what happened in a series of looks at one hand, by time.

    ``times_s`` (k,) rises, ``log_probabilities`` is (k, 3). Where something goes on (``LOW``), the looks in a row that
    favour the same kind are one event, its time their mean weighted by probability. Of two such rows that touch, the
    weaker is dropped unless both weigh ``APART``.

    A look gives the probability that the event lies within ``WITHIN_S``, so that its sum over looks, times the step
    over the width of that window, is how many events are expected there: e. Looks at one event err together, so that
    the sum is too careful; the event's probability is 1 - (1 - e) ** ``SHARPER``.
    """
    p = np.exp(np.asarray(log_probabilities, np.float64).reshape(-1, len(CLASSES)))
    kinds = np.where(1 - p[:, 0] >= LOW, p[:, 1:].argmax(axis=1) + 1, 0)
    rows: list[list[int]] = []
    for index, kind in enumerate(kinds):
        if kind and rows and rows[-1][-1] == index - 1 and kinds[index - 1] == kind:
            rows[-1].append(index)
        elif kind:
            rows.append([index])
    weights = [float(p[row, kinds[row[0]]].sum()) for row in rows]
    kept = [n for n in range(len(rows)) if not _beside_stronger(n, rows, weights)]
    found: list[tuple[Kind, float, float]] = []
    for n in kept:
        place = int(kinds[rows[n][0]])
        own = p[rows[n], place]
        moment = float(own @ times_s[rows[n]] / own.sum())
        expected = float(p[np.abs(times_s - moment) <= AROUND_S, place].sum()) * STEP_S / (2 * WITHIN_S)
        sure = 1 - (1 - min(expected, 1.0)) ** SHARPER
        if sure >= SURE:
            found.append(("take" if place == 1 else "return", moment, sure))
    return found


def _beside_stronger(n: int, rows: Sequence[list[int]], weights: Sequence[float]) -> bool:
    for other in (n - 1, n + 1):
        if not 0 <= other < len(rows):
            continue
        gap = rows[max(n, other)][0] - rows[min(n, other)][-1]
        if gap == 1 and min(weights[n], weights[other]) < APART and weights[other] > weights[n]:
            return True
    return False


@dataclass(eq=False)
class _Watched:
    """What is known of one hand: where it was, and the looks at it that are not told yet."""

    seen: deque[tuple[float, Float, float, bool]] = field(default_factory=deque)
    times: list[float] = field(default_factory=list)
    looks: list[NDArray[np.float32]] = field(default_factory=list)


class ReachSpotter:
    """Follows hands near shelves in one camera's pictures and tells what they take and return.

    Whoever calls says which hands are near a shelf; others cost nothing. What happens is told ``AFTER_S`` and two looks
    later. A look costs one run of the model. ``on_look`` is told every look (the hand's name, the moment in seconds,
    the log-probabilities (3,)), for whoever weighs them with other evidence.
    """

    def __init__(self, model: Classifier, on_look: OnLook = lambda name, time_s, log_probabilities: None) -> None:
        self._model, self._on_look = model, on_look
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._pictures: deque[tuple[float, NDArray[np.uint8]]] = deque()
        self._hands: dict[str, _Watched] = {}
        self._next_s: float | None = None
        self._last_s = -np.inf

    def update(self, time_s: float, picture: NDArray[np.uint8], hands: Hands) -> list[SpottedReach]:
        """Take in a picture (H, W, 3) uint8 blue, green, red of ``time_s`` and the hands near shelves in it.

        The picture is kept for some seconds and must not be changed. Gives what is sure by now. Raises ``ValueError``
        where time does not rise.
        """
        if time_s <= self._last_s:
            raise ValueError(f"pictures come in order: {time_s:.3f} s after {self._last_s:.3f} s")
        self._last_s = time_s
        if not self._pictures or time_s - self._pictures[-1][0] >= SPACING_S:
            self._pictures.append((time_s, picture))
        while self._pictures[0][0] < time_s - (BEFORE_S + AFTER_S + 2 * STEP_S):
            self._pictures.popleft()
        for n, name in enumerate(hands.name):
            seen = self._hands.setdefault(name, _Watched()).seen
            seen.append((time_s, np.asarray(hands.xy[n], np.float64), float(hands.side_px[n]), bool(hands.is_wrist[n])))
        if self._next_s is None:
            self._next_s = time_s
        found: list[SpottedReach] = []
        while self._next_s <= time_s - AFTER_S:
            found += self._look(self._next_s)
            self._next_s += STEP_S
        return found

    def flush(self) -> list[SpottedReach]:
        """What is not told yet, at the end of the pictures; looks at the last second with what there is."""
        found: list[SpottedReach] = []
        while self._next_s is not None and self._next_s <= self._last_s - STEP_S:
            found += self._look(self._next_s)
            self._next_s += STEP_S
        for name, watched in self._hands.items():
            found += self._told(name, watched)
        self.reset()
        return found

    def _look(self, moment_s: float) -> list[SpottedReach]:
        """Look at every hand that was there at ``moment_s``; tell of those with which nothing goes on any more."""
        there: list[_Watched] = []
        names: list[str] = []
        clips: list[NDArray[np.uint8]] = []
        times = np.array([time_s for time_s, _ in self._pictures])
        pictures = [picture for _, picture in self._pictures]
        for name, watched in self._hands.items():
            while watched.seen and watched.seen[0][0] < moment_s - BEFORE_S - STEP_S:
                watched.seen.popleft()
            if not watched.seen:
                continue
            time_s, xy, side_px, is_wrist = min(watched.seen, key=lambda seen: abs(seen[0] - moment_s))
            if abs(time_s - moment_s) <= LATE_S:
                there.append(watched)
                names.append(name)
                clips.append(
                    cut_clip(pictures, times, moment_s, xy, side_px, _track(watched, times) if is_wrist else None)
                )
        looks = self._model.classify(np.stack(clips)) if clips else np.zeros((0, len(CLASSES)), np.float32)
        for name, watched, look in zip(names, there, looks, strict=True):
            watched.times.append(moment_s)
            watched.looks.append(look)
            self._on_look(name, moment_s, look)
        found: list[SpottedReach] = []
        for name, watched in list(self._hands.items()):
            if watched.looks and (watched not in there or 1 - np.exp(watched.looks[-1][0]) < LOW):
                found += self._told(name, watched)
            if not watched.seen and not watched.looks:
                del self._hands[name]
        return found

    def _told(self, name: str, watched: _Watched) -> list[SpottedReach]:
        """What happened in the looks since the last time nothing went on, which are forgotten."""
        times, looks = np.array(watched.times), np.array(watched.looks).reshape(-1, len(CLASSES))
        watched.times, watched.looks = [], []
        found = []
        for kind, time_s, probability in spotted(times, looks):
            nearest = min(watched.seen, key=lambda seen: abs(seen[0] - time_s), default=None)
            xy = (np.nan, np.nan) if nearest is None else (float(nearest[1][0]), float(nearest[1][1]))
            found.append(SpottedReach(name, kind, time_s, probability, xy))
        return found


def _track(watched: _Watched, times: Float) -> Float:
    """The wrist (k, 2) at ``times`` (k,); NaN where it was not seen within half a step."""
    track = np.full((len(times), 2), np.nan)
    if not watched.seen:
        return track
    seen_s = np.array([seen[0] for seen in watched.seen])
    nearest = np.abs(seen_s[None] - times[:, None]).argmin(axis=1)
    for place, index in enumerate(nearest):
        time_s, xy, _, is_wrist = watched.seen[index]
        if is_wrist and abs(time_s - times[place]) <= STEP_S / 2:
            track[place] = xy
    return track
