"""The sensors of a simulated shop over HTTP: weight plates and gate codes, as server-sent events in real time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from datasets.simulation.filming.live import LiveShop
from datasets.simulation.scenario import gate_codes

_LONGEST_WAIT_S: Final = 0.2

Reading = tuple[float, dict[str, Any]]


def sensor_app(shop: LiveShop, streams: dict[str, str]) -> FastAPI:
    """The interface of ``shop``, which must have begun; ``streams`` are the addresses of its cameras by name.

    `/v1/cameras` lists the cameras; `/v1/plates` and `/v1/gates` stream readings from now on, JSON with the moment in
    UTC. A stream ends with the shop.
    """
    app = FastAPI(title="Simulated shop", openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    plates, gates = plate_readings(shop), gate_readings(shop)

    @app.get("/v1/cameras", summary="The cameras and how they do")
    async def cameras() -> list[dict[str, Any]]:
        return [
            {"camera": name, "stream": streams[name], "size": camera.size, "drawn": camera.drawn, "late": camera.late}
            for name, camera in shop.cameras.items()
        ]

    @app.get("/v1/plates", summary="What the weight plates read", response_class=EventSourceResponse)
    async def plates_now() -> AsyncIterator[ServerSentEvent]:
        async for event in _follow(shop, plates, "plate.reading"):
            yield event

    @app.get("/v1/gates", summary="Codes that are shown at the gates", response_class=EventSourceResponse)
    async def gates_now() -> AsyncIterator[ServerSentEvent]:
        async for event in _follow(shop, gates, "gate.code"):
            yield event

    return app


def plate_readings(shop: LiveShop) -> list[Reading]:
    """Second of the run, and what a plate read then, in order."""
    found = [
        (float(time_s), {"plate": reading.plate, "weight_g": round(float(weight_g), 2)})
        for reading in shop.studio.timeline.plates
        for time_s, weight_g in zip(reading.time_s, reading.weight_g, strict=True)
    ]
    return sorted(found, key=lambda reading: reading[0])


def gate_readings(shop: LiveShop) -> list[Reading]:
    """Second of the run, and the code that was shown at a gate then, in order."""
    return [(code.time_s, {"gate": code.gate, "code": code.code}) for code in gate_codes(shop.studio.timeline)]


async def _follow(shop: LiveShop, readings: Sequence[Reading], kind: str) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(comment="listening")
    duration_s = shop.studio.timeline.duration_s
    times = np.array([time_s for time_s, _ in readings])
    turn = int(shop.now_s() // duration_s) if shop.loop else 0
    at = int(np.searchsorted(times, shop.now_s() - turn * duration_s))
    while not shop.ended.is_set():
        if at == len(readings):
            if not shop.loop or not readings:
                await asyncio.sleep(_LONGEST_WAIT_S)
                continue
            turn, at = turn + 1, 0
        time_s, body = readings[at]
        left = turn * duration_s + time_s - shop.now_s()
        if left > 0:
            await asyncio.sleep(min(left, _LONGEST_WAIT_S))
            continue
        moment = datetime.fromtimestamp(shop.began_at + turn * duration_s + time_s, UTC)
        data = json.dumps({"time": moment.isoformat(timespec="milliseconds"), **body})
        yield ServerSentEvent(raw_data=data, event=kind)
        at += 1
