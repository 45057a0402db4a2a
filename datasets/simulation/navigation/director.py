"""From what people are to do to where each is at each moment."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from datasets.simulation.errors import ScenarioError, UnluckyDrawError
from datasets.simulation.navigation.aside import has_way, places_aside
from datasets.simulation.navigation.crowd import LYING_M, RATE_HZ, TICK_S, Others, Track
from datasets.simulation.navigation.ground import TIGHT_M, body_width
from datasets.simulation.navigation.legs import Leg, plan_leg
from datasets.simulation.navigation.places import ground_of
from datasets.simulation.navigation.search import Errand
from datasets.simulation.performance import Walk
from datasets.simulation.script import Act, Go, Lay, Lift, Meet, Script, Step, Wait
from store.layout import Plan

RETRY_TICKS = 10
ASIDE_TICKS = 30  # who stepped aside stays there so long at least
TRIES = 4  # places to step aside to that are looked at
PATIENT_TICKS = 10 * RATE_HZ  # for so long nobody is asked who is not in the way
GIVE_UP_TICKS = 120 * RATE_HZ
MOST_ASIDE = 20  # how often somebody steps aside within one step before it is given up


@dataclass(frozen=True, eq=False)
class Blocking:
    """A script in time: the ``walk`` (20 Hz) and the second at which each step of the script starts and ends.

    A step starts when the one before it ends. An ``Act`` lasts its ``duration_s``, rounded up to the walk's next time.
    """

    walk: Walk
    steps: tuple[tuple[float, float], ...]


def direct(scripts: Sequence[Script], plan: Plan, *, seed: int) -> tuple[Blocking, ...]:
    """Let people walk: one ``Blocking`` a script, in their order, the same for the same arguments.

    The middles of any two people stay 0.5 m apart, or the sum of their radii where that is more; who finds no way
    waits, and asks who stands in the way to step aside. Raises ``ScenarioError`` naming person, step, place and moment
    where a place cannot be reached or a meeting never comes about.
    """
    return _Stage(scripts, plan, seed).play()


@dataclass(eq=False)
class _Player:
    """One person while the walks are being made."""

    script: Script
    number: int
    speed_mps: float
    taste: NDArray[np.float64]
    tick: int  # when the step that is on began
    track: Track | None = None
    step: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    done: int | None = None  # when the step's own time is over
    back: Go | None = None  # where to go back to after having stepped aside
    blocked: int | None = None  # since when no way was found
    aside_until: int = 0
    asides: int = 0  # how often they stepped aside during the step that is on
    turn: int = 0  # which of the entries in the queue is valid

    @property
    def doing(self) -> Step:
        return self.script.steps[self.step]

    @property
    def body_m(self) -> float:
        return body_width(self.script.radius_m)


class _Stage:
    def __init__(self, scripts: Sequence[Script], plan: Plan, seed: int) -> None:
        self.ground = ground_of(plan)
        self.players: list[_Player] = []
        self.queue: list[tuple[int, int, int]] = []
        self.waiting: dict[str, list[_Player]] = {}
        self.lying: dict[str, Track] = {}
        for number, script in enumerate(scripts):
            rng = np.random.default_rng([seed, number])
            rows, columns = (int(size) + 2 for size in (self.ground.high - self.ground.low)[::-1])
            taste = np.abs(gaussian_filter(rng.normal(size=(rows * 2, columns * 2)), 1.5)) * 0.8
            speed = script.speed_mps * float(rng.uniform(0.93, 1.0))
            self.players.append(_Player(script, number, speed, taste, math.ceil(script.start_s * RATE_HZ - 1e-6)))
        _check(scripts)

    def play(self) -> tuple[Blocking, ...]:
        for player in self.players:
            self._place(player, player.script.xy, "the start")
            self._call(player, player.tick)
        while self.queue:
            tick, number, turn = heapq.heappop(self.queue)
            player = self.players[number]
            if turn == player.turn:
                self._continue(player, tick)
        for label, people in self.waiting.items():
            if people:
                player = people[0]
                raise self._error(player, self.tracks(player), f"nobody else comes to the meeting {label!r}")
        return tuple(_blocking(player) for player in self.players)

    def tracks(self, player: _Player) -> int:
        return player.track.last if player.track else player.tick

    def _call(self, player: _Player, tick: int) -> None:
        player.turn += 1
        heapq.heappush(self.queue, (tick, player.number, player.turn))

    def _continue(self, player: _Player, tick: int) -> None:
        """Go on with the player's step at ``tick``."""
        if player.track is None and not isinstance(player.doing, Go):
            track = Track(player.script.radius_m, tick, player.script.xy, player.script.heading)
            if not self._others(player, tick).clear(track.xy, tick, True):
                self._retry(player, tick)
                return
            player.track, player.tick, player.blocked = track, tick, None
        if player.back is not None:
            self._go(player, player.back, tick)
        elif isinstance(player.doing, Go):
            self._go(player, player.doing, tick)
        else:
            self._stay(player, player.doing, tick)

    def _stay(self, player: _Player, step: Act | Wait | Meet | Lay | Lift, tick: int) -> None:
        if isinstance(step, Lay):
            self._lay(player, step, tick)
            return
        if isinstance(step, Lift):
            # who lifts too early, before it lies, is told so by who keeps the books
            thing = self.lying.setdefault(step.label, Track(0.0, tick, (0.0, 0.0), 0.0))
            thing.stand(tick)
            thing.ended = True
            self._finish(player, tick)
            return
        if isinstance(step, Meet):
            people = self.waiting.setdefault(step.label, [])
            people.append(player)
            if len(people) == step.parties:
                self.waiting[step.label] = []
                for other in people:
                    self._finish(other, tick)
            return
        if player.done is None:
            lasts = step.duration_s * RATE_HZ
            player.done = player.tick + math.ceil(lasts - 1e-6)
            if isinstance(step, Wait):
                player.done = max(player.done, math.ceil(step.until_s * RATE_HZ - 1e-6))
            elif player.track is not None:
                player.track.stand(player.done)
        if tick >= player.done:
            self._finish(player, tick)
        else:
            self._call(player, player.done)

    def _lay(self, player: _Player, step: Lay, tick: int) -> None:
        others = self._others(player, tick)
        space = Others(others.tracks, np.full(len(others.tracks), LYING_M))
        if space.free_from(np.array(step.xy), tick) > tick:
            player.blocked = tick if player.blocked is None else player.blocked
            if tick - player.blocked > GIVE_UP_TICKS:
                raise self._error(player, tick, "somebody stands where something is to be put down", step.xy)
            self._call(player, tick + RETRY_TICKS)
            return
        self.lying.setdefault(step.label, Track(0.0, tick, step.xy, 0.0))
        self._finish(player, tick)

    def _finish(self, player: _Player, tick: int) -> None:
        """End the player's step at ``tick`` and call them for the next."""
        assert player.track is not None
        player.track.stand(tick)
        player.spans.append((player.tick, tick))
        player.tick, player.done, player.step = tick, None, player.step + 1
        player.blocked, player.asides = None, 0
        if player.step == len(player.script.steps):
            player.track.ended = True
            player.turn += 1
        else:
            self._call(player, tick)

    def _go(self, player: _Player, go: Go, tick: int) -> None:
        self._place(player, go.xy, "the place", tick)
        leg = self._leg(player, go, tick)
        if leg is None:
            self._retry(player, tick)
            return
        self._commit(player, leg, tick)
        player.blocked = None
        assert player.track is not None
        if player.back is not None:
            player.back = None
            self._call(player, player.track.last)
        else:
            self._finish(player, player.track.last)

    def _leg(self, player: _Player, go: Go, tick: int) -> Leg | None:
        track = player.track
        start = (float(track.xy[-1, 0]), float(track.xy[-1, 1])) if track else player.script.xy
        heading = float(track.heading[-1]) if track else player.script.heading
        distances = self.ground.distances(go.xy, player.body_m)
        cell = self.ground.cell(start, player.body_m)
        if cell is None or not math.isfinite(distances[cell]):
            raise self._error(player, tick, f"no way leads from ({start[0]:.2f}, {start[1]:.2f}) to there")
        last = player.back is None and go is player.doing and player.step == len(player.script.steps) - 1
        errand = Errand(start, go.xy, tick, player.speed_mps, player.body_m, player.taste, last)
        others = self._others(player, tick)
        if track is None and float(others.room(np.array([start]), np.array([tick]))[0]) < 0.0:
            return None
        return plan_leg(self.ground, errand, heading, go.heading, others)

    def _commit(self, player: _Player, leg: Leg, tick: int) -> None:
        if player.track is None:
            player.track = Track(player.script.radius_m, tick, player.script.xy, player.script.heading)
            player.tick = tick
        player.track.stand(tick)
        player.track.add(leg.xy, leg.heading)

    def _others(self, player: _Player, tick: int) -> Others:
        tracks = [other.track for other in self.players if other is not player and other.track is not None]
        return Others.of(tracks, player.script.radius_m, tick, list(self.lying.values()))

    def _retry(self, player: _Player, tick: int) -> None:
        if player.blocked is None:
            player.blocked = tick
        if tick - player.blocked > GIVE_UP_TICKS:
            raise self._error(player, tick, f"no way was free of people for {(tick - player.blocked) * TICK_S:.0f} s")
        # every other time
        if (tick - player.blocked) // RETRY_TICKS % 2:
            self._ask(player, tick)
        if player.track is None or player.track.last <= tick:
            self._call(player, max(tick + RETRY_TICKS, player.aside_until))

    def _ask(self, player: _Player, tick: int) -> None:
        """Have somebody who stands in the player's way step aside, or the player themself."""
        go = player.back or player.doing
        here = player.track.xy[-1] if player.track is not None else np.array(player.script.xy)
        goal = np.array(go.xy) if isinstance(go, Go) else here
        standing = [o for o in self.players if o is not player and o.track is not None and not o.track.ended]
        still = [o.track.xy[-1] for o in standing if o.track is not None and o.track.last <= tick]
        if has_way(self.ground, here, goal, np.array(still).reshape(-1, 2), player.body_m) and self._patient(
            player, tick
        ):
            return  # only people who walk are in the way: they will be gone
        idle = [other for other in self.players if other is not player and self._may_move(other, tick)]
        idle.sort(key=lambda other: _detour(other, here, goal))
        wishes = [(other, here, goal, player.body_m) for other in idle]
        if player.track is not None:
            for other in idle:
                wish = other.back or other.doing
                if other.blocked is not None and isinstance(wish, Go) and other.track is not None:
                    wishes.append((player, other.track.xy[-1], np.array(wish.xy), other.body_m))
        # first somebody whose move makes the way free, then somebody whose move is a beginning of it
        for all_stay in (True, False):
            for who, passer, to, body_m in wishes:
                if self._step_aside(who, passer, to, body_m, tick, all_stay):
                    return

    def _patient(self, player: _Player, tick: int) -> bool:
        return player.blocked is not None and tick - player.blocked < PATIENT_TICKS

    def _may_move(self, player: _Player, tick: int) -> bool:
        """Whether the player stands, and not in the middle of an act or a moment after having stepped aside."""
        if player.track is None or player.track.ended or player.track.last > tick or tick < player.aside_until:
            return False
        return player.blocked is not None or isinstance(player.doing, Wait | Meet)

    def _step_aside(
        self,
        player: _Player,
        passer: NDArray[np.float64],
        goal: NDArray[np.float64],
        body_m: float,
        tick: int,
        all_stay: bool,
    ) -> bool:
        track = player.track
        assert track is not None
        here = track.xy[-1]
        near = np.linalg.norm(here - passer) + np.linalg.norm(here - goal)
        if near > np.linalg.norm(goal - passer) + 2.5:
            return False
        standing = [
            other.track.xy[-1]
            for other in self.players
            if other.track is not None
            and not other.track.ended
            and other is not player
            and (all_stay or not self._may_move(other, tick))
        ]
        rest = np.array([xy for xy in standing if np.linalg.norm(xy - passer) > 1e-6]).reshape(-1, 2)
        others = self._others(player, tick)
        places = places_aside(self.ground, here, passer, goal, rest, body_m)
        for place in islice(places, TRIES):
            errand = Errand(
                (float(here[0]), float(here[1])), place, tick, player.speed_mps, player.body_m, player.taste
            )
            leg = plan_leg(self.ground, errand, float(track.heading[-1]), None, others)
            if leg is not None and len(leg.xy):
                if isinstance(player.doing, Wait | Meet | Lay) and player.back is None:
                    player.back = Go((float(here[0]), float(here[1])), float(track.heading[-1]))
                    for people in self.waiting.values():
                        if player in people:
                            people.remove(player)
                player.asides += 1
                if player.asides > MOST_ASIDE:
                    raise self._error(player, tick, f"people stepped aside for one another {MOST_ASIDE} times")
                self._commit(player, leg, tick)
                player.aside_until = track.last + ASIDE_TICKS
                self._call(player, player.aside_until)
                return True
        return False

    def _place(self, player: _Player, xy: tuple[float, float], what: str, tick: int | None = None) -> None:
        room = float(self.ground.clearance(np.array(xy)))
        if room < TIGHT_M - 0.005:
            inside = "inside of furniture, a wall or the ground that is not the shop's"
            where = inside if room <= 0 else f"{room:.2f} m from furniture or a wall; {TIGHT_M:.2f} m are needed"
            message = f"{what} is {where}"
            raise self._error(player, player.tick if tick is None else tick, message, xy)

    def _error(self, player: _Player, tick: int, why: str, xy: tuple[float, float] | None = None) -> UnluckyDrawError:
        step = player.back or player.doing
        at = xy or (step.xy if isinstance(step, Go) else player.script.xy)
        return UnluckyDrawError(
            f"{player.script.name}, step {player.step + 1} of {len(player.script.steps)} ({type(step).__name__}), "
            f"place ({at[0]:.2f}, {at[1]:.2f}), at {tick * TICK_S:.1f} s: {why}"
        )


