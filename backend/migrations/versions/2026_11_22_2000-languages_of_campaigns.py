"""Campaigns speak languages."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("campaign_variants", sa.Column("locale", sa.Text(), nullable=True))
    op.alter_column("campaign_variants", "weight", server_default=sa.text("1"))
    op.drop_constraint(op.f("ck_campaign_variants_number"), "campaign_variants")
    op.create_check_constraint(
        op.f("ck_campaign_variants_number"),
        "campaign_variants",
        "CASE WHEN locale IS NULL THEN number BETWEEN 1 AND 4 ELSE number BETWEEN 5 AND 24 END",
    )
    op.create_unique_constraint(
        op.f("uq_campaign_variants_campaign_id_locale"), "campaign_variants", ["campaign_id", "locale"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("uq_campaign_variants_campaign_id_locale"), "campaign_variants")
    op.drop_constraint(op.f("ck_campaign_variants_number"), "campaign_variants")
    op.execute("DELETE FROM campaign_variants WHERE locale IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_campaign_variants_number"), "campaign_variants", "number BETWEEN 1 AND 4"
    )
    op.alter_column("campaign_variants", "weight", server_default=None)
    op.drop_column("campaign_variants", "locale")
