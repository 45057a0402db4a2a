"""Weight plates: from readings that hands press on, that settle slowly and drift, to the changes that stay."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from store.layout import Plate
from vision.shop.evidence import PlateStep

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlateSettings:
    """When a plate counts as still, and which changes count.

    ``plateau_s``: so long readings must stay level to be a plateau; three time constants of the simulated plate, so
    that what is left of a change of 500 g is in the noise. ``level_range`` and ``level_trend``: by how many standard
    deviations of the noise they may spread and lean in that time: the 99.9 % points of 6 Gaussian readings, a little
    rounded up. ``smallest_g``: a smaller change is no product but a press or drift; half of the lightest product is
    right. ``press_g``: what a resting hand may weigh, so that a rise of less is believed after ``absorb_s`` only.
    ``averaged_s``: the level before a change is averaged over about so long. ``fastest_s``: readings closer together
    than that are passed over, which bounds the memory. ``least_noise_g`` is a floor for what a plate says of itself.
    """

    plateau_s: float = 0.45
    level_range: float = 5.5
    level_trend: float = 3.5
    smallest_g: float = 40.0
    press_g: float = 60.0
    absorb_s: float = 30.0
    averaged_s: float = 4.0
    fastest_s: float = 0.02
    least_noise_g: float = 0.5

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, found {getattr(self, name):g}")
        if self.plateau_s < 4 * self.fastest_s:
            raise ValueError(f"plateau_s ({self.plateau_s:g} s) must be at least four times fastest_s")


@dataclass(slots=True)
class _State:
    """What is kept of one plate: ``recent`` readings (time, grams) of at most a plateau's length, and levels.

    ``level_g`` is the settled load, known to ``variance``, an average of ``count`` readings; ``still_s`` the end of the
    last plateau, whatever its load; ``doubted_s`` since when small loads that may be presses have lasted.
    """

    noise_g: float
    drift_g_per_s: float
    recent: deque[tuple[float, float]] = field(default_factory=deque)
    level_g: float = math.nan
    count: float = 0.0
    still_s: float = -math.inf
    doubted_s: float = math.inf


class PlateWatcher:
    """Finds the steps of every plate of a shop. One plate's readings must come in order; plates need not agree.

    ``dropped`` counts readings that were no number, came twice or out of order.
    """

    def __init__(self, plates: Iterable[Plate] = (), settings: PlateSettings | None = None) -> None:
        self.settings = settings or PlateSettings()
        self._plates: Mapping[str, Plate] = {plate.name: plate for plate in plates}
        self.reset()

    def reset(self) -> None:
        """Forget all readings."""
        self._states: dict[str, _State] = {}
        self.dropped = 0

    def told_until(self) -> dict[str, float]:
        """By plate: all changes that were over before this time (seconds, UTC) have been told."""
        return {name: state.still_s for name, state in self._states.items()}

    def update(self, plate: str, time_s: Float, weight_g: Float) -> list[PlateStep]:
        """Take readings (n,) and (n,) of one plate, seconds UTC and grams; the steps that they complete, in order.

        Raises ``ValueError`` when the shapes differ.
        """
        times, grams = np.asarray(time_s, np.float64), np.asarray(weight_g, np.float64)
        if times.ndim != 1 or times.shape != grams.shape:
            raise ValueError(f"time_s and weight_g must have one shape (n,), got {times.shape} and {grams.shape}")
        state = self._states.get(plate)
        if state is None:
            state = self._states[plate] = self._new(plate)
        steps = []
        for moment, value in zip(times.tolist(), grams.tolist(), strict=True):
            last = state.recent[-1][0] if state.recent else -math.inf
            if not (math.isfinite(moment) and math.isfinite(value)) or moment <= last:
                self.dropped += 1
                continue
            if moment - last < self.settings.fastest_s:
                continue
            step = self._read(plate, state, moment, value)
            if step is not None:
                steps.append(step)
        return steps

    def _new(self, plate: str) -> _State:
        known = self._plates.get(plate) or Plate(name=plate)
        noise = math.hypot(known.noise_g, known.resolution_g / math.sqrt(12))
        return _State(max(noise, self.settings.least_noise_g), known.drift_g_per_h / 60.0)

    def _read(self, plate: str, state: _State, moment: float, value: float) -> PlateStep | None:
        settings = self.settings
        recent = state.recent
        recent.append((moment, value))
        while recent[0][0] < moment - settings.plateau_s - 1e-6:
            recent.popleft()
        found = _plateau(recent, state.noise_g, settings)
        if found is None:
            return None
        level, variance = found
        before_s, state.still_s = state.still_s, moment
        if not state.count:
            state.level_g, state.count = level, len(recent)
            return None
        change = level - state.level_g
        # A random walk of d grams in an hour has a variance of d² (t / 3600 s), which is (d / 60)² t.
        known = state.noise_g**2 / state.count + variance + state.drift_g_per_s**2 * max(0.0, moment - before_s)
        if abs(change) <= 4.0 * math.sqrt(known):
            self._follow(state, moment - before_s, value)
            return None
        if abs(change) < settings.smallest_g or 0 < change < settings.press_g:
            self._doubt(state, moment, level)
            return None
        state.level_g, state.count, state.doubted_s = level, len(recent), math.inf
        return PlateStep(plate, before_s, recent[0][0], change, math.sqrt(known))

    def _follow(self, state: _State, passed_s: float, value: float) -> None:
        """The settled level follows slow drift; a longer gap makes it less sure."""
        most = max(2.0, self.settings.averaged_s / max(passed_s, self.settings.fastest_s))
        state.count = min(state.count + 1, most)
        state.level_g += (value - state.level_g) / state.count
        state.doubted_s = math.inf

    def _doubt(self, state: _State, moment: float, level: float) -> None:
        """A small change: a hand that rests there, or one that is off again; a lasting one is the new level."""
        state.doubted_s = min(state.doubted_s, moment)
        if level < state.level_g or moment - state.doubted_s >= self.settings.absorb_s:
            state.level_g, state.count, state.doubted_s = level, len(state.recent), math.inf


def _plateau(recent: deque[tuple[float, float]], noise_g: float, settings: PlateSettings) -> tuple[float, float] | None:
    """Level and variance of readings that are still; None while they move or are too few.

    The later half is the level, for the earlier may still be settling; how far the halves differ widens the variance.
    """
    n = len(recent)
    if n < 4 or recent[-1][0] - recent[0][0] < 0.75 * settings.plateau_s:
        return None
    values = [value for _, value in recent]
    if max(values) - min(values) > settings.level_range * noise_g:
        return None
    half = n // 2
    early, late = sum(values[:half]) / half, sum(values[half:]) / (n - half)
    lean = noise_g * math.sqrt(1 / half + 1 / (n - half))
    if abs(late - early) > settings.level_trend * lean:
        return None
    over = max(0.0, abs(late - early) - lean)
    return late, noise_g**2 / (n - half) + (0.35 * over) ** 2
