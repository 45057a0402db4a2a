"""The checkout service: takes facts from the bus, keeps them, and says what baskets and receipts come to."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog
from sqlalchemy import Connection

from checkout.curve import LEAST_ITEMS, PERIOD_S, items_between, threshold_of
from checkout.passages import Passages
from checkout.payment import HouseAccount, Payments, collect_due
from checkout.policy import Policy
from checkout.prices import PriceBook
from checkout.recall import recalled, recalled_around
from checkout.shop import Shop
from checkout.writing import FACTS, CheckoutWriter
from store.bus import Bus, BusClosedError
from store.catalogue import Catalogue
from store.errors import UnavailableError
from store.events import (
    Event,
    PersonEntered,
    PersonLeft,
    PersonMoved,
    PersonPassed,
    ProductSettled,
    ReceiptCorrected,
    ReceiptDisputed,
    ReceiptDrafted,
    ReceiptIssued,
    ReviewRequested,
)
from store.plan import Plan
from store.records import Records
from store.settings import Settings

GROUP: Final = "checkout"
TYPES: Final = (*FACTS, PersonEntered.type, PersonMoved.type, PersonLeft.type, PersonPassed.type)
_REMEMBER_S: Final = 2 * 3600.0
_FORGET_EVERY_S: Final = 600.0
_TICK_S: Final = 0.25
_PAUSE_S: Final = 1.0
_ASK_AGAIN_S: Final = 60.0
_ADJUST_EVERY_S: Final = 3600.0
log = structlog.get_logger(__name__)


class StreamClock:
    """The time on the clock of the footage: that of the newest event, and what has passed since it came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._newest: float | None = None
        self._came_at = 0.0

    def saw(self, moment: float) -> None:
        """An event of this time came."""
        if self._newest is None or moment >= self.now():
            self._newest, self._came_at = moment, self._clock()

    def now(self) -> float:
        """Seconds since 1970; minus infinity before the first event."""
        return float("-inf") if self._newest is None else self._newest + self._clock() - self._came_at


