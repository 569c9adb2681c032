"""Group commit: requests that arrive together share one transaction, and each is answered after it.

While one commit is on its way the next rows gather, so that the batch grows with the load and nobody waits for a
timer. A row is acknowledged when it is on disk, or not at all: when PostgreSQL is away, every waiting request fails
with Unavailable, which the edge answers with 503 and ``Retry-After``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from asyncpg.prepared_stmt import PreparedStatement

from storecast.kit.errors import Unavailable
from storecast.kit.ids import UUID7_SQL
from storecast.observability import tracing

log = structlog.get_logger(__name__)

MAX_BATCH_ROWS = 5_000
"""Rows of one statement: the rate is level from 64 on (11,000 webhooks of 2 KB a second), larger ones only wait."""

MAX_WAITING_ROWS = 20_000
"""Rows that may wait before new ones are refused: about two seconds of work, well under `COMMIT_TIMEOUT_S`."""

COMMIT_TIMEOUT_S = 4.0
"""Shopify gives a webhook five seconds in all; an answer after that counts as a failure anyway."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where the rows of one kind go."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """Names and PostgreSQL types, in the order of a row's values."""
    merge: str
    """INSERT … SELECT … FROM incoming ON CONFLICT DO NOTHING, with the jobs that new rows need and their NOTIFY."""

    def statement(self) -> str:
        """One statement over one array a column: a round trip and a commit for the whole batch.

        Arrays beat COPY into a temporary table here: batches are as large as the requests in flight, tens to a few
        hundred rows, where the temporary table's own round trips and its emptying cost more than they save.
        """
        arrays = ", ".join(f"${number}::{kind}[]" for number, (_name, kind) in enumerate(self.columns, 1))
        names = ", ".join(name for name, _kind in self.columns)
        trace = f"trace AS (SELECT ${len(self.columns) + 1}::text AS traceparent)"
        return f"WITH incoming AS (SELECT * FROM unnest({arrays}) AS row ({names})), {trace}, {self.merge}"


@dataclass(slots=True)
class _Waiting:
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    answers: list[asyncio.Future[None]] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)


class GroupCommit:
    """One writer of one sink over one connection."""

    def __init__(self, dsn: str, role: str, sink: Sink) -> None:
        self._dsn = dsn
        self._role = role
        self._sink = sink
        self._waiting = _Waiting()
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._statement: PreparedStatement | None = None

    def start(self) -> None:
        """Begin to write; must run inside the event loop that will submit."""
        self._writer = asyncio.create_task(self._run(), name=f"group commit {self._sink.name}")

    async def stop(self) -> None:
        """Write what waits, then close."""
        await asyncio.gather(*self._waiting.answers, return_exceptions=True)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._drop_connection()

    async def submit(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Return when the rows are committed; raises Unavailable when they could not be."""
        if not rows:
            return
        if len(self._waiting.rows) + len(rows) > MAX_WAITING_ROWS:
            raise Unavailable("Too much is waiting to be written.", code="overloaded")
        answer = asyncio.get_running_loop().create_future()
        self._waiting.rows.extend(rows)
        self._waiting.answers.append(answer)
        self._waiting.traces.append(tracing.current_traceparent())
        self._wake.set()
        await answer

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting.rows:
                batch, self._waiting = self._waiting, _Waiting()
                await self._commit(batch)

    async def _commit(self, batch: _Waiting) -> None:
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                with tracing.commit_span(batch.traces, {"storecast.rows": len(batch.rows)}):
                    for start in range(0, len(batch.rows), MAX_BATCH_ROWS):
                        await self._write(batch.rows[start : start + MAX_BATCH_ROWS])
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning(
                "group_commit_failed", sink=self._sink.name, rows=len(batch.rows), error=type(error).__name__
            )
            await self._drop_connection()
            failure = Unavailable("The database is away; nothing was stored.", code="storage_away")
            _answer(batch.answers, failure)
        else:
            _answer(batch.answers, None)

    async def _write(self, rows: list[tuple[Any, ...]]) -> None:
        statement = self._statement if self._statement is not None else await self._open()
        await statement.fetch(*map(list, zip(*rows, strict=True)), tracing.current_traceparent())

    async def _open(self) -> PreparedStatement:
        self._connection = await asyncpg.connect(
            self._dsn,
            timeout=3,
            server_settings={"role": self._role, "application_name": "storecast edge", "timezone": "UTC"},
        )
        self._statement = await self._connection.prepare(self._sink.statement())
        return self._statement

    async def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = self._statement = None


def _answer(answers: list[asyncio.Future[None]], error: Exception | None) -> None:
    for answer in answers:
        if answer.done():  # the client hung up meanwhile
            continue
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)


def stage_jobs(source: str, job: str, queue: str, key: str, max_attempts: int = 8) -> str:
    """SQL that stages one waiting job for each shop in ``source`` (a CTE with shop_id), in the same commit.

    The conflicting row is locked by DO UPDATE until the commit, so that a job which is about to start waits for
    the new rows instead of missing them. One that waits for its next try is due at once.
    """
    return f"""
    staged AS (
      INSERT INTO outbox (id, shop_id, name, queue, args, state, max_attempts, unique_key, traceparent)
      SELECT {UUID7_SQL}, shop_id, '{job}', '{queue}', '{{}}', 'staged', {max_attempts}, '{key}',
             (SELECT traceparent FROM trace)
        FROM {source} WHERE shop_id IS NOT NULL GROUP BY shop_id ORDER BY shop_id
      ON CONFLICT (coalesce(shop_id, 0), name, unique_key) WHERE unique_key IS NOT NULL AND state <> 'running'
      DO UPDATE SET run_at = least(outbox.run_at, excluded.run_at),
                    state = CASE outbox.state WHEN 'scheduled' THEN 'staged' ELSE outbox.state END
      RETURNING 1
    )
    SELECT pg_notify('storecast_outbox', '') FROM (SELECT 1 FROM staged LIMIT 1) AS woken
    """
