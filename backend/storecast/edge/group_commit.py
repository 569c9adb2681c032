"""Group commit: requests that arrive together share one transaction, and each is answered after it.

While one commit is on its way the next rows gather, so that the batch grows with the load and nobody waits for a
timer. A row is acknowledged when it is on disk, or not at all: when PostgreSQL is away, every waiting request fails
with Unavailable, which the edge answers with 503 and ``Retry-After``. Rows that PostgreSQL refuses for what they are
cost only the request that brought them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import structlog
from asyncpg.prepared_stmt import PreparedStatement

from storecast.kit.errors import Invalid, NotFound, Unavailable
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


_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last one is what asyncpg raises on a connection that died at the wrong moment."""

_FAULT_OF_ROWS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


class _Waiting(NamedTuple):
    """What one request wants written, and where it waits."""

    rows: Sequence[tuple[Any, ...]]
    answer: asyncio.Future[None]
    trace: str | None


class GroupCommit:
    """One writer of one sink over one connection."""

    def __init__(self, dsn: str, role: str, sink: Sink) -> None:
        self._dsn = dsn
        self._role = role
        self._sink = sink
        self._waiting: list[_Waiting] = []
        self._waiting_rows = 0
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection | None = None
        self._statement: PreparedStatement | None = None

    def start(self) -> None:
        """Begin to write; must run inside the event loop that will submit."""
        self._writer = asyncio.create_task(self._run(), name=f"group commit {self._sink.name}")

    async def stop(self) -> None:
        """Write what waits, then close."""
        await asyncio.gather(*(each.answer for each in self._waiting), return_exceptions=True)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._drop_connection()

    async def submit(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Return when the rows are committed; raises Unavailable when they could not be.

        Raises Invalid for rows that can never be stored and NotFound for rows of a shop that is gone.
        """
        if not rows:
            return
        if self._waiting_rows + len(rows) > MAX_WAITING_ROWS:
            raise Unavailable("Too much is waiting to be written.", code="overloaded")
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(rows, answer, tracing.current_traceparent()))
        self._waiting_rows += len(rows)
        self._wake.set()
        await answer

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch, self._waiting, self._waiting_rows = self._waiting, [], 0
                await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._write(batch)
        except _FAULT_OF_ROWS as error:
            await self._commit_apart(batch, error)
        except _AWAY as error:
            log.warning(
                "group_commit_failed", sink=self._sink.name, requests=len(batch), error=type(error).__name__
            )
            await self._give_up(batch)
        except Exception as error:  # without its writer the edge would take requests for ever and answer none
            log.error("group_commit_failed", sink=self._sink.name, requests=len(batch), exc_info=error)
            await self._give_up(batch)
        else:
            _answer(batch, None)

    async def _give_up(self, batch: list[_Waiting]) -> None:
        await self._drop_connection()
        _answer(batch, Unavailable("The database is away; nothing was stored.", code="storage_away"))

    async def _commit_apart(self, batch: list[_Waiting], error: Exception) -> None:
        """By halves, until the rows at fault are alone."""
        if len(batch) > 1:
            half = len(batch) // 2
            await self._commit(batch[:half])
            await self._commit(batch[half:])
            return
        log.warning("rows_refused", sink=self._sink.name, error=type(error).__name__)
        gone = isinstance(error, asyncpg.ForeignKeyViolationError)
        _answer(
            batch,
            NotFound("The shop is gone.", code="unknown_shop")
            if gone
            else Invalid("This cannot be stored.", code="not_storable"),
        )

    async def _write(self, batch: list[_Waiting]) -> None:
        rows = [row for each in batch for row in each.rows]
        with tracing.commit_span((each.trace for each in batch), {"storecast.rows": len(rows)}):
            traceparent = tracing.current_traceparent()
            for start in range(0, len(rows), MAX_BATCH_ROWS):
                statement = await self._ready()
                columns = map(list, zip(*rows[start : start + MAX_BATCH_ROWS], strict=True))
                await statement.fetch(*columns, traceparent)

    async def _ready(self) -> PreparedStatement:
        if self._connection is not None and self._connection.is_closed():  # PostgreSQL went away in between
            await self._drop_connection()
        return self._statement if self._statement is not None else await self._open()

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


def _answer(batch: list[_Waiting], error: Exception | None) -> None:
    for each in batch:
        if each.answer.done():  # the client hung up meanwhile
            continue
        if error is None:
            each.answer.set_result(None)
        else:
            each.answer.set_exception(error)


def stage_jobs(source: str, job: str, queue: str, key: str, max_attempts: int = 8) -> str:
    """SQL that stages one waiting job for each shop in ``source`` (a CTE with shop_id), in the same commit.

    The conflicting row is locked by DO UPDATE until the commit, so that a job which is about to start waits for
    the new rows instead of missing them. One that waits for its next try is due at once. One that is due already is
    only locked: no new version of it is written, and nobody is told again.
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
              WHERE outbox.state = 'scheduled' OR outbox.run_at > excluded.run_at
      RETURNING 1
    )
    SELECT pg_notify('storecast_outbox', '') FROM (SELECT 1 FROM staged LIMIT 1) AS woken
    """
