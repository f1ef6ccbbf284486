"""Which link a mail on its way carries.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("link_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_outbox_link_id"), "outbox", ["link_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_link_id"), "outbox")
    op.drop_column("outbox", "link_id")
