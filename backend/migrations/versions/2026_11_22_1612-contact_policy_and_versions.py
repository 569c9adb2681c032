"""Versions of a message and their test; the contact policy; when each message of a campaign is due, and why not now.

Lists are read by the instant from now on, so that messages for another day cost nothing today.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0021"
down_revision = "0020"

_TABLES = ("contact_policies", "campaign_variants")
_PARTITIONS = sa.text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'message_deliveries'::regclass ORDER BY 1"
)


def upgrade() -> None:
    op.create_table(
        "contact_policies",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("cap_messages", sa.SmallInteger()),
        sa.Column("cap_days", sa.SmallInteger()),
        sa.Column("quiet_begins", sa.Time()),
        sa.Column("quiet_ends", sa.Time()),
        sa.Column("holdout_percent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("holdout_season", sa.Text(), server_default=sa.text("'quarter'"), nullable=False),
        sa.Column("hourly_limit", sa.Integer()),
        sa.Column("warm_up_from", sa.Date()),
        sa.Column("warm_up_first", sa.Integer()),
        sa.Column("warm_up_growth_percent", sa.SmallInteger()),
        sa.Column("hour_at", sa.DateTime(timezone=True)),
        sa.Column("hour_used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("day_on", sa.Date()),
        sa.Column("day_used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "holdout_season IN ('quarter', 'year')", name=op.f("ck_contact_policies_holdout_season")
        ),
        sa.CheckConstraint(
            "(cap_messages IS NULL) = (cap_days IS NULL)", name=op.f("ck_contact_policies_cap")
        ),
        sa.CheckConstraint(
            "(quiet_begins IS NULL) = (quiet_ends IS NULL)", name=op.f("ck_contact_policies_quiet")
        ),
        sa.CheckConstraint(
            "holdout_percent BETWEEN 0 AND 50", name=op.f("ck_contact_policies_holdout_percent")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_contact_policies_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_contact_policies")),
    )
    op.create_table(
        "campaign_variants",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("preview_text", sa.Text()),
        sa.Column("from_name", sa.Text()),
        sa.Column("html", sa.Text()),
        sa.Column("mjml", sa.Text()),
        sa.Column("delay_minutes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "delay_minutes BETWEEN 0 AND 10080", name=op.f("ck_campaign_variants_delay_minutes")
        ),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name=op.f("ck_campaign_variants_number")),
        sa.CheckConstraint("weight BETWEEN 1 AND 100", name=op.f("ck_campaign_variants_weight")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_campaign_variants_campaign_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_campaign_variants_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_variants")),
    )
    for table in _TABLES:
        for statement in (
            *isolate(table),
            *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ):
            op.execute(statement)
    for column in _campaign_columns():
        op.add_column("campaigns", column)
    op.create_foreign_key(
        op.f("fk_campaigns_origin_id"), "campaigns", "campaigns", ["origin_id"], ["id"], ondelete="SET NULL"
    )
    op.create_check_constraint(
        op.f("ck_campaigns_priority"), "campaigns", "priority IN ('transactional', 'flow', 'campaign')"
    )
    op.create_check_constraint(
        op.f("ck_campaigns_origin_kind"), "campaigns", "origin_kind IN ('rest', 'non_openers', 'failed')"
    )
    op.add_column("message_deliveries", sa.Column("variant", sa.SmallInteger(), server_default=sa.text("0")))
    # The release before this one writes no instant into what is due at once.
    op.alter_column("message_deliveries", "lease_until", server_default=sa.text("now()"))
    # Nothing but audiences of campaigns that are on their way this minute.
    op.execute(
        "UPDATE message_deliveries SET lease_until = frozen_at WHERE state = 'pending' AND lease_until IS NULL"
    )
    _index("ix_message_deliveries_due", "campaign_id, lease_until, id")
    with op.get_context().autocommit_block():
        op.drop_index("ix_message_deliveries_pending", table_name="message_deliveries")


def _campaign_columns() -> list[sa.Column[object]]:
    return [
        sa.Column(
            "excluded_segment_ids", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("origin_id", sa.BigInteger()),
        sa.Column("origin_kind", sa.Text()),
        sa.Column("pacing", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("priority", sa.Text(), server_default=sa.text("'campaign'"), nullable=False),
        sa.Column("policy_until", sa.DateTime(timezone=True)),
        sa.Column("test", postgresql.JSONB()),
        sa.Column("winner", sa.SmallInteger()),
        sa.Column("winner_by", sa.Text()),
        sa.Column("test_looks", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True)),
    ]


def _index(name: str, columns: str) -> None:
    """An index of what is pending, month by month, while the months are written to."""
    where = "WHERE state = 'pending'"
    op.execute(f"CREATE INDEX {name} ON ONLY message_deliveries ({columns}) {where}")
    partitions = op.get_bind().execute(_PARTITIONS).scalars().all()
    with op.get_context().autocommit_block():
        for partition in partitions:
            part = f"{name}_{partition.removeprefix('message_deliveries_')}"
            op.execute(f"CREATE INDEX CONCURRENTLY {part} ON {partition} ({columns}) {where}")
            op.execute(f"ALTER INDEX {name} ATTACH PARTITION {part}")


def downgrade() -> None:
    op.execute("UPDATE message_deliveries SET variant = 0 WHERE state = 'pending' AND variant IS NULL")
    _index("ix_message_deliveries_pending", "campaign_id, id")
    with op.get_context().autocommit_block():
        op.drop_index("ix_message_deliveries_due", table_name="message_deliveries")
    op.alter_column("message_deliveries", "lease_until", server_default=None)
    op.drop_column("message_deliveries", "variant")
    op.drop_constraint(op.f("ck_campaigns_origin_kind"), "campaigns")
    op.drop_constraint(op.f("ck_campaigns_priority"), "campaigns")
    op.drop_constraint(op.f("fk_campaigns_origin_id"), "campaigns")
    for column in reversed(_campaign_columns()):
        op.drop_column("campaigns", column.name)
    for table in reversed(_TABLES):
        op.drop_table(table)
