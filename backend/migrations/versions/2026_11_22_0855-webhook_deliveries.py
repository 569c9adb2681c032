"""What deliveries have told of objects, what became of each delivery, and the ones that never came."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "webhook_marks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("aspect", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heir_gid", sa.Text(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_webhook_marks_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", "gid", "aspect", name=op.f("pk_webhook_marks")),
    )
    op.create_index("ix_webhook_marks_noted_at", "webhook_marks", ["noted_at"], unique=False)
    op.create_table(
        "webhook_misses",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("polled", sa.BigInteger(), nullable=False),
        sa.Column("missed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_webhook_misses_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", "day", "family", name=op.f("pk_webhook_misses")),
    )
    op.add_column("customer_facts", sa.Column("lifetime_orders_count", sa.BigInteger(), nullable=True))
    op.add_column("customer_facts", sa.Column("lifetime_spent_minor", sa.BigInteger(), nullable=True))
    op.add_column(
        "customer_facts", sa.Column("lifetime_counted_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("webhook_inbox", sa.Column("object_gid", sa.Text(), nullable=True))
    op.add_column("webhook_inbox", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("webhook_inbox", sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True))
    # The column is new and null everywhere: there is nothing to check under a lock.
    op.create_check_constraint(
        op.f("ck_webhook_inbox_outcome"),
        "webhook_inbox",
        "outcome IN ('applied', 'stale', 'gone', 'unhandled')",
        postgresql_not_valid=True,
    )
    for table in ("webhook_marks", "webhook_misses"):
        for statement in tenancy.isolate(table):
            op.execute(statement)
        for statement in tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]):
            op.execute(statement)
        for statement in tenancy.grant(Role.RETENTION, "SELECT, DELETE", [table]):
            op.execute(statement)
    for statement in tenancy.grant(Role.PLATFORM, "SELECT", ["webhook_misses"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_webhook_inbox_outcome"), "webhook_inbox")
    op.drop_column("webhook_inbox", "replayed_at")
    op.drop_column("webhook_inbox", "outcome")
    op.drop_column("webhook_inbox", "object_gid")
    op.drop_column("customer_facts", "lifetime_counted_at")
    op.drop_column("customer_facts", "lifetime_spent_minor")
    op.drop_column("customer_facts", "lifetime_orders_count")
    op.drop_table("webhook_misses")
    op.drop_index("ix_webhook_marks_noted_at", table_name="webhook_marks")
    op.drop_table("webhook_marks")
