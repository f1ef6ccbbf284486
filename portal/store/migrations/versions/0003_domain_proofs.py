"""The DNS challenges of claimed domains.

Revision: 0003
Follows: 0001
"""

import sqlalchemy as sa
from alembic import op

import portal.store.columns

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = portal.store.columns.UtcDateTime(timezone=True)
    op.create_table(
        "domain_proofs",
        sa.Column("domain_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("checked_at", time, nullable=True),
        sa.Column("outcome", sa.String(length=16), server_default="", nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("next_check_at", time, nullable=False),
        sa.Column("proven_at", time, nullable=True),
        sa.Column("lost_since", time, nullable=True),
        sa.ForeignKeyConstraint(
            ["domain_id"],
            ["domains.id"],
            name=op.f("fk_domain_proofs_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("domain_id", name=op.f("pk_domain_proofs")),
    )
    op.create_index(op.f("ix_domain_proofs_next_check_at"), "domain_proofs", ["next_check_at"])
    op.create_index("ix_users_tenant_id_email_key", "users", ["tenant_id", "email_key"])
    op.create_index("ix_audit_tenant_id_object", "audit", ["tenant_id", "object"])


def downgrade() -> None:
    op.drop_index("ix_audit_tenant_id_object", "audit")
    op.drop_index("ix_users_tenant_id_email_key", "users")
    op.drop_table("domain_proofs")
