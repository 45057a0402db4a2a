"""The questions that people answer, and the clips that they look at for it."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Security
from fastapi.responses import FileResponse

from api import checkout_schemas as schemas
from api.auth import authenticate
from api.problems import Problem, problem_responses
from api.ranges import TimeRange, time_range
from api.services import App
from checkout import queries, questions
from checkout.curve import LEAST_ITEMS, curve, items_between, threshold_of
from checkout.policy import Policy
from checkout.prices import PriceBook
from store.events import Chance, ProductSettled, new_event_id
from store.evidence import MOST_PICTURES, Clip, EvidenceStore

_DAY_S = 86_400.0
router = APIRouter(
    prefix="/v1",
    tags=["checkout"],
    dependencies=[Security(authenticate, scopes=["reviews:write"])],
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
EvidenceId = Annotated[str, Path(description="As a review's `evidence` names it.", max_length=128)]


@router.get("/reviews", summary="Questions to people")
def list_reviews(app: App, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[schemas.Review]:
    """What is doubtful or disputed and not answered yet, oldest first."""
    found = questions.open_questions(app.records, app.settings.store, limit)
    kept = EvidenceStore(app.settings.evidence_dir)
    return [_shown(each, app.till.prices, kept) for each in found]


@router.get("/reviews/progress", summary="How many questions are left")
def review_progress(app: App) -> schemas.ReviewProgress:
    """Questions that wait, and those answered in the last 24 hours."""
    waiting, answered = questions.progress(app.records, app.settings.store, time.time() - _DAY_S)
    return schemas.ReviewProgress(waiting=waiting, answered=answered)


@router.get("/reviews/curve", summary="Review rate against wrong charges")
def review_curve(app: App, span: Annotated[TimeRange, Depends(time_range)]) -> schemas.ReviewCurve:
    """From the receipts of sessions that ended in the range, and what people answered about them."""
    settings, policy = app.settings, Policy.of(app.settings)
    found = items_between(app.records, settings.store, span.start, span.end, app.till.prices, policy)
    shape = curve(found)
    share = settings.review_share
    turned = share is not None and len(found) >= LEAST_ITEMS
    return schemas.ReviewCurve(
        items=len(found),
        answered=sum(item.wrong is not None for item in found),
        wrong=sum(bool(item.wrong) for item in found),
        charged=round(shape.charged),
        currency=app.till.prices.currency,
        review_below=settings.review_below,
        review_share=share,
        in_force=threshold_of(found, share, policy) if share is not None and turned else settings.review_below,
        points=[
            schemas.CurvePoint(threshold=t, review_rate=r, expected=e, known=k)
            for t, r, e, k in zip(
                shape.threshold.tolist(),
                shape.rate.tolist(),
                shape.expected.tolist(),
                shape.known.tolist(),
                strict=True,
            )
        ],
    )


@router.post("/reviews/{review_id}/answers", summary="Answer a question", status_code=202)
def answer(app: App, review_id: Annotated[str, Path(max_length=64)], seen: schemas.Answer) -> schemas.Accepted:
    """Settles the product event: it outranks what the cameras say, corrects receipts, and may be given again."""
    review = queries.review(app.records, app.settings.store, review_id)
    if review is None:
        raise Problem(404, "unknown-review", "Unknown review", f"There is no review {review_id[:64]!r}.")
    who = [Chance.model_validate(chance) for chance in review.body["who"]]
    tracks = {chance.id for chance in who} | {review.body["track_id"]}
    if seen.track_id is not None and seen.track_id not in tracks:
        detail = f"The hand was one of {', '.join(sorted(tracks))}; found {seen.track_id!r}."
        raise Problem(422, "no-such-hand", "No such hand", detail)
    event = ProductSettled(
        id=f"answered-{new_event_id()}",
        store=app.settings.store,
        time=max(time.time(), review.time),
        confidence=1.0 if seen.happened else 0.0,
        settles=review.about,
        by="review",
        review_id=review.id,
        track_id=seen.track_id or review.body["track_id"],
        gtin=seen.gtin or review.body["gtin"],
        quantity=seen.quantity,
        to_track_id=None,
    )
    app.bus.publish([event], live=True)
    return schemas.Accepted(id=event.id)


@router.get("/evidence/{evidence_id}", summary="A clip of evidence")
def evidence(app: App, evidence_id: EvidenceId) -> schemas.Clip:
    """What pictures a clip has: all blurred before they were kept, and deleted after `evidence_hours`."""
    clip = _clip(app, evidence_id)
    pictures = [
        schemas.EvidencePicture(
            camera=each.camera,
            captured_at=each.captured_at,
            width=each.size[0],
            height=each.size[1],
            focus=None if each.focus is None else list(each.focus),
            people=[schemas.Marked(track_id=one.track_id, xyxy=list(one.xyxy)) for one in each.people],
        )
        for each in clip.pictures
    ]
    return schemas.Clip(id=clip.id, pictures=pictures)


@router.get(
    "/evidence/{evidence_id}/{number}.jpg",
    summary="A picture of evidence",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG picture."}},
)
def evidence_picture(
    app: App, evidence_id: EvidenceId, number: Annotated[int, Path(ge=0, lt=MOST_PICTURES)]
) -> FileResponse:
    """One blurred picture of a clip."""
    path = EvidenceStore(app.settings.evidence_dir).picture(evidence_id, number)
    if path is None:
        raise _gone(evidence_id)
    # It never changes, but goes after some days: nobody shall have it much longer.
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _clip(app: App, evidence_id: str) -> Clip:
    clip = EvidenceStore(app.settings.evidence_dir).clip(evidence_id)
    if clip is None:
        raise _gone(evidence_id)
    return clip


def _gone(evidence_id: str) -> Problem:
    detail = (
        f"No picture of evidence {evidence_id[:64]!r} is kept: it was never there, or is older than evidence_hours."
    )
    return Problem(404, "no-evidence", "No evidence", detail)


def _shown(asked: questions.Question, prices: PriceBook, kept: EvidenceStore) -> schemas.Review:
    review = asked.review
    alternatives = []
    for each in asked.alternatives:
        price = prices.at(each.gtin, asked.at)
        alternatives.append(
            schemas.Alternative(
                track_id=each.track_id,
                gtin=each.gtin,
                name=prices.name(each.gtin),
                price=price.unit if price.known else None,
                probability=each.probability,
            )
        )
    return schemas.Review.model_validate(
        {
            "id": review.id, "session_id": review.session_id, "about": review.about, "reason": review.reason,
            "time": review.time, "kind": asked.kind, "at": asked.at, "slot": asked.slot, "quantity": asked.quantity,
            "alternatives": alternatives, "nothing": asked.nothing, "currency": prices.currency,
            **review.body, "evidence": [id for id in review.body["evidence"] if kept.clip(id) is not None],
        }
    )  # fmt: skip
