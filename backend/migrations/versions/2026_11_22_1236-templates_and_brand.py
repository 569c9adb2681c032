"""The shop's look, the templates that it keeps, and what a campaign was written in and shows of products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "brand_kits",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("accent", sa.Text(), nullable=False),
        sa.Column("background", sa.Text(), nullable=False),
        sa.Column("font", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("font IN ('system', 'serif', 'rounded', 'mono')", name=op.f("ck_brand_kits_font")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_brand_kits_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_brand_kits")),
    )
    op.create_table(
        "saved_templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("preview_text", sa.Text(), server_default="", nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("mjml", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('template', 'block')", name=op.f("ck_saved_templates_kind")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_saved_templates_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_templates")),
        sa.UniqueConstraint("public_id", name=op.f("uq_saved_templates_public_id")),
    )
    op.create_index(
        "uq_saved_templates_name",
        "saved_templates",
        ["shop_id", "kind", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.add_column("campaigns", sa.Column("mjml", sa.Text(), nullable=True))
    op.add_column(
        "campaigns",
        sa.Column("product_gids", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "campaigns", sa.Column("product_lists", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    for table in ("brand_kits", "saved_templates"):
        for statement in (
            *tenancy.isolate(table),
            *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ):
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("campaigns", "product_lists")
    op.drop_column("campaigns", "product_gids")
    op.drop_column("campaigns", "mjml")
    op.drop_index("uq_saved_templates_name", table_name="saved_templates")
    op.drop_table("saved_templates")
    op.drop_table("brand_kits")
