"""What brings lost jobs back: expired leases, workers and children that died or stopped, a broker that forgot.

Nothing here trusts a worker: every statement looks at the row, locks it, and changes only what is still so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
import psycopg
import structlog
from psycopg.rows import class_row

from storecast.worker import presence
from storecast.worker.fingerprint import fingerprint
from storecast.worker.ledger import DROP_CANCELLED, END_BATCHED, HAND_BACK, RETRY, AttemptRecord

log = structlog.get_logger(__name__)

CHILD_DEATH = 2
"""A child that dies under a job while its parent lives: the job is the likely cause."""

WORKER_LOSS = 1
"""A whole worker that vanishes: more likely a deploy, a machine, somebody's hand."""

POISON_AT = 4
"""Two children, or four whole workers: a job that kills like that is not given another."""

FORGOTTEN_S = 10
"""A published job that the broker's empty queue does not hold and nobody has claimed for so long was lost with the
broker. Were it only on its way to a busy worker, the second message would find it claimed."""

_EXPIRED = """
SELECT id, shop_id, name, attempt, max_attempts, losses, worker, started_at, published_at FROM outbox
 WHERE {which} ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
"""

EXPIRED_QUEUED = """
UPDATE outbox SET state = 'staged', lease_until = NULL WHERE id IN (
  SELECT id FROM outbox WHERE state = 'queued' AND lease_until < now() ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""

FORGOTTEN = """
UPDATE outbox SET state = 'staged', lease_until = NULL WHERE id IN (
  SELECT id FROM outbox WHERE state = 'queued' AND queue = %(queue)s
     AND published_at < now() - make_interval(secs => %(age_s)s) ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""

STALE_QUEUES = """
SELECT DISTINCT queue FROM outbox
 WHERE state = 'queued' AND published_at < now() - make_interval(secs => %(age_s)s)
"""

Outcome = Literal["retried", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class _Lost:
    id: UUID
    shop_id: int | None
    name: str
    attempt: int
    max_attempts: int
    losses: int
    worker: str
    started_at: datetime
    published_at: datetime | None


def reconcile(connection: psycopg.Connection[Any]) -> int:
    """Publish again what was published and never claimed, and take back what lost its worker; how many of both."""
    connection.execute(DROP_CANCELLED)
    found = connection.execute(EXPIRED_QUEUED).rowcount
    with connection.transaction():
        lost = _locked(connection, "state = 'running' AND lease_until < now()", {})
        for job in lost:
            _reclaim(connection, job, WORKER_LOSS, "its worker stopped renewing its lease")
    return found + len(lost)


def find_forgotten(connection: psycopg.Connection[Any], depth: Callable[[str], int | None]) -> int:
    """Stage again what a broker with an empty queue must have lost; ``depth`` is the broker's count, None unknown."""
    found = 0
    for (queue,) in connection.execute(STALE_QUEUES, {"age_s": FORGOTTEN_S}).fetchall():
        if depth(queue) == 0:
            found += connection.execute(FORGOTTEN, {"queue": queue, "age_s": FORGOTTEN_S}).rowcount
    return found


def workers_died(connection: psycopg.Connection[Any], workers: Sequence[str]) -> int:
    """Take back what these workers held, unless they have come back; how many jobs."""
    with connection.transaction():
        gone = presence.take(connection, workers)
        lost = _locked(connection, "state = 'running' AND worker = ANY(%(workers)s)", {"workers": gone})
        for job in lost:
            _reclaim(connection, job, WORKER_LOSS, "it is gone")
    return len(lost)


def child_died(connection: psycopg.Connection[Any], ids: Sequence[UUID], process: str) -> int:
    """Take back what a dead child of the process held of these jobs, at once; its parent has seen it die."""
    with connection.transaction():
        lost = _locked(
            connection,
            "state = 'running' AND id = ANY(%(ids)s) AND starts_with(worker, %(prefix)s)",
            {"ids": list(ids), "prefix": f"{process}/"},
        )
        for job in lost:
            _reclaim(connection, job, CHILD_DEATH, "its process died")
    return len(lost)


def hand_back(connection: psycopg.Connection[Any], process: str) -> int:
    """Give up what the stopped children of a process still held: a deploy is no failure, and costs no attempt."""
    handed = 0
    with connection.transaction():
        held = _locked(
            connection, "state = 'running' AND starts_with(worker, %(prefix)s)", {"prefix": f"{process}/"}
        )
        for job in held:
            parameters = {"id": job.id, "delay_s": 0.0, "error": None}
            try:
                with connection.transaction():
                    connection.execute(f"{HAND_BACK} AND id = %(id)s", parameters)
                handed += 1
            except psycopg.errors.UniqueViolation:
                _end(connection, job, "cancelled", _record(job, "covered by a later job"))
    return handed


def _locked(connection: psycopg.Connection[Any], which: str, parameters: dict[str, Any]) -> list[_Lost]:
    with connection.cursor(row_factory=class_row(_Lost)) as cursor:
        return cursor.execute(_EXPIRED.format(which=which), parameters).fetchall()


def _reclaim(connection: psycopg.Connection[Any], job: _Lost, losses: int, what: str) -> None:
    record = _record(job, f"WorkerLost: {job.worker}: {what}")
    outcome: Outcome = "retried"
    if job.losses + losses >= POISON_AT:
        outcome = "dead"
        record = _record(job, f"PoisonJob: {what}, and not for the first time")
    elif job.attempt >= job.max_attempts:
        outcome = "dead"
    if outcome == "retried" and not _retried(connection, job, losses, record):
        outcome = "cancelled"
    if outcome != "retried":
        _end(connection, job, outcome, record)
    connection.execute(
        "INSERT INTO job_orphans (job_id, attempt, process, worker, name, shop_id, outcome) "
        "VALUES (%s, %s, split_part(%s, '/', 1), %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [job.id, job.attempt, job.worker, job.worker, job.name, job.shop_id, outcome],
    )
    log.warning("job_orphaned", job_id=str(job.id), job=job.name, worker=job.worker, outcome=outcome)


def _retried(connection: psycopg.Connection[Any], job: _Lost, losses: int, record: AttemptRecord) -> bool:
    """Whether the job waits again; False when one with its unique key already does."""
    parameters = {
        "id": job.id,
        "attempt": job.attempt,
        "delay_s": 0.0,
        "error": record.error,
        "record": record.as_json(),
        "losses": losses,
    }
    try:
        with connection.transaction():
            connection.execute(RETRY, parameters)
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _end(connection: psycopg.Connection[Any], job: _Lost, outcome: Outcome, record: AttemptRecord) -> None:
    error_class, mark = None, None
    if outcome == "dead":
        error_class, mark = fingerprint(job.name, None, record.error or "")
    row = {
        "id": job.id,
        "attempt": job.attempt,
        "outcome": outcome,
        "error_text": record.error,
        "error_class": error_class,
        "fingerprint": mark,
        "outcome_result": None,
        "record": [record],
        "ran_s": max((record.finished_at - record.started_at).total_seconds(), 0.0),
        "ago_s": 0.0,
    }
    overs = orjson.dumps([row], option=orjson.OPT_UTC_Z).decode()
    psycopg.RawCursor(connection).execute(END_BATCHED, [[job.id], overs])


def _record(job: _Lost, error: str) -> AttemptRecord:
    now = datetime.now(job.started_at.tzinfo)
    return AttemptRecord(job.attempt, job.published_at, job.started_at, now, job.worker, error)
