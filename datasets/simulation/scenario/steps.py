"""The rehearsal: goes through everybody's steps, who waits for whom included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.navigation.ground import outward
from datasets.simulation.performance import LEFT, RIGHT, Motion
from datasets.simulation.placement import grip_point
from datasets.simulation.scenario import schema
from datasets.simulation.scenario.deeds import Inside, Token
from datasets.simulation.scenario.meetings import swap
from datasets.simulation.scenario.rehearsal import (
    Player,
    Shop,
    act,
    deed,
    fetch,
    free_hand,
    full_hand,
    go,
    held,
    leave,
    nominal,
    reach,
    stand_at,
    start_of,
    stow,
)
from datasets.simulation.scenario.roles import Role
from datasets.simulation.scenario.selection import fits_pocket
from datasets.simulation.scenario.stance import DROP_ASIDE_M, FEET_M, Stance
from datasets.simulation.script import Lay, Lift, Meet, Wait
from store.catalogue import Product
from store.layout import PlacedSlot
from store.views import Part

Float = NDArray[np.float64]
HIDE_M = 1.6  # a body is taken to hide what is lower than this
BACK_M = 0.18  # who only looks at a shelf stands so much further off


def rehearse(shop: Shop, roles: Sequence[Role], seed: int) -> list[Player]:
    """Everybody's script and deeds.

    Raises ``ScenarioError`` with file and line for what cannot be done: an empty or full hand, a slot out of reach,
    somebody who is waited for in vain, no bag to put something into.
    """
    players = [
        Player(role, number, np.random.default_rng([seed, 13, number]), start_of(shop.plan, role))
        for number, role in enumerate(roles)
    ]
    progress = True
    while progress:
        progress = False
        for player in players:
            while player.next < len(player.role.steps) and _do(shop, players, player):
                progress = True
    for player in players:
        if player.next < len(player.role.steps):
            raise ScenarioError(f"{_where(shop, player)}: {_stuck(player)}")
        if not player.gone:
            leave(player, shop, None, shop.scenario.where(*player.role.part.loc))
    return players


def _where(shop: Shop, player: Player) -> str:
    return shop.scenario.where(*player.role.part.steps[player.next])


def _stuck(player: Player) -> str:
    step = player.role.steps[player.next].does
    match step:
        case schema.HandOver():
            return f"{step.to} never comes to receive from {player.name}: no `receive: {{from: {player.name}}}` in turn"
        case schema.Receive():
            return f"{step.giver} never comes to hand anything over to {player.name}: no `hand_over` in turn"
        case schema.Exchange():
            return f"{step.other} never comes to exchange with {player.name}: no `exchange` in turn"
        case schema.MeetAt():
            return f"{player.name} waits in vain: {step.parties} people must come to `meet: {step.label}`"
        case schema.PickUp():
            return f"nothing that {player.name} could pick up is ever left on the floor"
    raise AssertionError(f"{step} cannot wait")


def _do(shop: Shop, players: list[Player], player: Player) -> bool:
    """Do the player's next step if it can happen now."""
    step = player.role.steps[player.next].does
    where = _where(shop, player)
    if player.gone:
        raise ScenarioError(f"{where}: {player.name} has left already")
    match step:
        case schema.HandOver() | schema.Exchange() | schema.Receive():
            return swap(shop, players, player, step, where)
        case schema.MeetAt():
            there = [p for p in players if _label(p) == step.label]
            if len(there) < step.parties:
                return False
            for one in there[: step.parties]:
                one.script.append(Meet(f"meet {step.label}", step.parties))
                one.next += 1
            return True
        case schema.PickUp():
            if not _pick_up(shop, player, step, where):
                return False
        case schema.StandBetween():
            slot = shop.slot(step.slot, where)
            target, _ = nominal(shop, slot, shop.catalogue.product(slot.slot.product), slot.width_m / 2)
            places = [shop.stances.at_slot(player.body, slot, target, hand) for hand in (LEFT, RIGHT)]
            takers = [place.xy for place in places if place is not None]
            stance = shop.stances.hiding(target, takers, shop.place(player.at.xy, players), HIDE_M) if takers else None
            if stance is None:
                raise UnluckyDrawError(f"{where}: no room for {player.name} beside who takes from slot {slot.id}")
            go(player, stance)
        case _:
            _alone(shop, player, step, where)
    player.next += 1
    return True