def _check(scripts: Sequence[Script]) -> None:
    """Refuse scripts without steps and meetings that cannot come about."""
    meets: dict[str, list[tuple[str, int]]] = {}
    for script in scripts:
        if not script.steps:
            raise ScenarioError(f"{script.name} has no steps: add a Go, Act, Wait or Meet")
        for step in script.steps:
            if isinstance(step, Meet):
                meets.setdefault(step.label, []).append((script.name, step.parties))
    for label, people in meets.items():
        names = [name for name, _ in people]
        if {parties for _, parties in people} != {len(people)} or len(set(names)) != len(names):
            wanted = ", ".join(f"{name} ({parties})" for name, parties in people)
            raise ScenarioError(
                f"the meeting {label!r} needs as many different people as its steps say; they are, with what each "
                f"says: {wanted}"
            )


def _detour(player: _Player, here: NDArray[np.float64], goal: NDArray[np.float64]) -> float:
    assert player.track is not None
    at = player.track.xy[-1]
    return float(np.linalg.norm(at - here) + np.linalg.norm(at - goal))


def _blocking(player: _Player) -> Blocking:
    track = player.track
    assert track is not None
    ticks = track.first + np.arange(len(track.xy), dtype=np.float64)
    walk = Walk(ticks * TICK_S, track.xy, track.heading)
    return Blocking(walk, tuple((start * TICK_S, end * TICK_S) for start, end in player.spans))