class CheckoutService:
    """Sessions, baskets and receipts of one store. Run one of them a store: what is open is in its memory.

    The facts of a batch, the marks that they are handled, and what follows are one transaction; after a failure or a
    restart the memory is built again from the records. What follows is told before the commit: told twice it has the
    same id.
    """

    def __init__(
        self,
        bus: Bus,
        records: Records,
        settings: Settings,
        plan: Plan | None = None,
        catalogue: Catalogue | None = None,
        *,
        policy: Policy | None = None,
        payments: Payments | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus, self._records, self._store = bus, records, settings.store
        self._policy = policy or Policy.of(settings)
        self._review_share = settings.review_share
        self._prices = PriceBook(catalogue)
        self._writer = CheckoutWriter(records, self._store, self._prices.currency)
        self._payments = payments or HouseAccount()
        self._passages = Passages(plan)
        self._clock = StreamClock(clock)
        self._lock = threading.Lock()
        self._shop: Shop | None = None
        self._forgot_at = float("-inf")
        self._due = True
        self._passed: list[PersonPassed] = []

    def run(self, stop: threading.Event) -> None:
        """Handle facts, and let time pass, until ``stop`` is set or the bus is closed."""
        ticking = threading.Thread(target=self._keep_ticking, args=(stop,), name="aisle-checkout-clock", daemon=True)
        ticking.start()
        try:
            while not stop.is_set():
                try:
                    self._bus.consume(GROUP, self.handle, types=TYPES, stop=stop)
                    return
                except UnavailableError as error:
                    log.warning("checkout.waits", reason=str(error))
                    stop.wait(_PAUSE_S)
        except BusClosedError:
            return
        finally:
            ticking.join(timeout=10)

    def handle(self, events: Sequence[Event]) -> None:
        """Take events in one transaction and publish what follows. What was taken before changes nothing."""
        mine = [event for event in events if event.store == self._store]
        with self._lock:
            # Kept until all is written: walks that are given again show no passage any more.
            self._passed += [passed for event in mine for passed in self._passages_of(event)]
            facts = {event.id: event for event in mine if event.type in FACTS}
            self._do(sorted([*facts.values(), *self._passed], key=lambda event: event.time))
            self._passed.clear()
        for event in mine:
            self._clock.saw(event.time)

    def tick(self) -> None:
        """Do what is due by now, and have payments collected."""
        with self._lock:
            shop = self._ready()
            now = self._clock.now()
            if now > shop.now:
                self._shop = None
                follows = [(follow, shop) for follow in shop.tick(now)]
                if follows:
                    with self._records.begin() as connection:
                        self._write(connection, [], follows)
                self._shop = shop
            self._forget(shop)
        if self._due:
            self._due = False
            try:
                collect_due(self._records, self._store, self._payments, time.time())
            except UnavailableError:
                self._due = True
                raise

    def adjust(self) -> float:
        """Derive from the setting ``review_share`` below which certainty lines go to a person from now on; that.

        From the receipts of the last ``curve.PERIOD_S``; where they are too few, or nothing is set, it stays.
        """
        share, now = self._review_share, self._clock.now()
        if share is None or now == float("-inf"):
            return self._policy.review_below
        period = now - PERIOD_S, math.nextafter(now, math.inf)
        found = items_between(self._records, self._store, *period, self._prices, self._policy, answers=False)
        if len(found) < LEAST_ITEMS:
            return self._policy.review_below
        with self._lock:
            self._policy = replace(self._policy, review_below=threshold_of(found, share, self._policy))
            if self._shop is not None:
                self._shop.policy = self._policy
            return self._policy.review_below

    def _keep_ticking(self, stop: threading.Event) -> None:
        asked_at = time.monotonic()
        adjusted_at = float("-inf")
        while not stop.wait(_TICK_S):
            try:
                self.tick()
                if self._review_share is not None and time.monotonic() - adjusted_at > _ADJUST_EVERY_S:
                    adjusted_at = time.monotonic()
                    log.info("checkout.reviews_below", certainty=self.adjust())
            except BusClosedError:
                return
            except UnavailableError as error:
                log.warning("checkout.clock_waits", reason=str(error))
                stop.wait(_PAUSE_S)
            except Exception:
                log.exception("checkout.tick_failed")
                stop.wait(_PAUSE_S)
            if time.monotonic() - asked_at > _ASK_AGAIN_S:  # what a provider refused is asked for again
                asked_at, self._due = time.monotonic(), True

    def _passages_of(self, event: Event) -> list[PersonPassed]:
        return [event] if isinstance(event, PersonPassed) else self._passages.take(event)

    def _ready(self) -> Shop:
        """The memory, built again from the records where it is not what they say."""
        if self._shop is None:
            self._shop = recalled(self._records, self._store, self._prices, self._policy)
            if self._shop.now > float("-inf"):
                self._clock.saw(self._shop.now)
        return self._shop

    def _do(self, events: Sequence[Event]) -> None:
        if not events:
            return
        shop = self._ready()
        self._shop = None  # until all is written: what failed half-way is not in the records
        facts = {event.id for event in events if event.type in FACTS}
        with self._records.begin() as connection:
            new = self._records.claim(connection, GROUP, facts)
            fresh = [event for event in events if event.id in new or event.id not in facts]
            follows = [follow for event in fresh for follow in self._taken(shop, event)]
            self._write(connection, fresh, follows)
        self._shop = shop

    def _taken(self, shop: Shop, event: Event) -> list[tuple[Event, Shop]]:
        """What follows from a fact, each with the memory that knows its session."""
        past = None
        unknown = isinstance(event, ReceiptDisputed) and shop.session(event.session_id) is None
        if unknown or (isinstance(event, ProductSettled) and not shop.knows(event.settles)):
            past = recalled_around(self._records, self._store, event, self._prices, self._policy)
        if past is None:
            return [(follow, shop) for follow in shop.take(event)]
        # What is long past can only be corrected: its baskets are not live and its gates not asked any more.
        follows = [follow for follow in past.take(event) if isinstance(follow, ReceiptCorrected | ReviewRequested)]
        return [(follow, past) for follow in follows]

    def _write(self, connection: Connection, facts: Sequence[Event], follows: Sequence[tuple[Event, Shop]]) -> None:
        said = [event for event, _ in follows]
        self._writer.keep(connection, [*facts, *said])
        for event, shop in follows:
            if isinstance(event, ReceiptDrafted | ReceiptIssued | ReceiptCorrected):
                session = shop.session(event.session_id)
                assert session is not None, "what follows for a session comes from a memory that knows it"
                self._writer.receipt(connection, event, session)
                self._due = True
            elif isinstance(event, ReviewRequested):
                self._writer.review(connection, event)
        # Before the commit: what is said twice has the same id, what is never said would be lost.
        self._bus.publish(said)

    def _forget(self, shop: Shop) -> None:
        if shop.now - self._forgot_at > _FORGET_EVERY_S:
            self._forgot_at = shop.now
            shop.forget(shop.now - _REMEMBER_S)
            self._passages.forget(shop.now - _FORGET_EVERY_S)
