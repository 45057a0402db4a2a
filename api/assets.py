"""The one large file of the pages: plotly, out of its own wheel, packed once and kept by the browser for good."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.problems import Problem

router = APIRouter(include_in_schema=False)


def plotly_path() -> str:
    """Where the pages find plotly; the address holds its version, so that it may be kept for ever."""
    return f"/assets/plotly-{version('plotly')}.min.js"


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """Plotly, gzipped for who takes it so."""
    if f"/assets/{name}" != plotly_path():
        raise Problem(404, "unknown-file", "Unknown file", f"There is no file {name[:80]!r} here.")
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body = await run_in_threadpool(_packed if packed else _plain)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="text/javascript", headers=headers)


def _plain() -> bytes:
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()


@cache
def _packed() -> bytes:
    return gzip.compress(_plain(), compresslevel=6, mtime=0)
