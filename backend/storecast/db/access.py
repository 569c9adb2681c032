"""Who may do what to which table: the grants and policies of every role, in one place.

Applied by migrations; a test compares the database with it. Tables with a ``shop_id`` are isolated by row-level
security for the app role; the other roles see all rows of the few tables they are granted.
"""

from collections.abc import Iterator

from sqlalchemy import MetaData, Table

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

_ALL = "SELECT, INSERT, UPDATE, DELETE"

_APP_ONLY = {
    "shops": "SELECT, UPDATE",
    "audit_log": "SELECT, INSERT",
    "personal_data_access": "SELECT, INSERT",
    "job_runs": "SELECT, UPDATE (retried_as, discarded_at)",
    "job_logs": "SELECT",
    "job_orphans": "SELECT",
    "job_batches": "SELECT, INSERT, UPDATE (total, finished_at)",
    "alert_events": "SELECT, INSERT, UPDATE (deliveries), DELETE",
    "job_bulk_actions": "SELECT, INSERT, UPDATE (before_id, acted, next_run_at, finished_at)",
}
"""What the app role may do where that is less than everything; the log and the history are append-only for it."""

_GRANTS: dict[Role, dict[str, str]] = {
    Role.EDGE: {
        "shops": "SELECT (id, domain, name, state, pixel_key)",
        "webhook_inbox": "SELECT, INSERT",
        "pixel_events": "SELECT, INSERT",
        "message_events": "SELECT, INSERT",
        "campaign_links": "SELECT",
        "outbox": "SELECT, INSERT, UPDATE (run_at, state)",
        "fleet_processes": _ALL,
        "fleet_deploys": "SELECT, INSERT",
    },
    Role.RELAY: {
        "outbox": _ALL,
        "job_runs": "SELECT, INSERT",
        "job_logs": "SELECT, INSERT",
        "job_batches": "SELECT, UPDATE",
        "job_orphans": "SELECT, INSERT",
        "work_limits": "SELECT, UPDATE",
        "fleet_processes": _ALL,
        "fleet_deploys": "SELECT, INSERT",
    },
    Role.PLATFORM: {
        "shops": _ALL,
        "shop_tokens": _ALL,
        "shop_members": _ALL,
        # Whose a key is shows only when it has been found.
        "api_keys": "SELECT, UPDATE (last_used_at)",
        "idempotency_keys": _ALL,
        "outbox": _ALL,
        "job_runs": "SELECT, UPDATE (retried_as, discarded_at)",
        "job_logs": "SELECT",
        "job_batches": _ALL,
        "job_orphans": "SELECT",
        "job_minutes": _ALL,
        "job_hours": _ALL,
        "job_rollups": _ALL,
        "work_limits": _ALL,
        "dead_letter_notes": _ALL,
        "job_bulk_actions": "SELECT, INSERT, UPDATE (before_id, acted, next_run_at, finished_at)",
        "job_schedules": _ALL,
        "schedule_ticks": _ALL,
        "workflows": _ALL,
        "workflow_nodes": _ALL,
        "fleet_processes": _ALL,
        "fleet_commands": _ALL,
        "fleet_deploys": _ALL,
        "alert_channels": _ALL,
        "alert_rules": _ALL,
        "alert_events": _ALL,
        "webhook_inbox": "SELECT, UPDATE",
        "webhook_misses": "SELECT",
        "sync_runs": _ALL,
        "audit_log": "SELECT, INSERT",
        "privacy_requests": _ALL,
        "privacy_archives": "SELECT, DELETE",
        "erasure_keys": "SELECT, UPDATE",
        # What is sealed in them is sealed anew when keys rotate.
        "dkim_keys": "SELECT, UPDATE",
        "sending_channels": "SELECT, UPDATE",
    },
    # It owns the partitioned tables (job_runs, job_logs); of the others it erases what a law asks for.
    Role.RETENTION: {
        "webhook_inbox": "SELECT, DELETE",
        "idempotency_keys": "SELECT, DELETE",
        "message_returns": "SELECT, DELETE",
        "webhook_marks": "SELECT, DELETE",
        "webhook_misses": "SELECT, DELETE",
        "fleet_processes": "SELECT, DELETE",
        "audit_log": "SELECT, DELETE, UPDATE (subject, detail, salt)",
        # The proof of an erasure is written by the commit that erases.
        "privacy_requests": "SELECT, UPDATE (result)",
        "outbox": "SELECT, UPDATE (args, terms, tags, error, attempts, progress, result, unique_key, "
        "cancel_requested_at)",
        "job_orphans": "SELECT, DELETE",
        "job_batches": "SELECT, DELETE, UPDATE (completion)",
        "job_bulk_actions": "SELECT, DELETE, UPDATE (q)",
        "dead_letter_notes": "SELECT, UPDATE (body)",
    },
}


def shop_column(table: Table) -> str | None:
    """The column that says which shop a row belongs to; None for tables of the platform itself."""
    if table.name == "shops":
        return "id"
    return "shop_id" if "shop_id" in table.columns else None


def partition_column(table: Table) -> str | None:
    """The column that a table is range-partitioned by."""
    expression = table.dialect_options["postgresql"]["partition_by"]
    return expression.removeprefix("RANGE (").removesuffix(")") if expression else None


def statements(metadata: MetaData) -> Iterator[str]:
    """Every policy and grant for a freshly made schema."""
    for table in metadata.sorted_tables:
        key = shop_column(table)
        if key is not None:
            yield from isolate(table.name, key=key)
            yield from grant(Role.APP, _APP_ONLY.get(table.name, _ALL), [table.name])
    # Of the platform's own tables a shop may see that work goes on, and why its own waits.
    yield from grant(Role.APP, "SELECT", ["fleet_processes", "work_limits"])
    for role, tables in _GRANTS.items():
        for name, privileges in tables.items():
            yield from grant(role, privileges, [name])
    # The retention role owns what it makes partitions of and drops them from.
    yield f"GRANT CREATE ON SCHEMA public TO {Role.RETENTION.value}"
    for table in metadata.sorted_tables:
        if partition_column(table):
            yield f"ALTER TABLE {table.name} OWNER TO {Role.RETENTION.value}"
