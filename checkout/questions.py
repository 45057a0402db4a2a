"""Reviews as a person is asked them: what happened where, what it may have been, and how likely each of that is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from checkout.fold import possibilities
from checkout.queries import Review, open_reviews, review
from store.events import ProductEvent, ProductSettled, ReviewRequested, from_cloudevent
from store.records import Records
from store.tables import events, reviews


@dataclass(frozen=True, slots=True)
class Alternative:
    """What it may have been: whose hand, by track id, and which product, by GTIN."""

    track_id: str
    gtin: str
    probability: float


@dataclass(frozen=True, slots=True)
class Question:
    """An open review.

    ``kind`` is the type of the product event, ``at`` when that was, ``slot`` where; ``alternatives`` the likeliest
    first, and ``nothing`` the probability that nothing was taken or put back at all. What is left to 1 is something
    that the cameras cannot name.
    """

    review: Review
    kind: str
    at: float
    slot: str | None
    quantity: int
    alternatives: tuple[Alternative, ...]
    nothing: float


def open_questions(records: Records, store: str, limit: int) -> list[Question]:
    """What nobody has answered, oldest first."""
    found = open_reviews(records, store, limit)
    about = events_of(records, [each.about for each in found])
    return [question(each, about.get(each.about)) for each in found]


def question(asked_for: Review, about: ProductEvent | None) -> Question:
    """A review with the event that it is about; of one that is not kept any more, what the review says itself."""
    asked = ReviewRequested.model_validate(
        {
            **asked_for.body, "id": asked_for.id, "store": "", "time": asked_for.time, "review_id": asked_for.id,
            "session_id": asked_for.session_id, "about": asked_for.about, "reason": asked_for.reason,
        }
    )  # fmt: skip
    ways = [Alternative(*way) for way in possibilities(asked)]
    ways.sort(key=lambda way: (-way.probability, way.track_id, way.gtin))
    return Question(
        asked_for,
        about.type if about else "product.taken",
        about.time if about else asked_for.time,
        about.slot if about else None,
        about.quantity if about else 1,
        tuple(ways),
        1.0 - asked.confidence,
    )


def events_of(records: Records, ids: Sequence[str]) -> Mapping[str, ProductEvent]:
    """The product events with these ids that are kept."""
    with records.read() as connection:
        bodies = connection.execute(select(events.c.body).where(events.c.id.in_(ids))).scalars().all()
    found = [from_cloudevent(json.loads(body)) for body in bodies]
    return {event.id: event for event in found if isinstance(event, ProductEvent)}


def progress(records: Records, store: str, since: float) -> tuple[int, int]:
    """How many reviews are open, and how many were answered from ``since`` (seconds, UTC) on."""
    mine: Any = select(func.count()).select_from(reviews).where(reviews.c.store == store)
    with records.read() as connection:
        waiting = connection.execute(mine.where(reviews.c.answered_at.is_(None))).scalar_one()
        answered = connection.execute(mine.where(reviews.c.answered_at >= since)).scalar_one()
    return int(waiting), int(answered)


@dataclass(frozen=True, slots=True)
class Answered:
    """A question and its answer, which has the ``confidence`` 0 where nothing happened."""

    question: Question
    answer: ProductSettled


def answered_questions(records: Records, store: str, start: float, end: float) -> list[Answered]:
    """The questions that were answered from ``start`` until before ``end`` (seconds, UTC), with their last answers."""
    said = (
        select(events.c.body)
        .where(events.c.store == store, events.c.type == ProductSettled.type)
        .where(events.c.time >= start, events.c.time < end)
        .order_by(events.c.time, events.c.id)
    )
    with records.read() as connection:
        bodies = connection.execute(said).scalars().all()
    last: dict[str, ProductSettled] = {}
    for body in bodies:
        event = from_cloudevent(json.loads(body))
        if isinstance(event, ProductSettled) and event.by == "review" and event.review_id is not None:
            last[event.review_id] = event
    found = {id: review(records, store, id) for id in last}
    about = events_of(records, [one.about for one in found.values() if one is not None])
    return [Answered(question(one, about.get(one.about)), last[id]) for id, one in found.items() if one is not None]