def _label(player: Player) -> str | None:
    if player.next >= len(player.role.steps):
        return None
    meet = player.role.steps[player.next].meet
    return None if meet is None else meet.label


def _alone(shop: Shop, player: Player, step: Part, where: str) -> None:
    """The steps that concern nobody else."""
    match step:
        case schema.Take():
            _take(shop, player, step, where)
        case schema.Return():
            _put(shop, player, step, where)
        case schema.Touch():
            slot = shop.slot(step.slot, where)
            hand = free_hand(player, step.hand, where)
            product = shop.catalogue.product(slot.slot.product)
            target, beside = nominal(shop, slot, product, float(player.rng.uniform(0, slot.width_m)))
            stand_at(player, shop, slot, [target], [hand], where, step.before, step.aside_m)
            hold_s = float(player.rng.uniform(*step.for_s))
            gesture = reach(player, Motion.TOUCH, hand, target, slot.normal, hold_s)
            act(player, [gesture], [deed("touch", where, hand, Token(product, slot.id), slot=slot.id, beside_m=beside)])
        case schema.Browse():
            _browse(shop, player, step, where)
        case schema.WaitFor():
            player.script.append(Wait(float(player.rng.uniform(*step.for_s)), step.until_s))
        case schema.WalkTo():
            _walk(shop, player, step, where)
        case schema.TakeOut():
            _take_out(shop, player, step, where)
        case schema.Restock():
            _restock(shop, player, step, where)
        case schema.Leave():
            leave(player, shop, step.gate, where)
        case schema.Held():
            _empty_hand(shop, player, step, where)
        case _:
            raise AssertionError(f"no such step: {step}")


def _take(shop: Shop, player: Player, step: schema.Take, where: str) -> None:
    slot = shop.slot(step.slot, where)
    product = shop.product(step.product or slot.slot.product, where)
    own = product.id == slot.slot.product
    asked = player.role.part.asked_s[player.next] if player.role.part.asked_s else None
    quantity = left = step.quantity if step.hand != "both" else max(step.quantity, 2)
    parties = _together(shop, step.together)
    if step.together is not None and parties < 2:
        raise ScenarioError(f"{where}: nobody else takes something `together: {step.together}`")
    while left:
        if step.hand == "both" and left >= 2:
            hands = [free_hand(player, "left", where), free_hand(player, "right", where)]
            besides = [0.0, slot.width_m]
        else:
            hands = [free_hand(player, _wanted(shop, step, slot, where), where)]
            besides = [float(player.rng.uniform(0, slot.width_m)) if step.together is None else slot.width_m / 2]
        goals = [nominal(shop, slot, product, beside) for beside in besides]
        stand_at(player, shop, slot, [goal[0] for goal in goals], hands, where, step.before, step.aside_m)
        if step.together is not None and left == quantity:
            player.script.append(Meet(f"together {step.together}", parties))
        hold_s = float(player.rng.uniform(*step.hold_s))
        gestures = [
            reach(player, Motion.TAKE, hand, goal[0], slot.normal, hold_s)
            for hand, goal in zip(hands, goals, strict=True)
        ]
        if asked is not None:
            player.script.append(Wait(0.0, max(0.0, asked - gestures[0].release_s)))
        tokens = [Token(product, slot.id if own else None, slot.id) for _ in hands]
        deeds = [
            deed("take", where, hand, token, slot=slot.id, beside_m=goal[1], own=own, asked_s=asked)
            for hand, token, goal in zip(hands, tokens, goals, strict=True)
        ]
        act(player, gestures, deeds)
        for hand, token in zip(hands, tokens, strict=True):
            player.hands[hand] = token
            if step.into != "hand":
                _check_stow(player, token.product, step.into, where)
                stow(player, hand, step.into, where)
        left -= len(hands)


def _together(shop: Shop, label: str | None) -> int:
    """How many takes have this ``together``."""
    steps = [step for person in shop.scenario.people for step in person.does]
    return sum(step.take is not None and step.take.together == label for step in steps)


def _wanted(shop: Shop, step: schema.Take, slot: PlacedSlot, where: str) -> str:
    """The hand to take with: before another slot, the one on the side of what is taken."""
    if step.hand == "both":
        return "any"
    if step.before is None or step.hand != "any":
        return step.hand
    other = shop.slot(step.before, where)
    way = np.array(slot.corner[:2]) - other.corner[:2]
    return "right" if way @ np.array(other.along) > 0 else "left"


