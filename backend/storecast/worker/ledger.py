"""The state transitions of a job, as single guarded statements on one raw connection.

A job is claimed only while it is ``queued`` and not cancelled, and finished only by the attempt that claimed it.
A duplicate delivery, a revoked job and a worker that comes back after its lease was given away therefore change
nothing. Every method is its own transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storecast.db.roles import Role

LEASE_S = 30
"""A running job's lease, renewed every `LEASE_BEAT_S` seconds: a killed worker costs this long."""

LEASE_BEAT_S = 10

QUEUED_LEASE_S = 300
"""How long a published job may wait in the broker before it is published again: a lost message costs this long,
a queue slower than this costs a duplicate delivery, which the claim refuses."""

_COLUMNS = (
    "id, shop_id, name, queue, args, tags, attempt, max_attempts, worker, attempts, progress, parent_id, "
    "request_id, started_at, enqueued_at"
)

CLAIM = """
UPDATE outbox SET state = 'running', attempt = attempt + 1, started_at = clock_timestamp(), worker = %(worker)s,
       lease_until = now() + make_interval(secs => %(lease_s)s), error = NULL
 WHERE id = ANY(%(ids)s) AND state = 'queued' AND cancel_requested_at IS NULL
RETURNING id, shop_id, name, args, attempt, max_attempts, request_id
"""

FINISH = f"""
WITH done AS (DELETE FROM outbox WHERE id = %(id)s AND state = 'running' AND attempt = %(attempt)s RETURNING *)
INSERT INTO job_runs ({_COLUMNS}, state, error, finished_at)
SELECT {_COLUMNS.replace(" attempts,", " attempts || %(record)s,")}, %(state)s, %(error)s, clock_timestamp() FROM done
"""

RETRY = """
UPDATE outbox SET state = 'staged', run_at = now() + make_interval(secs => %(delay_s)s), lease_until = NULL,
       error = %(error)s, attempts = attempts || %(record)s
 WHERE id = %(id)s AND state = 'running' AND attempt = %(attempt)s
"""

DROP_CANCELLED = f"""
WITH done AS (DELETE FROM outbox WHERE id = ANY(%(ids)s) AND cancel_requested_at IS NOT NULL AND state <> 'running'
              RETURNING *)
INSERT INTO job_runs ({_COLUMNS}, state, error, finished_at)
SELECT {_COLUMNS}, 'cancelled', NULL, clock_timestamp() FROM done
"""

# Nobody claims a job that was cancelled while it waited, so the relay clears it away.
DROP_ALL_CANCELLED = DROP_CANCELLED.replace("id = ANY(%(ids)s) AND ", "")

# What was published and never claimed goes out again; what was claimed and lost its worker is tried again.
EXPIRED = """
SELECT id, attempt, max_attempts, state, worker, started_at FROM outbox
 WHERE state <> 'staged' AND lease_until < now() ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED
"""

