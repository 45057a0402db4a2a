"""What all cameras of a shop show, as evidence: who is where, and what speaks for something having been taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cameras.geometry import CameraModel
from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from vision.detections import Detections
from vision.floor import FloorMoment, FloorTracker, FloorTracks
from vision.floor.facts import FloorFacts
from vision.floor.looks import described
from vision.floor.openings import gates_of
from vision.floor.sight import Sight
from vision.shop.asking import Questions, Settled
from vision.shop.evidence import Evidence, HandChange, Reach, SlotChange, Stop
from vision.shop.handovers import MeetingFinder
from vision.shop.hands import HandWatcher, Reads
from vision.shop.intrusions import IntrusionFinder
from vision.shop.lying import LyingFinder
from vision.shop.moment import Image, SeenPicture, ShopMoment
from vision.shop.shelves import ShelfWatcher
from vision.shop.stocktaking import Stocktaking
from vision.shop.stops import StopFinder
from vision.shop.trust import REACHING, Believe, trusted
from vision.shop.wrists import WristFinder

_NAMES: Final = 20_000  # of visits: the last ones of some days


@dataclass(frozen=True, slots=True, eq=False)
class Perceived:
    """A moment at ``time_s`` (seconds, UTC): live ``tracks``, ``events`` of the floor, and new ``evidence``."""

    time_s: float
    tracks: FloorTracks
    events: tuple[Event, ...]
    evidence: tuple[Evidence, ...]


class ShopPerception:
    """Looks at the shop of ``plan`` by ``cameras``; needs people with joints. Plates have no part in it.

    ``reader`` reads hands (``models.hands.HandReader``); without one nothing is known of what hands hold. ``store`` is
    the store's name where it is not the plan's; ``believe`` says what comparisons of slots are worth.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        cameras: Sequence[CameraModel],
        *,
        reader: Reads | None = None,
        store: str | None = None,
        believe: Believe = trusted,
    ) -> None:
        cameras = tuple(cameras)
        gates = gates_of(plan)
        self._out: list[Event] = []
        self._vest = plan.staff_vest
        self._tracker = FloorTracker(cameras, gates=gates if len(gates) else None, sight=Sight.of(plan, cameras))
        self._facts = FloorFacts(store or plan.store, cameras, self._out.extend)
        self._wrists = WristFinder(cameras)
        self._reaches = IntrusionFinder(plan, cameras)
        self._shelves = ShelfWatcher(plan, cameras, catalogue)
        self._hands = HandWatcher(reader, cameras, plan.slots()) if reader is not None else None
        self._meetings = MeetingFinder(self._hands) if self._hands is not None else None
        self._stops = StopFinder(plan.slots(), self._hands) if self._hands is not None else None
        self._lying = LyingFinder(plan, cameras, catalogue) if plan.floor is not None else None
        wait_s = self._hands.settings.span_s[1] if self._hands is not None else 0.5
        self._questions = Questions(
            self._read_hand, lambda *asked: [believe(each, REACHING) for each in self._see_slots(*asked)], wait_s
        )
        self._people = Settled()
        self._stocktaking = Stocktaking(plan.slots(), self._see_slots, believe)
        self._names: dict[int, str] = {}
        self._now = FloorTracks.empty(len(cameras))

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> Perceived:
        """Take in a moment: of each camera that gave a picture its time on the shop's clock and the picture, uint8
        (H, W, 3) BGR, and the people found in it.

        Raises ``ValueError`` for a camera that is not known, and when time does not advance.
        """
        detections = {name: described(captured[name][1], people, self._vest) for name, people in detections.items()}
        tracks = self._tracker.update(time_s, detections)
        pictures = {
            name: SeenPicture(at, image, detections[name], self._tracker.owners[name])
            for name, (at, image) in captured.items()
        }
        moment = ShopMoment(time_s, pictures, tracks)
        hands = self._wrists.update(moment)
        self._now = hands.on(tracks)
        if self._hands is not None:
            self._hands.update(moment)
        self._shelves.update(moment)
        self._questions.add(self._reaches.update(moment))
        self._settle(self._tracker.settled)
        evidence: list[Evidence] = []
        if self._meetings is not None:
            evidence += self._meetings.update(tracks, time_s)
        if self._stops is not None:
            evidence += [self._settled(stop) for stop in self._stops.update(tracks, time_s)]
        if self._lying is not None:
            evidence += self._lying.update(moment)
        evidence += self._questions.due(time_s, self._people)
        evidence += self._stocktaking.update(time_s, self._now)
        return self._told(time_s, evidence)

    def finish(self) -> Perceived:
        """What is left when nothing more comes; everybody leaves."""
        self._questions.add(self._reaches.finish())
        self._settle(self._tracker.finish())
        evidence = self._questions.due(np.inf, self._people, last=True)
        self._facts.close()
        return self._told(np.inf, evidence)

    def name(self, number: int) -> str:
        """A visit's id, also after it has ended: what somebody took may turn out when they are gone."""
        if number not in self._names:
            self._names[number] = self._facts.name(number)
            while len(self._names) > _NAMES:
                del self._names[next(iter(self._names))]
        return self._names[number]

    def is_staff(self, number: int) -> bool:
        """Whether a track is staff's by the vest."""
        return self._facts.is_staff(number)

    def _told(self, time_s: float, evidence: Sequence[Evidence]) -> Perceived:
        events = tuple(self._out)
        self._out.clear()
        return Perceived(time_s, self._now, events, tuple(evidence))

    def _settle(self, moments: Sequence[FloorMoment]) -> None:
        self._people.add(moments)
        self._facts.add(moments, self._tracker.alive)

    def _settled(self, stop: Stop) -> Stop:
        """By the settled track: who is live under another id took what the settled one did."""
        number = self._people.track(stop.track_id, (stop.start_s + stop.end_s) / 2, stop.xy)
        return replace(stop, track_id=number)

    def _read_hand(self, reach: Reach) -> HandChange | None:
        return self._hands.change(reach) if self._hands is not None else None

    def _see_slots(
        self,
        slots: Sequence[str],
        before_s: Sequence[float],
        after_s: Sequence[float],
        since: dict[str, float],
        until: dict[str, float],
    ) -> list[SlotChange]:
        changes = self._shelves.change(slots, before_s, after_s, since_s=since, until_s=until)
        return [change for change in changes if change.cameras]
