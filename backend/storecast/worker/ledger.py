"""The state transitions of a job, as single guarded statements on one raw connection.

A job is claimed only while it is ``queued`` and not cancelled, and ended only by the attempt that claimed it. A
duplicate delivery, a revoked job and a worker that comes back after its lease was given away therefore change
nothing. Every method is its own transaction. One statement claims or ends a whole bundle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any, Literal, TypeVar
from uuid import UUID

import orjson
import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.json import set_json_loads

from storecast.db.roles import Role
from storecast.kit.clock import utcnow
from storecast.kit.ids import UUID7_SQL

LEASE_S = 30
"""A running job's lease, renewed every `LEASE_BEAT_S` seconds: a worker that is cut off costs this long."""

LEASE_BEAT_S = 10

STATEMENT_TIMEOUT_S = 30
"""No statement here runs longer, so that a job's ``finished_at`` is never older than this when it can be seen."""

END_DELAY_S = 5.0
"""A job of a bundle ends with the others; it is dated back to when it was over, but never by more than this."""

_COLUMNS = (
    "id, shop_id, name, queue, priority, args, tags, terms, attempt, max_attempts, losses, worker, progress, "
    "parent_id, root_id, batch_id, request_id, traceparent, run_at, enqueued_at"
)

# A state as no constant, so that the planner cannot prove that a partial index on the state would do: one that is made
# while nothing is in flight begins with that index, and later reads all that is in flight for each job. The ids lead.
STAGED, QUEUED, RUNNING = "concat('staged')", "concat('queued')", "concat('running')"

# Committed without waiting for the disk. A crash of the database may forget a claim of its last moments, and the job
# begins anew, as it does when its end is forgotten; whatever a job commits itself takes its claim to the disk along.
CLAIM = f"""
UPDATE outbox SET state = 'running', attempt = attempt + 1, started_at = clock_timestamp(), worker = $2,
       lease_until = now() + make_interval(secs => $3), error = NULL
  FROM (SELECT set_config('synchronous_commit', 'off', true)) AS lazily
 WHERE id = ANY($1::uuid[]) AND state = {QUEUED} AND cancel_requested_at IS NULL
RETURNING id, shop_id, name, args, attempt, max_attempts, parent_id, root_id, batch_id, request_id, traceparent,
          enqueued_at, published_at
"""

# One statement may end several batches that are followed by the same job, and may meet a unique key once.
_COUNT_BATCHES = f""",
counted AS (
  UPDATE job_batches AS batch
     SET succeeded = batch.succeeded + ended.succeeded, dead = batch.dead + ended.dead,
         cancelled = batch.cancelled + ended.cancelled,
         finished_at = CASE WHEN batch.total = batch.succeeded + batch.dead + batch.cancelled + ended.total
                            THEN clock_timestamp() END
    FROM (SELECT batch_id, count(*) AS total, count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
                 count(*) FILTER (WHERE outcome = 'dead') AS dead,
                 count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled
            FROM over WHERE batch_id IS NOT NULL GROUP BY batch_id) AS ended
   WHERE batch.id = ended.batch_id
  RETURNING batch.id, batch.shop_id, batch.completion, batch.finished_at
),
followed AS (
  INSERT INTO outbox (id, shop_id, name, queue, priority, args, max_attempts, unique_key, state, parent_id)
  SELECT DISTINCT ON (coalesce(shop_id, 0), completion->>'name', coalesce(completion->>'unique_key', id::text))
         {UUID7_SQL}, shop_id, completion->>'name', completion->>'queue', (completion->>'priority')::smallint,
         completion->'args', (completion->>'max_attempts')::smallint, completion->>'unique_key', 'staged', NULL
    FROM counted WHERE finished_at IS NOT NULL AND completion IS NOT NULL
  ON CONFLICT (coalesce(shop_id, 0), name, unique_key) WHERE unique_key IS NOT NULL AND state <> 'running'
  DO UPDATE SET run_at = least(outbox.run_at, excluded.run_at),
                state = CASE outbox.state WHEN 'scheduled' THEN 'staged' ELSE outbox.state END
  RETURNING pg_notify('storecast_outbox', '')
)
"""


def _end(batched: bool) -> str:
    """Move ended attempts to the history; with ``batched`` also count their batches and stage what follows.

    One JSON parameter: to write ten arrays took the client longer than the database needs for the job. The ids stand
    in the condition once more so that the plan begins with them.
    """
    return f"""
WITH given AS (
  SELECT * FROM jsonb_to_recordset($2::jsonb)
    AS given (id uuid, attempt smallint, outcome text, error_text text, error_class text, fingerprint text,
              outcome_result jsonb, record jsonb, ran_s float8, ago_s float8)
),
over AS (
  DELETE FROM outbox USING given
   WHERE outbox.id = ANY($1::uuid[])
     AND outbox.id = given.id AND outbox.attempt = given.attempt AND outbox.state = {RUNNING}
  RETURNING outbox.*, outcome, error_text, error_class, fingerprint, outcome_result, record, ran_s,
            clock_timestamp() - make_interval(secs => ago_s) AS over_at
){_COUNT_BATCHES if batched else ""},
kept AS (
  INSERT INTO job_runs ({_COLUMNS}, started_at, attempts, state, error, error_class, fingerprint, result, finished_at)
  SELECT {_COLUMNS}, over_at - make_interval(secs => ran_s), attempts || record, outcome, error_text, error_class,
         fingerprint, outcome_result, over_at
    FROM over
  RETURNING id
)
SELECT id FROM kept
"""


