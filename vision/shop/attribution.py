"""Who took what: all evidence about hands, shelves and plates, weighed together and told as events."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from vision.floor.tracks import FloorTracks
from vision.shop.accounts import Accounts
from vision.shop.deeds import Act, reach_options, step_options, touch
from vision.shop.evidence import HandChange, HandOver, PlateStep, Reach, SlotChange
from vision.shop.facts import Fact, Source, gather
from vision.shop.giving import given
from vision.shop.goods import Goods
from vision.shop.incidents import explain
from vision.shop.telling import Teller
from vision.shop.weighing import NOBODY, AttributionSettings, normalised

_SHARED = 0.02  # two hands are at one place when each may be there with this probability
_ReachKey = tuple[int, int, float]
_StepKey = tuple[str, float, float]


@dataclass(slots=True, eq=False)
class _Incident:
    """Reaches and steps that may explain one another, and the facts that they come to."""

    acts: dict[_ReachKey, Act] = field(default_factory=dict)
    steps: dict[_StepKey, PlateStep] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    changed: bool = True
    seen: tuple[int, ...] = ()

    @property
    def start_s(self) -> float:
        return min(part.start_s for part in self._parts())

    @property
    def end_s(self) -> float:
        return max(part.end_s for part in self._parts())

    def _parts(self) -> list[Reach | PlateStep]:
        return [*(act.reach for act in self.acts.values()), *self.steps.values()]


class Attributor:
    """Fuses evidence into events about products. No clock of its own: ``update`` says what time it is.

    ``track_name`` gives the name that events use for a floor track. ``stock`` is how many packages stand in slots at
    first, where that is known. Evidence of one moment may come in any order; what comes twice counts once, the later
    saying. What comes more than ``settings.open_s`` late no longer changes what was told.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        track_name: Callable[[int], str] = str,
        *,
        stock: Mapping[str, int] | None = None,
        settings: AttributionSettings | None = None,
    ) -> None:
        self.settings = settings or AttributionSettings()
        self._goods = Goods(plan, catalogue)
        self._store, self._track_name, self._stock = plan.store, track_name, stock
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything."""
        self._accounts = Accounts(self._goods, self._stock)
        self._teller = Teller(self._store, self._goods, self._track_name, self.settings)
        self._incidents: list[_Incident] = []
        self._closed: dict[_ReachKey | _StepKey, float] = {}
        self._given: dict[tuple[int, int, float], tuple[HandOver, Fact | None]] = {}
        self._told_until: dict[str, float] = {}
        self._places: deque[tuple[float, dict[int, tuple[float, float]]]] = deque()
        self._last_seen: dict[int, float] = {}
        self._now = -math.inf

    def add_reach(self, reach: Reach, hand: HandChange | None = None, changes: Iterable[SlotChange] = ()) -> None:
        """Take a reach with what is known of it; again, when more is known: what is not said anew stays."""
        key = (reach.track_id, reach.hand, reach.start_s)
        incident = next((incident for incident in self._incidents if key in incident.acts), None)
        known = incident.acts.pop(key) if incident else None
        if incident is None and key in self._closed:
            return
        said = {**(known.changes if known else {}), **{change.slot: change for change in changes}}
        act = Act(reach, hand or (known.hand if known else None), dict(sorted(said.items())))
        home = self._home(lambda other: _reach_touches(act, other, self._goods, self.settings), incident)
        home.acts[key] = act

    def add_step(self, step: PlateStep) -> None:
        """Take a step of a plate that the plan knows; steps of others say nothing."""
        key = (step.plate, step.start_s, step.end_s)
        if step.plate not in self._goods.on_plate or key in self._closed:
            return
        home = self._home(lambda other: _step_touches(step, other, self._goods, self.settings), None)
        home.steps[key] = step

    def add_hand_over(self, hand_over: HandOver) -> None:
        """Take a hand-over."""
        key = (hand_over.from_track, hand_over.to_track, hand_over.time_s)
        if hand_over.time_s + self.settings.open_s >= self._now:
            self._given[key] = (hand_over, self._given[key][1] if key in self._given else None)

    def plates_told(self, until_s: Mapping[str, float]) -> None:
        """Until when (seconds, UTC) each plate has told all its steps, as ``PlateWatcher.told_until`` says.

        A plate that never told anything is taken for none.
        """
        for plate, time_s in until_s.items():
            self._told_until[plate] = max(time_s, self._told_until.get(plate, -math.inf))

    def update(self, time_s: float, tracks: FloorTracks) -> list[Event]:
        """What is to be told at ``time_s`` (seconds, UTC), when ``tracks`` are on the floor; oldest first."""
        self._now = max(self._now, time_s)
        places = {int(id): (float(x), float(y)) for id, (x, y) in zip(tracks.track_id, tracks.xy, strict=True)}
        self._places.append((time_s, places))
        while self._places[0][0] < self._now - self.settings.open_s - 10.0:
            self._places.popleft()
        self._last_seen |= dict.fromkeys(places, self._now)
        self._forget_people()
        return self._tell(self._now)

    def finish(self) -> list[Event]:
        """What is left to be told when nothing more comes."""
        return self._tell(math.inf)

    # -- incidents

    def _home(self, touches: Callable[[_Incident], bool], old: _Incident | None) -> _Incident:
        """The incident for something new; those that it joins become one."""
        joined = [incident for incident in self._incidents if incident is old or touches(incident)]
        home = _Incident()
        for incident in joined:
            home.acts |= incident.acts
            home.steps |= incident.steps
            home.facts += incident.facts
            self._incidents.remove(incident)
        self._incidents.append(home)
        return home

    def _tell(self, now_s: float) -> list[Event]:
        events: list[Event] = []
        stale: set[int | str] = set()
        for incident in sorted(self._incidents, key=lambda incident: (incident.start_s, incident.end_s)):
            seen = self._watched(incident)
            touched = stale & {*(key[0] for key in incident.acts), *self._slots(incident)}
            if incident.changed or touched or seen != incident.seen:
                stale |= self._solve(incident)
                incident.changed, incident.seen = False, seen
            events += self._told(incident, now_s)
            if now_s > incident.end_s + self.settings.open_s:
                self._close(incident)
        events += self._handed(now_s)
        return sorted(events, key=lambda event: (event.time, event.id))

    def _watched(self, incident: _Incident) -> tuple[int, ...]:
        """What is heard of the plates under each act: 0 nothing ever, 1 not yet, 2 all."""
        found = []
        for key in sorted(incident.acts):
            reach = incident.acts[key].reach
            for slot in reach.slots:
                until_s = self._told_until.get(self._goods.plate_of.get(slot, ""))
                late = until_s is not None and until_s >= reach.end_s + self.settings.slack_s
                found.append(0 if until_s is None else 2 if late else 1)
        return tuple(found)

    def _slots(self, incident: _Incident) -> set[str]:
        slots = {slot for act in incident.acts.values() for slot in act.reach.slots}
        return slots | {slot for key in incident.steps for slot in self._goods.on_plate[key[0]]}

    def _solve(self, incident: _Incident) -> set[int | str]:
        """Explain an incident; the people and slots of which it says something else than before."""
        for fact in incident.facts:
            self._accounts.remove(fact)
        acts = sorted(incident.acts.values(), key=lambda act: act.key)
        steps = [incident.steps[key] for key in sorted(incident.steps, key=lambda key: (key[1], key[2], key[0]))]
        given = (self._goods, self._accounts, self.settings)
        options = [reach_options(act, steps, self._told_until, *given) for act in acts]
        options += [step_options(n, step, self._near(step), *given) for n, step in enumerate(steps)]
        found = explain(options, steps, _changes(acts), self.settings)
        sources = [_source_of_reach(act) for act in acts] + [_source_of_step(step) for step in steps]
        others = [self._swaps(act.reach) for act in acts] + [{} for _ in steps]
        names = [source.name for source in sources[len(acts) :]]
        before = incident.facts
        told = [fact for fact in before if self._teller.knows(fact)]
        incident.facts = gather(found, options, sources, others, names, told, self._goods)
        for fact in incident.facts:
            self._accounts.add(fact)
        return _parties(before) | _parties(incident.facts)

    def _told(self, incident: _Incident, now_s: float) -> list[Event]:
        events: list[Event | None] = []
        for fact in incident.facts:
            if self._teller.knows(fact):
                events.append(self._teller.tell_anew(fact, _finite(now_s, fact.source.end_s)))
            elif now_s >= fact.source.end_s + self.settings.settle_s or self._is_clear(incident, fact):
                events.append(self._teller.tell(fact))
        return [event for event in events if event is not None]

    def _is_clear(self, incident: _Incident, fact: Fact) -> bool:
        """Whether a fact needs no more evidence: sure in all, and no plate still to be heard."""
        sure = self.settings.clear
        if 1 in incident.seen or fact.confidence < sure:
            return False
        return next(iter(fact.who().values())) >= sure and next(iter(fact.what().values())) >= sure

    def _close(self, incident: _Incident) -> None:
        self._incidents.remove(incident)
        self._closed |= dict.fromkeys([*incident.acts, *incident.steps], incident.end_s)
        for key in [key for key, end_s in self._closed.items() if end_s < self._now - 60.0]:
            del self._closed[key]
        for fact in incident.facts:
            self._teller.forget(fact)

    # -- people

    def _near(self, step: PlateStep) -> dict[int, float]:
        """Who may have reached to a plate, with weights that add up to 1."""
        weights = {NOBODY: self.settings.nobody}
        for who, xy in self._people_at((step.start_s + step.end_s) / 2).items():
            away = min(self._goods.distance_m(slot, xy) for slot in self._goods.on_plate[step.plate])
            if away <= self.settings.arm_m:
                weights[who] = math.exp(-0.5 * (away / self.settings.arm_sigma_m) ** 2)
        return normalised(weights)

    def _swaps(self, reach: Reach) -> dict[int, float]:
        """Whose hand it may have been instead: others who stand so near that wrists may be taken for one another."""
        near = [
            who
            for who, xy in self._people_at(reach.at_s).items()
            if who != reach.track_id and math.dist(xy, reach.xyz[:2]) <= self.settings.swap_m
        ]
        return dict.fromkeys(sorted(near)[:4], self.settings.swapped)

    def _people_at(self, time_s: float) -> dict[int, tuple[float, float]]:
        """Where people were at the moment that is nearest to ``time_s``."""
        return min(self._places, key=lambda moment: abs(moment[0] - time_s), default=(0.0, {}))[1]

    def _handed(self, now_s: float) -> list[Event]:
        """What is to be told of hand-overs; what the giver holds may turn out for some time."""
        events: list[Event | None] = []
        for key, (hand_over, old) in sorted(self._given.items()):
            if now_s < hand_over.time_s + self.settings.settle_s:
                continue
            if old is not None:
                self._accounts.remove(old)
            fact = given(hand_over, self._accounts, self._goods, self.settings)
            self._accounts.add(fact)
            told = self._teller.knows(fact)
            events.append(self._teller.tell_anew(fact, _finite(now_s, key[2])) if told else self._teller.tell(fact))
            self._given[key] = (hand_over, fact)
            if now_s > hand_over.time_s + self.settings.open_s:
                del self._given[key]
                self._teller.forget(fact)
        return [event for event in events if event is not None]

    def _forget_people(self) -> None:
        """People who have not been seen for long are gone, and what they did is written off."""
        gone = [who for who, seen_s in self._last_seen.items() if seen_s < self._now - self.settings.gone_s]
        for who in gone:
            del self._last_seen[who]
        if gone:
            self._accounts.forget(gone, self._now - self.settings.gone_s)


def _finite(now_s: float, end_s: float) -> float:
    return now_s if math.isfinite(now_s) else end_s


def _reach_touches(act: Act, incident: _Incident, goods: Goods, settings: AttributionSettings) -> bool:
    """Whether a reach may have to do with an incident."""
    reach, own = act.reach, _places_of(act, goods)
    for other in incident.acts.values():
        apart = max(reach.start_s - other.reach.end_s, other.reach.start_s - reach.end_s)
        if apart <= settings.slack_s and own & _places_of(other, goods):
            return True
    return any(
        step.plate in own and touch(reach.start_s, reach.end_s, step, settings) for step in incident.steps.values()
    )


def _step_touches(step: PlateStep, incident: _Incident, goods: Goods, settings: AttributionSettings) -> bool:
    return any(
        step.plate in _places_of(act, goods) and touch(act.reach.start_s, act.reach.end_s, step, settings)
        for act in incident.acts.values()
    )


def _places_of(act: Act, goods: Goods) -> set[str]:
    """The slots in which a hand may have been, and their plates."""
    slots = {slot for slot, p in act.reach.slots.items() if p >= _SHARED}
    return slots | {goods.plate_of[slot] for slot in slots if slot in goods.plate_of}


def _changes(acts: Sequence[Act]) -> dict[str, SlotChange]:
    """What pictures say of each slot: hands that were there at once share the pictures, so that these count once."""
    found: dict[str, list[SlotChange]] = {}
    for act in acts:
        for slot, change in act.changes.items():
            found.setdefault(slot, []).append(change)
    return {
        slot: SlotChange(slot, fmean(c.taken for c in same), fmean(c.returned for c in same), same[0].cameras)
        for slot, same in sorted(found.items())
    }


def _source_of_reach(act: Act) -> Source:
    reach = act.reach
    cameras = {*reach.cameras, *(camera for change in act.changes.values() for camera in change.cameras)}
    name = f"reach/{reach.track_id}/{reach.hand}/{reach.start_s:.3f}"
    return Source(name, reach.at_s, reach.end_s, tuple(sorted(cameras)))


def _source_of_step(step: PlateStep) -> Source:
    return Source(f"step/{step.plate}/{step.start_s:.3f}", (step.start_s + step.end_s) / 2, step.end_s)


def _parties(facts: Sequence[Fact]) -> set[int | str]:
    """The people and slots of facts."""
    deeds = {deed for fact in facts for deed in fact.chances}
    return {deed.who for deed in deeds} | {deed.slot for deed in deeds}
