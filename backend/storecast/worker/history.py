"""What running jobs log, kept for the console: collected in memory, written in batches.

The lines are a help, not the record: a process that is killed loses the last second of them, and one that logs faster
than the database takes drops lines and counts what it dropped. Outcomes never go this way.
"""

import threading
from collections import deque
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import psycopg
import structlog

from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7

FLUSH_EVERY_S = 1.0
BUFFER_LINES = 5000
"""About five seconds of a very talkative process."""

FACTS_MAX_BYTES = 4096

_CONTEXT = frozenset(
    {"event", "level", "logger", "timestamp", "process", "job", "job_id", "shop_id", "attempt"}
)

# Not COPY, which PostgreSQL refuses on a table with row-level security.
_INSERT = """
INSERT INTO job_logs (id, at, job_id, shop_id, attempt, level, event, facts)
SELECT id, at, job_id, shop_id, attempt, level, event, facts::jsonb
  FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[], %s::bigint[], %s::smallint[], %s::text[], %s::text[],
              %s::text[])
    AS line (id, at, job_id, shop_id, attempt, level, event, facts)
"""


_COUNT = """
UPDATE fleet_processes SET dropped = dropped + %s, done = done + %s, last_job = coalesce(%s, last_job),
       last_job_at = clock_timestamp() WHERE name = %s
"""


@dataclass(frozen=True, slots=True)
class Writer:
    """The attempt that is logging."""

    job_id: UUID
    shop_id: int | None
    attempt: int


writing: ContextVar[Writer | None] = ContextVar("storecast_writer", default=None)


class History:
    """The buffer of one process."""

    def __init__(self) -> None:
        self._lines: deque[tuple[Any, ...]] = deque()
        self._lock = threading.Lock()
        self._dropped = 0
        self._done = 0
        self._last_job: str | None = None

    def count(self, job: str, done: int) -> None:
        """Note jobs that this process has run, for its row in the fleet."""
        with self._lock:
            self._done += done
            self._last_job = job

    def capture(self, _logger: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor: keep the line if a job wrote it, and pass it on."""
        writer = writing.get()
        if writer is not None:
            facts = {name: value for name, value in event.items() if name not in _CONTEXT}
            self.keep(writer, level, str(event.get("event", "")), facts)
        return event

    def keep(self, writer: Writer, level: str, event: str, facts: dict[str, Any]) -> None:
        """Put one line into the buffer, or count it as dropped when that is full."""
        encoded = orjson.dumps(facts, default=str)
        if len(encoded) > FACTS_MAX_BYTES:
            encoded = orjson.dumps({"cut": len(encoded)})
        line = (
            uuid7(),
            utcnow(),
            writer.job_id,
            writer.shop_id,
            writer.attempt,
            level,
            event,
            encoded.decode(),
        )
        with self._lock:
            if len(self._lines) >= BUFFER_LINES:
                self._dropped += 1
            else:
                self._lines.append(line)

    def flush(self, connection: psycopg.Connection[Any], process: str) -> int:
        """Write what is there; on a failure it stays for the next time. Returns how many lines were written."""
        with self._lock:
            lines, dropped, done, last_job = list(self._lines), self._dropped, self._done, self._last_job
        if lines:
            connection.execute(_INSERT, [list(column) for column in zip(*lines, strict=True)])
        if dropped or done:
            connection.execute(_COUNT, [dropped, done, last_job, process])
        with self._lock:
            for _ in lines:
                self._lines.popleft()
            self._dropped -= dropped
            self._done -= done
        return len(lines)


history = History()


def install() -> None:
    """Let every structlog line of this process pass by the buffer."""
    processors = structlog.get_config()["processors"]
    if history.capture not in processors:
        # After the context is merged and the level added, before rendering.
        structlog.configure(processors=[*processors[:-2], history.capture, *processors[-2:]])
