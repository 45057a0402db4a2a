"""Who was where, by the facts that a worker published, against the truth of a simulated film."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import numpy as np

from benchmarks.films import Film
from datasets.formats.simulated_floor import read_simulated_floor
from store.event import Event
from store.events import PersonEntered, PersonMoved
from training.evaluate.floor_metrics import FloorScores, Paths, score_floor

LONGEST_S: Final = 2.5
"""Between two facts of a person that lie no further apart, the person is taken to have walked straight."""


def entered(events: Iterable[Event]) -> int:
    """How many visits were told of."""
    return sum(isinstance(event, PersonEntered) for event in events)


def people(film: Film) -> int:
    """How many people came."""
    return len(json.loads((film.folder / "people.json").read_text(encoding="utf-8")))


def scores(film: Film, events: Iterable[Event]) -> tuple[FloorScores, int]:
    """How well people were followed over the floor, at every moment of the truth; and how many people there were."""
    (scene,) = [each for each in read_simulated_floor(film.folder.parent.parent) if each.name == film.folder.name]
    first = _first(film)
    times = scene.time_s + first
    truth = Paths(scene.frame, scene.person, scene.xy_m)
    moments: list[tuple[int, np.ndarray, np.ndarray]] = []
    places = [place_at(times, *track) for track in tracks(events).values()]
    for moment in range(len(times)):
        here = [number for number, xy in enumerate(places) if np.isfinite(xy[moment, 0])]
        xy = np.array([places[number][moment] for number in here]).reshape(-1, 2)
        moments.append((moment, np.array(here, np.int64), xy))
    return score_floor(truth, Paths.joined(moments), len(times)), len(np.unique(scene.person))


def _first(film: Film) -> float:
    """When the truth of the floor begins."""
    with (film.folder / "floor.csv").open(encoding="utf-8", newline="") as file:
        return min(datetime.fromisoformat(row["time"]).timestamp() for row in csv.DictReader(file))


def tracks(events: Iterable[Event]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times (n,) and places (n, 2) in metres of each track over the floor, in order of time."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for event in events:
        if isinstance(event, PersonMoved) and event.camera is None and event.xy_m is not None:
            for name, time_s, (x, y) in zip(event.track_id, event.time_s, event.xy_m, strict=True):
                rows.setdefault(name, []).append((time_s, x, y))
    found = {name: np.array(sorted(each)) for name, each in rows.items()}
    return {name: (each[:, 0], each[:, 1:]) for name, each in found.items()}


def place_at(times: np.ndarray, at: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Places (m, 2) at ``times`` (m,), between those of a track (n, 2) at rising ``at`` (n,); NaN before, after, and
    where the track has nothing for longer than ``LONGEST_S``.
    """
    after = np.searchsorted(at, times).clip(1, max(len(at) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(at) - 1)
    gap = at[after] - at[before]
    share = np.divide(times - at[before], gap, out=np.zeros(len(times)), where=gap > 0)
    place = xy[before] + share[:, None] * (xy[after] - xy[before])
    # Half a moment of the truth is allowed at both ends.
    inside = (times >= at[0] - 0.06) & (times <= at[-1] + 0.06) & (gap <= LONGEST_S)
    return np.where(inside[:, None], place, np.nan)