def _put(shop: Shop, player: Player, step: schema.Return, where: str) -> None:
    product = None if step.product is None else shop.product(step.product, where)
    hand = full_hand(player, step.hand, where, product)
    token = held(player, hand)
    if step.slot is None and token.slot is None:
        home = next((slot for slot in shop.slots if slot.slot.product == token.product.id), None)
        if home is None:
            raise ScenarioError(f"{where}: no slot of the plan is made for {token.product.id}; name one with `slot`")
        slot = home
    else:
        slot = shop.slot(step.slot or token.slot or "", where)
    own = slot.slot.product == token.product.id
    beside = float(player.rng.uniform(0, slot.width_m))
    target, beside = _put_target(shop, slot, token.product, own, beside)
    stand_at(player, shop, slot, [target], [hand], where, step.before, step.aside_m)
    gesture = reach(player, Motion.PUT, hand, target, slot.normal, float(player.rng.uniform(*step.hold_s)))
    asked = player.role.part.asked_s[player.next] if player.role.part.asked_s else None
    if asked is not None:
        player.script.append(Wait(0.0, max(0.0, asked - gesture.release_s)))
    act(
        player,
        [gesture],
        [deed("put", where, hand, token, slot=slot.id, beside_m=beside, own=own, asked_s=asked)],
    )
    player.hands[hand] = None


def _put_target(shop: Shop, slot: PlacedSlot, product: Product, own: bool, beside: float) -> tuple[Float, float]:
    if own:
        return nominal(shop, slot, product, beside)
    pose = shop.contents[slot.id].free_place(product, False, beside)
    if pose is None:
        return nominal(shop, slot, product, beside)
    return grip_point(pose, product), beside


def _browse(shop: Shop, player: Player, step: schema.Browse, where: str) -> None:
    slot = shop.slot(step.slot, where)
    product = shop.catalogue.product(slot.slot.product)
    target, _ = nominal(shop, slot, product, slot.width_m / 2)
    aside = step.aside_m + float(player.rng.uniform(-0.15, 0.15))
    stance = shop.stances.at_slot(player.body, slot, target, RIGHT, aside, BACK_M)
    stance = stance or shop.stances.at_slot(player.body, slot, target, RIGHT, step.aside_m)
    if stance is None:
        raise UnluckyDrawError(f"{where}: {player.name} finds no room to stand before slot {slot.id}")
    go(player, stance)
    player.script.append(Wait(float(player.rng.uniform(*step.for_s))))


def _walk(shop: Shop, player: Player, step: schema.WalkTo, where: str) -> None:
    if step.slot is not None:
        slot = shop.slot(step.slot, where)
        target, _ = nominal(shop, slot, shop.catalogue.product(slot.slot.product), slot.width_m / 2)
        stance = shop.stances.at_slot(player.body, slot, target, RIGHT, 0.0, BACK_M)
        if stance is None:
            raise UnluckyDrawError(f"{where}: {player.name} finds no room to stand before slot {slot.id}")
        go(player, stance)
        return
    xy = step.xy
    if step.gate is not None:
        gates = {gate.name: gate for gate in shop.plan.gates}
        if step.gate not in gates:
            raise ScenarioError(f"{where}: no gate {step.gate!r}; there are: {', '.join(gates) or 'none'}")
        gate = gates[step.gate]
        inside = np.mean([gate.a, gate.b], axis=0) - 0.8 * outward(shop.plan, gate)
        xy = (float(inside[0]), float(inside[1]))
    assert xy is not None
    if not shop.stances.free(xy):
        raise ScenarioError(f"{where}: nobody can stand at ({xy[0]:g}, {xy[1]:g}): furniture, a wall or outside")
    go(player, Stance(xy, player.at.heading))


def _take_out(shop: Shop, player: Player, step: schema.TakeOut, where: str) -> None:
    wanted = None if step.product is None else shop.product(step.product, where).id
    hand = free_hand(player, step.hand, where)
    for inside, store in (("bag", player.bag), ("pocket", player.pocket)):
        for token in reversed(store):
            if wanted in (None, token.product.id):
                store.remove(token)
                kind: Inside = "bag" if inside == "bag" else "pocket"
                fetch(player, hand, token, kind, where)
                return
    raise ScenarioError(f"{where}: {player.name} has no {wanted or 'package'} in bag or pocket")


