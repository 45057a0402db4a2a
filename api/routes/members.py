"""Entry codes for members, and the way to be forgotten. For the backend of the members' app."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Security

from api import checkout_schemas as schemas
from api.auth import Principal, authenticate
from api.problems import Problem, problem_responses
from api.services import App
from checkout.codes import qr_svg
from checkout.members import alias_of, forget_member

router = APIRouter(prefix="/v1/members", tags=["checkout"], responses=problem_responses(401, 403, 422, 429, 503))
Caller = Annotated[Principal, Security(authenticate, scopes=["codes:write"])]
MemberName = Annotated[
    str,
    Path(
        description="The app's own id of a member; Aisle knows an alias of it.",
        pattern=r"^[A-Za-z0-9._@-]{1,64}$",
        examples=["m-1017"],
    ),
]


@router.post("/{member}/codes", summary="A new entry code", status_code=201)
def create_code(app: App, caller: Caller, member: MemberName, wish: schemas.CodeWish) -> schemas.Code:
    """A code that opens a gate once, for as long as the shop has set. Neither it nor its QR names the member."""
    if wish.role != "customer" and not caller.may("admin"):
        raise Problem(403, "missing-scope", "Missing scope", f"A code for {wish.role} needs the scope admin.")
    now = time.time()
    alias = alias_of(app.records, app.settings.store, member, now)
    code, text = app.till.codes.issue(alias, now, role=wish.role, adult=wish.adult)
    return schemas.Code(code=text, expires_at=code.expires_at, qr_svg=qr_svg(text))


@router.delete("/{member}", summary="Forget a member")
def forget(app: App, caller: Caller, member: MemberName) -> schemas.Forgotten:
    """Erases whom the alias stands for; receipts stay for the books and lead to nobody. The answer says what it did."""
    erased, receipts = forget_member(app.records, app.settings.store, member)
    return schemas.Forgotten(erased=erased, receipts=receipts)
