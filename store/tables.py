"""The tables of the records. Times are float seconds since 1970 in UTC, on the clock of the footage.

No table holds the path of a person: tracks become counts, stays and cells. Track ids, random by visit, stand in
``events`` alone, where a receipt's events say whose hand it was.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Facts kept for audit, as CloudEvents in JSON; person.moved is never among them.
events = Table(
    "events",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("store", String(64), nullable=False),
    Column("time", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "store", "type", "time"),
    Index(None, "time"),
)

# Which handler has already taken which event; written in the handler's own transaction.
handled = Table(
    "handled",
    metadata,
    Column("handler", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("time", Double, nullable=False),
    Index(None, "time"),
)

crossings = Table(
    "crossings",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("camera", String(64), nullable=False),
    Column("line", String(64), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("time", Double, nullable=False),
    CheckConstraint("direction IN ('in', 'out')", name="direction"),
    Index(None, "store", "camera", "line", "time"),
    Index(None, "time"),
)

# One stay of somebody in a zone.
zone_visits = Table(
    "zone_visits",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("camera", String(64), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("entered_at", Double, nullable=False),
    Column("left_at", Double, nullable=False),
    Column("staff", Boolean, nullable=False),
    Index(None, "store", "camera", "zone", "entered_at"),
    Index(None, "left_at"),
)

# minute is floor(time / 60); zone '' is the whole picture; peak is the most people at one moment of the minute.
occupancy = Table(
    "occupancy",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("camera", String(64), primary_key=True),
    Column("zone", String(64), primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("person_seconds", Double, nullable=False),
    Column("peak", Integer, nullable=False),
    Index(None, "minute"),
)

# Heatmap cells. visitors counts the visits that were in the cell for the first time in that minute, so that a sum over
# minutes counts no visit twice.
tiles = Table(
    "tiles",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("camera", String(64), primary_key=True),
    Column("space", String(5), primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("x", Integer, primary_key=True, autoincrement=False),
    Column("y", Integer, primary_key=True, autoincrement=False),
    Column("visitors", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    CheckConstraint("space IN ('image', 'floor')", name="space"),
    Index(None, "minute"),
)

# What a camera last looked like: its size in pixels, its plan, and the file of a blurred preview.
cameras = Table(
    "cameras",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("camera", String(64), primary_key=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("preview", Text, nullable=True),
    Column("lines", JSON, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("homography", JSON(none_as_null=True), nullable=True),
    Column("cell_px", Integer, nullable=False),
    Column("cell_m", Double, nullable=False),
)

# One anonymous visit to a camera's picture.
visits = Table(
    "visits",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("camera", String(64), nullable=False),
    Column("entered_at", Double, nullable=False),
    Column("left_at", Double, nullable=False),
    Index(None, "store", "camera", "entered_at"),
    Index(None, "left_at"),
)

# Keys of the API; only a hash of each is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("label", Text, nullable=False),
    Column("hash", String(128), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    UniqueConstraint("hash"),
)

# Whom an alias stands for. Events and receipts know the alias alone: without its row they are nobody's.
members = Table(
    "members",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("member", String(128), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("store", "member"),
)

# One receipt a session: its newest lines; what they were before is in events. Money is in the smallest unit.
receipts = Table(
    "receipts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("member", String(64), nullable=True),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("drafted_at", Double, nullable=False),
    Column("issued_at", Double, nullable=True),
    Column("corrected_at", Double, nullable=True),
    Column("reason", Text, nullable=True),
    CheckConstraint("state IN ('draft', 'issued', 'corrected')", name="state"),
    UniqueConstraint("session_id"),
    Index(None, "store", "drafted_at"),
    Index(None, "drafted_at"),
)

# Payments: rows are added, never changed but for the provider's reference and the time at which it took them.
ledger = Table(
    "ledger",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("receipt_id", String(64), nullable=False),
    Column("time", Double, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("collected_at", Double, nullable=True),
    Column("reference", String(128), nullable=True),
    Index(None, "receipt_id"),
    Index(None, "store", "collected_at"),
    Index(None, "time"),
)

# What a person is asked to look at: the product event ``about``, and what it may have been.
reviews = Table(
    "reviews",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("store", String(64), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("about", String(128), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("time", Double, nullable=False),
    Column("body", JSON, nullable=False),
    Column("answered_at", Double, nullable=True),
    Index(None, "store", "answered_at", "time"),
    Index(None, "time"),
)
