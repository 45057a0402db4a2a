"""Members, receipts, payments and reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("store", "member", name=op.f("uq_members_store_member")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("drafted_at", sa.Double(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=True),
        sa.Column("corrected_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('draft', 'issued', 'corrected')", name=op.f("ck_receipts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("session_id", name=op.f("uq_receipts_session_id")),
    )
    op.create_index(op.f("ix_receipts_store_drafted_at"), "receipts", ["store", "drafted_at"], unique=False)
    op.create_index(op.f("ix_receipts_drafted_at"), "receipts", ["drafted_at"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("receipt_id", sa.String(length=64), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("collected_at", sa.Double(), nullable=True),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_receipt_id"), "ledger", ["receipt_id"], unique=False)
    op.create_index(op.f("ix_ledger_store_collected_at"), "ledger", ["store", "collected_at"], unique=False)
    op.create_index(op.f("ix_ledger_time"), "ledger", ["time"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(
        op.f("ix_reviews_store_answered_at_time"), "reviews", ["store", "answered_at", "time"], unique=False
    )
    op.create_index(op.f("ix_reviews_time"), "reviews", ["time"], unique=False)


def downgrade() -> None:
    op.drop_table("reviews")
    op.drop_table("ledger")
    op.drop_table("receipts")
    op.drop_table("members")
