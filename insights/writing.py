"""Facts as rows of the records and as events, with ids that are the same whenever the same fact is found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from insights.definitions import Rules
from insights.facts import Facts
from store import tables
from store.events import Event, LineCrossed, ZoneEntered, ZoneLeft, ZoneQueue
from store.plan import CameraView
from store.records import Records


def fact_id(*parts: str | float) -> str:
    """32 hex digits out of what makes a fact one of its kind.

    A track id is random and forgotten with the visit, so that nothing leads from the id back to a path.
    """
    text = "\x1f".join(part if isinstance(part, str) else f"{part:.6f}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class FactWriter:
    """Writes the facts of one camera."""

    def __init__(self, records: Records, store: str, camera: str) -> None:
        self._records = records
        self._store = store
        self._camera = camera

    def write(self, connection: Connection, facts: Facts) -> None:
        """Add facts to the tables. Sums are added up: write each fact once."""
        place = {"store": self._store, "camera": self._camera}
        crossings = [
            {
                "id": self._id("crossing", each.line, each.track_id, each.time_s),
                **place,
                "line": each.line,
                "direction": "in" if each.into else "out",
                "time": each.time_s,
            }
            for each in facts.crossings
        ]
        stays = [
            {
                "id": self._id("stay", zone, track, stay.entered_at),
                **place,
                "zone": zone,
                "entered_at": stay.entered_at,
                "left_at": stay.left_at,
                "staff": False,
            }
            for zone, track, stay in facts.stays
            if stay.left_at is not None
        ]
        visits = [
            {
                "id": self._id("visit", each.track_id, float(each.part)),
                **place,
                "entered_at": each.entered_at,
                "left_at": each.left_at,
            }
            for each in facts.visits
        ]
        occupied = [
            {**place, "zone": area, "minute": each.minute, "person_seconds": each.person_seconds, "peak": each.peak}
            for area, each in facts.occupied
        ]
        tiles = [
            {**place, "space": rows.space, "minute": minute, "x": x, "y": y, "visitors": visitors, "seconds": seconds}
            for rows in facts.tiles
            for minute, x, y, visitors, seconds in zip(
                rows.minute.tolist(),
                rows.x.tolist(),
                rows.y.tolist(),
                rows.visitors.tolist(),
                rows.seconds.tolist(),
                strict=True,
            )
        ]
        self._records.insert(connection, tables.crossings, crossings)
        self._records.insert(connection, tables.zone_visits, stays)
        self._records.insert(connection, tables.visits, visits)
        self._records.merge(connection, tables.occupancy, occupied)
        self._records.merge(connection, tables.tiles, tiles)

    def events(self, facts: Facts) -> list[Event]:
        """The facts that others want to hear of, oldest first."""
        said: list[Event] = [
            LineCrossed(
                **self._common("crossing", each.time_s, each.line, each.track_id, each.time_s),
                line=each.line,
                direction="in" if each.into else "out",
            )
            for each in facts.crossings
        ]
        for zone, track, stay in facts.stays:
            if stay.left_at is None:
                common = self._common("arrival", stay.entered_at, zone, track, stay.entered_at)
                said.append(ZoneEntered(**common, zone=zone))
            else:
                common = self._common("stay", stay.left_at, zone, track, stay.entered_at)
                said.append(ZoneLeft(**common, zone=zone, dwell_s=stay.left_at - stay.entered_at))
        said += [
            ZoneQueue(**self._common("queue", queue.time_s, zone, queue.time_s), zone=zone, people=queue.people)
            for zone, queue in facts.queues
        ]
        return sorted(said, key=lambda event: event.time)

    def _id(self, kind: str, *parts: str | float) -> str:
        return fact_id(kind, self._store, self._camera, *parts)

    def _common(self, kind: str, time: float, *parts: str | float) -> dict[str, Any]:
        return {"id": self._id(kind, *parts), "store": self._store, "time": time, "cameras": (self._camera,)}


def camera_row(store: str, view: CameraView, rules: Rules, times: Iterable[float]) -> dict[str, Any]:
    """The row of ``cameras`` for a view that was seen at ``times``, seconds; merged, it leaves the preview alone."""
    seen = list(times)
    return {
        "store": store,
        "camera": view.camera,
        "width": view.size[0],
        "height": view.size[1],
        "first_seen": min(seen),
        "last_seen": max(seen),
        "preview": None,
        "lines": [line.model_dump(mode="json") for line in view.lines],
        "zones": [zone.model_dump(mode="json") for zone in view.zones],
        "homography": view.homography,
        "cell_px": rules.cell_px(view.size[0]),
        "cell_m": rules.cell_m,
    }
