"""The task base: which function runs a job, and everything around the call.

A job's body gets its payload and a context; the base claims, binds log context, runs, and records the outcome.
The class of the exception decides what follows: `Permanent` buries the job, anything else tries again on the
job's retry curve until the attempts are used up. Jobs of one message run one after another and end together.
"""

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import NotNow, Permanent, Retryable
from storecast.kit.types import ShopId
from storecast.observability import tracing
from storecast.resilience.circuit import CircuitOpen
from storecast.worker import outbox
from storecast.worker.fingerprint import fingerprint
from storecast.worker.history import FLUSH_EVERY_S, History, Writer, writing
from storecast.worker.job import J, Job
from storecast.worker.ledger import LEASE_BEAT_S, LEASE_S, AttemptRecord, Claimed, Ledger, Over
from storecast.worker.presence import Presence

log = structlog.get_logger(__name__)

PROGRESS_EVERY_S = 0.5
CANCEL_CHECK_EVERY_S = 1.0

BUNDLE_SLICE_S = 2.0
"""Jobs of a bundle are started within this time; what is left after it is handed back, so that one slow job holds
up its bundle by itself and this much."""

OUTAGE_POLL_S = 0.5

NEWER_VERSION_S = 10.0
"""A job that this version of the program does not know is offered again after so long, to a newer worker."""

NEWER_VERSION_PATIENCE = timedelta(hours=1)
"""Longer than a rolling deploy: a job that nobody has known for so long is dead."""


class JobCancelled(Exception):
    """Raised by `TaskContext.check_cancelled` to leave a job that somebody stopped."""


class JobUnknown(Exception):
    """This version of the program has no such job, or the job has other fields there."""


class TaskContext:
    """What a running job may ask for."""

    def __init__(self, job: Claimed, ledger: Ledger) -> None:
        self._job = job
        self._ledger = ledger
        self._progress_due = 0.0
        self._cancel_due = 0.0
        self._cancelled = False
        self._result: dict[str, Any] = {}

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
    def batch_id(self) -> UUID | None:
        """The batch that the job belongs to."""
        return self._job.batch_id

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

    def result(self, **values: Any) -> None:
        """Keep JSON values with the run: workflows decide by them, people read them."""
        self._result |= values

    @property
    def results(self) -> dict[str, Any]:
        """What `result` was given."""
        return self._result


Body = Callable[[Any, TaskContext], None]

R = TypeVar("R")

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


Outcome = Literal["succeeded", "dead", "cancelled", "retry", "not_now"]


