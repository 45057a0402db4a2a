"""The codes that people show at the gates, for a checkout that runs beside the cameras."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.simulation.scenario.roles import token
from datasets.simulation.timeline import Timeline
from store.events import SessionOpened

SHOWN_S = 0.8  # so long before the session opens


@dataclass(frozen=True, slots=True)
class GateCode:
    """At ``time_s`` of the timeline a shopper shows ``code`` at ``gate``; it opens ``session_id``."""

    time_s: float
    gate: str
    code: str
    session_id: str


def gate_codes(timeline: Timeline) -> tuple[GateCode, ...]:
    """The codes shown at gates, in order of time: one for each session."""
    return tuple(
        GateCode(
            time_s=max(0.0, event.time - timeline.start - SHOWN_S),
            gate=event.gate,
            code=token(timeline.seed, "code", event.session_id, length=12),
            session_id=event.session_id,
        )
        for event in timeline.events
        if isinstance(event, SessionOpened)
    )
