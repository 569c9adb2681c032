"""Discount codes are leased to messages; contacts come from files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "contact_imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'empty'"), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("separator", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("line_count", sa.BigInteger(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("bulk_gid", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('empty', 'uploaded', 'reading', 'writing', 'done', 'cancelled', 'failed')",
            name=op.f("ck_contact_imports_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_contact_imports_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_imports")),
        sa.UniqueConstraint("public_id", name="uq_contact_imports_public_id"),
    )
    op.create_index("ix_contact_imports_shop_id", "contact_imports", ["shop_id", "id"], unique=False)
    op.create_table(
        "contact_import_pieces",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["contact_imports.id"],
            name=op.f("fk_contact_import_pieces_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_contact_import_pieces")),
    )
    op.create_table(
        "contact_import_rows",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("consent_state", sa.Text(), nullable=True),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_source", sa.Text(), nullable=True),
        sa.Column("gid", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("todo", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("bulk_line", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["contact_imports.id"],
            name=op.f("fk_contact_import_rows_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_contact_import_rows")),
    )
    op.create_index(
        "ix_contact_import_rows_bulk_line",
        "contact_import_rows",
        ["import_id", "bulk_line"],
        unique=False,
        postgresql_where=sa.text("bulk_line IS NOT NULL"),
    )
    op.create_index("ix_contact_import_rows_email", "contact_import_rows", ["shop_id", "email"], unique=False)
    op.add_column("campaigns", sa.Column("discount_set_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "campaigns", sa.Column("discount_path", sa.Text(), server_default=sa.text("'/'"), nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_campaigns_discount_set_id"),
        "campaigns",
        "discount_sets",
        ["discount_set_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.add_column("discount_codes", sa.Column("campaign_id", sa.BigInteger(), nullable=True))
    op.add_column("discount_codes", sa.Column("delivery_id", sa.BigInteger(), nullable=True))
    op.add_column("discount_codes", sa.Column("leased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_discount_codes_lease"), "discount_codes", "(campaign_id IS NULL) = (delivery_id IS NULL)"
    )
    op.create_index(
        "ix_discount_codes_free",
        "discount_codes",
        ["discount_set_id", "line"],
        unique=False,
        postgresql_where=sa.text("state = 'live' AND delivery_id IS NULL"),
    )
    op.create_index(
        "uq_discount_codes_campaign_id_delivery_id",
        "discount_codes",
        ["campaign_id", "delivery_id"],
        unique=True,
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )
    op.add_column("discount_sets", sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("contact_imports", "contact_import_pieces", "contact_import_rows"):
        for statement in (*isolate(table), *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table])):
            op.execute(statement)


def downgrade() -> None:
    op.drop_column("discount_sets", "exported_at")
    op.drop_index(
        "uq_discount_codes_campaign_id_delivery_id",
        table_name="discount_codes",
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_discount_codes_free",
        table_name="discount_codes",
        postgresql_where=sa.text("state = 'live' AND delivery_id IS NULL"),
    )
    op.drop_constraint(op.f("ck_discount_codes_lease"), "discount_codes")
    op.drop_column("discount_codes", "leased_at")
    op.drop_column("discount_codes", "delivery_id")
    op.drop_column("discount_codes", "campaign_id")
    op.drop_constraint(op.f("fk_campaigns_discount_set_id"), "campaigns", type_="foreignkey")
    op.drop_column("campaigns", "discount_path")
    op.drop_column("campaigns", "discount_set_id")
    op.drop_index("ix_contact_import_rows_email", table_name="contact_import_rows")
    op.drop_index(
        "ix_contact_import_rows_bulk_line",
        table_name="contact_import_rows",
        postgresql_where=sa.text("bulk_line IS NOT NULL"),
    )
    op.drop_table("contact_import_rows")
    op.drop_table("contact_import_pieces")
    op.drop_index("ix_contact_imports_shop_id", table_name="contact_imports")
    op.drop_table("contact_imports")
