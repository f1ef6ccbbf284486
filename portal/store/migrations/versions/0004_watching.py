"""How issuers are, sign-ins under way, and the old secret of a client beside its new one.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

import portal.store.columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OF_CLIENTS = ("secret_set_at", "old_secret", "old_private_key", "old_set_at", "refused_at")


def upgrade() -> None:
    time = portal.store.columns.UtcDateTime(timezone=True)
    sealed = portal.store.columns.SealedText()
    op.create_table(
        "issuer_health",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("next_check_at", time, nullable=False),
        sa.Column("checked_at", time, nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("is_down", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("keys", sa.Integer(), server_default="0", nullable=False),
        sa.Column("algorithms", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ahead_seconds", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", time, nullable=True),
        sa.Column("good_at", time, nullable=True),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_issuer_health")),
    )
    op.create_index(op.f("ix_issuer_health_next_check_at"), "issuer_health", ["next_check_at"])
    op.create_table(
        "started_sign_ins",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("back_at", time, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_started_sign_ins")),
    )
    op.create_index("ix_started_sign_ins_tenant_id_at", "started_sign_ins", ["tenant_id", "at"])
    op.create_index(op.f("ix_started_sign_ins_at"), "started_sign_ins", ["at"])
    op.create_index(op.f("ix_started_sign_ins_reference"), "started_sign_ins", ["reference"])
    for name in _OF_CLIENTS:
        kind = sealed if name in {"old_secret", "old_private_key"} else time
        op.add_column("clients", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in reversed(_OF_CLIENTS):
        op.drop_column("clients", name)
    op.drop_table("started_sign_ins")
    op.drop_table("issuer_health")
