"""All the counting of one camera, over rows that come in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from insights.areas import Areas
from insights.arrivals import Rows
from insights.definitions import Rules
from insights.facts import Crossing, Facts
from insights.footfall import LineCounter
from insights.occupancy import Occupancy
from insights.queues import QueueWatch
from insights.sightings import Sightings, Trail
from insights.tiles import Tiles
from insights.zones import Stay, ZoneStays
from store.plan import CameraView


@dataclass(slots=True)
class Person:
    """Somebody who is followed, seconds: ``counted`` once seen as a shopper, that is outside every staff zone."""

    track_id: str
    slot: int
    since: float
    seen: float
    counted: bool = False


class Counting:
    """Lines, zones, occupancy, queues and cells of one camera, and the ``people`` whom they remember something of."""

    def __init__(self, view: CameraView, rules: Rules) -> None:
        self.people: dict[str, Person] = {}
        self._rules = rules
        self._areas = Areas(view.zones)
        margin = rules.line_margin_px(view.size[1])
        self._lines = {
            line.name: LineCounter(line, margin, homography=view.homography, margin_m=rules.line_margin_m)
            for line in view.lines
        }
        self._zones = {zone.name: ZoneStays(rules.flicker_s, rules.min_stay_s) for zone in self._areas.zones}
        self._queues = {
            zone.name: QueueWatch(zone.queue_limit, rules.queue_s, rules.flicker_s)
            for zone in self._areas.zones
            if zone.queue_limit is not None
        }
        self._occupancy = Occupancy(len(self._areas), rules.max_step_s)
        self._tiles = [
            Tiles("image", rules.cell_px(view.size[0]), rules.max_step_s, view.size),
            Tiles("floor", rules.cell_m, rules.max_step_s),
        ]
        self._trail = Trail(len(self._areas))
        self._shoppers_trail = Trail(len(self._areas))
        self._by_slot: dict[int, Person] = {}
        self._free: list[int] = []

    def advance(self, rows: Rows, until: float, *, final: bool = False) -> Facts:
        """Take all rows up to ``until``, seconds, in order of track and time.

        ``final`` says that of all who are followed no more will come.
        """
        facts = Facts()
        steps = self._trail.steps(self._sightings(rows))
        inside, inside_before = steps.now.inside, steps.before.inside
        # For lines, a position in a staff zone is none at all.
        shoppers = self._shoppers_trail.steps(steps.now[inside[:, 0]])
        for name, counter in self._lines.items():
            found = counter.update(shoppers)
            each = zip(found.slot.tolist(), found.time_s.tolist(), found.into.tolist(), strict=True)
            facts.crossings += [Crossing(name, self._by_slot[slot].track_id, at, into) for slot, at, into in each]
        settled = until if final else until - self._rules.flicker_s
        for area, (name, stays) in enumerate(self._zones.items(), start=1):
            self._add(name, stays.update(steps, inside[:, area], inside_before[:, area]) + stays.expire(until), facts)
            if name in self._queues:
                facts.queues += [(name, found) for found in self._queues[name].update(steps, inside[:, area], settled)]
        settled = until if final else until - self._rules.max_step_s
        facts.occupied += [(self._areas.names[each.area], each) for each in self._occupancy.update(steps, settled)]
        facts.tiles += [found for found in (tiles.update(steps) for tiles in self._tiles) if len(found)]
        return facts

    def forget(self, people: Sequence[Person], facts: Facts) -> None:
        """Forget these people; what so ends is added to ``facts``."""
        slots = np.array([person.slot for person in people], np.int64)
        for name, stays in self._zones.items():
            self._add(name, stays.clear(slots), facts)
        self._trail.clear(slots)
        self._shoppers_trail.clear(slots)
        for counter in self._lines.values():
            counter.clear(slots)
        for watch in self._queues.values():
            watch.clear(slots)
        for tiles in self._tiles:
            tiles.clear(slots)
        for person in people:
            del self.people[person.track_id], self._by_slot[person.slot]
            self._free.append(person.slot)

    def _sightings(self, rows: Rows) -> Sightings:
        """The rows with slots instead of tracks; whoever is new becomes a person."""
        inside = self._areas.inside(rows.xy)
        tracks, first, where = np.unique(rows.track_id, return_index=True, return_inverse=True)
        last = np.append(first[1:], len(rows))[: len(first)] - 1
        slots = np.zeros(len(tracks), np.int64)
        for row, (track, begin, end) in enumerate(zip(tracks.tolist(), first.tolist(), last.tolist(), strict=True)):
            person = self.people.get(track)
            if person is None:
                slot = self._free.pop() if self._free else len(self._by_slot)
                person = Person(track, slot, since=float(rows.time_s[begin]), seen=0.0)
                self.people[track] = self._by_slot[slot] = person
            person.seen = float(rows.time_s[end])
            person.counted = person.counted or bool(inside[begin : end + 1, 0].any())
            slots[row] = person.slot
        order = np.lexsort((rows.time_s, slots[where]))
        return Sightings(slots[where], rows.time_s, rows.xy, rows.xy_m, inside)[order]

    def _add(self, zone: str, found: list[Stay], facts: Facts) -> None:
        facts.stays += [(zone, self._by_slot[stay.slot].track_id, stay) for stay in found]
