"""What imperfect cameras and real plates would say of a simulated visit, drawn from its truth at stated error rates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.timeline import PlateReading, Timeline
from store.catalogue import Catalogue
from store.events import Event, ProductEvent, ProductHandedOver, ProductTaken, ShelfReached
from store.furniture import PlacedSlot
from store.layout import Plan
from vision.floor import FloorTracks
from vision.shop.attribution import Attributor
from vision.shop.evidence import HandChange, Meeting, PlateStep, Reach, SlotChange
from vision.shop.plates import PlateWatcher

Float = NDArray[np.float64]
Stay = tuple[float, str, str | None, int | None, int | None]


@dataclass(frozen=True, eq=False)
class Truth:
    """The part of a timeline that counts here; ``walks`` has times and places (n, 2) of each person, ``gestures`` their
    hand, contact, release and palm, ``stays`` of each package start, kind of place, slot, actor and hand.
    """

    plan: Plan
    catalogue: Catalogue
    events: Sequence[Event]
    start: float
    duration_s: float
    plates: Sequence[PlateReading]
    stock: Mapping[str, int]
    walks: Mapping[str, tuple[Float, Float]]
    gestures: Mapping[str, list[tuple[int, float, float, tuple[float, float, float]]]]
    stays: Sequence[tuple[str, list[Stay]]]

    @classmethod
    def of(cls, timeline: Timeline) -> Truth:
        """From a timeline."""
        walks, gestures = {}, {}
        for actor in timeline.actors:
            walk = actor.performance.walk
            walks[actor.track_id] = (walk.time_s, walk.xy)
            gestures[actor.track_id] = [
                (g.hand, g.contact_s, g.release_s, g.target) for g in actor.performance.gestures if g.target is not None
            ]
        return cls(
            timeline.plan, timeline.catalogue, timeline.events, timeline.start, timeline.duration_s, timeline.plates,
            {slot: len(poses) for slot, poses in timeline.stock.items()}, walks, gestures,
            [(i.product, [(s.start_s, s.where, s.slot, s.actor, s.hand) for s in i.stays]) for i in timeline.moved],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rates:
    """How wrong the evidence is. Log likelihood ratios are drawn so that they are true to themselves: from a normal
    distribution whose variance is twice its mean.

    ``wrist_m`` is a wrist's error an axis (.09 m names a neighbouring slot in 15 % of reaches), ``missed`` the share of
    reaches that are not reported, ``false`` how many are invented for each true one, ``hand_log`` the mean logarithm of
    a hand's reading (2.15: right in 85 %), ``hand_unseen`` how many are not read, ``named`` how often the product in a
    hand is named rightly, ``slot_seen`` how often pictures of a slot answer, with ``slot_log`` on average, ``handed``
    the share of hand-overs whose people are seen to meet.
    """

    wrist_m: float = 0.09
    missed: float = 0.04
    false: float = 1.0
    hand_log: float = 2.15
    hand_unseen: float = 0.15
    named: float = 0.75
    slot_seen: float = 0.7
    slot_log: float = 2.5
    handed: float = 0.9


@dataclass(order=True)
class Said:
    """Evidence and when it comes."""

    time_s: float
    number: int
    kind: str = field(compare=False)
    value: object = field(compare=False)


class Witness:
    """Draws evidence of a truth, the same for the same seed."""

    def __init__(self, truth: Truth, seed: int, rates: Rates | None = None) -> None:
        self.truth, self.rates = truth, rates or Rates()
        self._rng = np.random.default_rng([seed, 61])
        self.slots = {placed.id: placed for placed in truth.plan.slots()}
        self.names = dict(enumerate(truth.walks, 1))
        self._ids = {track: number for number, track in self.names.items()}
        self._actors = list(truth.walks)
        self._gtins = {product.gtin: product.id for product in truth.catalogue.products}
        self._moved = [e for e in truth.events if isinstance(e, ProductEvent) and e.slot is not None]

    def all(self) -> list[Said]:
        """Everything, in order of time."""
        found: list[tuple[float, str, object]] = []
        used: set[tuple[str, int]] = set()
        for event in self.truth.events:
            if isinstance(event, ShelfReached):
                if (reach := self._true_reach(event, used)) is not None:
                    found.append(reach)
                invented = [self._false_reach(event) for _ in range(int(self._rng.poisson(self.rates.false)))]
                found += [false for false in invented if false is not None]
            if isinstance(event, ProductHandedOver) and self._rng.random() < self.rates.handed:
                found.append(self._meeting(event.track_id, event.to_track_id, event.time))
        return [Said(time, n, kind, value) for n, (time, kind, value) in enumerate(sorted(found, key=lambda f: f[0]))]

    def tracks(self, time_s: float) -> FloorTracks:
        """Who is where at a moment of the shop's clock."""
        there = []
        for track, (times, xy) in self.truth.walks.items():
            moment = time_s - self.truth.start
            if times[0] <= moment <= times[-1]:
                there.append((self._ids[track], [np.interp(moment, times, xy[:, k]) for k in (0, 1)]))
        state = np.zeros((len(there), 4))
        for row, (_, place) in enumerate(there):
            state[row, :2] = place + self._rng.normal(0.0, 0.08, 2)
        ids = np.array([id for id, _ in there], np.int64)
        covariance = np.tile(np.eye(4) * 0.01, (len(there), 1, 1))
        return FloorTracks.of(ids, state, covariance, np.ones(len(there)), np.ones((len(there), 1), np.bool_))

    def _true_reach(self, event: ShelfReached, used: set[tuple[str, int]]) -> tuple[float, str, object] | None:
        contact = event.time - self.truth.start
        candidates = [
            (abs(g[1] - contact), n) for n, g in enumerate(self.truth.gestures[event.track_id])
            if (event.track_id, n) not in used
        ]  # fmt: skip
        _, number = min(candidates)
        used.add((event.track_id, number))
        hand, contact, release, palm = self.truth.gestures[event.track_id][number]
        if self._rng.random() < self.rates.missed:
            return None
        return self._reach(event.track_id, hand, contact, release, np.array(palm), 1.0)

    def _false_reach(self, event: ShelfReached) -> tuple[float, str, object] | None:
        """A hand that somebody near holds up to a shelf, at some moment about that of a true reach."""
        moment = float(self._rng.uniform(-4, 4)) + event.time - self.truth.start
        people = [t for t, (times, _) in self.truth.walks.items() if times[0] + 1 < moment < times[-1] - 1]
        if not people:
            return None
        track = people[int(self._rng.integers(len(people)))]
        times, xy = self.truth.walks[track]
        place = np.array([np.interp(moment, times, xy[:, k]) for k in (0, 1)])
        near = [s for s in self.slots.values() if np.hypot(*(_middle(s)[:2] - place)) < 0.9]
        if not near:
            return None
        slot = near[int(self._rng.integers(len(near)))]
        return self._reach(track, int(self._rng.integers(2)), moment, moment + 0.3, _middle(slot), 0.7)

    def _reach(
        self, track: str, hand: int, contact: float, release: float, palm: Float, inside: float
    ) -> tuple[float, str, object]:
        rng, start = self._rng, self.truth.start
        seen = palm + rng.normal(0.0, self.rates.wrist_m, 3)
        slots = _spread(self.slots.values(), seen, self.rates.wrist_m, inside)
        begins, ends = contact - abs(rng.normal(0.2, 0.1)), release + abs(rng.normal(0.3, 0.1))
        times, xy = self.truth.walks[track]
        place = (float(np.interp(release, times, xy[:, 0])), float(np.interp(release, times, xy[:, 1])))
        at = float(np.clip(release + rng.normal(0, 0.1), begins, ends))
        reach = Reach(
            self._ids[track],
            hand,
            start + begins,
            start + ends,
            start + at,
            tuple(seen.tolist()),
            place,
            slots,
            ("c1",),
        )
        before, _ = self._holds(track, hand, contact - 0.05)
        after, product = self._holds(track, hand, release + 0.05)
        if before and not after:
            _, product = self._holds(track, hand, contact - 0.05)
        change = HandChange(self._read(before), self._read(after), self._named(product))
        return start + ends + 0.1, "reach", (reach, change, self._pictures(reach))

    def _meeting(self, one: str, other: str, at_s: float) -> tuple[float, str, object]:
        """Two who stand together for two seconds, with what is read of their hands before and after."""
        tracks = sorted((one, other), key=self._ids.__getitem__)
        before, after = (
            [tuple(self._read(self._holds(track, hand, at_s - self.truth.start + off_s)[0]) for hand in (0, 1))
             for track in tracks]
            for off_s in (-1.5, 1.5)
        )  # fmt: skip
        numbers = (self._ids[tracks[0]], self._ids[tracks[1]])
        meeting = Meeting(numbers, at_s - 1.0, at_s + 1.0, at_s, tuple(before), tuple(after))
        return at_s + 3.2, "meeting", meeting

    def _holds(self, track: str, hand: int, moment: float) -> tuple[bool, str | None]:
        for product, stays in self.truth.stays:
            last = [stay for stay in stays if stay[0] <= moment]
            if last and last[-1][1] == "hand" and self._actors[last[-1][3] or 0] == track and last[-1][4] == hand:
                return True, product
        return False, None

    def _read(self, holds: bool) -> float:
        if self._rng.random() < self.rates.hand_unseen:
            return 0.5
        log = self._log(self.rates.hand_log)
        return float(1 / (1 + np.exp(-log if holds else log)))

    def _named(self, product: str | None) -> dict[str, float]:
        if product is None or self._rng.random() > 0.8:
            return {}
        known = list(self._gtins.values())
        others = [known[i] for i in self._rng.choice(len(known), 3, replace=False)]
        first = product if self._rng.random() < self.rates.named else others[0]
        spread = {first: 0.75}
        for other in {*others, product} - {first}:
            spread[other] = 0.25 / 4
        return spread

    def _pictures(self, reach: Reach) -> list[SlotChange]:
        found = []
        for slot in reach.slots:
            if self._rng.random() > self.rates.slot_seen:
                continue
            events = [e for e in self._moved if e.slot == slot and reach.start_s <= e.time <= reach.end_s]
            taken = any(isinstance(e, ProductTaken) for e in events)
            mean = self.rates.slot_log
            out, into = self._log(mean), self._log(mean)
            found.append(
                SlotChange(slot, {-1: out if taken else -out, 1: into if events and not taken else -into}, ("c2",))
            )
        return found

    def _log(self, mean: float) -> float:
        return float(self._rng.normal(mean, np.sqrt(2 * mean)))


