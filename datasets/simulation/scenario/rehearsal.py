"""From what people do to what their bodies do: scripts for the director, and what each gesture does to a package.

Who holds what is followed here, in the order in which the steps can happen; when they happen is not known yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character
from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.motion import reach_times
from datasets.simulation.navigation.ground import outward
from datasets.simulation.performance import LEFT, RIGHT, Carrier, Gesture, Motion
from datasets.simulation.placement import grip_point
from datasets.simulation.scenario.deeds import GRASP_S, Deed, Inside, Kind, Token, stowing
from datasets.simulation.scenario.roles import Role, gate_called, gates_of
from datasets.simulation.scenario.schema import Scenario
from datasets.simulation.scenario.selection import Bound, slot_called
from datasets.simulation.scenario.shelves import Contents
from datasets.simulation.scenario.stance import Stance, Stances, misses, point
from datasets.simulation.script import Act, Go, Script, Step, Wait
from store.catalogue import Catalogue, Product
from store.layout import Gate, PlacedSlot, Plan

Float = NDArray[np.float64]
OUTSIDE_M = 1.1  # before a gate, where people come from and go to
SIDES = ("left", "right")
RADIUS_M = {Carrier.NONE: 0.25, Carrier.BAG: 0.25, Carrier.BASKET: 0.27, Carrier.TROLLEY: 0.33}


@dataclass(eq=False)
class Player:
    """One person during the rehearsal. ``hands`` left and right; ``next`` is the step to come."""

    role: Role
    number: int
    rng: np.random.Generator
    at: Stance
    before: str = ""  # what the person stands at, to stand still for what is done there next
    hands: list[Token | None] = field(default_factory=lambda: [None, None])
    bag: list[Token] = field(default_factory=list)
    pocket: list[Token] = field(default_factory=list)
    script: list[Step] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    next: int = 0
    gone: bool = False

    @property
    def name(self) -> str:
        """The person's name."""
        return self.role.name

    @property
    def body(self) -> Character:
        """The person's body."""
        return self.role.character

    def holding(self) -> list[int]:
        """The hands that hold something."""
        return [hand for hand in (LEFT, RIGHT) if self.hands[hand] is not None]


@dataclass(eq=False)
class Shop:
    """What everybody's rehearsal shares. ``contents`` is what stood in the slots at the beginning."""

    plan: Plan
    catalogue: Catalogue
    scenario: Scenario
    bound: Bound
    slots: tuple[PlacedSlot, ...]
    contents: Mapping[str, Contents]
    stances: Stances
    floor: list[tuple[Token, Float]] = field(default_factory=list)  # packages put on it, and their poses

    def slot(self, name: str, where: str) -> PlacedSlot:
        """The slot called ``name`` in the scenario or the plan."""
        return self.bound[name] if name in self.bound else slot_called(name, self.slots, where)

    def product(self, name: str, where: str) -> Product:
        """The product with id ``name``, or that of the slot called so."""
        if name in self.bound:
            name = self.bound[name].slot.product
        for product in self.catalogue.products:
            if product.id == name:
                return product
        raise ScenarioError(f"{where}: no product or slot called {name!r}")

    def place(self, xy: Sequence[float], players: Sequence[Player]) -> list[tuple[float, float]]:
        """Where ``players`` stand, but for those near ``xy``."""
        return [p.at.xy for p in players if not p.gone and math.dist(p.at.xy, xy) > 0.05]


def start_of(plan: Plan, role: Role) -> Stance:
    """Outside of the person's gate, heading in."""
    out = outward(plan, role.gate)
    xy = beside_gate(role.gate, role.lateral) + OUTSIDE_M * out
    return Stance((float(xy[0]), float(xy[1])), math.atan2(-out[1], -out[0]))


def beside_gate(gate: Gate, lateral: float) -> Float:
    """A point (2,) in the gate's opening: ``lateral`` 0 near one post, 1 near the other."""
    a, b = np.array(gate.a), np.array(gate.b)
    width = float(np.linalg.norm(b - a))
    room = min(0.35, width / 2) / max(width, 1e-9)
    return np.asarray(a + (b - a) * (room + lateral * (1 - 2 * room)))


