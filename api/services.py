"""What the routes work with, held once by the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from api.feed import Feed
from api.floor_plans import FloorPlans
from api.keys import RecentKeys
from api.live import LiveFrames
from api.metrics import Metrics
from api.now import Now
from api.sessions import Sessions
from api.shop_now import ShopNow
from api.till import Till
from store.bus import Bus
from store.records import Records
from store.settings import Settings


@dataclass(slots=True)
class Services:
    """The parts of one app; those opened in its lifespan are set when it has started."""

    settings: Settings
    live: LiveFrames
    now: Now
    shop_now: ShopNow
    sessions: Sessions
    metrics: Metrics
    till: Till
    plans: FloorPlans
    check_rate: Callable[[Request], Awaitable[None]]
    recent_keys: RecentKeys = field(default_factory=RecentKeys)
    opened_bus: Bus | None = None
    opened_records: Records | None = None
    opened_feed: Feed | None = None
    plan_file: Path | None = None
    start_error: Exception | None = None

    @property
    def bus(self) -> Bus:
        """The bus. Only after the app has started."""
        assert self.opened_bus is not None, "the app has not started: its lifespan opens the bus"
        return self.opened_bus

    @property
    def records(self) -> Records:
        """The records. Only after the app has started."""
        assert self.opened_records is not None, "the app has not started: its lifespan opens the records"
        return self.opened_records

    @property
    def feed(self) -> Feed:
        """The reader of the bus. Only after the app has started."""
        assert self.opened_feed is not None, "the app has not started: its lifespan starts the feed"
        return self.opened_feed

    def hang_up(self) -> None:
        """End every open stream, so that the server can stop without waiting for its viewers."""
        self.live.close()
        if self.opened_feed is not None:
            self.opened_feed.hang_up()


def services(request: Request) -> Services:
    """The services of the app that this request came to."""
    held: Services = request.app.state.services
    return held


def services_of(app: FastAPI) -> Services:
    """The services of this app."""
    held: Services = app.state.services
    return held


App = Annotated[Services, Depends(services)]
