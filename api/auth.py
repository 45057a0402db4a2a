"""Who asks, and what they may see: keys in a header, or a page's cookie."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from api.keys import ApiKey, find_key, valid_key
from api.problems import Problem
from api.services import Services, services
from api.sessions import PAGE
from store.errors import UnavailableError

PAGE_SCOPES: Final = frozenset({"insights:read", "live:read", "events:read", "checkout:read", "reviews:write"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE: Final = 'Bearer realm="aisle"'

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="An API key: `Authorization: Bearer aisle_<id>_<secret>`."
)
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="header", description="The same key in a header of its own."
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the id of a key, or ``page`` for the link of this process."""

    id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether this scope is granted."""
        return scope in self.scopes or "admin" in self.scopes


async def authenticate(
    request: Request,
    wanted: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    header: Annotated[str | None, Depends(_header)],
) -> Principal:
    """The caller. Raises a 401, 403 or 429 problem; every request counts against its key's or address's rate."""
    app = services(request)
    presented = bearer.credentials if bearer else header
    if presented is not None:
        principal = _principal(await run_in_threadpool(_find, app, presented))
    else:
        principal = await session_principal(request)
        if request.method not in _READS:
            same_site(request)
    request.state.rate_bucket = _bucket(request, principal)
    await app.check_rate(request)
    if principal is None:
        raise _unauthorised(presented is not None)
    for scope in wanted.scopes:
        if not principal.may(scope):
            raise Problem(
                403,
                "missing-scope",
                "Missing scope",
                f"This address needs the scope {scope}; the key has {', '.join(sorted(principal.scopes))}. "
                f"Make one with `aisle keys create LABEL --scope {scope}`.",
                headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'},
            )
    return principal


async def session_principal(request: Request) -> Principal | None:
    """Who the cookie stands for; a revoked key's sessions end at once."""
    app = services(request)
    cookie = request.cookies.get(app.sessions.cookie)
    key_id = app.sessions.read(cookie, time.time()) if cookie else None
    if key_id is None:
        return None
    if key_id == PAGE:
        return Principal(PAGE, PAGE_SCOPES)
    return _principal(await run_in_threadpool(valid_key, app.records, key_id, now=time.time()))


def same_site(request: Request) -> None:
    """Raise a 403 problem for what a page of another site sent: a browser adds our cookie by itself."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "cross-site", "Cross-site request", "Another site sent this request.")


def page_link(app: FastAPI, base_url: str, path: str = "/") -> str:
    """A link that opens the pages of this process without a key, for as long as the process lives."""
    held: Services = app.state.services
    return f"{base_url.rstrip('/')}{path}?key={held.sessions.page_token}"


def address(request: Request) -> str:
    """The caller's network address."""
    return request.client.host if request.client else "unknown"


def _find(app: Services, presented: str) -> ApiKey | None:
    """The key; while the records are away, one that was good a moment ago: gates must go on."""
    try:
        return app.recent_keys.keep(presented, find_key(app.records, presented, now=time.time()))
    except UnavailableError:
        key = app.recent_keys.get(presented)
        if key is None:
            raise
        return key


def _bucket(request: Request, principal: Principal | None) -> str:
    if principal is None:
        return f"address:{address(request)}"
    # The page link may be open in many browsers; each counts by itself.
    return f"key:{principal.id}" if principal.id != PAGE else f"page:{address(request)}"


def _principal(key: ApiKey | None) -> Principal | None:
    return Principal(key.id, key.scopes) if key else None


def _unauthorised(presented: bool) -> Problem:
    if presented:
        detail = "The key is unknown, expired or revoked. `aisle keys list` shows the keys that are in force."
        challenge = f'{_CHALLENGE}, error="invalid_token"'
    else:
        detail = (
            "This address needs a key: send `Authorization: Bearer KEY` or `X-API-Key: KEY`. "
            "Make one with `aisle keys create LABEL`."
        )
        challenge = _CHALLENGE
    return Problem(401, "no-valid-key", "No valid key", detail, headers={"WWW-Authenticate": challenge})