def go(player: Player, stance: Stance, before: str = "", look_s: float | None = None) -> None:
    """Walk to ``stance``, and stand a moment, unless the person stands there."""
    there = (
        math.dist(player.at.xy, stance.xy) < 0.03
        and abs(math.remainder(player.at.heading - stance.heading, math.tau)) < 0.1
    )
    if not there:
        player.script.append(Go(stance.xy, stance.heading))
        player.script.append(Wait(float(player.rng.uniform(0.1, 0.5)) if look_s is None else look_s))
        player.at = stance
    player.before = before


def act(player: Player, gestures: Sequence[Gesture], deeds: Sequence[Deed]) -> None:
    """Move the hands as one step; the deeds' ``step`` and ``gesture`` are filled in."""
    number = len(player.script)
    player.script.append(Act(tuple(gestures), max(g.end_s for g in gestures) + 0.02))
    player.deeds += [replace(deed, step=number, gesture=k) for k, deed in enumerate(deeds)]


def deed(kind: Kind, where: str, hand: int, token: Token, **more: object) -> Deed:
    """A deed whose place in the script ``act`` fills in."""
    return Deed(kind=kind, where=where, step=-1, gesture=-1, hand=hand, token=token, **more)  # type: ignore[arg-type]


def reach(
    player: Player, motion: Motion, hand: int, target: Float, normal: tuple[float, float] | None, hold_s: float = 0.0
) -> Gesture:
    """A gesture to ``target`` (3,) from the beginning of its step; the hand rests there for ``hold_s`` more."""
    hurry = 0.85 if player.role.speed_mps > 1.2 else 1.0
    contact, release, end = reach_times(player.body, point(target), motion, hurry)
    release = max(release, contact + GRASP_S) + hold_s
    return Gesture(motion, hand, 0.0, contact, release, max(end + hold_s, release + 0.4), point(target), normal)


def free_hand(player: Player, wanted: str, where: str) -> int:
    """An empty hand. Raises ``ScenarioError`` where it is full."""
    empty = [hand for hand in (LEFT, RIGHT) if player.hands[hand] is None]
    if wanted != "any":
        if SIDES.index(wanted) not in empty:
            raise ScenarioError(f"{where}: the {wanted} hand of {player.name} is full")
        return SIDES.index(wanted)
    if not empty:
        raise ScenarioError(f"{where}: both hands of {player.name} are full; put something into a bag or back first")
    return empty[0] if len(empty) == 1 else int(player.rng.random() < 0.7)


def full_hand(player: Player, wanted: str, where: str, product: Product | None = None) -> int:
    """A hand that holds something (of ``product``). Raises ``ScenarioError`` where there is none."""
    held = [
        hand
        for hand in player.holding()
        if product is None or ((token := player.hands[hand]) is not None and token.product.id == product.id)
    ]
    if wanted != "any":
        if SIDES.index(wanted) not in held:
            what = f"no {product.id}" if product is not None else "nothing"
            raise ScenarioError(f"{where}: the {wanted} hand of {player.name} holds {what}")
        return SIDES.index(wanted)
    if not held:
        what = f"no {product.id}" if product is not None else "nothing"
        raise ScenarioError(f"{where}: {player.name} holds {what}")
    return held[-1]


def held(player: Player, hand: int) -> Token:
    """What a full hand holds."""
    token = player.hands[hand]
    assert token is not None
    return token


def nominal(shop: Shop, slot: PlacedSlot, product: Product, beside_m: float) -> tuple[Float, float]:
    """Where a hand is expected to go for ``product`` in ``slot``: (3,), and how far along the slot that is.

    The director is asked before it is known which package a hand will find; this is the one that stood in front.
    """
    contents = shop.contents[slot.id]
    item = contents.reachable(product.id, beside_m)
    if item is not None:
        package = contents.standing[item]
        return grip_point(package.pose, product), float(package.low[0] + package.high[0]) / 2
    middle = np.array(slot.corner[:2]) + np.array(slot.along) * beside_m + 0.015 * np.array(slot.normal)
    return np.array([*middle, slot.corner[2] + product.size_m[2] / 2]), beside_m


