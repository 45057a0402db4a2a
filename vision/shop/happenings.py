"""Reaches and steps of plates that may explain one another: what belongs together in time and place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from statistics import fmean

from vision.shop.deeds import Act, touch
from vision.shop.evidence import PlateStep, SlotChange
from vision.shop.facts import Fact, Source
from vision.shop.goods import Goods
from vision.shop.weighing import AttributionSettings

ReachKey = tuple[int, int, float]
"""Track, hand and start of a reach."""
StepKey = tuple[str, float, float]
"""Plate, start and end of a step."""
ChangeKey = tuple[str, float]
"""Slot and start of a change that belongs to no reach."""
_SHARED = 0.02  # two hands are at one place when each may be there with this probability


@dataclass(slots=True, eq=False)
class Incident:
    """Reaches and steps that may explain one another, and the facts that they come to."""

    acts: dict[ReachKey, Act] = field(default_factory=dict)
    steps: dict[StepKey, PlateStep] = field(default_factory=dict)
    changes: dict[ChangeKey, SlotChange] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    changed: bool = True
    seen: tuple[int, ...] = ()

    @property
    def start_s(self) -> float:
        """When its first part began."""
        return min(start_s for start_s, _ in self._spans())

    @property
    def end_s(self) -> float:
        """When its last part ended."""
        return max(end_s for _, end_s in self._spans())

    def slots(self, goods: Goods) -> set[str]:
        """The slots that it is about."""
        slots = {slot for act in self.acts.values() for slot in act.reach.slots} | {slot for slot, _ in self.changes}
        return slots | {slot for key in self.steps for slot in goods.on_plate[key[0]]}

    def _spans(self) -> list[tuple[float, float]]:
        spans = [(act.reach.start_s, act.reach.end_s) for act in self.acts.values()]
        spans += [(step.start_s, step.end_s) for step in self.steps.values()]
        return spans + [(change.before_s, change.after_s) for change in self.changes.values()]


def reach_touches(act: Act, incident: Incident, goods: Goods, settings: AttributionSettings) -> bool:
    """Whether a reach may have to do with an incident."""
    reach, own = act.reach, _places_of(act, goods)
    for other in incident.acts.values():
        apart = max(reach.start_s - other.reach.end_s, other.reach.start_s - reach.end_s)
        if apart <= settings.slack_s and own & _places_of(other, goods):
            return True
    for change in incident.changes.values():
        if change.slot in own and change.before_s <= reach.end_s and change.after_s >= reach.start_s:
            return True
    return any(
        step.plate in own and touch(reach.start_s, reach.end_s, step, settings) for step in incident.steps.values()
    )


def step_touches(step: PlateStep, incident: Incident, goods: Goods, settings: AttributionSettings) -> bool:
    """Whether a step may have to do with an incident."""
    for change in incident.changes.values():
        if goods.plate_of.get(change.slot) == step.plate and touch(change.before_s, change.after_s, step, settings):
            return True
    return any(
        step.plate in _places_of(act, goods) and touch(act.reach.start_s, act.reach.end_s, step, settings)
        for act in incident.acts.values()
    )


def change_touches(change: SlotChange, incident: Incident, goods: Goods, settings: AttributionSettings) -> bool:
    """Whether a change of a slot that belongs to no reach may have to do with an incident."""
    spans = [act.reach for act in incident.acts.values() if change.slot in _places_of(act, goods)]
    if any(change.before_s <= reach.end_s and change.after_s >= reach.start_s for reach in spans):
        return True
    if any(
        o.slot == change.slot and change.before_s < o.after_s and o.before_s < change.after_s
        for o in incident.changes.values()
    ):
        return True
    plate = goods.plate_of.get(change.slot)
    steps = [step for step in incident.steps.values() if step.plate == plate]
    return any(touch(change.before_s, change.after_s, step, settings) for step in steps)


def _places_of(act: Act, goods: Goods) -> set[str]:
    """The slots in which a hand may have been, and their plates."""
    slots = {slot for slot, p in act.reach.slots.items() if p >= _SHARED}
    return slots | {goods.plate_of[slot] for slot in slots if slot in goods.plate_of}


def merged_changes(acts: Sequence[Act], loose: Sequence[SlotChange]) -> dict[str, SlotChange]:
    """What pictures say of each slot: hands that were there at once share the pictures, so that these count once.

    What is told of a slot without a hand was seen when nobody stood there any more, and is believed alone; of several
    visits each has its own.
    """
    hands: dict[str, list[SlotChange]] = {}
    for act in acts:
        for slot, change in act.changes.items():
            hands.setdefault(slot, []).append(change)
    found = {slot: _mean(same) for slot, same in hands.items()}
    visits: dict[str, list[SlotChange]] = {}
    for change in loose:
        visits.setdefault(change.slot, []).append(change)
    found |= {slot: reduce(_after, same) for slot, same in visits.items()}
    return dict(sorted(found.items()))


def _after(first: SlotChange, then: SlotChange) -> SlotChange:
    """Two changes of a slot one after the other: of each number of packages the likeliest way to come to it."""
    ways: dict[int, float] = {}
    for one in (0, *first.gained):
        for other in (0, *then.gained):
            log = first.log(one) + then.log(other)
            ways[one + other] = max(log, ways.get(one + other, -math.inf))
    # Relative to nothing at all, which may be a package taken and put back.
    logs = {number: log - ways[0] for number, log in ways.items() if number}
    return SlotChange(
        first.slot,
        logs,
        tuple(dict.fromkeys((*first.cameras, *then.cameras))),
        max(first.misplaced, then.misplaced),
        max(first.removed, then.removed),
    )


def _mean(same: Sequence[SlotChange]) -> SlotChange:
    numbers = sorted({number for change in same for number in change.gained})
    return SlotChange(
        same[0].slot,
        {number: fmean(change.log(number) for change in same) for number in numbers},
        same[0].cameras,
        fmean(change.misplaced for change in same),
        fmean(change.removed for change in same),
    )


def source_of_reach(act: Act) -> Source:
    """What a reach's facts hang on."""
    reach = act.reach
    cameras = {*reach.cameras, *(camera for change in act.changes.values() for camera in change.cameras)}
    name = f"reach/{reach.track_id}/{reach.hand}/{reach.start_s:.3f}"
    return Source(name, reach.at_s, reach.end_s, tuple(sorted(cameras)))


def source_of_step(step: PlateStep) -> Source:
    """What a step's facts hang on."""
    return Source(f"step/{step.plate}/{step.start_s:.3f}", (step.start_s + step.end_s) / 2, step.end_s)


def source_of_change(change: SlotChange, at_s: float) -> Source:
    """What the facts of a change without a reach hang on; ``at_s`` is when somebody was nearest."""
    return Source(f"change/{change.slot}/{change.before_s:.3f}", at_s, change.after_s, change.cameras)
