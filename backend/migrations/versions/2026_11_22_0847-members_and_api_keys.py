"""Members with roles, sign-out everywhere, API keys."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotated_from", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'edit', 'send', 'operate', 'manage']", name=op.f("ck_api_keys_scopes")
        ),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name=op.f("ck_api_keys_secret_hash")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_api_keys_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_keys_public_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_index("ix_api_keys_shop_id", "api_keys", ["shop_id", "id"], unique=False)
    op.add_column(
        "shop_members",
        sa.Column("account_owner", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("shop_members", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shop_members", sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True))
    for statement in [
        *tenancy.isolate("api_keys"),
        *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["api_keys"]),
        *tenancy.grant(Role.PLATFORM, "SELECT, UPDATE (last_used_at)", ["api_keys"]),
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("shop_members", "signed_out_at")
    op.drop_column("shop_members", "removed_at")
    op.drop_column("shop_members", "account_owner")
    op.drop_index("ix_api_keys_shop_id", table_name="api_keys")
    op.drop_table("api_keys")
