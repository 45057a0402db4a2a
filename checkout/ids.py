"""Ids that are the same whenever the same thing is found again, so that doing it twice does no harm."""

from __future__ import annotations

import hashlib


def derived_id(*parts: str | float) -> str:
    """32 hex digits that depend on ``parts`` alone."""
    text = "\x1f".join(part if isinstance(part, str) else f"{part:.6f}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def receipt_id_of(session_id: str) -> str:
    """The receipt of a session: one session, one receipt."""
    return derived_id("receipt", session_id)
