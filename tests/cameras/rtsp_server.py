"""Serves the videos of a folder over RTSP on 127.0.0.1: rtsp_server.py FOLDER PORT [USER PASSWORD]."""

from __future__ import annotations

import asyncio
import base64
import sys
from typing import Any

import aio_rtsp_toolkit.server as toolkit
import aio_rtsp_toolkit.server_streaming as streaming

# A put that times out just as it succeeds is repeated: with 0.05 s and a frame every 0.04 s, frames went out twice.
streaming.QUEUE_PUT_POLL_INTERVAL = 2.0


def guarded(user: str, password: str) -> type[Any]:
    """A session that describes its streams only to whoever shows these credentials (HTTP basic)."""
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Guarded(toolkit.RtspServerSession):  # type: ignore[misc]
        async def _handle_describe(self, uri: str, req_headers: dict[str, str]) -> None:
            if req_headers.get("authorization") == expected:
                await super()._handle_describe(uri, req_headers)
            else:
                challenge = {"WWW-Authenticate": 'Basic realm="cameras"'}
                await self._send_response(req_headers, 401, "Unauthorized", challenge)

    return Guarded


if __name__ == "__main__":
    if len(sys.argv) > 3:
        toolkit.RtspServerSession = guarded(sys.argv[3], sys.argv[4])
    asyncio.run(toolkit.serve(sys.argv[1], "127.0.0.1", int(sys.argv[2])))
