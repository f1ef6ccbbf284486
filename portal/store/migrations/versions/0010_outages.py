"""Connections that are down, and what their admins were told of it.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

import portal.store.columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = portal.store.columns.UtcDateTime(timezone=True)
    op.create_table(
        "outages",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("down_since", time, nullable=True),
        sa.Column("cause", sa.String(length=16), server_default="", nullable=False),
        sa.Column("is_told_down", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("down_told_at", time, nullable=True),
        sa.Column("back_told_at", time, nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_outages_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_outages")),
    )


def downgrade() -> None:
    op.drop_table("outages")
