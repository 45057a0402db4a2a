"""Readings of weight plates, for whatever stands between the plates and the shop's network."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Security
from pydantic import BaseModel, Field

from api.auth import authenticate
from api.problems import Problem, problem_responses
from api.services import App
from store.events import PlateRead, Timestamp

router = APIRouter(
    prefix="/v1/plates",
    tags=["checkout"],
    dependencies=[Security(authenticate, scopes=["plates:write"])],
    responses=problem_responses(401, 403, 422, 429, 503),
)
_MOST = 20_000
Name = Annotated[str, Field(min_length=1, max_length=64, examples=["nl1a"])]


class Readings(BaseModel):
    """What plates read: three lists of one length, a row a reading. A plate's own readings are in order of time."""

    plate: list[Name] = Field(min_length=1, max_length=_MOST, description="The plate's name in the plan.")
    time_s: list[Timestamp] = Field(description="When, seconds since 1970 in UTC on the shop's clock.")
    grams: list[float] = Field(description="All that stands on it.")


class Accepted(BaseModel):
    """How many readings were passed on."""

    readings: int


@router.post("/readings", summary="What plates read", status_code=202)
def read_plates(app: App, readings: Readings) -> Accepted:
    """Passes readings on to whoever watches the shelves. Send them some times a second, of many plates together."""
    if not len(readings.plate) == len(readings.time_s) == len(readings.grams):
        lengths = f"plate {len(readings.plate)}, time_s {len(readings.time_s)}, grams {len(readings.grams)}"
        raise Problem(
            422, "invalid-request", "Invalid request", f"The lists must have one length; they have {lengths}."
        )
    read = PlateRead(
        store=app.settings.store,
        time=readings.time_s[-1],
        plate=tuple(readings.plate),
        time_s=tuple(readings.time_s),
        grams=tuple(readings.grams),
    )
    app.bus.publish([read], live=True, timeout_s=5.0)
    return Accepted(readings=len(readings.plate))
