"""Suggested segments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "micro_segments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segments.id"],
            name=op.f("fk_micro_segments_segment_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_micro_segments_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_micro_segments")),
        sa.UniqueConstraint("public_id", name="uq_micro_segments_public_id"),
    )
    op.create_index("ix_micro_segments_segment_id", "micro_segments", ["segment_id"], unique=False)
    op.create_index(
        "ix_micro_segments_shop_id_rules",
        "micro_segments",
        ["shop_id", sa.literal_column("md5(rules::text)")],
        unique=True,
    )
    for statement in tenancy.isolate("micro_segments"):
        op.execute(statement)
    for statement in tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["micro_segments"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("micro_segments")
