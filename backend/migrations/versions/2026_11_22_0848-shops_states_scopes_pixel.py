"""States of shops that Shopify does not serve, scopes by feature, versions of the pixel."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("pixel_events", sa.Column("pixel_version", sa.Text(), nullable=True))
    op.add_column(
        "shops", sa.Column("development_store", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("shops", sa.Column("unavailable_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shops", sa.Column("scopes_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "shops", sa.Column("pixel_wanted", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("shops", sa.Column("pixel_reason", sa.Text(), nullable=True))
    op.add_column("shops", sa.Column("pixel_checked_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("state", "shops", type_="check")
    op.create_check_constraint("state", "shops", "state IN ('installed', 'uninstalled', 'frozen', 'closed')")
    op.create_check_constraint(
        "pixel_reason", "shops", "pixel_reason IN ('scopes_missing', 'not_deployed', 'refused')"
    )


def downgrade() -> None:
    op.drop_constraint("pixel_reason", "shops", type_="check")
    op.drop_constraint("state", "shops", type_="check")
    op.execute("UPDATE shops SET state = 'frozen' WHERE state = 'closed'")
    op.create_check_constraint("state", "shops", "state IN ('installed', 'uninstalled', 'frozen')")
    op.drop_column("shops", "pixel_checked_at")
    op.drop_column("shops", "pixel_reason")
    op.drop_column("shops", "pixel_wanted")
    op.drop_column("shops", "scopes_changed_at")
    op.drop_column("shops", "unavailable_since")
    op.drop_column("shops", "development_store")
    op.drop_column("pixel_events", "pixel_version")