@dataclass(frozen=True, slots=True)
class Weighed:
    """What plates have told by a moment: new steps, and until when each has told all."""

    time_s: float
    steps: tuple[PlateStep, ...]
    until_s: Mapping[str, float]


def weigh(truth: Truth) -> list[Weighed]:
    """What the plates of a shop tell, five moments a second."""
    watcher, found = PlateWatcher(truth.plan.plates), []
    for moment in _moments(truth):
        steps: list[PlateStep] = []
        for reading in truth.plates:
            new = slice(*np.searchsorted(reading.time_s + truth.start, (moment - 0.2, moment)))
            steps += watcher.update(reading.plate, truth.start + reading.time_s[new], reading.weight_g[new])
        found.append(Weighed(moment, tuple(steps), watcher.told_until()))
    return found


def play(
    witness: Witness,
    attributor: Attributor,
    plates: Sequence[Weighed] = (),
    late: Mapping[int, float] | None = None,
) -> list[Event]:
    """Everything that ``attributor`` tells of what a witness says, five moments a second; with ``late`` evidence of
    these numbers comes so many seconds later.
    """
    due = sorted((said.time_s + (late or {}).get(said.number, 0.0), said) for said in witness.all())
    events: list[Event] = []
    for number, moment in enumerate(_moments(witness.truth)):
        for weighed in plates[number : number + 1]:
            for step in weighed.steps:
                attributor.add_step(step)
            attributor.plates_told(weighed.until_s)
        while due and due[0][0] <= moment:
            tell(due.pop(0)[1], attributor)
        events += attributor.update(moment, witness.tracks(moment))
    return events + attributor.finish()


