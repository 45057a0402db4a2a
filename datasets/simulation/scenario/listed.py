"""People who do what a list of events says."""

from __future__ import annotations

from collections.abc import Mapping

from datasets.simulation.errors import ScenarioError
from datasets.simulation.performance import Carrier
from datasets.simulation.scenario.roles import Part
from datasets.simulation.scenario.schema import Person, Scenario, Step
from datasets.simulation.scenario.selection import Bound, product_called, slot_called
from store.catalogue import Catalogue
from store.layout import PlacedSlot

AHEAD_S = 12.0  # people come in so long before their first event


def add_listed(
    scenario: Scenario,
    parts: list[Part],
    bound: Bound,
    slots: tuple[PlacedSlot, ...],
    catalogue: Catalogue,
    stock: Mapping[str, int],
) -> list[Part]:
    """``parts`` with the steps of ``events:`` after their own, and the people that only the list names.

    A hand is emptied into bag, basket, trolley or the other hand before the next event. Raises ``ScenarioError`` with
    the line for an unknown slot or product, a product that the slot does not hold, more taken than there are, and for
    a return of what the person does not have.
    """
    steps: dict[str, list[Step]] = {}
    locs: dict[str, list[tuple[int | str, ...]]] = {}
    asked: dict[str, list[float | None]] = {}
    has: dict[str, list[str]] = {}
    left: dict[str, int] = dict(stock)
    people = {part.person.name: part for part in parts}
    for number, event in sorted(enumerate(scenario.events), key=lambda pair: pair[1].time_s):
        loc = ("events", number)
        where = scenario.where(*loc)
        slot = bound.get(event.slot) or slot_called(event.slot, slots, where)
        product_called(event.product, catalogue, where)
        mine = has.setdefault(event.person, [])
        todo = steps.setdefault(event.person, [])
        before = len(todo)
        bag = people[event.person].person.carrier != (Carrier.NONE,) if event.person in people else True
        if event.kind == "take":
            if slot.slot.product != event.product:
                raise ScenarioError(
                    f"{where}: {event.product} is not in slot {slot.id}, which holds {slot.slot.product}"
                )
            left[slot.id] -= 1
            if left[slot.id] < 0:
                raise ScenarioError(
                    f"{where}: {event.person} cannot take {event.product} at {event.time_s:g} s: slot {slot.id} is "
                    "empty"
                )
            todo.append(Step.model_validate({"take": {"slot": slot.id}}))
            times: list[float | None] = [event.time_s]
            if bag:
                todo.append(Step.model_validate({"put_in_bag": "any"}))
                times.append(None)
            mine.append(event.product)
        else:
            if event.product not in mine:
                raise ScenarioError(
                    f"{where}: {event.person} cannot return {event.product} at {event.time_s:g} s: has none by then"
                )
            mine.remove(event.product)
            if slot.slot.product == event.product:
                left[slot.id] += 1
            times = []
            if bag:
                todo.append(Step.model_validate({"take_out": event.product}))
                times.append(None)
            todo.append(Step.model_validate({"return": {"slot": slot.id, "product": event.product}}))
            times.append(event.time_s)
        locs.setdefault(event.person, []).extend([loc] * (len(todo) - before))
        asked.setdefault(event.person, []).extend(times)
    return _joined(scenario, parts, steps, locs, asked)


def _joined(
    scenario: Scenario,
    parts: list[Part],
    steps: dict[str, list[Step]],
    locs: dict[str, list[tuple[int | str, ...]]],
    asked: dict[str, list[float | None]],
) -> list[Part]:
    joined = []
    for part in parts:
        name = part.person.name
        own = part.person.does
        ends = own[-1:] if own and own[-1].leave is not None else ()
        first = own[: len(own) - len(ends)]
        more = tuple(steps.pop(name, ()))
        person = part.person.model_copy(update={"does": first + more + ends})
        places = part.steps[: len(first)] + tuple(locs.get(name, ())) + part.steps[len(first) :]
        times = (None,) * len(first) + tuple(asked.get(name, ())) + (None,) * len(ends)
        joined.append(Part(person, part.loc, places, times))
    for name, todo in steps.items():
        first_s = next(time_s for time_s in asked[name] if time_s is not None)
        person = Person(name=name, at_s=(max(0.0, first_s - AHEAD_S),) * 2, carrier=(Carrier.BASKET,), does=tuple(todo))
        joined.append(Part(person, locs[name][0], tuple(locs[name]), tuple(asked[name])))
    return joined
