"""Rows of ``person.moved`` put in order: they wait until no earlier one is to be expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from insights.sightings import Bool, Float, Int
from store.events import PersonMoved
from store.floor import apply_homography
from store.plan import CameraView


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Where tracks were: ``track_id`` (n,) text, ``time_s`` (n,) s, ``xy`` (n, 2) px, ``xy_m`` (n, 2) m, or NaN."""

    track_id: NDArray[np.str_]
    time_s: Float
    xy: Float
    xy_m: Float

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, index: Bool | Int) -> Self:
        return type(self)(self.track_id[index], self.time_s[index], self.xy[index], self.xy_m[index])

    @classmethod
    def joined(cls, parts: list[Rows]) -> Self:
        """All rows of these, one after the other."""
        return cls(
            np.concatenate([np.zeros(0, "<U1"), *(part.track_id for part in parts)]),
            np.concatenate([np.zeros(0), *(part.time_s for part in parts)]),
            np.concatenate([np.zeros((0, 2)), *(part.xy for part in parts)]),
            np.concatenate([np.zeros((0, 2)), *(part.xy_m for part in parts)]),
        )

    @classmethod
    def of(cls, event: PersonMoved, view: CameraView) -> Self:
        """The rows of an event in pixels of the view's size, on the floor where the event or the view knows it.

        What all cameras together say of the floor has no pixels: NaN.
        """
        n = len(event.time_s)
        if event.xy is None or event.size is None:
            xy = np.full((n, 2), np.nan)
        else:
            xy = np.asarray(event.xy, np.float64).reshape(n, 2) * np.divide(view.size, event.size)
        if event.xy_m is not None:
            xy_m = np.asarray(event.xy_m, np.float64).reshape(n, 2)
        elif view.homography is not None:
            xy_m = apply_homography(view.homography, xy)
        else:
            xy_m = np.full((n, 2), np.nan)
        return cls(np.array(event.track_id, np.str_), np.asarray(event.time_s, np.float64), xy, xy_m)


class Arrivals:
    """Holds rows back until they are released up to a time; what comes later than that is dropped and counted.

    ``clock`` is the latest time heard of, ``released`` the time up to which rows were handed out, seconds.
    """

    def __init__(self) -> None:
        self.clock = -np.inf
        self.released = -np.inf
        self.late = 0
        self._waiting: list[Rows] = []

    def add(self, rows: Rows) -> None:
        """Let rows wait."""
        in_time = rows.time_s > self.released
        self.late += len(rows) - int(in_time.sum())
        if in_time.any():
            self._waiting.append(rows[in_time])
            self.clock = max(self.clock, float(rows.time_s.max()))

    def tracks(self) -> set[str]:
        """Of whom rows wait."""
        return {track for rows in self._waiting for track in set(rows.track_id.tolist())}

    def due(self, until: float) -> Rows:
        """Hand out what waits up to ``until``, in order of track and time, each moment of a track once."""
        rows = Rows.joined(self._waiting)
        ripe = rows.time_s <= until
        self._waiting = [] if ripe.all() else [rows[~ripe]]
        self.released = max(self.released, until)
        rows = rows[ripe]
        rows = rows[np.lexsort((rows.time_s, rows.track_id))]
        again = np.zeros(len(rows), np.bool_)
        again[1:] = (rows.track_id[1:] == rows.track_id[:-1]) & (rows.time_s[1:] == rows.time_s[:-1])
        return rows[~again]
