"""What is being handed over is said by claims, one row a chunk; a limit an hour for each sender domain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0028"
down_revision = "0027"


def _check(*states: str) -> None:
    """Not valid at first: to look at every row takes longer than a lock on the table may."""
    names = ", ".join(f"'{state}'" for state in states)
    op.execute("ALTER TABLE message_deliveries DROP CONSTRAINT ck_message_deliveries_state")
    op.execute(
        "ALTER TABLE message_deliveries ADD CONSTRAINT ck_message_deliveries_state "
        f"CHECK (state IN ({names})) NOT VALID"
    )


def upgrade() -> None:
    op.create_table(
        "message_claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_claims")),
    )
    op.create_index("ix_message_claims_campaign_id", "message_claims", ["campaign_id", "lease_until"])
    for statement in (
        *isolate("message_claims"),
        *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["message_claims"]),
    ):
        op.execute(statement)
    op.add_column("contact_policies", sa.Column("domain_hourly_limit", sa.Integer(), nullable=True))
    op.add_column(
        "contact_policies",
        sa.Column(
            "hour_used_by_domain",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    # What a worker of before is handing over right now: it still says how that went, as a slow one does.
    op.execute(
        "UPDATE message_deliveries SET state = 'unknown', reason = 'worker_lost' WHERE state = 'claimed'"
    )
    op.drop_index("ix_message_deliveries_claimed", "message_deliveries")
    _check("pending", "accepted", "failed", "unknown", "excluded")
    op.execute("ALTER TABLE message_deliveries VALIDATE CONSTRAINT ck_message_deliveries_state")


def downgrade() -> None:
    _check("pending", "claimed", "accepted", "failed", "unknown", "excluded")
    op.execute("ALTER TABLE message_deliveries VALIDATE CONSTRAINT ck_message_deliveries_state")
    op.execute(
        "CREATE INDEX ix_message_deliveries_claimed ON message_deliveries (campaign_id, lease_until) "
        "WHERE state = 'claimed'"
    )
    op.execute(
        "UPDATE message_deliveries AS d SET state = 'claimed', claimed_by = c.claimed_by, "
        "lease_until = c.lease_until, attempts = d.attempts + 1 "
        "FROM message_claims AS c, unnest(c.delivery_ids) AS delivery_id "
        "WHERE d.id = delivery_id AND d.state = 'pending'"
    )
    op.drop_table("message_claims")
    op.drop_column("contact_policies", "hour_used_by_domain")
    op.drop_column("contact_policies", "domain_hourly_limit")
