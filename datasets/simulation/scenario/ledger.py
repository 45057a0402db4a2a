"""Books every package from place to place in the order in which hands come and go.

A hand finds its package when it arrives (``contact_s``) and the package changes its place when the hand lets go of
where it was (``release_s``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.navigation import Blocking
from datasets.simulation.performance import Gesture, Hold
from datasets.simulation.placement import grip_point
from datasets.simulation.scenario.deeds import Deed, Token
from datasets.simulation.scenario.rehearsal import Player
from datasets.simulation.scenario.shelves import Contents
from datasets.simulation.scenario.stance import Stance, inside, misses, point
from datasets.simulation.script import Act
from datasets.simulation.timeline import Stay
from store.catalogue import Catalogue, Product

Float = NDArray[np.float64]
Rows = tuple[tuple[float, ...], ...]


class TooEarlyError(Exception):
    """A hand came before what it wants to take was put there: step ``step`` of ``player`` must wait until
    ``until_s``.
    """

    def __init__(self, player: int, step: int, until_s: float) -> None:
        super().__init__(f"step {step} of player {player} must wait until {until_s:.2f} s")
        self.player, self.step, self.until_s = player, step, until_s


@dataclass(frozen=True, slots=True)
class Reach:
    """A hand of actor ``actor`` was in ``slot`` from ``contact_s`` to ``release_s``."""

    actor: int
    slot: str
    contact_s: float
    release_s: float


@dataclass(eq=False)
class Books:
    """What the ledger ends up with. ``stays`` by item number, ``product`` of each item that moved; ``gestures`` and
    ``holds`` of each player, in order of time.
    """

    stays: dict[int, list[Stay]] = field(default_factory=dict)
    product: dict[int, str] = field(default_factory=dict)
    gestures: list[list[Gesture]] = field(default_factory=list)
    holds: list[list[Hold]] = field(default_factory=list)
    reaches: list[Reach] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Moment:
    """A hand arrives (``arrives``) or lets go, for deed ``number`` of ``player``."""

    time_s: float
    arrives: bool
    player: int
    number: int
    deed: Deed


class Ledger:
    """Books the deeds of ``players`` with the times of ``blockings`` on ``contents``, which it changes."""

    def __init__(
        self,
        players: Sequence[Player],
        blockings: Sequence[Blocking],
        contents: dict[str, Contents],
        catalogue: Catalogue,
    ) -> None:
        self._players, self._blockings, self._contents = players, blockings, contents
        self._products = {product.id: product for product in catalogue.products}
        self._item: dict[Token, int] = {}
        self._next_item = sum(len(content.standing) for content in contents.values())
        self._gesture: dict[tuple[int, int, int], Gesture] = {}
        self._books = Books()
        self._moments: list[_Moment] = []

    def book(self) -> Books:
        """Book everything.

        Raises ``TooEarlyError`` where somebody must wait for another, ``ScenarioError`` with file and line for an empty
        or full slot, a package out of reach, and a listed event that comes too late.
        """
        moments = []
        for number, (player, blocking) in enumerate(zip(self._players, self._blockings, strict=True)):
            for k, deed in enumerate(player.deeds):
                act = player.script[deed.step]
                assert isinstance(act, Act)
                gesture = _moved(act.gestures[deed.gesture], blocking.steps[deed.step][0])
                self._gesture[number, deed.step, deed.gesture] = gesture
                moments.append(_Moment(gesture.contact_s, True, number, k, deed))
                moments.append(_Moment(gesture.release_s, False, number, k, deed))
        self._moments = sorted(moments, key=lambda m: (m.time_s, m.arrives, m.player, m.number))
        for moment in self._moments:
            if moment.arrives:
                self._arrive(moment)
            else:
                self._let_go(moment)
        for number, blocking in enumerate(self._blockings):
            self._leave(number, float(blocking.walk.time_s[-1]))
        self._finish()
        return self._books

    def _arrive(self, moment: _Moment) -> None:
        deed = moment.deed
        product = deed.token.product
        if deed.kind in ("take", "touch"):
            content = self._contents[deed.slot or ""]
            item = content.reachable(product.id, deed.beside_m, lambda p: self._misses(moment, p.pose, product) is None)
            if item is None:
                front = content.reachable(product.id, deed.beside_m)
                if front is None:
                    raise self._nothing(moment)
                raise self._out_of_reach(moment, content.standing[front].pose, product)
            pose = content.standing[item].pose
            if deed.kind == "take":
                content.busy.add(item)
                self._item[deed.token] = item
        elif deed.kind == "put":
            content = self._contents[deed.slot or ""]
            free = content.free_place(product, deed.own, deed.beside_m)
            if free is None:
                raise UnluckyDrawError(
                    f"{deed.where}: at {moment.time_s:.1f} s slot {deed.slot} has no free place in front for "
                    f"{product.id}; choose a slot with `gap: true`"
                )
            pose = free
            if self._misses(moment, pose, product) is not None:
                raise self._out_of_reach(moment, pose, product)
            content.add(self._item[deed.token], product, pose)
            content.busy.add(self._item[deed.token])
        elif deed.kind == "pick_up":
            if self._last(deed.token).where != "floor":
                raise self._nothing(moment)
            return
        else:
            return
        key = (moment.player, deed.step, deed.gesture)
        gesture, target = self._gesture[key], grip_point(pose, product)
        self._gesture[key] = replace(gesture, target=point(target), inside_m=inside(content.slot, target))
        assert deed.slot is not None
        self._books.reaches.append(Reach(moment.player, deed.slot, gesture.contact_s, gesture.release_s))

    def _let_go(self, moment: _Moment) -> None:
        deed, time_s = moment.deed, moment.time_s
        if deed.asked_s is not None and abs(time_s - deed.asked_s) > LATE_S:
            raise UnluckyDrawError(
                f"{deed.where}: {self._players[moment.player].name} cannot do this at {deed.asked_s:g} s, at "
                f"{time_s:.1f} s at the earliest"
            )
        match deed.kind:
            case "take":
                item = self._item[deed.token]
                content = self._contents[deed.slot or ""]
                if item not in self._books.stays:
                    pose = content.standing[item].pose
                    self._begin(item, deed.token, Stay(0.0, "slot", slot=deed.slot, pose=_rows(pose)))
                content.remove(item)
                self._stay(deed.token, Stay(time_s, "hand", actor=moment.player, hand=deed.hand))
            case "fetch":
                if deed.inside == "crate":
                    self._item[deed.token] = self._next_item
                    self._begin(self._next_item, deed.token, Stay(0.0, "crate"))
                    self._next_item += 1
                self._stay(deed.token, Stay(time_s, "hand", actor=moment.player, hand=deed.hand))
            case "pick_up":
                self._stay(deed.token, Stay(time_s, "hand", actor=moment.player, hand=deed.hand))
            case "store":
                self._stay(deed.token, Stay(time_s, deed.inside, actor=moment.player))
            case "put":
                content = self._contents[deed.slot or ""]
                item = self._item[deed.token]
                content.busy.discard(item)
                pose = content.standing[item].pose
                self._stay(deed.token, Stay(time_s, "slot", slot=deed.slot, pose=_rows(pose)))
            case "give":
                self._stay(deed.token, Stay(time_s, "hand", actor=deed.other, hand=deed.other_hand))
            case "drop":
                self._stay(deed.token, Stay(time_s, "floor", pose=deed.pose))

    def _begin(self, item: int, token: Token, stay: Stay) -> None:
        self._books.stays[item] = [stay]
        self._books.product[item] = token.product.id

    def _stay(self, token: Token, stay: Stay) -> None:
        self._books.stays[self._item[token]].append(stay)

    def _last(self, token: Token) -> Stay:
        """Where the package is now, as far as it is booked."""
        item = self._item.get(token)
        return self._books.stays[item][-1] if item in self._books.stays else Stay(0.0, "slot")

    def _leave(self, actor: int, time_s: float) -> None:
        """Whatever ``actor`` carries is gone when they are."""
        for stays in self._books.stays.values():
            if stays[-1].actor == actor and stays[-1].where in ("hand", "bag", "pocket"):
                stays.append(Stay(time_s, "gone", actor=actor))

    def _nothing(self, moment: _Moment) -> Exception:
        """What is wrong with a hand that finds nothing: too early, or never."""
        deed = moment.deed
        for later in self._moments:
            if later.arrives or later.time_s < moment.time_s or later.deed is deed:
                continue
            promised = (
                later.deed.token is deed.token
                if deed.kind == "pick_up"
                else later.deed.kind == "put"
                and later.deed.slot == deed.slot
                and later.deed.token.product.id == deed.token.product.id
                and later.player != moment.player
            )
            if promised and (deed.kind != "pick_up" or later.deed.kind == "drop"):
                return TooEarlyError(moment.player, deed.step, later.time_s + 0.6)
        what = deed.token.product.id
        if deed.kind == "pick_up":
            return ScenarioError(f"{deed.where}: at {moment.time_s:.1f} s no {what} lies on the floor")
        return UnluckyDrawError(
            f"{deed.where}: at {moment.time_s:.1f} s slot {deed.slot} is empty: no {what} can be taken from its front"
        )

    def _misses(self, moment: _Moment, pose: Float, product: Product) -> str | None:
        """Why the hand of ``moment`` cannot come to ``product`` at ``pose``; None if it can."""
        player, walk = self._players[moment.player], self._blockings[moment.player].walk
        place = int(np.clip(np.searchsorted(walk.time_s, moment.time_s), 0, len(walk.time_s) - 1))
        stance = Stance((float(walk.xy[place, 0]), float(walk.xy[place, 1])), float(walk.heading[place]))
        slot = self._contents[moment.deed.slot or ""].slot
        return misses(player.body, stance, slot, grip_point(pose, product), moment.deed.hand)

    def _out_of_reach(self, moment: _Moment, pose: Float, product: Product) -> UnluckyDrawError:
        player = self._players[moment.player]
        return UnluckyDrawError(
            f"{moment.deed.where}: {player.name} ({player.body.traits.height_m:.2f} m tall) cannot reach {product.id} "
            f"in slot {moment.deed.slot} at {moment.time_s:.1f} s: {self._misses(moment, pose, product)}"
        )

    def _finish(self) -> None:
        """Gestures and holds of each player, in order of time."""
        self._books.gestures = [[] for _ in self._players]
        self._books.holds = [[] for _ in self._players]
        for (player, _, _), gesture in sorted(self._gesture.items(), key=lambda pair: (pair[0][0], pair[1].start_s)):
            self._books.gestures[player].append(gesture)
        for item, stays in self._books.stays.items():
            size = self._products[self._books.product[item]].size_m
            for stay, after in pairwise(stays):
                if stay.where == "hand" and stay.actor is not None and stay.hand is not None:
                    self._books.holds[stay.actor].append(Hold(stay.hand, stay.start_s, after.start_s, size))
        for holds in self._books.holds:
            holds.sort(key=lambda hold: (hold.start_s, hold.hand))


LATE_S = 1.5  # a listed event may be so much off


def _moved(gesture: Gesture, by_s: float) -> Gesture:
    return replace(
        gesture,
        start_s=gesture.start_s + by_s,
        contact_s=gesture.contact_s + by_s,
        release_s=gesture.release_s + by_s,
        end_s=gesture.end_s + by_s,
    )


def _rows(pose: Float) -> Rows:
    return tuple(tuple(float(value) for value in row) for row in pose)