class Runner:
    """Runs claimed jobs one by one and keeps their leases alive meanwhile.

    ``ledger`` serves the running job, ``side_ledger`` the thread beside it that renews leases and writes ``history``.
    """

    def __init__(self, ledger: Ledger, side_ledger: Ledger, history: History | None = None) -> None:
        self._ledger = ledger
        self._side_ledger = side_ledger
        self._history = history
        self._held: set[UUID] = set()
        self._beating = False
        self._presence = Presence(ledger.worker)

    def run(self, ids: Sequence[UUID]) -> int:
        """Claim and run the jobs of one message; returns how many were run here."""
        self._keep_leases()
        claimed = _through_outages(partial(self._ledger.claim, ids))
        self._held = {job.id for job in claimed}
        overs: list[Over] = []
        deadline = time.monotonic() + BUNDLE_SLICE_S
        ran = 0
        try:
            for job in claimed:
                if ran and time.monotonic() >= deadline:
                    _through_outages(partial(self._ledger.hand_back, claimed[ran:]))
                    log.info("bundle_cut", ran=ran, handed_back=len(claimed) - ran)
                    break
                ran += 1
                # A context of its own: what is bound for a job, by us or by its body, ends with it.
                over = copy_context().run(self._run_one, job)
                if over is not None:
                    overs.append(over)
        finally:
            if overs:
                held = _through_outages(partial(self._ledger.end, overs))
                if lost := [over.job for over in overs if over.job.id not in held]:
                    log.warning("job_leases_lost", job_ids=[str(job.id) for job in lost])
            self._held = set()
            if ran and self._history is not None:
                self._history.count(claimed[0].name, ran)
        return ran

    def _run_one(self, job: Claimed) -> Over | None:
        """Run a job; its end, or None when it was put back."""
        started_at = utcnow()
        context = TaskContext(job, self._ledger)
        with _surround(job) as span:
            outcome, error = self._attempt(job, context)
            record = AttemptRecord(
                number=job.attempt,
                queued_at=job.published_at,
                started_at=started_at,
                finished_at=utcnow(),
                worker=self._ledger.worker,
                error=f"{type(error).__name__}: {error}" if error else None,
                traceback="".join(traceback.format_exception(error)) if error else None,
                traceparent=span.traceparent,
            )
            if error is not None:
                span.failed(type(error).__name__)
            if outcome == "retry":
                self._put_back(job, error, record)
                return None
            if outcome == "not_now":
                delay_s = error.retry_after if isinstance(error, CircuitOpen | NotNow) else None
                log.info("job_handed_back", reason=type(error).__name__)
                delay_s = delay_s or NEWER_VERSION_S
                _through_outages(partial(self._ledger.hand_back, [job], delay_s=delay_s, error=record.error))
                return None
            error_class, mark = None, None
            if outcome == "dead":
                log.error("job_dead", error=type(error).__name__, exc_info=error)
                error_class, mark = fingerprint(job.name, error, record.error or "")
            return Over(job, outcome, record, error_class, mark, context.results or None)

    def _attempt(self, job: Claimed, context: TaskContext) -> tuple[Outcome, Exception | None]:
        try:
            payload, body = _bound(job)
            body(payload, context)
        except JobCancelled:
            return "cancelled", None
        except JobUnknown as error:
            patient = utcnow() - job.enqueued_at < NEWER_VERSION_PATIENCE
            return ("not_now" if patient else "dead"), error
        except (CircuitOpen, NotNow) as error:
            # Nothing was tried, so nothing failed: an outage must not use up the attempts of all who wait for its end.
            return "not_now", error
        except Permanent as error:
            # Whoever stopped it has taken away what it needs, as an uninstall takes the tokens: that is no failure.
            if self._ledger.cancel_requested(job):
                return "cancelled", error
            return "dead", error
        except Exception as error:  # noqa: BLE001  # every failure of a body is an outcome, recorded with its traceback
            return ("dead" if job.attempt >= job.max_attempts else "retry"), error
        return "succeeded", None

    def _put_back(self, job: Claimed, error: Exception | None, record: AttemptRecord) -> None:
        asked = error.retry_after if isinstance(error, Retryable) else None
        delay_s = asked if asked is not None else _registry[job.name][0].retry.delay_s(job.attempt)
        held = _through_outages(partial(self._ledger.retry, job, delay_s, record))
        log.warning("job_retried", error=type(error).__name__, delay_s=round(delay_s, 1), held=held)

    def _keep_leases(self) -> None:
        """Start the thread beside the jobs once per process; it dies with the process, which is the point."""
        if not self._beating:
            self._beating = True
            _through_outages(lambda: self._presence.show(self._side_ledger.connection()))
            threading.Thread(target=self._beside, name="lease", daemon=True).start()

    def _beside(self) -> None:
        beat_due = time.monotonic() + LEASE_BEAT_S
        while not self._side_ledger.is_over:
            try:
                self._presence.show(self._side_ledger.connection())
                if time.monotonic() >= beat_due:
                    beat_due = time.monotonic() + LEASE_BEAT_S
                    if held := list(self._held):
                        self._side_ledger.renew(held)
                self.flush_history()
            except psycopg.Error as error:
                # The database may be away; the next round tries again. Outside any job's context, so it feeds no loop.
                log.warning("lease_thread_failed", error=type(error).__name__)
            time.sleep(FLUSH_EVERY_S)

    def flush_history(self) -> None:
        """Write the lines that jobs have logged."""
        if self._history is not None:
            process = self._ledger.worker.partition("/")[0]
            self._history.flush(self._side_ledger.connection(), process)


def _through_outages(run: Callable[[], R]) -> R:
    """Tell the ledger when the database is back, for as long as a lease may last.

    Not told, a job whose database went away under it would be held by nobody until its lease ends. What was told just
    before the link was lost is refused the second time.
    """
    deadline = time.monotonic() + LEASE_S
    while True:
        try:
            return run()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise
            log.warning("ledger_waits", error=type(error).__name__)
            time.sleep(OUTAGE_POLL_S)


def _bound(job: Claimed) -> tuple[Job, Body]:
    """The payload and the body of a job; raises JobUnknown when this version cannot run it."""
    if job.name not in _registry:
        raise JobUnknown(f"no job is called {job.name} here")
    job_type, body = _registry[job.name]
    try:
        return job_type.from_payload(job.args), body
    except TypeError as error:
        raise JobUnknown(f"{job.name} has other arguments here: {error}") from error


def _surround(job: Claimed) -> tracing.Span:
    """Bind the log context, the parent of what is staged and whose history the lines are; returns the job's span."""
    job_id = str(job.id)
    bound = {"job": job.name, "job_id": job_id, "shop_id": job.shop_id, "attempt": job.attempt}
    if job.request_id:
        bound["request_id"] = job.request_id
    structlog.contextvars.bind_contextvars(**bound)
    outbox.descend_from(outbox.Ancestor(job.id, job.root_id))
    writing.set(Writer(job.id, job.shop_id, job.attempt))
    attributes = {tracing.SHOP_ID: job.shop_id, "storecast.job_id": job_id, "storecast.attempt": job.attempt}
    return tracing.job_span(job.name, job.traceparent, attributes, enqueued_at=job.enqueued_at)
