"""Tombstones of who was erased, the sealed key of each shop's, and proof written by the commit that erases."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0014"
down_revision = "0013"

TABLES = ("erasure_keys", "erased_objects")


def upgrade() -> None:
    op.create_table(
        "erasure_keys",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_erasure_keys_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_erasure_keys")),
    )
    op.create_table(
        "erased_objects",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_erased_objects_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", "digest", name=op.f("pk_erased_objects")),
    )
    for table in TABLES:
        for statement in tenancy.isolate(table):
            op.execute(statement)
    for role, tables, privileges in (
        (Role.APP, TABLES, "SELECT, INSERT, UPDATE, DELETE"),
        (Role.PLATFORM, ("erasure_keys",), "SELECT, UPDATE"),
        (Role.RETENTION, ("privacy_requests",), "SELECT, UPDATE (result)"),
    ):
        for statement in tenancy.grant(role, privileges, tables):
            op.execute(statement)


def downgrade() -> None:
    op.execute(f"REVOKE SELECT, UPDATE (result) ON privacy_requests FROM {Role.RETENTION.value}")
    for table in reversed(TABLES):
        op.drop_table(table)
