"""Two people who hand something over, or swap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.performance import LEFT, RIGHT, Gesture, Motion
from datasets.simulation.scenario import schema
from datasets.simulation.scenario.deeds import Deed
from datasets.simulation.scenario.rehearsal import SIDES, Player, Shop, act, deed, free_hand, full_hand, go, held
from datasets.simulation.script import Meet

PALM_M = 0.03  # from a palm to the package in it, as in ``placement.grip_point``
APART_M = 0.13  # of what is handed over from the line between the two
THERE_S, REST_S, BACK_S = 0.8, 0.45, 0.75


def swap(
    shop: Shop,
    players: Sequence[Player],
    player: Player,
    step: schema.HandOver | schema.Receive | schema.Exchange,
    where: str,
) -> bool:
    """Hand over or exchange if the other is ready for it; False while not.

    Raises ``ScenarioError`` for an unknown person, an empty or a full hand, and where two find no room.
    """
    name = (
        step.to if isinstance(step, schema.HandOver) else step.giver if isinstance(step, schema.Receive) else step.other
    )
    other = next((p for p in players if p.name == name), None)
    if other is None or other is player:
        known = ", ".join(p.name for p in players if p is not player)
        raise ScenarioError(f"{where}: nobody called {name!r} is there for {player.name}; there are: {known or 'none'}")
    if isinstance(step, schema.Receive) or other.gone or other.next >= len(other.role.steps):
        return False  # the giver has it done
    theirs = other.role.steps[other.next].does
    if isinstance(step, schema.HandOver):
        if not isinstance(theirs, schema.Receive) or theirs.giver != player.name:
            return False
    elif not isinstance(theirs, schema.Exchange) or theirs.other != player.name:
        return False
    their_where = shop.scenario.where(*other.role.part.steps[other.next])
    hand = full_hand(player, step.hand if isinstance(step, schema.HandOver) else "any", where)
    if isinstance(theirs, schema.Receive):
        back_hand = None
        wanted = theirs.hand
    else:
        back_hand = full_hand(other, "any", their_where)
        wanted = "any"
    receiving = _receiving(other, hand, wanted, their_where, back_hand)
    _face(shop, players, player, other, where)
    gestures, deeds = _give(player, other, hand, receiving, where)
    player_side, other_side = [gestures[0]], [gestures[1]]
    player_deeds, other_deeds = [deeds[0]], [deeds[1]]
    given = held(player, hand)
    if back_hand is not None:
        mine = _receiving(player, back_hand, "any", where, hand)
        gestures, deeds = _give(other, player, back_hand, mine, their_where)
        other_side.append(gestures[0])
        player_side.append(gestures[1])
        other_deeds.append(deeds[0])
        player_deeds.append(deeds[1])
        taken = held(other, back_hand)
        other.hands[back_hand] = None
        player.hands[mine] = taken
    act(player, player_side, player_deeds)
    act(other, other_side, other_deeds)
    player.hands[hand] = None
    other.hands[receiving] = given
    player.next += 1
    other.next += 1
    return True


def _named(step: schema.HandOver | schema.Receive | schema.Exchange) -> str:
    """Whom the step is with."""
    match step:
        case schema.HandOver():
            return step.to
        case schema.Receive():
            return step.giver
    return step.other


def _receiving(player: Player, giving: int, wanted: str, where: str, busy: int | None) -> int:
    """The hand to receive with: the one that faces the giver's, if it is empty."""
    opposite = RIGHT if giving == LEFT else LEFT
    if wanted == "any" and player.hands[opposite] is None and opposite != busy:
        return opposite
    return free_hand(player, wanted, where)


def _face(shop: Shop, players: Sequence[Player], player: Player, other: Player, where: str) -> None:
    standing = [p.at.xy for p in players if p is not player and p is not other and not p.gone]
    inside = [xy for xy in standing if shop.stances.free(xy)]
    pair = shop.stances.pair(player.at.xy if player.script else other.at.xy, other.at.xy, inside)
    if pair is None:
        raise UnluckyDrawError(f"{where}: {player.name} and {other.name} find no room to stand face to face")
    label = f"{player.name} and {other.name} {len(player.script)}"
    for one, stance in ((player, pair[0]), (other, pair[1])):
        go(one, stance, look_s=0.1)
        one.script.append(Meet(label, 2))


def _give(
    giver: Player, receiver: Player, hand: int, receiving: int, where: str
) -> tuple[tuple[Gesture, Gesture], tuple[Deed, Deed]]:
    token = held(giver, hand)
    _, depth, _ = token.product.size_m
    height = 0.3 * (giver.body.traits.height_m + receiver.body.traits.height_m)
    middle = (np.array(giver.at.xy) + receiver.at.xy) / 2 + (APART_M if hand == RIGHT else -APART_M) * giver.at.right
    gestures = []
    for one, motion, side in ((giver, Motion.GIVE, hand), (receiver, Motion.RECEIVE, receiving)):
        palm = middle - one.at.ahead * (depth / 2 + PALM_M)
        back = (float(-one.at.ahead[0]), float(-one.at.ahead[1]))
        target = (float(palm[0]), float(palm[1]), float(height))
        times = (0.0, THERE_S, THERE_S + REST_S, THERE_S + REST_S + BACK_S)
        gestures.append(Gesture(motion, side, *times, target, back))
    what = f"{giver.name}'s {SIDES[hand]} hand to {receiver.name}"
    given = deed("give", f"{where} ({what})", hand, token, other=receiver.number, other_hand=receiving)
    received = deed("receive", where, receiving, token, other=giver.number)
    return (gestures[0], gestures[1]), (given, received)
