"""Range partitions by time: made ahead, with a DEFAULT partition so that an insert never fails for want of one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, text

Step = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Partitioning:
    """How a table is cut, and how long its rows are kept."""

    step: Step
    keep: timedelta


PARTITIONED: dict[str, Partitioning] = {
    # Thirteen months: a season can be compared with the one before it.
    "pixel_events": Partitioning("day", timedelta(days=400)),
    "message_events": Partitioning("day", timedelta(days=400)),
    "message_deliveries": Partitioning("month", timedelta(days=800)),
    "job_runs": Partitioning("month", timedelta(days=90)),
    "job_logs": Partitioning("day", timedelta(days=14)),
    # As long as what was looked at may be kept: who asks after it learns who had seen it.
    "personal_data_access": Partitioning("day", timedelta(days=400)),
}

DAYS_AHEAD = 7
MONTHS_AHEAD = 2
"""Made ahead by so much, a missed nightly run or two costs nothing."""
LOCK_TIMEOUT = "4s"


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


def limit_lock_wait(connection: Connection) -> None:
    """Give up soon where a table is busy: whoever waits for its lock makes everybody else wait behind it."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))


def ensure(connection: Connection, table: str, *, now: datetime) -> list[str]:
    """Make the current partition and those ahead of it; returns the names of the new ones."""
    step = PARTITIONED[table].step
    existing = set(_existing(connection, table))
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


def drop_expired(connection: Connection, table: str, *, now: datetime) -> list[str]:
    """Drop the partitions whose last row is past its time; returns their names."""
    partitioning = PARTITIONED[table]
    oldest, _end = bounds(now - partitioning.keep, partitioning.step)
    first_kept = partition_name(table, oldest, partitioning.step)
    # The names of one table have one length, so that they sort as their instants do.
    expired = [
        name
        for name in _existing(connection, table)
        if name != f"{table}_default" and len(name) == len(first_kept) and name < first_kept
    ]
    for name in expired:
        connection.execute(text(f"DROP TABLE {name}"))
    return sorted(expired)


def _existing(connection: Connection, table: str) -> list[str]:
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
    return list(connection.scalars(text(query), {"table": table}))
