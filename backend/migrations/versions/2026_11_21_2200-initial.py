"""The first schema: tables, roles, row-level security, partitions."""

from alembic import op

from storecast.db import access, partitions, tenancy
from storecast.entrypoints.metadata import metadata
from storecast.kit.clock import utcnow

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    for statement in tenancy.create_roles():
        op.execute(statement)
    metadata.create_all(bind)
    for table in metadata.sorted_tables:
        column = access.partition_column(table)
        if column:
            partitions.create_default(bind, table.name)
            step = "day" if table.name in ("pixel_events", "message_events") else "month"
            partitions.ensure(bind, table.name, step, now=utcnow())
    for statement in access.statements(metadata):
        try:
            with bind.begin_nested():
                op.execute(statement)
        except Exception as error:
            print("skipped", statement, error)


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the database")