END, END_BATCHED = _end(batched=False), _end(batched=True)

RETRY = f"""
UPDATE outbox SET state = CASE WHEN %(delay_s)s > 0 THEN 'scheduled' ELSE 'staged' END,
       run_at = now() + make_interval(secs => %(delay_s)s), lease_until = NULL, error = %(error)s,
       attempts = attempts || %(record)s::jsonb, losses = losses + %(losses)s
 WHERE id = %(id)s AND state = {RUNNING} AND attempt = %(attempt)s
"""

# An attempt that never began does not count.
HAND_BACK = """
UPDATE outbox SET state = CASE WHEN %(delay_s)s > 0 THEN 'scheduled' ELSE 'staged' END, attempt = attempt - 1,
       run_at = CASE WHEN %(delay_s)s > 0 THEN now() + make_interval(secs => %(delay_s)s) ELSE run_at END,
       lease_until = NULL, started_at = NULL, worker = NULL, error = %(error)s
 WHERE state = 'running'
"""

# Nobody claims a job that was cancelled while it waited: it is ended without an attempt.
DROP_CANCELLED = f"""
WITH over AS (
  DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE cancel_requested_at IS NOT NULL AND state <> 'running'
     ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
  RETURNING *, 'cancelled' AS outcome
){_COUNT_BATCHES}
INSERT INTO job_runs ({_COLUMNS}, attempts, state, finished_at)
SELECT {_COLUMNS}, attempts, outcome, clock_timestamp() FROM over
"""

