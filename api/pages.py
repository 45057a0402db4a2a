"""The pages for a person: live, heatmap, charts, definitions, and the way in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from api import assets, problems
from api.auth import Principal, address, same_site, session_principal
from api.keys import find_key
from api.services import App, Services
from api.sessions import PAGE, SESSION_S
from insights.definitions import definitions
from insights.queries import CameraInfo, cameras

_HERE: Final = Path(__file__).parent
_MAX_FORM: Final = 4096
_NEEDS: Final = frozenset({"insights:read"})
_LIVE: Final = frozenset({"insights:read", "live:read", "events:read"})

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(_HERE / "templates")


class NotSignedIn(Exception):
    """A page was asked for by somebody unknown; ``token`` says whether a wrong page token came with it."""

    def __init__(self, token: bool = False) -> None:
        super().__init__()
        self.token = token


class TokenAccepted(Exception):
    """A page was opened with its token, which must leave the address bar."""


async def viewer(request: Request, app: App) -> Principal:
    """Who looks at a page. Raises ``TokenAccepted`` or ``NotSignedIn``, which become redirects."""
    request.state.rate_bucket = f"address:{address(request)}"
    await app.check_rate(request)
    token = request.query_params.get("key")
    if token is not None:
        if app.sessions.accepts(token):
            raise TokenAccepted
        raise NotSignedIn(token=True)
    principal = await session_principal(request)
    if principal is None:
        raise NotSignedIn
    return principal


Viewer = Annotated[Principal, Depends(viewer)]


@router.get("/", name="live")
async def live_page(request: Request, app: App, principal: Viewer) -> Response:
    """Live pictures and counts that move."""
    return await _page(request, app, principal, "live.html", needs=_LIVE)


@router.get("/heatmap", name="heatmap")
async def heatmap_page(request: Request, app: App, principal: Viewer) -> Response:
    """Where people walked."""
    return await _page(request, app, principal, "heatmap.html")


@router.get("/charts", name="charts")
async def charts_page(request: Request, app: App, principal: Viewer) -> Response:
    """Footfall, occupancy and dwell over time."""
    return await _page(request, app, principal, "charts.html")


@router.get("/definitions", name="definitions")
async def definitions_page(request: Request, app: App, principal: Viewer) -> Response:
    """What the numbers mean."""
    found = definitions(min_visitors=app.settings.min_visitors)
    rows = [(name, name.replace("_", " ").capitalize(), text) for name, text in found.items()]
    return await _page(request, app, principal, "definitions.html", definitions=rows, may_be_empty=True)


@router.get("/login", name="login")
async def login_page(request: Request, app: App) -> Response:
    """Where a key is pasted."""
    return _login(request, app, error="link" if request.query_params.get("wrong") == "link" else None)


@router.post("/login")
async def sign_in(request: Request, app: App) -> Response:
    """Open a session for the key in the form."""
    request.state.rate_bucket = f"login:{address(request)}"
    await app.check_rate(request)
    same_site(request)
    form = parse_qs((await _small_body(request)).decode(errors="replace"))
    presented, following = (form.get(name, [""])[0].strip() for name in ("key", "next"))
    key_id: str | None = None
    if app.sessions.accepts(presented):
        key_id = PAGE
    elif (key := await run_in_threadpool(find_key, app.records, presented, now=time.time())) is not None:
        key_id = key.id
    if key_id is None:
        return _login(request, app, error="key", following=following, status=401)
    return _with_cookie(request, app, RedirectResponse(_local(following), 303), key_id)


@router.post("/logout")
async def sign_out(request: Request, app: App) -> Response:
    """Forget the session's cookie."""
    same_site(request)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(app.sessions.cookie, httponly=True, samesite="strict")
    return response


def install(app: FastAPI) -> None:
    """Add the pages, their files, and a page for addresses that are not there."""
    app.include_router(router)
    app.include_router(assets.router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")

    async def on_token(request: Request, _: Exception) -> Response:
        return _with_cookie(request, app.state.services, RedirectResponse(request.url.path, 303), PAGE)

    async def on_unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotSignedIn)
        wrong = "&wrong=link" if error.token else ""
        return RedirectResponse(f"/login?next={quote(request.url.path)}{wrong}", 303)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1")
        if error.status_code == 404 and wants_page:
            return templates.TemplateResponse(request, "missing.html", page_context(app.state.services, None), 404)
        return problems.http_problem(request, error)

    app.add_exception_handler(TokenAccepted, on_token)
    app.add_exception_handler(NotSignedIn, on_unknown)
    app.add_exception_handler(HTTPException, on_http)


async def _page(
    request: Request,
    app: Services,
    principal: Principal,
    template: str,
    *,
    needs: frozenset[str] = _NEEDS,
    may_be_empty: bool = False,
    **context: Any,
) -> Response:
    if (refusal := refused(request, app, principal, needs)) is not None:
        return refusal
    recorded = await run_in_threadpool(cameras, app.records, app.settings.store)
    shown = _choices(recorded, app.live.cameras())
    if not (recorded or (shown and template == "live.html") or may_be_empty):
        template = "empty.html"
    return templates.TemplateResponse(
        request, template, {**page_context(app, principal), "cameras": shown, "recorded": recorded, **context}
    )


def refused(request: Request, app: Services, principal: Principal, needs: frozenset[str]) -> Response | None:
    """The page that names the scopes which this viewer lacks; None where none is lacking."""
    missing = sorted(scope for scope in needs if not principal.may(scope))
    if not missing:
        return None
    context = {**page_context(app, principal), "scopes": missing}
    return templates.TemplateResponse(request, "forbidden.html", context, status_code=403)


def _choices(recorded: list[CameraInfo], live: tuple[str, ...]) -> list[dict[str, Any]]:
    """Every camera that a page can offer, the live ones first."""
    known = {camera.camera: camera for camera in recorded}
    names = [*sorted(live), *sorted(known.keys() - set(live))]
    return [{"name": name, "live": name in live, "info": known.get(name)} for name in names]


def page_context(app: Services, principal: Principal | None) -> dict[str, Any]:
    """What every template needs; ``principal`` is who is signed in."""
    return {
        "store": app.settings.store,
        "min_visitors": app.settings.min_visitors,
        "signed_in": principal is not None,
        "plotly": assets.plotly_path(),
    }


def _login(
    request: Request, app: Services, *, error: str | None = None, following: str | None = None, status: int = 200
) -> HTMLResponse:
    target = _local(following if following is not None else request.query_params.get("next", "/"))
    return templates.TemplateResponse(
        request, "login.html", {**page_context(app, None), "next": target, "error": error}, status_code=status
    )


def _with_cookie(request: Request, app: Services, response: Response, key_id: str) -> Response:
    response.set_cookie(
        app.sessions.cookie,
        app.sessions.issue(key_id, time.time()),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _local(target: str) -> str:
    """The target when it is a path of this server, else the first page: nobody is sent elsewhere."""
    safe = target.startswith("/") and not target.startswith("//") and not set("\\\r\n\t") & set(target)
    return target if safe else "/"


async def _small_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            raise HTTPException(413)
    return body
