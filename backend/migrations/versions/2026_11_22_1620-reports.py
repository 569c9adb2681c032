"""Reports count people by one index; links whose address depends on the recipient are known as such."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_PARTITIONS = sa.text(
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_events'::regclass ORDER BY 1"
)
_COLUMNS = "(shop_id, campaign_id, delivery_id) INCLUDE (occurred_at, kind, verdict, link_number)"


def upgrade() -> None:
    op.add_column(
        "campaign_links", sa.Column("personal", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    with op.get_context().autocommit_block():
        # The edge goes on writing: each partition by itself, and then one that finds them all there.
        for partition in op.get_bind().scalars(_PARTITIONS).all():
            op.execute(f"CREATE INDEX CONCURRENTLY ON {partition} {_COLUMNS}")
        op.execute(
            f"CREATE INDEX ix_message_events_shop_id_campaign_id_delivery_id ON message_events {_COLUMNS}"
        )
        op.drop_index("ix_message_events_shop_id_campaign_id", table_name="message_events")


def downgrade() -> None:
    op.create_index(
        "ix_message_events_shop_id_campaign_id", "message_events", ["shop_id", "campaign_id", "kind"]
    )
    op.drop_index("ix_message_events_shop_id_campaign_id_delivery_id", table_name="message_events")
    op.drop_column("campaign_links", "personal")
