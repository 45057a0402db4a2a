"""Receipts and disputes."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Security

from api import checkout_schemas as schemas
from api.auth import authenticate
from api.problems import Problem, problem_responses
from api.routes.baskets import shown_lines
from api.services import App
from checkout import queries
from store.events import ReceiptDisputed, new_event_id

router = APIRouter(prefix="/v1", tags=["checkout"], responses=problem_responses(401, 403, 404, 422, 429, 503))


def known_receipt(
    app: App, receipt_id: Annotated[str, Path(description="As the exit's decision said.", max_length=64)]
) -> queries.Receipt:
    """The receipt. Raises a 404 problem."""
    found = queries.receipt(app.records, app.settings.store, receipt_id)
    if found is None:
        raise Problem(404, "unknown-receipt", "Unknown receipt", f"There is no receipt {receipt_id[:64]!r}.")
    return found


Found = Annotated[queries.Receipt, Depends(known_receipt)]


@router.get(
    "/receipts/{receipt_id}", summary="A receipt", dependencies=[Security(authenticate, scopes=["checkout:read"])]
)
def get_receipt(app: App, receipt: Found) -> schemas.Receipt:
    """A receipt as it stands now: a draft while lines are checked, then issued; corrected when it was wrong."""
    return schemas.Receipt.model_validate(
        {
            **{name: getattr(receipt, name) for name in schemas.Receipt.model_fields if name != "lines"},
            "lines": shown_lines(receipt.lines, app.till.prices),
        }
    )


@router.post(
    "/receipts/{receipt_id}/disputes",
    summary="Dispute a receipt",
    status_code=202,
    dependencies=[Security(authenticate, scopes=["receipts:dispute"])],
)
def dispute(app: App, receipt: Found, wish: schemas.Dispute) -> schemas.Accepted:
    """A person looks at the line, or at all of them; what they see corrects the receipt and the payment."""
    if wish.gtin is not None and wish.gtin not in {line.gtin for line in receipt.lines}:
        raise Problem(422, "no-such-line", "No such line", f"The receipt has no line with the GTIN {wish.gtin}.")
    event = ReceiptDisputed(
        id=f"disputed-{new_event_id()}",
        store=app.settings.store,
        time=max(time.time(), receipt.drafted_at),
        receipt_id=receipt.id,
        session_id=receipt.session_id,
        gtin=wish.gtin,
    )
    app.bus.publish([event], live=True)
    return schemas.Accepted(id=event.id)
