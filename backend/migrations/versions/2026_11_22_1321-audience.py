"""Segments ask what customers did, which lists and Shopify segments they are in, and keep their size by day."""

import sqlalchemy as sa
from alembic import op

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0018"
down_revision = "0017"

TABLES = (
    "customer_behaviour",
    "customer_interests",
    "customer_lists",
    "customer_list_members",
    "customer_list_refusals",
    "segment_sizes",
    "shopify_segment_members",
)


def upgrade() -> None:
    op.create_table(
        "customer_behaviour",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("clicked_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("viewed_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("added_to_cart_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("started_checkout_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_behaviour_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_behaviour")),
    )
    op.create_table(
        "customer_interests",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("recent_at", sa.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_interests_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "shop_id", "kind", "subject", "customer_id", name=op.f("pk_customer_interests")
        ),
    )
    op.create_index("ix_customer_interests_customer_id", "customer_interests", ["customer_id"], unique=False)
    op.create_table(
        "customer_lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("member_count", sa.BigInteger(), nullable=False),
        sa.Column("refused_count", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_customer_lists_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_lists")),
        sa.UniqueConstraint("public_id", name="uq_customer_lists_public_id"),
    )
    op.create_index(
        "ix_customer_lists_shop_id_name",
        "customer_lists",
        ["shop_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "customer_list_members",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_list_members_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["customer_lists.id"],
            name=op.f("fk_customer_list_members_list_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", "customer_id", name=op.f("pk_customer_list_members")),
    )
    op.create_index(
        "ix_customer_list_members_customer_id", "customer_list_members", ["customer_id"], unique=False
    )
    op.create_table(
        "customer_list_refusals",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('encoding', 'unreadable', 'empty', 'broken_address', 'unknown_customer', 'duplicate')",
            name=op.f("ck_customer_list_refusals_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["customer_lists.id"],
            name=op.f("fk_customer_list_refusals_list_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", "line", name=op.f("pk_customer_list_refusals")),
    )
    op.create_table(
        "segment_sizes",
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("member_count", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=op.f("fk_segment_sizes_segment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_segment_sizes_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("segment_id", "day", name=op.f("pk_segment_sizes")),
    )
    op.create_table(
        "shopify_segment_members",
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_shopify_segment_members_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["shopify_segments.id"],
            name=op.f("fk_shopify_segment_members_segment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("segment_id", "customer_id", name=op.f("pk_shopify_segment_members")),
    )
    op.create_index(
        "ix_shopify_segment_members_customer_id", "shopify_segment_members", ["customer_id"], unique=False
    )
    op.add_column("shopify_segments", sa.Column("members_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shopify_segments", sa.Column("member_count", sa.BigInteger(), nullable=True))
    for table in TABLES:
        for statement in (*isolate(table), *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table])):
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("shopify_segments", "member_count")
    op.drop_column("shopify_segments", "members_at")
    op.drop_index("ix_shopify_segment_members_customer_id", table_name="shopify_segment_members")
    op.drop_table("shopify_segment_members")
    op.drop_table("segment_sizes")
    op.drop_table("customer_list_refusals")
    op.drop_index("ix_customer_list_members_customer_id", table_name="customer_list_members")
    op.drop_table("customer_list_members")
    op.drop_index("ix_customer_lists_shop_id_name", table_name="customer_lists")
    op.drop_table("customer_lists")
    op.drop_index("ix_customer_interests_customer_id", table_name="customer_interests")
    op.drop_table("customer_interests")
    op.drop_table("customer_behaviour")
