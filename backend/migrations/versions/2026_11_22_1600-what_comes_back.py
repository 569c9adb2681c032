"""What comes back of mail, and what recipients chose: returns, topics, preferences."""

import sqlalchemy as sa
from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "message_returns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("event_key", sa.LargeBinary(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("email_digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("forgiven", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('hard', 'soft', 'block', 'complaint')", name=op.f("ck_message_returns_verdict")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_returns")),
    )
    op.create_index("ix_message_returns_received_at", "message_returns", ["received_at"], unique=False)
    op.create_index(
        "ix_message_returns_shop_id_delivery_id", "message_returns", ["shop_id", "delivery_id"], unique=False
    )
    op.create_index(
        "ix_message_returns_shop_id_email_digest",
        "message_returns",
        ["shop_id", "email_digest", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "uq_message_returns_shop_id_event_key", "message_returns", ["shop_id", "event_key"], unique=True
    )
    op.create_table(
        "contact_preferences",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("frequency", sa.Text(), server_default=sa.text("'all'"), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "opted_out_topics", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "frequency IN ('all', 'weekly', 'monthly')", name=op.f("ck_contact_preferences_frequency")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_contact_preferences_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_contact_preferences")),
    )
    op.create_index("ix_contact_preferences_shop_id", "contact_preferences", ["shop_id"], unique=False)
    op.create_table(
        "topics",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_topics_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topics")),
        sa.UniqueConstraint("public_id", name=op.f("uq_topics_public_id")),
    )
    op.create_index("uq_topics_name", "topics", ["shop_id", sa.literal_column("lower(name)")], unique=True)
    op.add_column("campaigns", sa.Column("topic_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_campaigns_topic_id"), "campaigns", "topics", ["topic_id"], ["id"], ondelete="SET NULL"
    )
    op.add_column("sending_channels", sa.Column("returns_secret", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_suppressions_shop_id_created_at",
        "suppressions",
        ["shop_id", "created_at", "email_digest"],
        unique=False,
    )
    op.drop_constraint(op.f("ck_suppressions_reason"), "suppressions")
    op.create_check_constraint(
        op.f("ck_suppressions_reason"),
        "suppressions",
        "reason IN ('unsubscribed', 'hard_bounce', 'soft_bounces', 'complaint', 'manual')",
    )
    for table in ("message_returns", "contact_preferences", "topics"):
        for statement in [
            *tenancy.isolate(table),
            *tenancy.grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", [table]),
        ]:
            op.execute(statement)
    for statement in tenancy.grant(Role.RETENTION, "SELECT, DELETE", ["message_returns"]):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM suppressions WHERE reason = 'soft_bounces'")
    op.drop_constraint(op.f("ck_suppressions_reason"), "suppressions")
    op.create_check_constraint(
        op.f("ck_suppressions_reason"),
        "suppressions",
        "reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'manual')",
    )
    op.drop_index("ix_suppressions_shop_id_created_at", table_name="suppressions")
    op.drop_column("sending_channels", "returns_secret")
    op.drop_constraint(op.f("fk_campaigns_topic_id"), "campaigns", type_="foreignkey")
    op.drop_column("campaigns", "topic_id")
    op.drop_index("uq_topics_name", table_name="topics")
    op.drop_table("topics")
    op.drop_index("ix_contact_preferences_shop_id", table_name="contact_preferences")
    op.drop_table("contact_preferences")
    op.drop_index("uq_message_returns_shop_id_event_key", table_name="message_returns")
    op.drop_index("ix_message_returns_shop_id_email_digest", table_name="message_returns")
    op.drop_index("ix_message_returns_shop_id_delivery_id", table_name="message_returns")
    op.drop_index("ix_message_returns_received_at", table_name="message_returns")
    op.drop_table("message_returns")
