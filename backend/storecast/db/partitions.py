"""Range partitions by time: made ahead, with a DEFAULT partition so that an insert never fails for want of one."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, text

Step = Literal["day", "month"]

DAYS_AHEAD = 7
MONTHS_AHEAD = 2
"""Made ahead by so much, a missed nightly run or two costs nothing."""


def bounds(at: datetime, step: Step) -> tuple[datetime, datetime]:
    """The partition that holds the instant: first instant of it and first instant after it (UTC)."""
    start = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if step == "day":
        return start, start + timedelta(days=1)
    start = start.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def partition_name(table: str, start: datetime, step: Step) -> str:
    """``pixel_events_20261121`` or ``job_runs_202611``."""
    return f"{table}_{start:%Y%m%d}" if step == "day" else f"{table}_{start:%Y%m}"


def create_default(connection: Connection, table: str) -> None:
    """Make the partition that catches whatever no other one takes."""
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table}_default PARTITION OF {table} DEFAULT"))


def ensure(connection: Connection, table: str, step: Step, *, now: datetime) -> list[str]:
    """Make the current partition and those ahead of it; returns the names of the new ones."""
    existing = set(
        connection.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
            ),
            {"table": table},
        )
    )
    created = []
    at = now
    for _ in range((DAYS_AHEAD if step == "day" else MONTHS_AHEAD) + 1):
        start, end = bounds(at, step)
        name = partition_name(table, start, step)
        if name not in existing:
            connection.execute(
                text(
                    f"CREATE TABLE {name} PARTITION OF {table} "
                    f"FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
                )
            )
            created.append(name)
        at = end
    return created
