"""A whole shop, from what all its cameras and plates show to facts: who is where, and who took what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from vision.detections import Detections
from vision.floor import FloorMoment, FloorTracker, FloorTracks
from vision.floor.facts import FloorFacts
from vision.floor.looks import described
from vision.floor.sight import Sight
from vision.shop.asking import Questions, Settled
from vision.shop.attribution import Attributor
from vision.shop.evidence import HandChange, Reach, SlotChange, Stop
from vision.shop.handovers import MeetingFinder
from vision.shop.hands import HandWatcher, Reads
from vision.shop.intrusions import IntrusionFinder
from vision.shop.lying import LyingFinder
from vision.shop.moment import Image, SeenPicture, ShopMoment
from vision.shop.plates import PlateWatcher
from vision.shop.shelves import ShelfWatcher
from vision.shop.stocktaking import Stocktaking
from vision.shop.stops import StopFinder
from vision.shop.trust import REACHING, Believe, trusted
from vision.shop.weighing import AttributionSettings
from vision.shop.wrists import WristFinder

Float = NDArray[np.float64]
_NAMES: Final = 20_000  # of visits: the last ones of some days


class ShopWatcher:
    """Watches the shop of ``plan`` by ``cameras``; needs people with joints.

    ``reader`` reads hands (``models.hands.HandReader``); without one nothing is known of what hands hold. ``stock`` is
    how many packages stand in slots at first, where that is known; ``store`` is the store's name where it is not the
    plan's; ``is_staff`` tells whose visit is one of staff, by the id of ``person.entered``, beside those who
    wear the plan's vest; ``believe`` says what comparisons of slots are worth. Times must rise from moment to moment.
    Product events come some seconds after the deed, when the floor is settled and the slot is seen again.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        cameras: Sequence[CameraModel],
        *,
        reader: Reads | None = None,
        store: str | None = None,
        stock: Mapping[str, int] | None = None,
        is_staff: Callable[[str], bool] = lambda track: False,
        settings: AttributionSettings | None = None,
        believe: Believe = trusted,
    ) -> None:
        cameras = tuple(cameras)
        self._believe = believe
        gates = np.array([(gate.a, gate.b) for gate in plan.gates], np.float64).reshape(-1, 2, 2)
        self._out: list[Event] = []
        self._vest = plan.staff_vest
        self._tracker = FloorTracker(cameras, gates=gates if len(gates) else None, sight=Sight.of(plan, cameras))
        self.facts = FloorFacts(store or plan.store, cameras, self._out.extend)
        self._wrists = WristFinder(cameras)
        self._reaches = IntrusionFinder(plan, cameras)
        self._shelves = ShelfWatcher(plan, cameras, catalogue)
        self._hands = HandWatcher(reader, cameras, plan.slots()) if reader is not None else None
        self._meetings = MeetingFinder(self._hands) if self._hands is not None else None
        self._stops = StopFinder(plan.slots(), self._hands) if self._hands is not None else None
        self._lying = LyingFinder(plan, cameras, catalogue) if plan.floor is not None else None
        self._plates = PlateWatcher(plan.plates)
        wait_s = self._hands.settings.span_s[1] if self._hands is not None else 0.5
        self._questions = Questions(self._read_hand, self._see_reached, wait_s)
        self._people = Settled()
        self._stocktaking = Stocktaking(plan.slots(), self._see_slots, believe)
        self._attributor = Attributor(
            plan,
            catalogue,
            self._name,
            store=store,
            stock=stock,
            is_staff=lambda number: self.facts.is_staff(number) or is_staff(self._name(number)),
            settings=settings,
        )
        self._names: dict[int, str] = {}
        self.now = FloorTracks.empty(len(cameras))

    @property
    def reaching(self) -> list[Reach]:
        """The reaches that go on at this moment."""
        return self._reaches.open

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> list[Event]:
        """Take in a moment: of each camera that gave a picture its time on the shop's clock and the picture, uint8
        (H, W, 3) BGR, and the people found in it; returns what is to be told.

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
        self.now = hands.on(tracks)
        if self._hands is not None:
            self._hands.update(moment)
        self._shelves.update(moment)
        self._questions.add(self._reaches.update(moment))
        self._settle(self._tracker.settled)
        if self._meetings is not None:
            for meeting in self._meetings.update(tracks, time_s):
                self._attributor.add_meeting(meeting)
        if self._stops is not None:
            for stop in self._stops.update(tracks, time_s):
                self._stopped(stop)
        if self._lying is not None:
            for lying in self._lying.update(moment):
                self._attributor.add_lying(lying)
        self._judge(time_s)
        return self._told(self._attributor.update(time_s, tracks))

    def weigh(self, plate: str, time_s: Float, grams: Float) -> None:
        """Take what a plate read: ``time_s`` (n,) seconds UTC, ``grams`` (n,)."""
        for step in self._plates.update(plate, time_s, grams):
            self._attributor.add_step(step)

    def finish(self) -> list[Event]:
        """What is left to be told when nothing more comes; everybody leaves."""
        self._questions.add(self._reaches.finish())
        self._settle(self._tracker.finish())
        self._judge(np.inf, last=True)
        self.facts.close()
        return self._told(self._attributor.finish())

    def _name(self, number: int) -> str:
        """A visit's id, also after it has ended: what somebody took may turn out when they are gone."""
        if number not in self._names:
            self._names[number] = self.facts.name(number)
            while len(self._names) > _NAMES:
                del self._names[next(iter(self._names))]
        return self._names[number]

    def _settle(self, moments: Sequence[FloorMoment]) -> None:
        self._people.add(moments)
        self.facts.add(moments, self._tracker.alive)

    def _stopped(self, stop: Stop) -> None:
        """By the settled track: who is live under another id took what the settled one did."""
        number = self._people.track(stop.track_id, (stop.start_s + stop.end_s) / 2, stop.xy)
        self._attributor.add_stop(replace(stop, track_id=number))

    def _judge(self, now_s: float, *, last: bool = False) -> None:
        for reach, hand, changes in self._questions.due(now_s, self._people, last=last):
            self._attributor.add_reach(reach, hand, changes)
        if not last:
            for change in self._stocktaking.update(now_s, self.now):
                self._attributor.add_change(change)
        self._attributor.plates_told(self._plates.told_until())

    def _told(self, events: Sequence[Event]) -> list[Event]:
        told = [*self._out, *events]
        self._out.clear()
        return sorted(told, key=lambda event: event.time)

    def _read_hand(self, reach: Reach) -> HandChange | None:
        return self._hands.change(reach) if self._hands is not None else None

    def _see_reached(
        self,
        slots: Sequence[str],
        before_s: Sequence[float],
        after_s: Sequence[float],
        since: dict[str, float],
        until: dict[str, float],
    ) -> list[SlotChange]:
        return [self._believe(change, REACHING) for change in self._see_slots(slots, before_s, after_s, since, until)]

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
