"""Consent by its own clock in both channels, tags by theirs; writes to many customers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "customer_writes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("bulk_gid", sa.Text(), nullable=True),
        sa.Column("bulk_runs", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('tags_add', 'tags_remove', 'metafields')", name=op.f("ck_customer_writes_kind")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_customer_writes_state")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_customer_writes_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_writes")),
        sa.UniqueConstraint("public_id", name=op.f("uq_customer_writes_public_id")),
    )
    op.create_index("ix_customer_writes_shop_id", "customer_writes", ["shop_id", "id"], unique=False)
    op.create_table(
        "customer_write_targets",
        sa.Column("write_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("metafields", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'done', 'refused')", name=op.f("ck_customer_write_targets_state")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_write_targets_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_customer_write_targets_shop_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["write_id"],
            ["customer_writes.id"],
            name=op.f("fk_customer_write_targets_write_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("write_id", "line", name=op.f("pk_customer_write_targets")),
    )
    op.create_index(
        "ix_customer_write_targets_customer_id", "customer_write_targets", ["customer_id"], unique=False
    )
    op.add_column("customers", sa.Column("tags_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "customers",
        sa.Column(
            "tag_changes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("customers", sa.Column("sms_opt_in_level", sa.Text(), nullable=True))
    op.add_column("customers", sa.Column("sms_consent_at", sa.DateTime(timezone=True), nullable=True))
    for table in (
        "customer_writes",
        "customer_write_targets",
    ):
        for statement in [
            *tenancy.isolate(table),
            *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ]:
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("customers", "sms_consent_at")
    op.drop_column("customers", "sms_opt_in_level")
    op.drop_column("customers", "tag_changes")
    op.drop_column("customers", "tags_at")
    op.drop_index("ix_customer_write_targets_customer_id", table_name="customer_write_targets")
    op.drop_table("customer_write_targets")
    op.drop_index("ix_customer_writes_shop_id", table_name="customer_writes")
    op.drop_table("customer_writes")
