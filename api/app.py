"""The app: routes, pages, errors and middleware put together; parts it is not given, it opens and closes itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from api import calibrate_page, floor_pages, openapi, pages, problems, review_pages, routes
from api.feed import Feed
from api.floor_plans import FloorPlans
from api.live import LiveFrames
from api.metrics import MeasureRequests, Metrics
from api.now import Now
from api.rates import rate_check
from api.security import HostCheck, SecurityHeaders, allowed_hosts
from api.services import Services
from api.sessions import Sessions, read_secret
from api.shop_now import ShopNow
from api.till import open_till
from store.bus import Bus
from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from store.records import Records
from store.settings import Settings


def create_app(
    settings: Settings,
    *,
    bus: Bus | None = None,
    records: Records | None = None,
    live: LiveFrames | None = None,
    plan: Plan | None = None,
    catalogue: Catalogue | None = None,
    plan_file: Path | None = None,
) -> FastAPI:
    """The interface and the pages of one shop.

    ``bus`` and ``records`` are opened when the app starts and closed when it stops unless they are given; ``live``
    are the pictures of cameras that are watched in this very process. ``plan`` names the gates, ``catalogue`` the
    products and what they cost, ``plan_file`` is what the calibration page writes to. Raises ``BadRateError`` for a
    rate limit that cannot be read.
    """
    frames = live or LiveFrames()
    held = Services(
        settings=settings,
        live=frames,
        now=Now(),
        shop_now=ShopNow(),
        sessions=Sessions(read_secret(settings.data_dir / "session.key")),
        metrics=Metrics(frames),
        till=open_till(settings, plan, catalogue),
        plans=FloorPlans(plan, plan_file),
        plan_file=plan_file,
        check_rate=rate_check(settings.rate_limit),
    )
    app = FastAPI(
        title="Aisle",
        version=openapi.version(),
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        license_info={"name": "AGPL-3.0-only", "identifier": "AGPL-3.0-only"},
        lifespan=_lifespan(held, bus, records),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = held
    problems.install(app)
    openapi.install(app)
    for router in routes.ALL:
        app.include_router(router)
    pages.install(app)
    for page in (calibrate_page, floor_pages, review_pages):
        app.include_router(page.router)
    app.add_middleware(HostCheck, hosts=allowed_hosts(settings.host))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(MeasureRequests, metrics=held.metrics)
    return app


def _lifespan(held: Services, bus: Bus | None, records: Records | None) -> openapi.Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await _open(held, bus, records, stack)
            except Exception as error:
                held.start_error = error
                raise
            yield

    return lifespan


async def _open(held: Services, bus: Bus | None, records: Records | None, stack: AsyncExitStack) -> None:
    held.opened_records = records or stack.enter_context(await asyncio.to_thread(Records.open, held.settings))
    held.opened_bus = bus or stack.enter_context(await asyncio.to_thread(Bus.open, held.settings))

    await asyncio.to_thread(held.till.board.load, held.opened_records, held.settings.store)

    def on_event(event: Event) -> None:
        held.metrics.events.labels(event.type).inc()
        held.now.take(event)
        held.till.board.take(event)
        held.shop_now.take(event)

    held.opened_feed = Feed(held.opened_bus, on_event)
    stack.push_async_callback(asyncio.to_thread, held.opened_feed.close)
    stack.callback(held.live.close)
    await asyncio.to_thread(held.opened_feed.start)