def _restock(shop: Shop, player: Player, step: schema.Restock, where: str) -> None:
    if player.role.role != "staff":
        raise ScenarioError(f"{where}: {player.name} is a shopper; only staff restock")
    slot = shop.slot(step.slot, where)
    product = shop.catalogue.product(slot.slot.product)
    for _ in range(step.quantity):
        hand = free_hand(player, "any", where)
        target, beside = nominal(shop, slot, product, float(player.rng.uniform(0, slot.width_m)))
        stand_at(player, shop, slot, [target], [hand], where, step.before, step.aside_m)
        token = Token(product, slot.id)
        fetch(player, hand, token, "crate", where)
        gesture = reach(player, Motion.PUT, hand, target, slot.normal)
        act(player, [gesture], [deed("put", where, hand, token, slot=slot.id, beside_m=beside)])
        player.hands[hand] = None


def _empty_hand(shop: Shop, player: Player, step: schema.Held, where: str) -> None:
    hand = full_hand(player, step.hand, where)
    token = held(player, hand)
    does = player.role.steps[player.next]
    if does.drop is None:
        inside: Inside = "bag" if does.put_in_bag is not None else "pocket"
        _check_stow(player, token.product, inside, where)
        stow(player, hand, inside, where)
        return
    stance = shop.stances.put_down(player.at.xy, player.rng)
    if stance is None:
        raise UnluckyDrawError(f"{where}: no free floor before {player.name} to put {token.product.id} on")
    go(player, stance, look_s=0.1)
    pose = np.eye(4)
    pose[:2, 0], pose[:2, 1] = stance.right, stance.ahead
    side = (DROP_ASIDE_M if hand == RIGHT else -DROP_ASIDE_M) * stance.right
    pose[:2, 3] = np.array(stance.xy) + FEET_M * stance.ahead + side
    back = (float(-stance.ahead[0]), float(-stance.ahead[1]))
    gesture = reach(player, Motion.DROP, hand, grip_point(pose, token.product), back)
    rows = tuple(tuple(float(value) for value in row) for row in pose)
    player.script.append(Lay(_lying(token, pose), (float(pose[0, 3]), float(pose[1, 3]))))
    act(player, [gesture], [deed("drop", where, hand, token, pose=rows)])
    player.hands[hand] = None
    shop.floor.append((token, pose))


def _lying(token: Token, pose: Float) -> str:
    """What tells a package on the floor from others."""
    return f"{token.product.id} at ({pose[0, 3]:.3f}, {pose[1, 3]:.3f})"


def _pick_up(shop: Shop, player: Player, step: schema.PickUp, where: str) -> bool:
    wanted = None if step.product is None else shop.product(step.product, where).id
    lying = [pair for pair in shop.floor if wanted in (None, pair[0].product.id)]
    if not lying:
        return False
    token, pose = min(lying, key=lambda pair: float(np.linalg.norm(pair[1][:2, 3] - player.at.xy)))
    hand = free_hand(player, step.hand, where)
    stance = shop.stances.over(pose[:2, 3], player.at.xy)
    if stance is None:
        raise UnluckyDrawError(
            f"{where}: {player.name} finds no room to stand over the {token.product.id} on the floor"
        )
    go(player, stance)
    _, depth, height = token.product.size_m
    spot = pose[:2, 3] - stance.ahead * (depth / 2 + 0.03)
    back = (float(-stance.ahead[0]), float(-stance.ahead[1]))
    gesture = reach(player, Motion.TAKE, hand, np.array([*spot, height / 2]), back)
    act(player, [gesture], [deed("pick_up", where, hand, token)])
    player.script.append(Lift(_lying(token, pose)))
    shop.floor[:] = [pair for pair in shop.floor if pair[0] is not token]
    player.hands[hand] = token
    return True


def _check_stow(player: Player, product: Product, inside: Inside, where: str) -> None:
    if inside == "pocket" and not fits_pocket(product):
        size = " x ".join(f"{side:.2f}" for side in product.size_m)
        raise ScenarioError(f"{where}: {product.id} ({size} m) does not fit into a pocket")
