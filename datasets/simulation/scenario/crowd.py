"""A crowd's shoppers and their lists, drawn by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from datasets.simulation.scenario.roles import Part
from datasets.simulation.scenario.schema import Crowd, Person, Step
from store.layout import PlacedSlot

LEFT_OVER = 2  # packages that a crowd leaves in each slot


def draw_crowd(crowd: Crowd, slots: Sequence[PlacedSlot], stock: Mapping[str, int], seed: int) -> list[Part]:
    """The crowd's people: arrivals, carriers and what each does, in ``slots`` that all can reach.

    ``stock`` is how many packages stand in each slot: nobody's list asks for the last ones.
    """
    rng = np.random.default_rng([seed, 19])
    left = {slot.id: stock[slot.id] - LEFT_OVER for slot in slots}
    arrivals = np.cumsum(rng.exponential(60.0 / crowd.per_minute, crowd.people))
    parts = []
    session, session_at = 0, 0.0
    for number in range(crowd.people):
        together = number > 0 and rng.random() < crowd.together
        session = session if together else number
        at_s = round(session_at + 0.9, 2) if together else round(float(arrivals[number]), 2)
        session_at = at_s
        carrier = str(rng.choice(["none", "basket", "bag", "trolley"], p=[0.35, 0.35, 0.2, 0.1]))
        count = int(rng.integers(crowd.items[0], crowd.items[1] + 1))
        does = _shopping(crowd, count, carrier != "none", slots, left, rng)
        person = Person.model_validate(
            {
                "name": f"shopper-{number + 1}",
                "at_s": at_s,
                "carrier": carrier,
                "session": f"party-{session + 1}",
                "speed_mps": [0.9, 1.3],
                "does": does,
            }
        )
        parts.append(Part(person, ("crowd",), tuple(("crowd",) for _ in person.does)))
    return parts


def _shopping(
    crowd: Crowd,
    count: int,
    has_bag: bool,
    slots: Sequence[PlacedSlot],
    left: dict[str, int],
    rng: np.random.Generator,
) -> list[Step]:
    does: list[dict[str, object]] = []
    held = 0
    for _ in range(count):
        if not has_bag and held == 2:
            break
        if rng.random() < crowd.browse:
            does.append({"browse": {"slot": slots[int(rng.integers(len(slots)))].id, "for_s": [1.5, 5.0]}})
        choices = [slot for slot in slots if left[slot.id] > 0]
        if not choices:
            break
        slot = choices[int(rng.integers(len(choices)))]
        does.append({"take": {"slot": slot.id}})
        if rng.random() < crowd.put_back:
            does += [{"wait": [0.5, 3.0]}, {"return": {"product": slot.slot.product}}]
            continue
        left[slot.id] -= 1
        if has_bag:
            does.append({"put_in_bag": "any"})
        else:
            held += 1
    if not does:
        does.append({"browse": {"slot": slots[int(rng.integers(len(slots)))].id, "for_s": [2.0, 6.0]}})
    return [Step.model_validate(step) for step in does]
