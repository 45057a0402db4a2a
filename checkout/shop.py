"""One shop's checkout in memory: facts in, what follows from them out. No bus, no database, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checkout.books import Books
from checkout.doors import Doors
from checkout.ids import derived_id, receipt_id_of
from checkout.lines import NOTHING, Basket, Doubt, owed
from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.sessions import Register, Session
from checkout.tabs import Tabs
from store.events import (
    BasketChanged,
    BasketLine,
    Event,
    PersonPassed,
    ProductEvent,
    ReceiptCorrected,
    ReceiptDisputed,
    ReceiptDrafted,
    ReceiptIssued,
    ReviewRequested,
    SessionChecked,
    SessionOpened,
)


class Shop:
    """Sessions, books and gates of one store.

    ``take`` and ``tick`` return what follows, oldest first, already applied; ``remember`` applies facts that had their
    consequences before, as after a restart. Every consequence has an id that the same facts give again.
    """

    def __init__(self, store: str, prices: PriceBook, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._store = store
        self._books = Books(prices.at)
        self._register = Register()
        self._doors = Doors(store, self._register, self.policy, self._books.session_of, self.basket)
        self._tabs = Tabs(self.policy)
        self._baskets: dict[str, Basket] | None = None
        self._told: dict[str, tuple[BasketLine, ...]] = {}
        self._asked: set[str] = set()
        self.now = float("-inf")

    def take(self, event: Event) -> list[Event]:
        """Take a fact and return what follows from it."""
        self._advance(event.time)
        before = self._all_baskets()
        self._apply(event)
        follows: list[Event] = []
        match event:
            case PersonPassed():
                follows += self._applied(self._doors.passed(event))
            case SessionOpened():
                follows += self._applied(self._doors.opened(event))
            case SessionChecked() | ProductEvent():
                follows += self._applied(self._doors.look_again(event.time))
            case ReceiptDisputed():
                follows += self._disputed(event)
            case _:
                pass
        return follows + self._consequences(event, before)

    def tick(self, now: float) -> list[Event]:
        """Let time pass until ``now`` (seconds, on the clock of the footage) and return what is due."""
        self._advance(now)
        return [*self._applied(self._doors.tick(self.now)), *self._consequences(None, self._all_baskets())]

    def remember(self, events: Iterable[Event]) -> None:
        """Take facts whose consequences are among them."""
        for event in events:
            self._advance(event.time)
            self._apply(event)

    def session(self, session_id: str) -> Session | None:
        """What is known of a session."""
        return self._register.get(session_id)

    def sessions(self) -> list[Session]:
        """All sessions that are not forgotten."""
        return list(self._register)

    def basket(self, session_id: str) -> Basket:
        """What a session is to pay for now."""
        return self._all_baskets().get(session_id, NOTHING)

    def knows(self, event_id: str) -> bool:
        """Whether the product event with this id is still in the books."""
        return self._books.knows(event_id)

    def forget(self, before: float) -> None:
        """Forget sessions that were closed before ``before`` and are receipted, and what is older than any other."""
        for session in self._register:
            if session.closed_at is not None and session.closed_at < before and (session.issued or not session.pays):
                self._register.drop(session.id)
                self._told.pop(session.id, None)
        oldest = min((session.opened_at for session in self._register), default=before)
        known = {session.id for session in self._register}
        self._books.forget(min(before, oldest), lambda track: self._books.session_of(track) not in known)
        self._baskets = None

    def _all_baskets(self) -> dict[str, Basket]:
        if self._baskets is None:
            self._baskets = self._tabs.baskets(self._books, self._register.roles())
        return self._baskets

    def _advance(self, now: float) -> None:
        self.now = max(self.now, now)

    def _apply(self, event: Event) -> None:
        changed = self._books.add(event)
        self._register.apply(event)
        if changed or isinstance(event, SessionOpened):
            self._baskets = None
        if isinstance(event, ReviewRequested):
            self._asked.add(event.review_id)

    def _applied(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self._apply(event)
            yield event

    def _consequences(self, cause: Event | None, before: dict[str, Basket]) -> list[Event]:
        """What baskets and receipts say now that they did not say before.

        A receipt is corrected only by a fact that changes its basket: not because prices or rules are others now than
        when it was issued.
        """
        follows: list[Event] = []
        for session in self._register:
            if session.role == "staff":
                continue
            basket = self.basket(session.id)
            if session.is_open:
                follows += self._live(session, basket, cause)
            elif session.issued:
                old = before.get(session.id, NOTHING)
                if basket is not old and owed(basket.lines) != owed(old.lines):
                    follows += self._applied(self._corrected(session, basket, cause))
            elif session.pays:
                follows += self._applied(self._receipted(session, basket))
        return follows

    def _live(self, session: Session, basket: Basket, cause: Event | None) -> Iterator[Event]:
        shown = basket.lines + basket.possible
        if shown != self._told.get(session.id, ()):
            self._told[session.id] = shown
            time = cause.time if cause is not None else self.now
            yield BasketChanged(
                id=derived_id("basket", session.id, cause.id if cause is not None else time),
                store=self._store,
                time=max(time, session.opened_at),
                session_id=session.id,
                lines=shown,
            )

    def _receipted(self, session: Session, basket: Basket) -> Iterator[Event]:
        """Draft at once, ask people a little later, issue when they need not be waited for."""
        assert session.closed_at is not None
        receipt = self._receipt(session, basket)
        if session.receipted is None:
            yield ReceiptDrafted.model_validate(
                {**receipt, "id": derived_id("drafted", session.id), "time": session.closed_at}
            )
        if self.now < session.closed_at + self.policy.lateness_s:
            return
        asked = [doubt for doubt in basket.doubts if self.policy.is_asked(doubt.probability)]
        for doubt in asked:
            yield from self._review(session.id, doubt, "unsure", self.now)
        if not asked or self.now >= session.closed_at + self.policy.settle_s:
            yield ReceiptIssued.model_validate({**receipt, "id": derived_id("issued", session.id), "time": self.now})

    def _corrected(self, session: Session, basket: Basket, cause: Event | None) -> Iterator[Event]:
        if owed(basket.lines) == owed(session.receipted or ()):
            return
        why = cause.type if cause is not None else "late facts"
        id = derived_id("corrected", session.id, str(session.corrections), cause.id if cause is not None else why)
        yield ReceiptCorrected.model_validate(
            {**self._receipt(session, basket), "id": id, "time": self.now, "reason": why}
        )

    def _receipt(self, session: Session, basket: Basket) -> dict[str, object]:
        return {
            "store": self._store,
            "session_id": session.id,
            "receipt_id": receipt_id_of(session.id),
            "lines": basket.lines,
        }

    def _disputed(self, event: ReceiptDisputed) -> Iterator[Event]:
        """Put every package of the disputed line, or of the receipt, to a person."""
        roles = self._register.roles()
        mine = [
            stake
            for stake in self._books.stakes()
            if event.gtin in (None, stake.gtin)
            and event.session_id in {self._books.session_of(track) for track in stake.hands}
            and roles.get(event.session_id) != "staff"
        ]
        for name in sorted({(stake.unit[0], stake.gtin) for stake in mine}):
            doubt = Doubt(*name, probability=0.5)
            yield from self._applied(self._review(event.session_id, doubt, "disputed", event.time))

    def _review(self, session_id: str, doubt: Doubt, reason: str, time: float) -> Iterator[Event]:
        id = derived_id("review", session_id, doubt.event_id, reason)
        if id in self._asked or not self._books.knows(doubt.event_id):
            return
        about = self._books.event(doubt.event_id)
        yield ReviewRequested.model_validate(
            {
                "id": id, "store": self._store, "time": time, "cameras": about.cameras, "evidence": about.evidence,
                "confidence": about.confidence, "review_id": id, "session_id": session_id, "about": about.id,
                "reason": reason, "track_id": about.track_id, "gtin": doubt.gtin, "who": about.who, "what": about.what,
            }
        )  # fmt: skip
