"""People confirm a subscription by a link."""

import sqlalchemy as sa
from alembic import op

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column(
        "shops", sa.Column("double_opt_in", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "opt_in_requests",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("sends", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_opt_in_requests_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_opt_in_requests")),
    )
    op.create_index(
        "ix_opt_in_requests_due",
        "opt_in_requests",
        ["shop_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    for statement in (
        *isolate("opt_in_requests"),
        *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["opt_in_requests"]),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("opt_in_requests")
    op.drop_column("shops", "double_opt_in")
