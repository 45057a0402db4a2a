"""Who took what: all evidence about hands, shelves and plates, weighed together and told as events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from vision.floor.tracks import FloorTracks
from vision.shop.accounts import Accounts
from vision.shop.balance import Balance
from vision.shop.carried import Carried
from vision.shop.deeds import Act, Option, change_options, reach_options, step_options
from vision.shop.evidence import Evidence, HandChange, Judged, Lying, Meeting, PlateStep, Reach, SlotChange, Stop
from vision.shop.facts import Fact, alike, gather, parties
from vision.shop.goods import Goods
from vision.shop.happenings import (
    ChangeKey,
    Incident,
    ReachKey,
    StepKey,
    change_touches,
    merged_changes,
    reach_touches,
    source_of_change,
    source_of_reach,
    source_of_step,
    step_touches,
)
from vision.shop.incidents import explain
from vision.shop.nearby import Nearby
from vision.shop.passing import Passing
from vision.shop.telling import Teller
from vision.shop.weighing import AttributionSettings

_LATEST_S = 15.0  # after it happened, somebody's deed is heard of
_LONGEST_S = 30.0  # a stop before shelves is remembered, longer than an incident is open


class Attributor:
    """Fuses evidence into events about products. No clock of its own: ``update`` says what time it is.

    ``track_name`` gives the name that events use for a floor track, ``store`` the store's where it is not the plan's.
    ``stock`` is how many packages stand in slots at first, where that is known; ``is_staff`` tells of tracks that may
    put down what nobody saw them take. Evidence of one moment may come in any order; what comes twice counts once, the
    later saying. What comes more than ``settings.open_s`` late no longer changes what was told.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        track_name: Callable[[int], str] = str,
        *,
        store: str | None = None,
        stock: Mapping[str, int] | None = None,
        is_staff: Callable[[int], bool] = lambda track_id: False,
        settings: AttributionSettings | None = None,
    ) -> None:
        self.settings = settings or AttributionSettings()
        self._goods = Goods(plan, catalogue)
        self._store, self._track_name = store or plan.store, track_name
        self._stock, self._is_staff = stock, is_staff
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything."""
        self._accounts = Accounts(self._goods, self.settings, self._stock, self._is_staff)
        self._teller = Teller(self._store, self._goods, self._track_name, self.settings)
        self._incidents: list[Incident] = []
        self._closed: dict[ReachKey | StepKey | ChangeKey, float] = {}
        self._told_until: dict[str, float] = {}
        self._nearby = Nearby(self._goods, self.settings, self.settings.open_s + _LATEST_S)
        self._balance = Balance(self._accounts, self._goods, self.settings)
        self._carried = Carried(self._goods, self.settings)
        self._passing = Passing(self._accounts, self._nearby, self._goods, self._teller, self.settings)
        self._past: list[Fact] = []
        self._now = -math.inf

    def add(self, evidence: Iterable[Evidence]) -> None:
        """Take what cameras show, each as its own method has it."""
        for each in evidence:
            match each:
                case Judged():
                    self.add_reach(each.reach, each.hand, each.changes)
                case SlotChange():
                    self.add_change(each)
                case Stop():
                    self.add_stop(each)
                case Meeting():
                    self.add_meeting(each)
                case Lying():
                    self.add_lying(each)

    def add_reach(self, reach: Reach, hand: HandChange | None = None, changes: Iterable[SlotChange] = ()) -> None:
        """Take a reach with what is known of it; again, when more is known: what is not said anew stays."""
        key = (reach.track_id, reach.hand, reach.start_s)
        incident = next((incident for incident in self._incidents if key in incident.acts), None)
        known = incident.acts.pop(key) if incident else None
        if incident is None and key in self._closed:
            return
        said = {**(known.changes if known else {}), **{change.slot: change for change in changes}}
        act = Act(reach, hand or (known.hand if known else None), dict(sorted(said.items())))
        home = self._home(lambda other: reach_touches(act, other, self._goods, self.settings), incident)
        home.acts[key] = act

    def add_step(self, step: PlateStep) -> None:
        """Take a step of a plate that the plan knows; steps of others say nothing."""
        key = (step.plate, step.start_s, step.end_s)
        if step.plate not in self._goods.on_plate or key in self._closed:
            return
        home = self._home(lambda other: step_touches(step, other, self._goods, self.settings), None)
        home.steps[key] = step

    def add_change(self, change: SlotChange) -> None:
        """Take how a slot changed while people were near it; again, when pictures know more.

        It needs the times between which it arose; one without says nothing. One that nothing else has to do with is
        only of interest if it says that something happened.
        """
        key = (change.slot, change.before_s)
        if not (change.before_s < change.after_s) or key in self._closed:
            return
        old = next((incident for incident in self._incidents if key in incident.changes), None)
        touches = partial(change_touches, change, goods=self._goods, settings=self.settings)
        if old is None and change.most < self.settings.least_change and not any(map(touches, self._incidents)):
            return
        self._home(touches, old).changes[key] = change

    def add_stop(self, stop: Stop) -> None:
        """Take what somebody's hands held before and after they stood before shelves."""
        self._carried.add(stop)
        for incident in self._incidents:
            if incident.start_s <= stop.end_s + self.settings.slack_s and incident.end_s >= stop.start_s:
                incident.changed = True

    def add_meeting(self, meeting: Meeting) -> None:
        """Take who met, and what their hands held before and after."""
        if meeting.end_s + self.settings.open_s >= self._now:
            self._passing.add_meeting(meeting)

    def add_lying(self, lying: Lying) -> None:
        """Take what was laid on the floor, or picked up from it."""
        self._passing.add_lying(lying, self._now)

    def plates_told(self, until_s: Mapping[str, float]) -> None:
        """Until when (seconds, UTC) each plate has told all its steps, as ``PlateWatcher.told_until`` says.

        A plate that never told anything is taken for none.
        """
        for plate, time_s in until_s.items():
            self._told_until[plate] = max(time_s, self._told_until.get(plate, -math.inf))

    def update(self, time_s: float, tracks: FloorTracks) -> list[Event]:
        """What is to be told at ``time_s`` (seconds, UTC), when ``tracks`` are on the floor; oldest first."""
        self._now = max(self._now, time_s)
        gone = self._nearby.update(time_s, tracks)
        if gone:
            self._accounts.forget(gone, self._now - self.settings.gone_s)
        self._carried.forget(self._now - self.settings.open_s - _LONGEST_S)
        while self._past and self._past[0].time_s < self._now - self.settings.balance_s:
            self._teller.forget(self._past.pop(0))
        return self._tell(self._now)

    def finish(self) -> list[Event]:
        """What is left to be told when nothing more comes."""
        return self._tell(math.inf)

    # -- incidents

    def _home(self, touches: Callable[[Incident], bool], old: Incident | None) -> Incident:
        """The incident for something new; those that it joins become one."""
        joined = [incident for incident in self._incidents if incident is old or touches(incident)]
        home = Incident()
        for incident in joined:
            home.acts |= incident.acts
            home.steps |= incident.steps
            home.changes |= incident.changes
            home.facts += incident.facts
            self._incidents.remove(incident)
        self._incidents.append(home)
        return home

    def _tell(self, now_s: float) -> list[Event]:
        events: list[Event] = []
        stale: set[int | str] = set()
        solved: set[int | str] = set()
        in_order = sorted(self._incidents, key=lambda incident: (incident.start_s, incident.end_s))
        for incident in in_order:
            seen = self._watched(incident)
            touched = stale & {*(key[0] for key in incident.acts), *incident.slots(self._goods)}
            if incident.changed or touched or seen != incident.seen:
                before = incident.facts
                spoken_of = self._solve(incident)
                solved |= spoken_of
                if not alike(before, incident.facts):
                    stale |= spoken_of
                incident.changed, incident.seen = False, seen
        if solved:
            self._balance.weigh(solved, self._now)
            events += self._told_of_past()
        for incident in in_order:
            events += self._told(incident, now_s)
            if now_s > incident.end_s + self.settings.open_s:
                self._close(incident)
        events += self._passing.update(now_s)
        return sorted(events, key=lambda event: (event.time, event.id))

    def _watched(self, incident: Incident) -> tuple[int, ...]:
        """What is heard of the plates under each act: 0 nothing ever, 1 not yet, 2 all."""
        found = []
        for key in sorted(incident.acts):
            reach = incident.acts[key].reach
            for slot in reach.slots:
                until_s = self._told_until.get(self._goods.plate_of.get(slot, ""))
                late = until_s is not None and until_s >= reach.end_s + self.settings.slack_s
                found.append(0 if until_s is None else 2 if late else 1)
        return tuple(found)

    def _solve(self, incident: Incident) -> set[int | str]:
        """Explain an incident; the people and slots of which it says something, or did before."""
        before = incident.facts
        for fact in before:
            self._accounts.remove(fact)
        if before:
            self._balance.weigh(parties(before), self._now)  # what came of this must not speak for it
        acts = sorted(incident.acts.values(), key=lambda act: act.key)
        steps = [incident.steps[key] for key in sorted(incident.steps, key=lambda key: (key[1], key[2], key[0]))]
        seen = [incident.changes[key] for key in sorted(incident.changes)]
        loose = [change for change in seen if change.most >= self.settings.least_change]
        near = [self._nearby.at_slot(change.slot, change.before_s, change.after_s) for change in loose]
        people = [(change, who) for change, (who, _) in zip(loose, near, strict=True)]
        hands = [(act, self._nearby.instead(act.reach)) for act in acts]
        gains = self._carried.gains(hands, len(steps), people, self._accounts)
        sources = [source_of_reach(act) for act in acts] + [source_of_step(step) for step in steps]
        names = [source.name for source in sources[len(acts) :]]
        sources += [source_of_change(change, at_s) for change, (_, at_s) in zip(loose, near, strict=True)]
        told = [fact for fact in before if self._teller.knows(fact)]
        pictures = merged_changes(acts, seen)

        def explained() -> list[Fact]:
            options = self._options(hands, steps, people)
            found = explain(options, steps, pictures, self.settings, gains)
            return gather(found, options, sources, names, told, self._goods)

        incident.facts = explained()
        if len(sources) > 1:
            # Again, knowing that what is put down may have been taken a moment before, and the other way round.
            for fact in (first := incident.facts):
                self._accounts.add(fact)
            incident.facts = explained()
            for fact in first:
                self._accounts.remove(fact)
        for fact in incident.facts:
            self._accounts.add(fact)
        return parties(before) | parties(incident.facts)

    def _options(
        self,
        acts: Sequence[tuple[Act, Mapping[int, float]]],
        steps: Sequence[PlateStep],
        changes: Sequence[tuple[SlotChange, Mapping[int, float]]],
    ) -> list[list[Option]]:
        """Everything that acts, steps and changes may be by what is known so far. With acts come those whose hand it
        may have been instead, with changes who may have been it.
        """
        known = (self._goods, self._accounts, self.settings)
        found = [reach_options(act, steps, self._told_until, *known, instead) for act, instead in acts]
        found += [step_options(n, step, self._nearby.at_plate(step), *known) for n, step in enumerate(steps)]
        return found + [change_options(change, steps, self._told_until, who, *known) for change, who in changes]

    def _told(self, incident: Incident, now_s: float) -> list[Event]:
        events: list[Event | None] = []
        for fact in incident.facts:
            if self._teller.knows(fact):
                events.append(self._teller.tell_anew(fact, _finite(now_s, fact.source.end_s)))
            elif now_s >= fact.source.end_s + self.settings.settle_s or self._is_clear(incident, fact):
                events.append(self._teller.tell(fact))
        return [event for event in events if event is not None]

    def _is_clear(self, incident: Incident, fact: Fact) -> bool:
        """Whether a fact needs no more evidence: sure in all, and no plate still to be heard."""
        sure = self.settings.clear
        if 1 in incident.seen or fact.confidence < sure:
            return False
        return next(iter(fact.who().values())) >= sure and next(iter(fact.what().values())) >= sure

    def _close(self, incident: Incident) -> None:
        self._incidents.remove(incident)
        self._closed |= dict.fromkeys([*incident.acts, *incident.steps, *incident.changes], incident.end_s)
        for key in [key for key, end_s in self._closed.items() if end_s < self._now - 60.0]:
            del self._closed[key]
        self._past += [fact for fact in incident.facts if self._teller.knows(fact)]

    def _told_of_past(self) -> list[Event]:
        """What mass balance makes of facts about which no evidence comes any more."""
        events = [self._teller.tell_anew(fact, self._now) for fact in self._past]
        return [event for event in events if event is not None]


def _finite(now_s: float, end_s: float) -> float:
    return now_s if math.isfinite(now_s) else end_s
