"""The first schema: tables, roles, row-level security, partitions."""

from alembic import op

from storecast.db import access, partitions, tenancy
from storecast.db.roles import Role
from storecast.entrypoints.metadata import metadata
from storecast.kit.clock import utcnow

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    for statement in tenancy.create_roles():
        op.execute(statement)
    metadata.create_all(bind)
    for statement in access.statements(metadata):
        try:
            with bind.begin_nested():
                op.execute(statement)
        except Exception as error:
            print("skipped", statement, error)
    # Partitions belong to the role that will drop them one day.
    op.execute(f"SET LOCAL ROLE {Role.RETENTION.value}")
    for table in partitions.PARTITIONED:
        partitions.create_default(bind, table)
        partitions.ensure(bind, table, now=utcnow())
    op.execute("RESET ROLE")


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the database")