def stand_at(
    player: Player,
    shop: Shop,
    slot: PlacedSlot,
    targets: Sequence[Float],
    hands: Sequence[int],
    where: str,
    before: str | None = None,
    aside_m: float = 0.0,
) -> None:
    """Walk to where ``hands`` come to ``targets`` in ``slot``. Raises ``ScenarioError`` where that cannot be."""
    goals = list(zip(targets, hands, strict=True))
    here = player.before == slot.id and before is None and aside_m == 0.0
    if here and all(misses(player.body, player.at, slot, goal, hand) is None for goal, hand in goals):
        return
    if before is not None:
        other = shop.slot(before, where)
        middle = np.array(other.corner[:2]) + np.array(other.along) * other.width_m / 2
        aside_m += float((middle - targets[0][:2]) @ np.array(slot.along))
    target = np.mean(targets, axis=0)
    hand = hands[0]
    stance = shop.stances.at_slot(player.body, slot, target, hand, aside_m)
    if stance is not None and len(hands) == 2:  # the middle between the places for either hand
        other_stance = shop.stances.at_slot(player.body, slot, target, hands[1], aside_m)
        if other_stance is not None:
            xy = (np.array(stance.xy) + other_stance.xy) / 2
            stance = Stance((float(xy[0]), float(xy[1])), stance.heading)
    if stance is None:
        raise UnluckyDrawError(f"{where}: {player.name} finds no room to stand before slot {slot.id}")
    for goal, goal_hand in goals:
        why = misses(player.body, stance, slot, goal, goal_hand)
        if why is not None:
            height = player.body.traits.height_m
            raise UnluckyDrawError(f"{where}: {player.name} ({height:.2f} m tall) cannot reach slot {slot.id}: {why}")
    go(player, stance, slot.id)


def stow(player: Player, hand: int, inside: Inside, where: str) -> None:
    """Put what ``hand`` holds into the bag (basket, trolley) or a pocket. Raises ``ScenarioError`` without one."""
    token = held(player, hand)
    if inside == "bag" and player.role.carrier is Carrier.NONE:
        raise ScenarioError(f"{where}: {player.name} has no bag, basket or trolley; give the person a carrier")
    motion = Motion.POCKET if inside == "pocket" else Motion.BAG
    act(player, [stowing(motion, hand)], [deed("store", where, hand, token, inside=inside)])
    player.hands[hand] = None
    (player.pocket if inside == "pocket" else player.bag).append(token)


def fetch(player: Player, hand: int, token: Token, inside: Inside, where: str) -> None:
    """Take ``token`` out of the bag or pocket, or (staff) out of the crate, into an empty ``hand``."""
    motion = Motion.POCKET if inside == "pocket" else Motion.BAG
    act(player, [stowing(motion, hand)], [deed("fetch", where, hand, token, inside=inside)])
    player.hands[hand] = token


def leave(player: Player, shop: Shop, name: str | None, where: str) -> None:
    """Go out by gate ``name``, or the nearest."""
    ways_out = gates_of(shop.plan, "out")
    if name is not None:
        gate = gate_called(shop.plan, name, "out", where)
    else:
        gate = min(ways_out, key=lambda g: math.dist(player.at.xy, beside_gate(g, 0.5)))
    out = outward(shop.plan, gate)
    xy = beside_gate(gate, float(player.rng.random())) + OUTSIDE_M * out
    player.script.append(Go((float(xy[0]), float(xy[1])), None))
    player.at = Stance((float(xy[0]), float(xy[1])), math.atan2(out[1], out[0]))
    player.gone = True


def script_of(player: Player, plan: Plan) -> Script:
    """The player's steps as a script."""
    start = start_of(plan, player.role)
    return Script(
        name=player.name,
        start_s=player.role.start_s,
        xy=start.xy,
        heading=start.heading,
        steps=tuple(player.script),
        speed_mps=player.role.speed_mps,
        radius_m=RADIUS_M[player.role.carrier],
    )
