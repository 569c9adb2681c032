"""The metrics that are read from the rows: what /metrics of the API says of jobs, processes and hosts.

One look at the database serves everybody who asks within a few seconds, and is bounded in time: a database that is
away or slow makes ``storecast_ledger_up`` zero and leaves the other metrics out, but never holds a scrape up. Nothing
is labelled by shop: their number has no bound. The kind of a job is ``job_name``, since ``job`` is Prometheus's own
label. Every API process says the same of the whole installation: take the maximum over instances, never the sum.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from storecast.db.session import platform_session
from storecast.fleet import telemetry as fleet
from storecast.jobs import telemetry as jobs
from storecast.kit.clock import utcnow
from storecast.worker.job import QUEUES

log = structlog.get_logger(__name__)

CACHED_S = 4.0
"""Under every usual scrape interval; two Prometheis and a curious person cost one look."""

STATEMENT_TIMEOUT_MS = 1_000
"""There are seven statements, and a scrape usually has ten seconds."""


@dataclass(frozen=True, slots=True)
class _Look:
    jobs: jobs.Telemetry | None
    fleet: fleet.Telemetry | None
    circuits: dict[tuple[str, str], int] | None
    seconds: float


class LedgerCollector(Collector):
    """Reads the rows when it is asked, at most every `CACHED_S`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._totals = jobs.Totals()
        self._text = b""
        self._until = float("-inf")
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The metrics in Prometheus's format. Who asks while somebody looks waits for that look."""
        with self._lock:
            if self._clock() >= self._until:
                self._text = generate_latest(self._registry)
                self._until = self._clock() + CACHED_S
            return self._text

    def describe(self) -> Iterable[Metric]:
        """Nothing: to register must not look."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One look, as metrics."""
        look, ended = self._look()
        yield _gauge(
            "storecast_ledger_up", "Whether the database answered in time", [([], look.jobs is not None)]
        )
        yield _gauge("storecast_ledger_look_seconds", "What reading the rows took", [([], look.seconds)])
        if look.jobs is not None:
            yield from _of_jobs(look.jobs)
            yield from _of_ended(ended)
        if look.fleet is not None:
            yield from _of_fleet(look.fleet)
        if look.circuits is not None:
            yield _gauge(
                "storecast_circuits",
                "External hosts that failed lately",
                [([service, state], count) for (service, state), count in sorted(look.circuits.items())],
                ["service", "state"],
            )

    def _look(self) -> tuple[_Look, Sequence[tuple[tuple[str, str], jobs.Ended]]]:
        started = time.perf_counter()
        of_jobs = of_fleet = None
        ended: Sequence[tuple[tuple[str, str], jobs.Ended]] = ()
        try:
            with platform_session() as session:
                of_jobs, rolled_until = jobs.look(session, now=utcnow(), timeout_ms=STATEMENT_TIMEOUT_MS)
                of_fleet = fleet.look(session, now=utcnow())
                ended = sorted(self._totals.advance(session, rolled_until).items())
        except SQLAlchemyError as error:
            of_jobs = of_fleet = None
            log.warning("metrics_without_ledger", error=type(error).__name__)
        circuits = fleet.circuits()
        counted = (
            None
            if circuits is None
            else {(service, str(state)): n for (service, state), n in circuits.items()}
        )
        return _Look(of_jobs, of_fleet, counted, time.perf_counter() - started), ended


def _of_jobs(look: jobs.Telemetry) -> Iterator[Metric]:
    live = sorted(look.live.items())
    by_state = ["queue", "state"]
    yield _gauge(
        "storecast_jobs", "Jobs that are not over", [([*key], job.depth) for key, job in live], by_state
    )
    yield _gauge(
        "storecast_jobs_oldest_age_seconds",
        "How long the oldest due job of a queue has been waiting, or running",
        [([*key], job.oldest_age_s) for key, job in live if key[1] != "scheduled"],
        by_state,
    )
    queues = sorted({queue for queue, _state in look.live})
    yield _gauge(
        "storecast_queue_paused",
        "Whether an operator stopped the queue",
        [([queue], queue in look.paused) for queue in queues],
        ["queue"],
    )
    for name, text, value in (
        (
            "storecast_relay_lag_seconds",
            "How long the oldest job that could go waits for a relay",
            look.relay_lag_s,
        ),
        ("storecast_batches_open", "Batches that are not over", look.batches),
        ("storecast_dead_letters", "Dead jobs that nobody tried again or discarded", look.dead_letters),
        ("storecast_schedule_lag_seconds", "How overdue the most overdue schedule is", look.schedule_lag_s),
        ("storecast_rollup_lag_seconds", "Age of the newest minute that is counted", look.rollup_lag_s),
    ):
        yield _gauge(name, text, [([], value)])
    yield _gauge(
        "storecast_workflows_open",
        "Workflows that are not over",
        [([state], count) for state, count in sorted(look.workflows.items())],
        ["state"],
    )


def _of_ended(ended: Sequence[tuple[tuple[str, str], jobs.Ended]]) -> Iterator[Metric]:
    over = CounterMetricFamily(
        "storecast_jobs_ended_total", "Jobs that ended, by the minute", labels=["queue", "job_name", "state"]
    )
    waited = Metric("storecast_job_wait_seconds", "From when a job was due to its last start", "histogram")
    ran = Metric("storecast_job_run_seconds", "The last attempt of a job that ended", "histogram")
    for (queue, job), each in ended:
        for state, count in sorted(each.by_state.items()):
            over.add_metric([queue, job, state], count)
        labels = {"queue": queue, "job_name": job}
        _add_histogram(waited, labels, each.wait_buckets)
        _add_histogram(ran, labels, each.run_buckets)
        ran.add_sample("storecast_job_run_seconds_sum", labels, each.run_s)
    yield from (over, waited, ran)


def _add_histogram(metric: Metric, labels: dict[str, str], counts: Sequence[int]) -> None:
    total = 0
    for bound, count in zip((*map(str, jobs.BOUNDS_S), "+Inf"), counts, strict=True):
        total += count
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": bound}, total)
    metric.add_sample(f"{metric.name}_count", labels, total)


def _of_fleet(look: fleet.Telemetry) -> Iterator[Metric]:
    yield _gauge(
        "storecast_processes",
        "Processes by the age of their last beat",
        [([*key], count) for key, count in sorted(look.processes.items())],
        ["kind", "state"],
    )
    yield _gauge(
        "storecast_queue_consumers",
        "Workers that take jobs from the queue",
        [([queue], look.consumers.get(queue, 0)) for queue in QUEUES],
        ["queue"],
    )
    yield _gauge(
        "storecast_process_resident_bytes",
        "Memory of all processes of a kind",
        [([kind], size) for kind, size in sorted(look.rss_bytes.items())],
        ["kind"],
    )
    for name, text, value in (
        ("storecast_worker_slots", "Jobs that the workers can run at once", look.slots),
        ("storecast_worker_busy", "Slots that run something", look.busy),
        (
            "storecast_history_dropped_lines",
            "Log lines of jobs that the running processes dropped",
            look.dropped,
        ),
        ("storecast_processes_outdated", "Processes of another version than the newest", look.outdated),
    ):
        yield _gauge(name, text, [([], value)])


def _gauge(
    name: str, text: str, values: Iterable[tuple[list[str], float]], labels: Sequence[str] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, float(value))
    return family
