"""A shop's checkout fed by a stream: who passes gates, what is taken, and what that comes to, on the stream's clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from checkout.passages import Passages
from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.shop import Shop
from checkout.writing import FACTS
from store.catalogue import Catalogue
from store.events import Event, PersonPassed, SessionJoined, SessionOpened
from store.plan import Plan

TICK_S: Final = 0.2
_TYPES: Final = frozenset((*FACTS, PersonPassed.type))


class CheckoutStream:
    """Runs ``checkout.Shop`` as its service does, but in the time of the stream.

    ``openings`` are the sessions that the gates open, each told at its time. ``facts`` has everything that was told or
    followed from it, in the order in which it became known.
    """

    def __init__(
        self, plan: Plan, catalogue: Catalogue, policy: Policy, openings: Sequence[SessionOpened] = ()
    ) -> None:
        self.shop = Shop(plan.store, PriceBook(catalogue), policy)
        self.facts: list[Event] = []
        self._policy = policy
        self._passages = Passages(plan)
        self._openings = sorted(openings, key=lambda event: event.time, reverse=True)
        self._joined: dict[str, str] = {}
        self.now_s = float("-inf")

    def take(self, now_s: float, events: Iterable[Event]) -> None:
        """``events`` became known at ``now_s`` of the stream (seconds, UTC)."""
        self._open(now_s)
        told: list[Event] = []
        for event in events:
            told += self._passages.take(event)
            if event.type in _TYPES:
                told.append(event)
            else:
                self.facts.append(event)
        for event in sorted(told, key=lambda event: event.time):
            self._apply(event)
        self.tick(now_s)

    def is_staff(self, track: str) -> bool:
        """Whether ``track`` belongs to a session of staff, as far as is known by now."""
        session = self.shop.session(self._joined.get(track, ""))
        return session is not None and session.role == "staff"

    def tick(self, now_s: float) -> None:
        """Let time pass until ``now_s``."""
        self._open(now_s)
        self.now_s = max(self.now_s, now_s)
        self._note(self.shop.tick(self.now_s))

    def finish(self) -> None:
        """Let time run on until every receipt is issued; who never went out is given up as lost at last."""
        latest_s = self.now_s + self._policy.settle_s + self._policy.lateness_s + self._policy.bind_s
        while self._owing() and self.now_s < latest_s:
            self.tick(self.now_s + TICK_S)
        if self._owing():
            self.tick(self.now_s + self._policy.lost_s)
            self.tick(self.now_s + self._policy.settle_s)

    def _open(self, now_s: float) -> None:
        while self._openings and self._openings[-1].time <= now_s:
            self._apply(self._openings.pop())

    def _apply(self, event: Event) -> None:
        self._note([event, *self.shop.take(event)])

    def _note(self, facts: Sequence[Event]) -> None:
        self.facts += facts
        self._joined |= {fact.track_id: fact.session_id for fact in facts if isinstance(fact, SessionJoined)}

    def _owing(self) -> bool:
        return bool(self._openings) or any(
            session.is_open or (session.pays and not session.issued) for session in self.shop.sessions()
        )