FinalState = Literal["succeeded", "dead", "cancelled"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker holds: the columns of `CLAIM`."""

    id: UUID
    shop_id: int | None
    name: str
    args: dict[str, Any]
    attempt: int
    max_attempts: int
    parent_id: UUID | None
    root_id: UUID | None
    batch_id: UUID | None
    request_id: str | None
    traceparent: str | None
    enqueued_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """What one attempt left behind."""

    number: int
    queued_at: datetime | None
    started_at: datetime
    finished_at: datetime
    worker: str
    error: str | None = None
    traceback: str | None = None
    # Its own trace: a job that waited long does not run in that of whoever staged it.
    traceparent: str | None = None

    def as_json(self) -> str:
        """A one-element JSON array, ready to append to the row's history."""
        return orjson.dumps([self], option=orjson.OPT_UTC_Z).decode()


@dataclass(frozen=True, slots=True)
class Over:
    """A job's end, as the attempt that holds it reports it."""

    job: Claimed
    state: FinalState
    record: AttemptRecord
    error_class: str | None = None
    fingerprint: str | None = None
    result: dict[str, Any] | None = None

    def as_row(self, now: datetime) -> dict[str, Any]:
        """What `END` is given of it. Instants go as durations: the database's clock is the one that counts."""
        ran_s = (self.record.finished_at - self.record.started_at).total_seconds()
        ago_s = (now - self.record.finished_at).total_seconds()
        return {
            "id": self.job.id,
            "attempt": self.job.attempt,
            "outcome": self.state,
            "error_text": self.record.error,
            "error_class": self.error_class,
            "fingerprint": self.fingerprint,
            "outcome_result": self.result,
            "record": [self.record],
            "ran_s": max(ran_s, 0.0),
            "ago_s": min(max(ago_s, 0.0), END_DELAY_S),
        }


class Ledger:
    """The job transitions over one connection; opened on first use and again after it was lost."""

    def __init__(self, database_url: str, worker: str) -> None:
        self._url = database_url
        self._worker = worker
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: dict[str, bytes] = {}
        self.is_over = False

    @property
    def worker(self) -> str:
        """The name that claims are made under."""
        return self._worker

    def connection(self) -> psycopg.Connection[Any]:
        """The live connection, in autocommit mode; raises OperationalError after `close`."""
        if self.is_over:
            raise psycopg.OperationalError("the ledger has been closed")
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url)
            self._prepared.clear()
        return self._connection

    def claim(self, ids: Sequence[UUID]) -> list[Claimed]:
        """Take the jobs that may still run, in the order given; the rest were done, cancelled or taken by another."""
        rows = self._run(CLAIM, _as_array(ids), self._worker.encode(), b"%d" % LEASE_S)
        claimed = {job.id: job for job in starmap(Claimed, rows)}
        if len(claimed) < len(ids):
            self.connection().execute(DROP_CANCELLED, prepare=True)
        return [claimed[job_id] for job_id in ids if job_id in claimed]

    def end(self, overs: Sequence[Over]) -> set[UUID]:
        """Move jobs to their history in one commit; returns the ids of those whose attempt still held them."""
        statement = END_BATCHED if any(over.job.batch_id for over in overs) else END
        rows = self._run(statement, _as_array([over.job.id for over in overs]), _as_json(overs))
        return {job_id for (job_id,) in rows}

    def _run(self, statement: str, *parameters: bytes) -> list[tuple[Any, ...]]:
        """A prepared statement straight through libpq: the driver's way takes three times the CPU, and these two
        statements are a sixth of what a job costs that travels alone (measured).
        """

        def run() -> PGresult:
            pgconn = self.connection().pgconn
            name = self._prepared.get(statement)
            if name is None:
                name = b"ledger%d" % len(self._prepared)
                _checked(pgconn, pgconn.prepare(name, statement.encode()))
                self._prepared[statement] = name
            return _checked(pgconn, pgconn.exec_prepared(name, parameters))

        result = _past_deadlocks(run)
        loader = Transformer(self._connection)
        loader.set_pgresult(result)
        return loader.load_rows(0, result.ntuples, tuple)

    def retry(self, job: Claimed, delay_s: float, record: AttemptRecord) -> bool:
        """Put the job back for a later attempt; when a job with its unique key already waits, that one takes over."""
        parameters = {
            "id": job.id,
            "attempt": job.attempt,
            "delay_s": delay_s,
            "error": record.error,
            "record": record.as_json(),
            "losses": 0,
        }
        try:
            return self.connection().execute(RETRY, parameters, prepare=True).rowcount == 1
        except psycopg.errors.UniqueViolation:
            return bool(self.end([Over(job, "cancelled", record)]))

    def hand_back(self, jobs: Sequence[Claimed], *, delay_s: float = 0.0, error: str | None = None) -> None:
        """Give up jobs that were claimed and not begun: somebody else runs them, as if nobody had claimed them."""
        for job in jobs:
            try:
                self.connection().execute(
                    f"{HAND_BACK} AND id = %(id)s AND attempt = %(attempt)s",
                    {"id": job.id, "attempt": job.attempt, "delay_s": delay_s, "error": error},
                )
            except psycopg.errors.UniqueViolation:
                self._covered(job)

    def _covered(self, job: Claimed) -> None:
        """A job with the same unique key waits by now: it does this one's work."""
        now = datetime.now(job.enqueued_at.tzinfo)
        record = AttemptRecord(
            job.attempt, job.published_at, now, now, self._worker, "covered by a later job"
        )
        self.end([Over(job, "cancelled", record)])

    def renew(self, ids: Sequence[UUID]) -> None:
        """Extend the lease of running jobs."""
        self.connection().execute(
            "UPDATE outbox SET lease_until = now() + make_interval(secs => %s) WHERE id = ANY(%s) AND worker = %s",
            [LEASE_S, list(ids), self._worker],
        )

    def progress(self, job: Claimed, done: int, total: int, note: str) -> None:
        """Record how far the job is."""
        self.connection().execute(
            "UPDATE outbox SET progress = %s::jsonb WHERE id = %s AND attempt = %s",
            [orjson.dumps({"done": done, "total": total, "note": note}).decode(), job.id, job.attempt],
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
        """Close the connection, for good."""
        self.is_over = True
        if self._connection is not None:
            self._connection.close()


def _as_array(ids: Sequence[UUID]) -> bytes:
    return f"{{{','.join(map(str, ids))}}}".encode()


def _as_json(overs: Sequence[Over]) -> bytes:
    now = utcnow()
    return orjson.dumps([over.as_row(now) for over in overs], option=orjson.OPT_UTC_Z)


def _checked(pgconn: PGconn, result: PGresult) -> PGresult:
    if pgconn.status != ConnStatus.OK:
        # A lost link has no SQLSTATE to make the class of.
        raise psycopg.OperationalError(pgconn.get_error_message())
    if result.status not in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        raise psycopg.errors.error_from_result(result)
    return result


def connect(database_url: str) -> psycopg.Connection[Any]:
    """A raw autocommit connection as the relay's role."""
    settings = {
        "role": Role.RELAY.value,
        "timezone": "UTC",
        "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
        # The same few statements over and over, each served row by row by an index whatever the tables hold: to plan
        # one takes longer than to run it, and a plan made while `outbox` is empty would read all of it once it is not.
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        # Nor does a bitmap remember which of an index's rows were found dead, of which `outbox` is full.
        "enable_bitmapscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }
    connection: psycopg.Connection[Any] = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=5,
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        application_name="storecast ledger",
    )
    set_json_loads(orjson.loads, connection)
    return connection


def _past_deadlocks(run: Callable[[], R]) -> R:
    """Two bundles that share rows or batches may lock them crosswise; the loser's statement did nothing, and waits."""
    try:
        return run()
    except psycopg.errors.DeadlockDetected:
        return run()
