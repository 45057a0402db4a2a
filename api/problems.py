"""Errors as `application/problem+json` (RFC 9457): what was wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from insights.ranges import RangeError
from store.errors import UnavailableError

log = structlog.get_logger(__name__)

_HINTS = {
    404: "There is nothing at this address. The addresses of the interface are listed in /openapi.json.",
    405: "This address does not take this method. The Allow header of this answer names those that it takes.",
    413: "The request is larger than this address takes.",
}
_DESCRIPTIONS = {
    400: "The request is not one that this server answers.",
    401: "No key was given, or it is unknown, expired or revoked.",
    403: "The key lacks the scope that this address needs.",
    404: "What the address names does not exist.",
    422: "A parameter is missing or out of its range.",
    429: "Too many requests with this key or from this address; Retry-After says when to come back.",
    503: "This process cannot answer that now.",
}


class Problem(Exception):
    """An error that the caller is told about. ``kind`` is the last part of the problem's type URN."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.headers = dict(headers or {})
        self.extra = extra


class ProblemDetails(BaseModel):
    """A problem document of RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:aisle:problem:unknown-zone"], description="What kind of problem, as a URN.")
    title: str = Field(examples=["Unknown zone"], description="The kind of problem in words.")
    status: int = Field(examples=[404], description="The HTTP status.")
    detail: str = Field(
        examples=["Camera 'door' has no zone 'shelf'. Its zones: till, entrance."],
        description="What was wrong and what to do.",
    )
    instance: str = Field(examples=["/v1/cameras/door/dwell"], description="The path that was asked for.")


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """The answer for a problem."""
    body = {
        "type": f"urn:aisle:problem:{problem.kind}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        **problem.extra,
    }
    return JSONResponse(body, problem.status, headers=problem.headers, media_type="application/problem+json")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI descriptions of these statuses, for a route's or a router's ``responses``."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": _DESCRIPTIONS[status], "content": {"application/problem+json": {"schema": schema}}}
        for status in statuses
    }


def http_problem(request: Request, error: HTTPException) -> JSONResponse:
    """The answer for an error of the framework, such as 404 and 405."""
    title = HTTPStatus(error.status_code).phrase
    detail = _HINTS.get(error.status_code, str(error.detail))
    kind = title.lower().replace(" ", "-")
    return problem_response(request, Problem(error.status_code, kind, title, detail, headers=error.headers))


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(request, error)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return http_problem(request, error)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = [_explain(item) for item in error.errors()]
        detail = " ".join(f"{item['where']}: {item['message']}." for item in errors)
        return problem_response(request, Problem(422, "invalid-request", "Invalid request", detail, errors=errors))

    async def on_unavailable(request: Request, error: Exception) -> JSONResponse:
        log.warning("a part does not answer", path=request.url.path, error=type(error).__name__)
        detail = "A part of the server does not answer; /readyz says which. Try again in a moment."
        problem = Problem(503, "unavailable", "Unavailable", detail, headers={"Retry-After": "5"})
        return problem_response(request, problem)

    async def on_range(request: Request, error: Exception) -> JSONResponse:
        return problem_response(request, Problem(422, "bad-range", "Range that cannot be answered", f"{error}."))

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", path=request.url.path, error=type(error).__name__)
        detail = "The server failed on this request. Its log names the error; /readyz says whether its parts work."
        return problem_response(request, Problem(500, "internal-error", "Internal error", detail))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(UnavailableError, on_unavailable)
    app.add_exception_handler(RangeError, on_range)
    app.add_exception_handler(Exception, on_bug)


def _explain(item: Mapping[str, Any]) -> dict[str, str]:
    where = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
    return {"where": where, "message": message[:1].lower() + message[1:]}
