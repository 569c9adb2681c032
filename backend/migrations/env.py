"""Runs migrations as the owner of the schema, each under short lock and statement time-outs."""

from alembic import context
from sqlalchemy import text

from storecast.config.settings import get_settings
from storecast.db.session import make_engine
from storecast.entrypoints.metadata import metadata

# A migration that waits for a lock blocks everyone behind it: it fails after four seconds and is run again.
LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"


def include_object(_object, name, type_, _reflected, _compare_to) -> bool:  # type: ignore[no-untyped-def]
    """Partitions belong to their parent: they come and go without a migration."""
    if type_ != "table":
        return True
    return not any(name.startswith(f"{table}_") for table in partitioned())


def partitioned() -> list[str]:
    """Names of the partitioned tables."""
    return [t.name for t in metadata.sorted_tables if t.dialect_options["postgresql"]["partition_by"]]


def run() -> None:
    """Upgrade over one connection."""
    url = context.get_x_argument(as_dictionary=True).get("url") or get_settings().database_url
    engine = make_engine(url, None, pool_size=1)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=include_object,
            compare_type=True,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
