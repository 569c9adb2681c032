"""Sending domains with their DKIM keys, and the channels that a shop sends through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "sending_channels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "config", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("connections", sa.Integer(), nullable=False),
        sa.Column("per_second", sa.Integer(), nullable=True),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('smtp', 'ses', 'sendgrid', 'mailgun', 'postmark')",
            name=op.f("ck_sending_channels_kind"),
        ),
        sa.CheckConstraint("connections BETWEEN 1 AND 64", name=op.f("ck_sending_channels_connections")),
        sa.CheckConstraint("per_second BETWEEN 1 AND 100000", name=op.f("ck_sending_channels_per_second")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sending_channels_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_channels")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sending_channels_public_id")),
    )
    op.create_index("ix_sending_channels_shop_id", "sending_channels", ["shop_id", "position"], unique=False)
    op.create_table(
        "sending_domains",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'unverified'"), nullable=False),
        sa.Column(
            "checks", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("dmarc_policy", sa.Text(), nullable=True),
        sa.Column("dkim_strict", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('unverified', 'verified', 'failing')", name=op.f("ck_sending_domains_state")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sending_domains_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_domains")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sending_domains_public_id")),
        sa.UniqueConstraint("shop_id", "domain", name=op.f("uq_sending_domains_shop_id_domain")),
    )
    op.create_table(
        "dkim_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("domain_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("rsa_private", sa.LargeBinary(), nullable=False),
        sa.Column("ed25519_private", sa.LargeBinary(), nullable=False),
        sa.Column("rsa_record", sa.Text(), nullable=False),
        sa.Column("ed25519_record", sa.Text(), nullable=False),
        sa.Column("ed25519_published", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'active', 'retiring')", name=op.f("ck_dkim_keys_state")),
        sa.ForeignKeyConstraint(
            ["domain_id"], ["sending_domains.id"], name=op.f("fk_dkim_keys_domain_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_dkim_keys_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_keys")),
        sa.UniqueConstraint("domain_id", "number", name=op.f("uq_dkim_keys_domain_id_number")),
    )
    op.create_index("ix_dkim_keys_shop_id", "dkim_keys", ["shop_id"], unique=False)
    op.create_index(
        "uq_dkim_keys_active",
        "dkim_keys",
        ["domain_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_dkim_keys_pending",
        "dkim_keys",
        ["domain_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    for table in ("sending_channels", "sending_domains", "dkim_keys"):
        for statement in [
            *tenancy.isolate(table),
            *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ]:
            op.execute(statement)
    for statement in tenancy.grant(Role.PLATFORM, "SELECT, UPDATE", ["dkim_keys", "sending_channels"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(
        "uq_dkim_keys_pending", table_name="dkim_keys", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_index("uq_dkim_keys_active", table_name="dkim_keys", postgresql_where=sa.text("state = 'active'"))
    op.drop_index("ix_dkim_keys_shop_id", table_name="dkim_keys")
    op.drop_table("dkim_keys")
    op.drop_table("sending_domains")
    op.drop_index("ix_sending_channels_shop_id", table_name="sending_channels")
    op.drop_table("sending_channels")