def tell(said: Said, attributor: Attributor) -> None:
    """Hand one piece of evidence over."""
    if said.kind == "reach":
        attributor.add_reach(*said.value)  # type: ignore[misc]
    else:
        attributor.add_meeting(said.value)  # type: ignore[arg-type]


def _moments(truth: Truth) -> Iterator[float]:
    for number in range(1, int(truth.duration_s * 5) + 10):
        yield truth.start + number / 5


def _middle(slot: PlacedSlot) -> Float:
    along, normal = np.array(slot.along), np.array(slot.normal)
    xy = np.array(slot.corner[:2]) + along * slot.width_m / 2 - normal * min(0.08, slot.depth_m / 2)
    return np.array([*xy, slot.corner[2] + min(0.12, slot.headroom_m / 2)])


def _spread(slots: object, seen: Float, sigma_m: float, inside: float) -> dict[str, float]:
    """Probabilities of the slots in which a wrist may be, by its distance from their boxes."""
    weights = {}
    for slot in slots:  # type: ignore[attr-defined]
        offset = seen[:2] - np.array(slot.corner[:2])
        along, into = float(offset @ slot.along), -float(offset @ slot.normal)
        up = seen[2] - slot.corner[2]
        high = min(slot.headroom_m, 0.5)
        if not -0.2 < into < slot.depth_m + 0.2:
            continue
        box = ((along, slot.width_m), (up, high))
        weight = 1.0
        for place, length in box:
            weight *= _within(place, length, sigma_m)
        if weight > 0.01:
            weights[slot.id] = weight
    total = sum(weights.values())
    return {slot: inside * weight / total for slot, weight in weights.items()}


def _within(place: float, length: float, sigma: float) -> float:
    """The probability that a normal error of ``sigma`` leaves a place between 0 and ``length``."""
    root = sigma * math.sqrt(2)
    return 0.5 * (math.erf((length - place) / root) + math.erf(place / root))
