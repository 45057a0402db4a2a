"""The addresses under /v1, and those for machines that look after the server. One module per subject."""

from fastapi import APIRouter

from api.routes import (
    baskets,
    cameras,
    events,
    floor,
    gates,
    health,
    heatmap,
    insights,
    live,
    members,
    plates,
    receipts,
    reviews,
    shop,
)

ALL: tuple[APIRouter, ...] = (
    cameras.router,
    insights.router,
    heatmap.router,
    floor.router,
    events.router,
    live.router,
    shop.router,
    members.router,
    plates.router,
    gates.router,
    baskets.router,
    receipts.router,
    reviews.router,
    health.router,
)
