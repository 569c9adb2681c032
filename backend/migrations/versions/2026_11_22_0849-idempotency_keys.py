"""Keys of creating calls, with the answers that are given again."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0011"
down_revision = "0010"

ALL = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_idempotency_keys_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", "caller", "route", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    for statement in tenancy.isolate("idempotency_keys"):
        op.execute(statement)
    for role, privileges in ((Role.APP, ALL), (Role.PLATFORM, ALL), (Role.RETENTION, "SELECT, DELETE")):
        for statement in tenancy.grant(role, privileges, ["idempotency_keys"]):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("idempotency_keys")
