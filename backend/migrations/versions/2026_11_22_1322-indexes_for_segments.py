"""Orders of a span of time and of a product are found by an index; texts that segments compare have statistics."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    # Without them a comparison of lower(country) is taken for one row in two hundred, and a count loops over an index.
    op.execute(
        "CREATE STATISTICS customers_folded ON (lower(country)), (lower(province)), (lower(city)) FROM customers"
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_orders_shop_id_placed_at_counted",
            "orders",
            ["shop_id", "placed_at"],
            postgresql_include=["customer_id", "cancelled_at", "test"],
            postgresql_concurrently=True,
        )
        op.drop_index("ix_orders_shop_id_placed_at", table_name="orders", postgresql_concurrently=True)
        op.create_index(
            "ix_order_lines_shop_id_product_gid",
            "order_lines",
            ["shop_id", "product_gid", "order_id"],
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(
            "ix_order_lines_shop_id_product_gid", table_name="order_lines", postgresql_concurrently=True
        )
        op.create_index(
            "ix_orders_shop_id_placed_at", "orders", ["shop_id", "placed_at"], postgresql_concurrently=True
        )
        op.drop_index(
            "ix_orders_shop_id_placed_at_counted", table_name="orders", postgresql_concurrently=True
        )
    op.execute("DROP STATISTICS customers_folded")
