"""The relay: moves due jobs from the outbox to the broker, and gives back what was lost on the way.

Many relays may run at once: rows are claimed with SKIP LOCKED and committed as ``queued`` before they are
published, so that a worker never meets a message whose row it cannot claim. A relay that dies in between leaves
rows whose lease runs out. NOTIFY only shortens the sleep; the poll is the guarantee.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import psycopg
import structlog
from celery import Celery

from storecast.worker import broker, metrics
from storecast.worker.job import Job
from storecast.worker.ledger import QUEUED_LEASE_S, connect, reconcile
from storecast.worker.outbox import CHANNEL

log = structlog.get_logger(__name__)

POLL_S = 1.0
RECONCILE_EVERY_S = 5.0
BATCH = 500

CLAIM_DUE = """
UPDATE outbox SET state = 'queued', published_at = clock_timestamp(),
       lease_until = now() + make_interval(secs => %(lease_s)s)
 WHERE id IN (SELECT id FROM outbox WHERE state = 'staged' AND run_at <= now() AND cancel_requested_at IS NULL
               ORDER BY run_at, id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
RETURNING id, name, queue
"""

UNPUBLISH = "UPDATE outbox SET state = 'staged', lease_until = NULL WHERE id = ANY(%s) AND state = 'queued'"


class Relay:
    """One relay over one connection."""

    def __init__(self, database_url: str, app: Celery, jobs: Mapping[str, type[Job]]) -> None:
        self._url = database_url
        self._app = app
        self._jobs = jobs
        self._connection: psycopg.Connection[Any] | None = None
        self._reconcile_due = 0.0
        self.published = 0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Relay until ``stopped()``; a database or broker that is away is waited for."""
        while not stopped():
            try:
                moved = self.step()
                if moved < BATCH:
                    self._sleep()
            except (psycopg.OperationalError, self._app.connection_for_write().connection_errors) as error:
                log.warning("relay_waits", error=type(error).__name__)
                self._drop_connection()
                time.sleep(POLL_S)

    def step(self) -> int:
        """Publish what is due, reconcile when it is time; returns how many jobs were published."""
        connection = self._open()
        now = time.monotonic()
        if now >= self._reconcile_due:
            self._reconcile_due = now + RECONCILE_EVERY_S
            found = reconcile(connection)
            if found:
                metrics.RECONCILED.inc(found)
                log.warning("jobs_reconciled", count=found)
        rows = connection.execute(
            CLAIM_DUE, {"lease_s": QUEUED_LEASE_S, "batch": BATCH}, prepare=True
        ).fetchall()
        self._publish(connection, rows)
        return len(rows)

    def _publish(self, connection: psycopg.Connection[Any], rows: list[tuple[UUID, str, str]]) -> None:
        waiting = [job_id for job_id, _name, _queue in rows]
        try:
            for job_id, name, queue in rows:
                job_type = self._jobs.get(name)
                broker.publish(self._app, [job_id], queue, job_type.timeout_s if job_type else Job.timeout_s)
                metrics.PUBLISHED.labels(queue).inc()
                waiting.remove(job_id)
                self.published += 1
        finally:
            if waiting:
                connection.execute(UNPUBLISH, [waiting])

    def _sleep(self) -> None:
        for _notification in self._open().notifies(timeout=POLL_S, stop_after=1):
            return

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url)
            self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
