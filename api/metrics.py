"""Numbers for Prometheus, in a registry of the app's own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.live import LiveFrames

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class _LiveCollector(Collector):
    """Reads the live pictures at the moment of scraping."""

    def __init__(self, live: LiveFrames) -> None:
        self._live = live

    def collect(self) -> Iterable[Metric]:
        viewers = GaugeMetricFamily("aisle_live_viewers", "Open live streams.", labels=["camera"])
        frames = CounterMetricFamily("aisle_live_frames", "Pictures put up for viewers.", labels=["camera"])
        handled = CounterMetricFamily("aisle_pipeline_frames", "Frames worked on in this process.", labels=["camera"])
        for camera, count in self._live.handled_frames().items():
            handled.add_metric([camera], count)
        for camera, count in self._live.viewers().items():
            viewers.add_metric([camera], count)
        for camera, count in self._live.frames().items():
            frames.add_metric([camera], count)
        return [viewers, frames, handled]


class _WorkerCollector(Collector):
    """What the workers of the shop put up on the bus."""

    def __init__(self) -> None:
        self.reports: Mapping[str, Mapping[str, Any]] = {}

    def collect(self) -> Iterable[Metric]:
        labels = ["worker", "camera"]
        seconds = CounterMetricFamily("aisle_stage_seconds", "Time by stage, in the worker.", labels=[*labels, "stage"])
        pictures = CounterMetricFamily(
            "aisle_pictures",
            "Pictures that came, were still, were held back undecoded, were missed, were looked at.",
            labels=[*labels, "what"],
        )
        restarts = CounterMetricFamily("aisle_decoder_restarts", "Decoders started again.", labels=labels)
        again = CounterMetricFamily("aisle_networks_restarts", "Networks started again.", labels=["worker"])
        age = GaugeMetricFamily("aisle_picture_age_seconds", "Age when it was known.", labels=[*labels, "quantile"])
        live = GaugeMetricFamily("aisle_camera_live", "1 for a camera that gives pictures.", labels=labels)
        for worker, report in self.reports.items():
            again.add_metric([worker], report["restarts"])
            for camera, each in report["cameras"].items():
                live.add_metric([worker, camera], each["state"] == "live")
                restarts.add_metric([worker, camera], each["restarts"])
                for stage, spent in each["seconds"].items():
                    seconds.add_metric([worker, camera, stage], spent)
                for what in ("came", "still", "held", "missed", "looked"):
                    pictures.add_metric([worker, camera, what], each[what])
                for quantile, value in zip(("0.5", "0.99"), each["age_s"].values(), strict=True):
                    if value is not None:
                        age.add_metric([worker, camera, quantile], value)
        return [seconds, pictures, restarts, again, age, live, *self._floor()]

    def _floor(self) -> Iterable[Metric]:
        labels = ["worker"]
        people = GaugeMetricFamily("aisle_floor_people", "People followed over the floor.", labels=labels)
        entered = CounterMetricFamily("aisle_floor_visits", "Visits that began.", labels=labels)
        moments = CounterMetricFamily("aisle_floor_moments", "Moments of all cameras together.", labels=labels)
        late = CounterMetricFamily(
            "aisle_floor_late", "Pictures too late for their moment.", labels=[*labels, "camera"]
        )
        bumped = GaugeMetricFamily(
            "aisle_camera_bumped", "1 for a camera that looks elsewhere than calibrated.", labels=[*labels, "camera"]
        )
        sigma = GaugeMetricFamily("aisle_floor_people_sigma", "Standard deviation of their number.", labels=labels)
        audits = CounterMetricFamily("aisle_floor_audits", "Audits of the floor.", labels=labels)
        failed = CounterMetricFamily(
            "aisle_floor_audit_failures", "Audits in which something does not add up.", labels=[*labels, "what"]
        )
        for worker, report in self.reports.items():
            floor = report.get("floor")
            if floor is None:
                continue
            people.add_metric([worker], floor["now"])
            entered.add_metric([worker], floor["entered"])
            moments.add_metric([worker], floor["moments"])
            for camera, count in floor["late"].items():
                late.add_metric([worker, camera], count)
                bumped.add_metric([worker, camera], camera in floor["bumped"])
            audits.add_metric([worker], floor["audits"]["told"])
            for what, count in floor["audits"]["failed"].items():
                failed.add_metric([worker, what], count)
            if floor["audit"] is not None:
                sigma.add_metric([worker], floor["audit"]["sigma"])
        return [people, entered, moments, late, bumped, sigma, audits, failed]


class Metrics:
    """Requests and their time by route, listeners, viewers, events, what the bus has waiting, what workers report."""

    def __init__(self, live: LiveFrames) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "aisle_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.latency = Histogram(
            "aisle_request_seconds",
            "Time until the answer began.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.listeners = Gauge("aisle_event_listeners", "Open event streams.", registry=self.registry)
        self.events = Counter("aisle_events", "Events seen on the bus, by type.", ["type"], registry=self.registry)
        self.backlog = Gauge(
            "aisle_bus_backlog", "Events that a consumer group has not handled.", ["group"], registry=self.registry
        )
        self.registry.register(_LiveCollector(live))
        self.workers = _WorkerCollector()
        self.registry.register(self.workers)

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)


class MeasureRequests:
    """Counts requests by the route's template, so that no name out of a path becomes a label."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.requests.labels(scope["method"], route, str(message["status"])).inc()
                self._metrics.latency.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)
