"""The addresses under /v1, and those for machines that look after the server. One module per subject."""

from fastapi import APIRouter

from api.routes import cameras, events, health, heatmap, insights, live

ALL: tuple[APIRouter, ...] = (
    cameras.router,
    insights.router,
    heatmap.router,
    events.router,
    live.router,
    health.router,
)
