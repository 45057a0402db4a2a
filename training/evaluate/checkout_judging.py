"""One run after it was played: every session's receipt beside the true one, and why it is wrong where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checkout.lines import Basket
from store.events import (
    BasketLine,
    Event,
    ProductEvent,
    ReceiptCorrected,
    ReceiptIssued,
    ReviewRequested,
    SessionJoined,
)
from training.evaluate.checkout_causes import NEAR_S, Causes, Mistake, told_products
from training.evaluate.checkout_identity import Identities, identify
from training.evaluate.checkout_scores import ScoredLine, SessionOutcome
from training.evaluate.checkout_stream import CheckoutStream
from training.evaluate.checkout_truth import ClipTruth, hands


@dataclass(frozen=True, slots=True)
class Failure:
    """A receipt that is wrong by ``value``; what was ``expected`` and what it ``got``: packages by GTIN.

    ``happened`` and ``told`` are the products in its people's hands, in words, as they are true and as the system said.
    """

    run: str
    session: str
    value: int
    expected: Mapping[str, int]
    got: Mapping[str, int]
    mistakes: tuple[Mistake, ...]
    happened: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        """The likeliest reason: that of the first mistake."""
        return self.mistakes[0].cause

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "run": self.run,
            "session": self.session,
            "expected": dict(self.expected),
            "got": dict(self.got),
            "cause": self.cause,
            "mistakes": [mistake.as_dict() for mistake in self.mistakes],
            "happened": list(self.happened),
            "told": list(self.told),
        }


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run's sessions and failures, how many of its ``people`` had one track for their ``whole`` visit, and what it
    cost: seconds of the stream, of the clock and of the CPU, the last by stage.
    """

    run: str
    family: str
    sensors: str
    sessions: tuple[SessionOutcome, ...]
    failures: tuple[Failure, ...]
    people: int
    whole: int
    stream_s: float = 0.0
    wall_s: float = 0.0
    cpu_s: Mapping[str, float] = field(default_factory=dict)


def judge(run: str, family: str, sensors: str, truth: ClipTruth, stream: CheckoutStream) -> RunOutcome:
    """What the checkout of ``stream`` came to, compared with ``truth``."""
    facts = stream.facts
    identities = identify(truth, facts)
    joined = {fact.track_id: fact.session_id for fact in facts if isinstance(fact, SessionJoined)}
    reviews = [fact for fact in facts if isinstance(fact, ReviewRequested)]
    asked = _asked(reviews, joined)
    told = told_products(facts)
    causes = Causes(truth, told, identities, joined)
    sessions, failures = [], []
    for session in sorted(truth.receipts):
        known = stream.shop.session(session)
        basket = stream.shop.basket(session)
        lines = known.receipted if known is not None and known.receipted is not None else basket.lines
        scored = _lines(truth, session, lines, basket, asked)
        outcome = SessionOutcome(
            run=run,
            session=session,
            lines=scored,
            reviews=sum(review.session_id == session for review in reviews),
            final_s=_final_s(truth, session, facts),
            corrections=sum(isinstance(fact, ReceiptCorrected) and fact.session_id == session for fact in facts),
            bound=_bound(truth, session, joined, identities),
        )
        sessions.append(outcome)
        if not outcome.exact:
            words = _words(truth, session, told, joined, identities)
            failures.append(_failure(outcome, causes, *words))
    return RunOutcome(run, family, sensors, tuple(sessions), tuple(failures), identities.people, identities.whole)


def _lines(
    truth: ClipTruth,
    session: str,
    lines: Iterable[BasketLine],
    basket: Basket,
    asked: set[tuple[str, str]],
) -> tuple[ScoredLine, ...]:
    """All products of a receipt, of the true one, and those only thought possible. Lines of one product are one."""
    true = truth.receipts[session]
    quantity: dict[str, int] = {}
    confidence: dict[str, float] = {}
    for line in (*lines, *basket.possible):
        quantity[line.gtin] = quantity.get(line.gtin, 0) + line.quantity
        confidence[line.gtin] = confidence.get(line.gtin, 1.0) * line.confidence
    return tuple(
        ScoredLine(
            gtin,
            quantity.get(gtin, 0),
            true.get(gtin, 0),
            truth.price.get(gtin, 0),
            confidence.get(gtin),
            (session, gtin) in asked,
        )
        for gtin in sorted({*quantity, *true})
    )


def _asked(reviews: Iterable[ReviewRequested], joined: Mapping[str, str]) -> set[tuple[str, str]]:
    """(session, GTIN) of all lines that the answer to a review settles: those of every person and product in doubt."""
    found = set()
    for review in reviews:
        sessions = {review.session_id} | {joined[c.id] for c in review.who if c.id in joined}
        products = {review.gtin} | {c.id for c in review.what}
        found |= {(session, gtin) for session in sessions for gtin in products}
    return found


def _final_s(truth: ClipTruth, session: str, facts: Iterable[Event]) -> float | None:
    """Seconds from the last true event of a session to its last receipt; None where none was issued."""
    times = [
        fact.time for fact in facts if isinstance(fact, ReceiptIssued | ReceiptCorrected) and fact.session_id == session
    ]
    return max(max(times) - truth.last_event_s(session), 0.0) if times else None


def _bound(truth: ClipTruth, session: str, joined: Mapping[str, str], identities: Identities) -> bool:
    shown = {identities.person.get(track) for track, its in joined.items() if its == session}
    return shown == {person.track for person in truth.members(session)}


def _failure(outcome: SessionOutcome, causes: Causes, happened: tuple[str, ...], told: tuple[str, ...]) -> Failure:
    wrong = sorted((line for line in outcome.lines if line.quantity != line.true), key=lambda line: -line.wrong)
    return Failure(
        outcome.run,
        outcome.session,
        outcome.wrong,
        {line.gtin: line.true for line in outcome.lines if line.true},
        {line.gtin: line.quantity for line in outcome.lines if line.quantity},
        tuple(causes.of(outcome.session, line.gtin, line.true, line.quantity) for line in wrong),
        happened,
        told,
    )


def _words(
    truth: ClipTruth,
    session: str,
    told: Iterable[ProductEvent],
    joined: Mapping[str, str],
    identities: Identities,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What went through the hands of a session's people, and what was told of its tracks or at about those times."""
    name = {person.track: person.name for person in truth.people}
    mine = {person.track for person in truth.members(session)}
    tracks = {track for track, its in joined.items() if its == session}
    happened = [e for e in truth.products if mine & set(hands(e))]
    mentioned = [
        e
        for e in told
        if tracks & {*hands(e), *(chance.id for chance in e.who)}
        or any(abs(e.time - other.time) <= NEAR_S for other in happened)
    ]
    shown = {track: name.get(person or "", "nobody") for track, person in identities.person.items()}
    return (
        tuple(_say(event, name) for event in happened),
        tuple(f"{_say(event, shown)}, {event.confidence:.2f}" for event in mentioned),
    )


def _say(event: ProductEvent, name: Mapping[str, str]) -> str:
    where = f" at {event.slot}" if event.slot else ""
    who = " to ".join(name.get(track, track[:6]) for track in hands(event))
    what = f"{event.quantity} x " if event.quantity > 1 else ""
    return f"{clock(event.time)} {event.type.removeprefix('product.')} {what}{event.gtin}{where} by {who}"


def clock(time_s: float) -> str:
    """Seconds, UTC, as a clock shows them, to a tenth."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%H:%M:%S.%f")[:-5]