FinalState = Literal["succeeded", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker holds."""

    id: UUID
    shop_id: int | None
    name: str
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What one attempt left behind."""

    number: int
    started_at: datetime
    finished_at: datetime
    worker: str
    error: str | None = None
    traceback: str | None = None

    def as_json(self) -> Jsonb:
        """A one-element JSON array, ready to append to the row's history."""
        return Jsonb(
            [
                {
                    "number": self.number,
                    "started_at": self.started_at.isoformat(),
                    "finished_at": self.finished_at.isoformat(),
                    "worker": self.worker,
                    "error": self.error,
                    "traceback": self.traceback,
                }
            ]
        )


class Ledger:
    """The job transitions over one connection; opened on first use and again after it was lost."""

    def __init__(self, database_url: str, worker: str) -> None:
        self._url = database_url
        self._worker = worker
        self._connection: psycopg.Connection[Any] | None = None

    @property
    def worker(self) -> str:
        """The name that claims are made under."""
        return self._worker

    def connection(self) -> psycopg.Connection[Any]:
        """The live connection, in autocommit mode."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url)
        return self._connection

    def claim(self, ids: Sequence[UUID]) -> list[Claimed]:
        """Take the jobs that may still run; the rest were done, cancelled or taken by another."""
        with self.connection().cursor(row_factory=class_row(Claimed)) as cursor:
            cursor.execute(
                CLAIM, {"ids": list(ids), "worker": self._worker, "lease_s": LEASE_S}, prepare=True
            )
            claimed = cursor.fetchall()
            if len(claimed) < len(ids):
                cursor.execute(DROP_CANCELLED, {"ids": list(ids)}, prepare=True)
        return claimed

    def finish(self, job: Claimed, state: FinalState, record: AttemptRecord) -> bool:
        """Move the job to its history; False when this attempt no longer holds it."""
        parameters = {
            "id": job.id,
            "attempt": job.attempt,
            "state": state,
            "error": record.error,
            "record": record.as_json(),
        }
        return self.connection().execute(FINISH, parameters, prepare=True).rowcount == 1

    def retry(self, job: Claimed, delay_s: float, record: AttemptRecord) -> bool:
        """Put the job back for a later attempt; when a job with its unique key already waits, that one takes over."""
        parameters = {
            "id": job.id,
            "attempt": job.attempt,
            "delay_s": delay_s,
            "error": record.error,
            "record": record.as_json(),
        }
        try:
            return self.connection().execute(RETRY, parameters, prepare=True).rowcount == 1
        except psycopg.errors.UniqueViolation:
            return self.finish(job, "cancelled", record)

    def renew(self, ids: Sequence[UUID]) -> None:
        """Extend the lease of running jobs."""
        self.connection().execute(
            "UPDATE outbox SET lease_until = now() + make_interval(secs => %s) WHERE id = ANY(%s) AND worker = %s",
            [LEASE_S, list(ids), self._worker],
        )

    def progress(self, job: Claimed, done: int, total: int, note: str) -> None:
        """Record how far the job is."""
        self.connection().execute(
            "UPDATE outbox SET progress = %s WHERE id = %s AND attempt = %s",
            [Jsonb({"done": done, "total": total, "note": note}), job.id, job.attempt],
        )

    def cancel_requested(self, job: Claimed) -> bool:
        """Whether someone asked for the job to stop, or it was given to another worker."""
        row = (
            self.connection()
            .execute(
                "SELECT cancel_requested_at IS NULL FROM outbox WHERE id = %s AND attempt = %s",
                [job.id, job.attempt],
            )
            .fetchone()
        )
        return row is None or not row[0]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


def connect(database_url: str) -> psycopg.Connection[Any]:
    """A raw autocommit connection as the relay's role."""
    return psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=5,
        options=f"-c role={Role.RELAY.value} -c timezone=UTC -c statement_timeout=30000",
        application_name="storecast ledger",
    )


def reconcile(connection: psycopg.Connection[Any]) -> int:
    """Give expired jobs another chance, or bury those that used all of theirs; returns how many were found."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(DROP_ALL_CANCELLED)
        expired = cursor.execute(EXPIRED).fetchall()
        for job_id, attempt, max_attempts, state, worker, started_at in expired:
            if state == "queued":
                cursor.execute(
                    "UPDATE outbox SET state = 'staged', lease_until = NULL WHERE id = %s", [job_id]
                )
                continue
            _reclaim(cursor, job_id, attempt, max_attempts, worker, started_at)
    return len(expired)


def _reclaim(
    cursor: psycopg.Cursor[Any],
    job_id: UUID,
    attempt: int,
    max_attempts: int,
    worker: str,
    started_at: datetime,
) -> None:
    error = f"WorkerLost: {worker} stopped renewing its lease"
    record = AttemptRecord(attempt, started_at, datetime.now(started_at.tzinfo), worker, error)
    parameters = {"id": job_id, "attempt": attempt, "error": error, "record": record.as_json()}
    if attempt >= max_attempts:
        cursor.execute(FINISH, {**parameters, "state": "dead"})
        return
    try:
        with cursor.connection.transaction():
            cursor.execute(RETRY, {**parameters, "delay_s": 0.0})
    except psycopg.errors.UniqueViolation:
        cursor.execute(FINISH, {**parameters, "state": "cancelled"})
