"""Headers that every answer carries, and the host names that the server answers to."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, problem_response
from store.settings import is_loopback

# Plotly writes its own style element and style attributes; no script but our files is ever run.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def allowed_hosts(host: str) -> list[str]:
    """The names that may stand in a request's Host header for a server bound to ``host``.

    A page of another site that points its own name at 127.0.0.1 is refused by this.
    """
    if not is_loopback(host):
        return ["*"]
    return sorted({"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host})


class HostCheck:
    """``TrustedHostMiddleware`` whose refusal is a problem document."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self._app = app
        self._gate = TrustedHostMiddleware(self._admit, hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["aisle.admitted"] = False

        async def send_if_admitted(message: Message) -> None:
            if scope["aisle.admitted"]:
                await send(message)

        await self._gate(scope, receive, send_if_admitted)
        if not scope["aisle.admitted"]:
            detail = (
                f"This server answers to {', '.join(self._gate.allowed_hosts)} only, and the request's Host header "
                "names another. Open it under one of those names."
            )
            refusal = problem_response(Request(scope), Problem(400, "unknown-host", "Unknown host", detail))
            await refusal(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["aisle.admitted"] = True
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers above, and `no-store` where a route did not say how long its answer keeps."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
