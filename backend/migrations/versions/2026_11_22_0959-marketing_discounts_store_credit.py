"""What campaigns have told Shopify, discounts with unique codes, and the ledger of store credit."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "discount_sets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("percent_hundredths", sa.SmallInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("once_per_customer", sa.Boolean(), nullable=False),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("discount_gid", sa.Text(), nullable=True),
        sa.Column("creation_gid", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_discount_sets_state")
        ),
        sa.CheckConstraint(
            "(percent_hundredths IS NULL) <> (amount_minor IS NULL)", name=op.f("ck_discount_sets_value")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_discount_sets_amount_minor")),
        sa.CheckConstraint(
            "percent_hundredths BETWEEN 1 AND 10000", name=op.f("ck_discount_sets_percent_hundredths")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_discount_sets_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_sets")),
        sa.UniqueConstraint("public_id", name=op.f("uq_discount_sets_public_id")),
    )
    op.create_index("ix_discount_sets_shop_id", "discount_sets", ["shop_id", "id"], unique=False)
    op.create_table(
        "marketing_activities",
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_marketing_activities_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("remote_id", name=op.f("pk_marketing_activities")),
    )
    op.create_table(
        "discount_codes",
        sa.Column("discount_set_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'staged'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('staged', 'live', 'refused')", name=op.f("ck_discount_codes_state")),
        sa.ForeignKeyConstraint(
            ["discount_set_id"],
            ["discount_sets.id"],
            name=op.f("fk_discount_codes_discount_set_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_discount_codes_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("discount_set_id", "line", name=op.f("pk_discount_codes")),
        sa.UniqueConstraint("shop_id", "code", name=op.f("uq_discount_codes_shop_id_code")),
    )
    op.create_index(
        "ix_discount_codes_staged",
        "discount_codes",
        ["discount_set_id", "line"],
        unique=False,
        postgresql_where=sa.text("state = 'staged'"),
    )
    op.create_table(
        "store_credit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notify", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'planned'"), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transaction_gid", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'sent', 'done', 'refused', 'unknown')",
            name=op.f("ck_store_credit_entries_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_store_credit_entries_amount_minor")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_store_credit_entries_customer_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_store_credit_entries_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_credit_entries")),
        sa.UniqueConstraint("public_id", name=op.f("uq_store_credit_entries_public_id")),
        sa.UniqueConstraint(
            "shop_id", "transaction_gid", name=op.f("uq_store_credit_entries_shop_id_transaction_gid")
        ),
    )
    op.create_index(
        "ix_store_credit_entries_customer_id", "store_credit_entries", ["customer_id", "id"], unique=False
    )
    op.create_table(
        "marketing_reports",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_marketing_reports_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_marketing_reports_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "day", name=op.f("pk_marketing_reports")),
    )
    op.create_index("ix_marketing_reports_shop_id_day", "marketing_reports", ["shop_id", "day"], unique=False)
    for table in (
        "discount_sets",
        "discount_codes",
        "marketing_activities",
        "marketing_reports",
        "store_credit_entries",
    ):
        for statement in [
            *tenancy.isolate(table),
            *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ]:
            op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_marketing_reports_shop_id_day", table_name="marketing_reports")
    op.drop_table("marketing_reports")
    op.drop_index("ix_store_credit_entries_customer_id", table_name="store_credit_entries")
    op.drop_table("store_credit_entries")
    op.drop_index(
        "ix_discount_codes_staged", table_name="discount_codes", postgresql_where=sa.text("state = 'staged'")
    )
    op.drop_table("discount_codes")
    op.drop_table("marketing_activities")
    op.drop_index("ix_discount_sets_shop_id", table_name="discount_sets")
    op.drop_table("discount_sets")
