"""The sweep that forgets old workflows may forget old batches."""

from alembic import op

from storecast.db import tenancy
from storecast.db.roles import Role

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for statement in tenancy.grant(Role.PLATFORM, "DELETE", ["job_batches"]):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"REVOKE DELETE ON job_batches FROM {Role.PLATFORM.value}")
