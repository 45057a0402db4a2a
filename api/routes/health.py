"""For those who look after the server: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from api import schemas
from api.metrics import CONTENT_TYPE
from api.services import App
from api.worker.run import reports

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """Answers while the process lives. Needs no key."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Ready",
    response_model=schemas.Readiness,
    responses={503: {"model": schemas.Readiness, "description": "A part does not work."}},
)
def readyz(app: App, response: Response) -> schemas.Readiness:
    """Whether the bus and the database answer. Needs no key."""
    parts = {
        "bus": _try(app.bus.ping),
        "records": _try(app.records.ping),
        "events": schemas.Part(ok=app.feed.reading, detail="reading" if app.feed.reading else "not reading the bus"),
    }
    ready = all(part.ok for part in parts.values())
    response.status_code = 200 if ready else 503
    return schemas.Readiness(ready=ready, parts=parts)


@router.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
def metrics(app: App) -> Response:
    """Requests, latency, listeners, viewers, events, the backlog of the bus, and the stages of the workers.

    Needs no key and names no person.
    """
    app.metrics.listeners.set(app.feed.listeners)
    for group, lag in app.bus.lags().items():
        app.metrics.backlog.labels(group).set(lag)
    app.metrics.workers.reports = reports(app.bus)
    return Response(app.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


def _try(check: Callable[[], object]) -> schemas.Part:
    try:
        check()
    except Exception as error:  # whatever a part raises, the answer is that it does not work
        return schemas.Part(ok=False, detail=f"does not answer ({type(error).__name__})")
    return schemas.Part(ok=True, detail="answers")
