"""The shop as it is now, for a screen: who is where, which slots were just reached, in small numbers instead of ids.

Track ids, session ids and aliases of members stay here: whoever looks gets numbers that count up and mean nothing
elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from store.events import (
    BasketEvent,
    Event,
    PersonLeft,
    PersonMoved,
    ProductEvent,
    ProductHandedOver,
    ProductMisplaced,
    ProductReturned,
    ProductTaken,
    SessionClosed,
    SessionJoined,
    SessionOpened,
    ShelfReached,
)

LIT_S: Final = 4.0
"""For so long a slot is lit after a hand was in it."""
_GONE_S: Final = 5.0  # of the footage, without being seen
_SILENT_S: Final = 15.0  # of our time, without any word of anybody
_TOGETHER_S: Final = 10.0  # for so long people of the whole floor stand for those of single cameras
_REMEMBERED: Final = 5_000
_DEEDS: Final = 8
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Dot:
    """A person: ``number`` names the dot, ``visit`` the session (None: without one), ``xy_m`` where on the floor."""

    number: int
    visit: int | None
    xy_m: tuple[float, float]
    time: float


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done with a product. ``kind`` is the event's type without ``product.``; ``visit`` as above."""

    kind: str
    gtin: str
    quantity: int
    slot: str | None
    visit: int | None
    time: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at once: ``lit`` are seconds since a slot was reached, by slot; ``time`` that of the footage."""

    version: int
    time: float | None
    dots: tuple[Dot, ...]
    lit: dict[str, float]
    deeds: tuple[Deed, ...]


class ShopNow:
    """Takes events in the order of the bus, and gives scenes. Safe to share between threads; memory is bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._dots: dict[str, Dot] = {}
        self._lit: dict[str, float] = {}
        self._deeds: deque[Deed] = deque(maxlen=_DEEDS)
        self._visits: OrderedDict[str, int] = OrderedDict()
        self._session_of: OrderedDict[str, str] = OrderedDict()
        self._people = self._sessions = self._version = 0
        self._newest: float | None = None
        self._heard_at = self._together_at = float("-inf")

    def take(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            match event:
                case PersonMoved():
                    self._move(event)
                case PersonLeft():
                    self._dots.pop(event.track_id, None)
                case SessionJoined():
                    _remember(self._session_of, event.track_id, event.session_id)
                    self._visit(event.session_id)
                case ShelfReached():
                    self._lit[event.slot] = self._clock()
                case ProductTaken() | ProductReturned() | ProductMisplaced() | ProductHandedOver():
                    self._do(event)
                case SessionOpened() | SessionClosed() | BasketEvent():
                    self._visit(event.session_id)
                case _:
                    return
            self._version += 1

    def visit(self, session_id: str) -> int:
        """The number of a session."""
        with self._lock:
            return self._visit(session_id)

    def scene(self) -> Scene:
        """What is to be seen now."""
        with self._lock:
            now = self._clock()
            if now - self._heard_at > _SILENT_S:
                self._dots.clear()
            self._lit = {slot: at for slot, at in self._lit.items() if now - at < LIT_S}
            dots = tuple(replace(dot, visit=self._visit_of(track)) for track, dot in self._dots.items())
            lit = {slot: round(now - at, 2) for slot, at in self._lit.items()}
            return Scene(self._version, self._newest, dots, lit, tuple(reversed(self._deeds)))

    def _move(self, event: PersonMoved) -> None:
        now = self._clock()
        if event.camera is None:
            if now - self._together_at > _TOGETHER_S:
                self._dots.clear()
            self._together_at = now
        elif event.xy_m is None or now - self._together_at <= _TOGETHER_S:
            return
        assert event.xy_m is not None
        self._heard_at = now
        for track, at, xy in zip(event.track_id, event.time_s, event.xy_m, strict=True):
            known = self._dots.get(track)
            if known is None:
                self._people += 1
                self._dots[track] = Dot(self._people, None, xy, at)
            elif at >= known.time:
                self._dots[track] = replace(known, xy_m=xy, time=at)
        self._newest = event.time
        gone = [track for track, dot in self._dots.items() if event.time - dot.time > _GONE_S]
        for track in gone:
            del self._dots[track]

    def _do(self, event: ProductEvent) -> None:
        if event.slot is not None:
            self._lit[event.slot] = self._clock()
        kind = event.type.removeprefix("product.")
        self._deeds.append(
            Deed(kind, event.gtin, event.quantity, event.slot, self._visit_of(event.track_id), event.time)
        )

    def _visit(self, session_id: str) -> int:
        if session_id not in self._visits:
            self._sessions += 1
            _remember(self._visits, session_id, self._sessions)
        return self._visits[session_id]

    def _visit_of(self, track_id: str) -> int | None:
        session = self._session_of.get(track_id)
        return None if session is None else self._visit(session)


def _remember(known: OrderedDict[str, V], key: str, value: V) -> None:
    known[key] = value
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
