"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=128), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    op.create_table(
        "cameras",
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("homography", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("cell_px", sa.Integer(), nullable=False),
        sa.Column("cell_m", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("store", "camera", name=op.f("pk_cameras")),
    )
    op.create_table(
        "crossings",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("line", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_crossings_direction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crossings")),
    )
    op.create_index(
        op.f("ix_crossings_store_camera_line_time"), "crossings", ["store", "camera", "line", "time"], unique=False
    )
    op.create_index(op.f("ix_crossings_time"), "crossings", ["time"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_store_type_time"), "events", ["store", "type", "time"], unique=False)
    op.create_index(op.f("ix_events_time"), "events", ["time"], unique=False)
    op.create_table(
        "handled",
        sa.Column("handler", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("handler", "event_id", name=op.f("pk_handled")),
    )
    op.create_index(op.f("ix_handled_time"), "handled", ["time"], unique=False)
    op.create_table(
        "occupancy",
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_seconds", sa.Double(), nullable=False),
        sa.Column("peak", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("store", "camera", "zone", "minute", name=op.f("pk_occupancy")),
    )
    op.create_index(op.f("ix_occupancy_minute"), "occupancy", ["minute"], unique=False)
    op.create_table(
        "tiles",
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("space", sa.String(length=5), nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("x", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("y", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("space IN ('image', 'floor')", name=op.f("ck_tiles_space")),
        sa.PrimaryKeyConstraint("store", "camera", "space", "minute", "x", "y", name=op.f("pk_tiles")),
    )
    op.create_index(op.f("ix_tiles_minute"), "tiles", ["minute"], unique=False)
    op.create_table(
        "visits",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("entered_at", sa.Double(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    op.create_index(op.f("ix_visits_left_at"), "visits", ["left_at"], unique=False)
    op.create_index(
        op.f("ix_visits_store_camera_entered_at"), "visits", ["store", "camera", "entered_at"], unique=False
    )
    op.create_table(
        "zone_visits",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("entered_at", sa.Double(), nullable=False),
        sa.Column("left_at", sa.Double(), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_visits")),
    )
    op.create_index(op.f("ix_zone_visits_left_at"), "zone_visits", ["left_at"], unique=False)
    op.create_index(
        op.f("ix_zone_visits_store_camera_zone_entered_at"),
        "zone_visits",
        ["store", "camera", "zone", "entered_at"],
        unique=False,
    )


def downgrade() -> None:
    for table in (
        "zone_visits",
        "visits",
        "tiles",
        "occupancy",
        "handled",
        "events",
        "crossings",
        "cameras",
        "api_keys",
    ):
        op.drop_table(table)
