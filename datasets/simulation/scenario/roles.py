"""Who is in a scenario, once the seed has drawn what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Literal

import numpy as np

from datasets.simulation.characters import Character
from datasets.simulation.errors import ScenarioError
from datasets.simulation.people.cast import character
from datasets.simulation.performance import Carrier
from datasets.simulation.scenario.schema import Person, Scenario, Step
from store.layout import Gate, Plan

Loc = tuple[int | str, ...]
BEHIND_S = 0.75  # who follows somebody closely comes so much later
NO_SESSION = "none"


@dataclass(frozen=True, slots=True)
class Part:
    """A person with the places in the file where they and each of their steps stand."""

    person: Person
    loc: Loc
    steps: tuple[Loc, ...]
    asked_s: tuple[float | None, ...] = ()  # of each step, when a list of events wants it


@dataclass(frozen=True, eq=False)
class Role:
    """A part with everything drawn. ``lateral`` in 0..1 is where in the gate the person comes in."""

    name: str
    role: Literal["shopper", "staff"]
    part: Part
    character: Character
    carrier: Carrier
    start_s: float
    speed_mps: float
    gate: Gate
    lateral: float
    session: str | None
    track_id: str

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the person does."""
        return self.part.person.does


def token(*parts: object, length: int = 16) -> str:
    """Hex digits that depend on ``parts`` alone."""
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:length]


def gates_of(plan: Plan, way: Literal["in", "out"]) -> list[Gate]:
    """The gates by which people come in, or go out. Raises ``ScenarioError`` for a plan without."""
    found = [gate for gate in plan.gates if gate.way in (way, "both")]
    if not found:
        raise ScenarioError(f"the plan of {plan.store} has no gate with way {way!r} or 'both'")
    return found


def gate_called(plan: Plan, name: str, way: Literal["in", "out"], where: str) -> Gate:
    """The gate called ``name``. Raises ``ScenarioError`` that begins with ``where``: unknown, or the wrong way."""
    known = {gate.name: gate for gate in plan.gates}
    if name not in known:
        raise ScenarioError(f"{where}: no gate {name!r}; there are: {', '.join(known) or 'none'}")
    if known[name].way not in (way, "both"):
        raise ScenarioError(f"{where}: nobody goes {way} by gate {name!r}, its way is {known[name].way}")
    return known[name]


def declared(scenario: Scenario) -> list[Part]:
    """The people that the scenario names itself."""
    return [
        Part(person, ("people", n), tuple(("people", n, "does", k) for k in range(len(person.does))))
        for n, person in enumerate(scenario.people)
    ]


def cast_roles(scenario: Scenario, parts: Sequence[Part], plan: Plan, seed: int) -> tuple[Role, ...]:
    """Draw gate, time, carrier, speed and body of everybody.

    Raises ``ScenarioError`` for an unknown gate or person.
    """
    ways_in = gates_of(plan, "in")
    bodies = [body(seed, *number) for number in cast_numbers(parts)]
    roles: list[Role] = []
    for number, part in enumerate(parts):
        person, where = part.person, scenario.where(*part.loc)
        rng = np.random.default_rng([seed, 17, number])
        drawn = float(rng.uniform(*person.at_s))
        carrier = person.carrier[rng.integers(len(person.carrier))]
        if carrier is Carrier.NONE and any(step.restock is not None for step in person.does):
            carrier = Carrier.TROLLEY
        speed = float(rng.uniform(*person.speed_mps))
        gate = ways_in[rng.integers(len(ways_in))]
        lateral = float(rng.random())
        if person.gate is not None:
            gate = gate_called(plan, person.gate, "in", scenario.where(*part.loc, "gate"))
        if person.behind is not None:
            leader = next((role for role in roles if role.name == person.behind), None)
            if leader is None:
                raise ScenarioError(f"{where}: {person.name} comes behind {person.behind!r}, who is not named before")
            drawn, gate, lateral = leader.start_s + BEHIND_S, leader.gate, leader.lateral
            speed = leader.speed_mps
        session = None
        if person.role == "shopper" and person.session != NO_SESSION:
            session = token(seed, scenario.name, "session", person.session or f"of {person.name}")
        roles.append(
            Role(
                name=person.name,
                role=person.role,
                part=part,
                character=bodies[number],
                carrier=carrier,
                start_s=drawn,
                speed_mps=speed,
                gate=gate,
                lateral=lateral,
                session=session,
                track_id=token(seed, scenario.name, "track", person.name),
            )
        )
    return tuple(roles)


def cast_numbers(parts: Sequence[Part]) -> list[tuple[int, bool]]:
    """Of each part the number in the cast, and whether it is staff: in order, but for those who ask for a number."""
    asked = [part.person.character for part in parts]
    free = iter(number for number in range(2 * len(parts)) if number not in asked)
    return [
        (next(free) if number is None else number, part.person.role == "staff")
        for part, number in zip(parts, asked, strict=True)
    ]


# A body is 0.3 s of work and does not depend on the scenario.
body = lru_cache(maxsize=64)(character)
