"""What is true of a simulated run, for comparison with what the system says."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from datasets.sample import DatasetFileError
from store.catalogue import Catalogue
from store.events import Event, ProductEvent, ProductHandedOver, ShelfReached, from_cloudevent
from store.layout import Plan

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TruePerson:
    """A visit. ``time_s`` (n,) and ``xy_m`` (n, 2) say where they are inside the shop, seconds UTC and metres, and
    ``wrists`` (n, 2, 3) where their hands are. ``gate`` is that by which they came in; None for who never was inside.
    """

    track: str
    name: str
    role: str
    session: str | None
    gate: str | None
    time_s: Float
    xy_m: Float
    wrists: Float

    @property
    def came_s(self) -> float:
        """When they are inside first."""
        return float(self.time_s[0])

    @property
    def left_s(self) -> float:
        """When they are inside last."""
        return float(self.time_s[-1])


@dataclass(frozen=True, slots=True, eq=False)
class ClipTruth:
    """``people`` in order of coming, the ``events`` about products and reaches, the ``receipts`` by session: packages
    by GTIN, and ``price`` of each GTIN in the currency's smallest unit.
    """

    people: tuple[TruePerson, ...]
    events: tuple[ProductEvent | ShelfReached, ...]
    receipts: Mapping[str, Counter[str]]
    price: Mapping[str, int]

    @property
    def products(self) -> tuple[ProductEvent, ...]:
        """The events about products."""
        return tuple(event for event in self.events if isinstance(event, ProductEvent))

    def members(self, session: str) -> list[TruePerson]:
        """The people who share a session."""
        return [person for person in self.people if person.session == session]

    def last_event_s(self, session: str) -> float:
        """When the last of a session's people is inside last, or a product last goes through their hands."""
        mine = {person.track for person in self.members(session)}
        times = [person.left_s for person in self.members(session) if len(person.time_s)]
        times += [event.time for event in self.products if mine & set(hands(event))]
        return max(times)


def hands(event: ProductEvent) -> tuple[str, ...]:
    """The tracks through whose hands a product goes."""
    return (event.track_id, event.to_track_id) if isinstance(event, ProductHandedOver) else (event.track_id,)


def read_truth(folder: Path, plan: Plan, catalogue: Catalogue) -> ClipTruth:
    """The truth of the run in ``folder``. Raises ``DatasetFileError``."""
    try:
        people = _people(folder, plan)
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        told: list[Event] = [from_cloudevent(json.loads(line)) for line in lines]
        receipts = json.loads((folder / "receipts.json").read_text(encoding="utf-8"))
        owed = {
            str(each["session_id"]): Counter({str(line["gtin"]): int(line["quantity"]) for line in each["lines"]})
            for each in receipts
        }
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetFileError(f"{folder} is no whole run ({type(error).__name__}: {error})") from None
    events = tuple(event for event in told if isinstance(event, ProductEvent | ShelfReached))
    return ClipTruth(people, events, owed, {product.gtin: product.price for product in catalogue.products})


def seconds(text: str) -> float:
    """ISO 8601 as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


def _people(folder: Path, plan: Plan) -> tuple[TruePerson, ...]:
    listed: list[dict[str, Any]] = json.loads((folder / "people.json").read_text(encoding="utf-8"))
    rows: dict[str, list[list[float]]] = {str(each["track_id"]): [] for each in listed}
    columns = ("x", "y", "left_x", "left_y", "left_z", "right_x", "right_y", "right_z")
    with (folder / "floor.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["track_id"]].append([seconds(row["time"]), *(float(row[name]) for name in columns)])
    floor = shapely.Polygon(plan.floor.polygon) if plan.floor else None
    found = []
    for each in listed:
        path = np.array(rows[str(each["track_id"])], np.float64).reshape(-1, 1 + len(columns))
        if floor is not None:
            path = path[shapely.contains_xy(floor, path[:, 1], path[:, 2])]
        found.append(
            TruePerson(
                track=str(each["track_id"]),
                name=str(each["name"]),
                role=str(each["role"]),
                session=each["session_id"],
                gate=_gate(plan, path[0, 1:3]) if len(path) else None,
                time_s=path[:, 0],
                xy_m=path[:, 1:3],
                wrists=path[:, 3:].reshape(-1, 2, 3),
            )
        )
    return tuple(sorted(found, key=lambda person: (len(person.time_s) == 0, *person.time_s[:1].tolist())))


def _gate(plan: Plan, xy: Float) -> str | None:
    point = shapely.Point(xy)
    nearest = min(
        plan.gates, key=lambda gate: float(shapely.LineString([gate.a, gate.b]).distance(point)), default=None
    )
    return nearest.name if nearest else None
