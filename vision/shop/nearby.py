"""Who was near a place at a time that is past by some seconds."""

from __future__ import annotations

import math
from collections import deque

from vision.floor.tracks import FloorTracks
from vision.shop.evidence import PlateStep, Reach
from vision.shop.goods import Goods
from vision.shop.weighing import NOBODY, AttributionSettings, normalised

_MOST_SWAPS = 4  # people whose wrists may be taken for one another's
_STOOP = 5  # moments that it takes at least


class Nearby:
    """Remembers where people were for ``keep_s``, and since when nobody has seen them."""

    def __init__(self, goods: Goods, settings: AttributionSettings, keep_s: float) -> None:
        self._goods, self._settings, self._keep_s = goods, settings, keep_s
        self._places: deque[tuple[float, dict[int, tuple[float, float]]]] = deque()
        self._last_seen: dict[int, float] = {}

    def update(self, time_s: float, tracks: FloorTracks) -> list[int]:
        """Take where everybody is; the tracks that have not been seen for ``settings.gone_s`` and are forgotten."""
        places = {int(id): (float(x), float(y)) for id, (x, y) in zip(tracks.track_id, tracks.xy, strict=True)}
        self._places.append((time_s, places))
        while self._places[0][0] < time_s - self._keep_s:
            self._places.popleft()
        self._last_seen |= dict.fromkeys(places, time_s)
        gone = [who for who, seen_s in self._last_seen.items() if seen_s < time_s - self._settings.gone_s]
        for who in gone:
            del self._last_seen[who]
        return gone

    def at_plate(self, step: PlateStep) -> dict[int, float]:
        """Who may have reached to a plate, NOBODY among them, with weights that add up to 1."""
        weights = {NOBODY: self._settings.nobody}
        for who, xy in self._people_at((step.start_s + step.end_s) / 2).items():
            away = min(self._goods.distance_m(slot, xy) for slot in self._goods.on_plate[step.plate])
            if away <= self._settings.arm_m:
                weights[who] = math.exp(-0.5 * (away / self._settings.arm_sigma_m) ** 2)
        return normalised(weights)

    def at_slot(self, slot: str, start_s: float, end_s: float) -> tuple[dict[int, float], float]:
        """Who may have reached into a slot between two times, with weights that add up to 1; and when most likely.

        Somebody weighs as much as they were near on average; NOBODY is among them.
        """
        total: dict[int, float] = {}
        best, at_s, moments = 0.0, (start_s + end_s) / 2, 0
        for time_s, places in self._places:
            if not start_s <= time_s <= end_s:
                continue
            moments += 1
            for who, xy in places.items():
                away = self._goods.distance_m(slot, xy)
                if away <= self._settings.arm_m:
                    weight = math.exp(-0.5 * (away / self._settings.arm_sigma_m) ** 2)
                    total[who] = total.get(who, 0.0) + weight
                    if weight > best:
                        best, at_s = weight, time_s
        weights = {who: weight / max(moments, 1) for who, weight in total.items()}
        return normalised({NOBODY: self._settings.nobody, **weights}), at_s

    def at_spot(self, xy: tuple[float, float], start_s: float, end_s: float) -> tuple[dict[int, float], float]:
        """Who may have stooped to a spot of the floor between two times, with weights that add up to 1; and when the
        likeliest of them was last within reach of it.

        Somebody weighs as much as in the moments of a second in which they were nearest; NOBODY is among them.
        """
        reach, sigma = self._settings.stoop_m, self._settings.stoop_sigma_m
        near: dict[int, list[tuple[float, float]]] = {}
        for time_s, places in self._places:
            if start_s <= time_s <= end_s:
                for who, where in places.items():
                    beyond = max(math.dist(where, xy) - reach, 0.0)
                    if beyond <= 3 * sigma:
                        near.setdefault(who, []).append((math.exp(-0.5 * (beyond / sigma) ** 2), time_s))
        weights = {who: sum(sorted((w for w, _ in seen), reverse=True)[:_STOOP]) / _STOOP for who, seen in near.items()}
        best = max(weights, key=lambda who: weights[who], default=NOBODY)
        at_s = max(
            (time_s for w, time_s in near.get(best, ()) if w >= weights[best] / 2), default=(start_s + end_s) / 2
        )
        return normalised({NOBODY: self._settings.nobody, **weights}), at_s

    def instead(self, reach: Reach) -> dict[int, float]:
        """Whose hand it may have been instead: others who stand so near that wrists may be taken for one another."""
        near = [
            who
            for who, xy in self._people_at(reach.at_s).items()
            if who != reach.track_id and math.dist(xy, reach.xyz[:2]) <= self._settings.swap_m
        ]
        return dict.fromkeys(sorted(near)[:_MOST_SWAPS], self._settings.swapped)

    def _people_at(self, time_s: float) -> dict[int, tuple[float, float]]:
        """Where people were at the moment that is nearest to ``time_s``."""
        return min(self._places, key=lambda moment: abs(moment[0] - time_s), default=(0.0, {}))[1]
