"""Every resource of a shop: what hangs on orders, collections, abandoned checkouts, Shopify's segments; marks and
reconciliations.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0008"
down_revision = "0007"

TABLES = (
    "abandoned_checkouts",
    "collection_products",
    "collections",
    "order_fulfillments",
    "order_refunds",
    "order_transactions",
    "shopify_segments",
    "sync_marks",
    "sync_reconciliations",
)
MODES = ("bulk", "paginated")
RESOURCES = ("customers", "products", "collections", "orders", "abandoned_checkouts", "segments")
STATES = ("pending", "requested", "ready", "importing", "done", "failed", "cancelled", "skipped")


def upgrade() -> None:
    op.create_table(
        "abandoned_checkouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("customer_gid", sa.Text(), nullable=True),
        sa.Column("recovery_url", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_codes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_abandoned_checkouts_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abandoned_checkouts")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_abandoned_checkouts_shop_id_gid")),
    )
    op.create_index(
        "ix_abandoned_checkouts_shop_id_customer_gid",
        "abandoned_checkouts",
        ["shop_id", "customer_gid"],
        unique=False,
    )
    op.create_table(
        "collection_products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_gid", sa.Text(), nullable=False),
        sa.Column("product_gid", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_collection_products_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_products")),
        sa.UniqueConstraint(
            "shop_id",
            "collection_gid",
            "product_gid",
            name=op.f("uq_collection_products_shop_id_collection_gid_product_gid"),
        ),
    )
    op.create_index(
        "ix_collection_products_shop_id_product_gid",
        "collection_products",
        ["shop_id", "product_gid"],
        unique=False,
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_collections_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_collections_shop_id_gid")),
    )
    op.create_table(
        "order_fulfillments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_gid", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("shipment_status", sa.Text(), nullable=True),
        sa.Column("fulfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_order_fulfillments_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_fulfillments")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_order_fulfillments_shop_id_gid")),
    )
    op.create_index(
        "ix_order_fulfillments_shop_id_order_gid",
        "order_fulfillments",
        ["shop_id", "order_gid"],
        unique=False,
    )
    op.create_table(
        "order_refunds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_gid", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_order_refunds_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refunds")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_order_refunds_shop_id_gid")),
    )
    op.create_index(
        "ix_order_refunds_shop_id_order_gid", "order_refunds", ["shop_id", "order_gid"], unique=False
    )
    op.create_table(
        "order_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_gid", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_order_transactions_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_transactions")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_order_transactions_shop_id_gid")),
    )
    op.create_index(
        "ix_order_transactions_shop_id_order_gid",
        "order_transactions",
        ["shop_id", "order_gid"],
        unique=False,
    )
    op.create_table(
        "shopify_segments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_shopify_segments_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shopify_segments")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_shopify_segments_shop_id_gid")),
    )
    op.create_table(
        "sync_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "resource IN ('customers', 'products', 'collections', 'orders', 'abandoned_checkouts', 'segments')",
            name=op.f("ck_sync_marks_resource"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sync_marks_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_marks")),
        sa.UniqueConstraint("shop_id", "resource", name=op.f("uq_sync_marks_shop_id_resource")),
    )
    op.create_table(
        "sync_reconciliations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("operation_gid", sa.Text(), nullable=True),
        sa.Column("operation_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("stale", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("surplus", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("repaired", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "resource IN ('customers', 'products', 'collections', 'orders', 'abandoned_checkouts', 'segments')",
            name=op.f("ck_sync_reconciliations_resource"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'requested', 'done', 'failed', 'skipped')",
            name=op.f("ck_sync_reconciliations_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sync_reconciliations_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_reconciliations")),
    )
    op.create_index(
        "ix_sync_reconciliations_shop_id_id", "sync_reconciliations", ["shop_id", "id"], unique=False
    )
    op.create_index(
        "uq_sync_reconciliations_open",
        "sync_reconciliations",
        ["shop_id", "resource"],
        unique=True,
        postgresql_where=sa.text("state IN ('pending', 'requested')"),
    )
    op.add_column("sync_resources", sa.Column("cursor", sa.Text(), nullable=True))
    op.add_column("sync_resources", sa.Column("skipped_reason", sa.Text(), nullable=True))
    op.add_column(
        "sync_resources",
        sa.Column(
            "refusal_counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("sync_runs", sa.Column("batch_size", sa.BigInteger(), nullable=True))
    op.add_column("sync_runs", sa.Column("custom_query", sa.Text(), nullable=True))
    _check("sync_runs", "mode", MODES)
    _check("sync_resources", "resource", RESOURCES)
    _check("sync_resources", "state", STATES)
    for table in TABLES:
        for statement in tenancy.isolate(table):
            op.execute(statement)
        for statement in tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]):
            op.execute(statement)


def _check(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table)
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(name, table, f"{column} IN ({listed})")


def downgrade() -> None:
    op.execute("DELETE FROM sync_resources WHERE resource NOT IN ('customers', 'products', 'orders')")
    op.execute("DELETE FROM sync_runs WHERE mode <> 'bulk'")
    op.execute("UPDATE sync_resources SET state = 'cancelled' WHERE state = 'skipped'")
    _check("sync_runs", "mode", ("bulk",))
    _check("sync_resources", "resource", RESOURCES[:2] + RESOURCES[3:4])
    _check("sync_resources", "state", STATES[:-1])
    for column in ("cursor", "skipped_reason", "refusal_counts"):
        op.drop_column("sync_resources", column)
    for column in ("batch_size", "custom_query"):
        op.drop_column("sync_runs", column)
    for table in TABLES:
        op.drop_table(table)
