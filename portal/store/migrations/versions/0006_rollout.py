"""Planned rollouts, why somebody is break-glass, and mail on its way.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

import portal.store.columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = portal.store.columns.UtcDateTime(timezone=True)
    op.create_table(
        "rollout_plans",
        sa.Column("domain_id", sa.Integer(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="planned", nullable=False),
        sa.Column("due_at", time, nullable=True),
        sa.Column("planned_by", sa.String(length=320), nullable=False),
        sa.Column("planned_at", time, nullable=False),
        sa.Column("way_before", sa.JSON(), nullable=False),
        sa.Column("way_left", sa.JSON(), nullable=False),
        sa.Column("stepped_at", time, nullable=True),
        sa.Column("watched_until", time, nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["domains.id"],
            name=op.f("fk_rollout_plans_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("domain_id", name=op.f("pk_rollout_plans")),
    )
    op.create_index(op.f("ix_rollout_plans_due_at"), "rollout_plans", ["due_at"])
    op.create_index(op.f("ix_rollout_plans_watched_until"), "rollout_plans", ["watched_until"])
    op.create_table(
        "break_glass",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("marked_by", sa.String(length=320), server_default="", nullable=False),
        sa.Column("marked_at", time, nullable=True),
        sa.Column("used_at", time, nullable=True),
        sa.Column("told_at", time, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_break_glass_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_break_glass")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("due_at", time, nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", portal.store.columns.SealedText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"])


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("break_glass")
    op.drop_table("rollout_plans")
