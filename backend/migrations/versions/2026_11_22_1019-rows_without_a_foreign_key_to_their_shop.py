"""Tables that grow by the million lose the foreign key to their shop: its check was a third of every insert."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = (
    "customers",
    "customer_facts",
    "orders",
    "order_lines",
    "order_transactions",
    "order_refunds",
    "order_fulfillments",
)


def upgrade() -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"fk_{table}_shop_id"), table, type_="foreignkey")


def downgrade() -> None:
    for table in TABLES:
        op.create_foreign_key(
            op.f(f"fk_{table}_shop_id"), table, "shops", ["shop_id"], ["id"], ondelete="CASCADE"
        )
