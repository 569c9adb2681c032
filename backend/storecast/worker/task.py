"""The task base: which function runs a job, and everything around the call.

A job's body gets its payload and a context; the base claims, binds log context, runs, and records the outcome.
The class of the exception decides what follows: `Permanent` buries the job, anything else tries again on the
retry curve until the attempts are used up.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent, Retryable
from storecast.kit.types import ShopId
from storecast.worker import metrics, retry
from storecast.worker.job import J, Job
from storecast.worker.ledger import LEASE_BEAT_S, AttemptRecord, Claimed, Ledger

log = structlog.get_logger(__name__)

PROGRESS_EVERY_S = 0.5
CANCEL_CHECK_EVERY_S = 1.0


class JobCancelled(Exception):
    """Raised by `TaskContext.check_cancelled` to leave a job that somebody stopped."""


class TaskContext:
    """What a running job may ask for."""

    def __init__(self, job: Claimed, ledger: Ledger) -> None:
        self._job = job
        self._ledger = ledger
        self._progress_due = 0.0
        self._cancel_due = 0.0
        self._cancelled = False

    @property
    def shop_id(self) -> ShopId:
        """The tenant; raises LookupError for a job that belongs to no shop."""
        if self._job.shop_id is None:
            raise LookupError(f"{self._job.name} belongs to no shop")
        return ShopId(self._job.shop_id)

    @property
    def job_id(self) -> UUID:
        """The job's id, stable over its attempts."""
        return self._job.id

    @property
    def attempt(self) -> int:
        """1 for the first run."""
        return self._job.attempt

    def unit_of_work(self) -> AbstractContextManager[Session]:
        """One transaction: inside the job's shop, or across shops when it has none."""
        if self._job.shop_id is None:
            return platform_session()
        return tenant_session(ShopId(self._job.shop_id))

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Show how far the job is; written at most twice a second, and always at the end."""
        now = time.monotonic()
        if now >= self._progress_due or done >= total:
            self._progress_due = now + PROGRESS_EVERY_S
            self._ledger.progress(self._job, done, total, note)

    def cancelled(self) -> bool:
        """Whether the job should stop at its next safe point."""
        now = time.monotonic()
        if not self._cancelled and now >= self._cancel_due:
            self._cancel_due = now + CANCEL_CHECK_EVERY_S
            self._cancelled = self._ledger.cancel_requested(self._job)
        return self._cancelled

    def check_cancelled(self) -> None:
        """Leave the job here when somebody stopped it."""
        if self.cancelled():
            raise JobCancelled


Body = Callable[[Any, TaskContext], None]

_registry: dict[str, tuple[type[Job], Body]] = {}


def task(job_type: type[J]) -> Callable[[Callable[[J, TaskContext], None]], Callable[[J, TaskContext], None]]:
    """Register the function that runs a job type."""

    def register(body: Callable[[J, TaskContext], None]) -> Callable[[J, TaskContext], None]:
        if job_type.name in _registry:
            raise ValueError(f"two tasks for {job_type.name}")
        _registry[job_type.name] = (job_type, body)
        return body

    return register


def registered() -> dict[str, type[Job]]:
    """Every job that this process can run, by name."""
    return {name: job_type for name, (job_type, _body) in _registry.items()}


class Runner:
    """Runs claimed jobs one by one and keeps their leases alive meanwhile."""

    def __init__(self, ledger: Ledger, lease_ledger: Ledger) -> None:
        self._ledger = ledger
        self._lease_ledger = lease_ledger
        self._held: set[UUID] = set()
        self._beating = False

    def run(self, ids: Sequence[UUID]) -> int:
        """Claim and run the jobs; returns how many were run here."""
        claimed = self._ledger.claim(ids)
        self._held = {job.id for job in claimed}
        self._keep_leases()
        for job in claimed:
            try:
                self._run_one(job)
            finally:
                self._held.discard(job.id)
        return len(claimed)

    def _run_one(self, job: Claimed) -> None:
        started_at = utcnow()
        with _log_context(job):
            outcome, error = self._attempt(job)
            record = AttemptRecord(
                number=job.attempt,
                started_at=started_at,
                finished_at=utcnow(),
                worker=self._ledger.worker,
                error=f"{type(error).__name__}: {error}" if error else None,
                traceback="".join(traceback.format_exception(error)) if error else None,
            )
            self._record(job, outcome, error, record)

    def _attempt(self, job: Claimed) -> tuple[str, Exception | None]:
        try:
            job_type, body = _registry[job.name]
            body(job_type.from_payload(job.args), TaskContext(job, self._ledger))
        except JobCancelled:
            return "cancelled", None
        except Permanent as error:
            return "dead", error
        except Exception as error:  # noqa: BLE001  # every failure of a body is an outcome, recorded with its traceback
            return ("dead" if job.attempt >= job.max_attempts else "retry"), error
        return "succeeded", None

    def _record(self, job: Claimed, outcome: str, error: Exception | None, record: AttemptRecord) -> None:
        seconds = (record.finished_at - record.started_at).total_seconds()
        metrics.JOB_RUNS.labels(job.name, outcome).inc()
        metrics.JOB_SECONDS.labels(job.name).observe(seconds)
        if outcome == "retry":
            asked = error.retry_after if isinstance(error, Retryable) else None
            delay_s = asked if asked is not None else retry.delay_s(job.attempt)
            held = self._ledger.retry(job, delay_s, record)
            log.warning("job_retried", error=type(error).__name__, delay_s=round(delay_s, 1), seconds=seconds)
        else:
            held = self._ledger.finish(job, outcome, record)  # type: ignore[arg-type]  # "retry" is ruled out above
            if outcome == "dead":
                log.error("job_dead", error=type(error).__name__, seconds=seconds, exc_info=error)
            else:
                log.info("job_finished", outcome=outcome, seconds=seconds)
        if not held:
            log.warning("job_lease_lost", outcome=outcome)

    def _keep_leases(self) -> None:
        """Start the renewing thread once per process; it dies with the process, which is the point."""
        if not self._beating:
            self._beating = True
            threading.Thread(target=self._renew_forever, name="lease", daemon=True).start()

    def _renew_forever(self) -> None:
        while True:
            time.sleep(LEASE_BEAT_S)
            held = list(self._held)
            if held:
                try:
                    self._lease_ledger.renew(held)
                except Exception as error:  # noqa: BLE001  # the database may be away; the next beat tries again
                    log.warning("lease_renewal_failed", error=type(error).__name__)


@contextmanager
def _log_context(job: Claimed) -> Iterator[None]:
    bound = {"job": job.name, "job_id": str(job.id), "shop_id": job.shop_id, "attempt": job.attempt}
    if job.request_id:
        bound["request_id"] = job.request_id
    with structlog.contextvars.bound_contextvars(**bound):
        yield
