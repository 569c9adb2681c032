"""A worker process and its children: what they hold when they end is given up at once, not when its lease runs out.

Nothing depends on it: a worker that is killed says nothing; the relay misses it (`presence`), and its leases end.
"""

import time
from typing import Any
from uuid import UUID

import psutil
import psycopg
import structlog
from billiard.einfo import ExceptionWithTraceback
from celery.apps import worker
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import request, state

from storecast.config.settings import get_settings
from storecast.worker.ledger import connect
from storecast.worker.reconcile import child_died, hand_back

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.2

KILL_WAIT_S = 2.0

RUNNING = "SELECT count(*) FROM outbox WHERE state = 'running' AND starts_with(worker, %s)"


class JobRequest(request.Request):  # type: ignore[misc]  # Celery has no types
    """A message in the hands of the parent, which alone sees how a child died under it."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """As Celery's; jobs whose child was killed, by their hard limit or by anything else, are taken back."""
        answer = super().on_failure(exc_info, send_failed_event, return_ok)
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, (WorkerLostError, TimeLimitExceeded)) and not self._already_cancelled:
            self._take_back()
        return answer

    def _take_back(self) -> None:
        ids = [UUID(job_id) for job_id in self.args[0]]
        try:
            with connect(get_settings().database_url) as connection:
                child_died(connection, ids, self.hostname)
        except psycopg.Error as error:
            log.warning("dead_child_not_recorded", error=type(error).__name__)


class Worker(worker.Worker):  # type: ignore[misc]  # Celery has no types
    """A worker that ends as soon as its jobs have, and hands back what did not."""

    def wait_for_soft_shutdown(self) -> None:
        """As Celery's, which always sleeps the whole time, but over when the last running job is."""
        if not state.active_requests:
            return
        deadline = time.monotonic() + self.app.conf.worker_soft_shutdown_timeout
        log.info("worker_waits_for_jobs", jobs=len(state.active_requests))
        try:
            with connect(get_settings().database_url) as connection:
                while self._running(connection) and time.monotonic() < deadline:
                    time.sleep(LOOK_EVERY_S)
        except psycopg.Error:
            time.sleep(max(0.0, deadline - time.monotonic()))

    def _running(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(RUNNING, [f"{self.hostname}/"]).fetchone()
        return row is not None and row[0] > 0

    def on_stopped(self) -> None:
        """After the pool and the consumer have stopped."""
        super().on_stopped()
        # A child that is deep in C code outlives its signal by a moment, and must not write after the hand-back.
        children = psutil.Process().children()
        for child in children:
            child.kill()
        psutil.wait_procs(children, timeout=KILL_WAIT_S)
        try:
            with connect(get_settings().database_url) as connection:
                handed = hand_back(connection, self.hostname)
        except psycopg.Error as error:
            log.warning("hand_back_failed", error=type(error).__name__)
        else:
            log.info("worker_stopped", handed_back=handed)
