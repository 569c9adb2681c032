"""No-op jobs end to end: jobs a second and CPU a job, beside bare Celery and Celery with what a console needs.

`N=20000 make bench-jobs` (BROKERS="redis rabbitmq", SLOTS=2). From the first job staged or sent to the end of the last;
the start of processes is no part of it. Everybody's CPU counts: who stages, relay, broker, workers,
PostgreSQL, the consumer of events. Storecast keeps its full history in every case.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.crew import Broker, Member, celery_worker, known_brokers, make_broker, running, wait_for
from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.stage import BACKEND, Stage, stage

N = int(os.environ.get("N", "20000"))
SLOTS = os.environ.get("SLOTS", "2")
GIVE_UP_S = 900.0
START_S = 120.0

# Each waits for a word when it has loaded, and says in the end what CPU it took from there.
PRODUCE = """
import sys, time
from benchmarks.bare import app, mark, nothing
count, path = int(sys.argv[1]), sys.argv[2]
print("loaded", flush=True); input()
before = time.process_time()
for _ in range(count):
    nothing.delay()
mark.delay(path)
print(time.process_time() - before, flush=True)
"""

STAGE = """
import sys, time
from benchmarks.work import Nothing, SmallNothing
from storecast.db.session import platform_session
from storecast.worker import outbox
count, job = int(sys.argv[1]), {"alone": Nothing, "bundles": SmallNothing}[sys.argv[2]]
print("loaded", flush=True); input()
before = time.process_time()
for size in [1000] * (count // 1000) + [count % 1000]:
    with platform_session() as session:
        outbox.add_many(session, None, (job() for _ in range(size)))
print(time.process_time() - before, flush=True)
"""


# Each half has its index: a look at the table itself would read all the dead rows of the run.
LEFT = """
SELECT EXISTS (SELECT FROM outbox WHERE state = 'staged' ORDER BY queue, coalesce(shop_id, 0))
    OR EXISTS (SELECT FROM outbox WHERE state IN ('queued', 'running') AND lease_until > now())
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """One way over one broker."""

    per_s: float
    cpu_us: float
    peak_mib: float
    by_role: dict[str, float]

    def show(self, what: str) -> None:
        roles = ", ".join(f"{role} {cpu_us:,.0f}" for role, cpu_us in self.by_role.items())
        print(f"  {what:<30}{self.per_s:>9,.0f}/s {self.cpu_us:>8,.0f} µs CPU a job   ({roles})", flush=True)


def measure(
    roles: dict[str, Sequence[int]],
    produce: list[str],
    environment: dict[str, str],
    over: Callable[[], bool],
    what: str,
) -> Figures:
    """Let the producer go and wait for the end of the last job."""
    producer = subprocess.Popen(
        [sys.executable, "-c", *produce],
        cwd=BACKEND,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert producer.stdout is not None
    producer.stdout.readline()
    meter = Meter(roles)
    started = looked = time.perf_counter()
    assert producer.stdin is not None
    producer.stdin.write("go\n")
    producer.stdin.flush()
    while not over():
        if time.perf_counter() - started > GIVE_UP_S or producer.poll() not in {None, 0}:
            producer.kill()
            raise TimeoutError(f"{what} did not end")
        if time.perf_counter() - looked > 1:
            meter.look()
            looked = time.perf_counter()
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    used = meter.cpu_s()
    used["producer"] = float(producer.communicate(timeout=START_S)[0])
    return Figures(
        N / seconds,
        sum(used.values()) / N * 1e6,
        meter.peak_mib,
        {role: cpu_s / N * 1e6 for role, cpu_s in used.items()},
    )


def bare(at: Stage, broker: Broker, *, full: bool) -> Figures:
    """Celery alone, or with results, events and a consumer of them."""
    name = "full" if full else "bare"
    marker = at.folder / f"{name}-{broker.name}.over"
    environment = {"BARE_BROKER_URL": broker.celery_url, "PYTHONPATH": str(BACKEND)}
    if full:
        environment |= {"BARE_FULL": "1", "BARE_RESULTS_URL": at.environment["CELERY_BROKER_URL"]}
    options = ["-E"] if full else []
    worker = Member(
        name, celery_worker("benchmarks.bare", name, "-c", SLOTS, *options), environment, at.folder
    )
    crew = [worker]
    if full:
        crew.append(Member("consumer", ["benchmarks.bare"], environment, at.folder))
    with running(*crew):
        wait_for(lambda: worker.said(" ready."), "the worker's start", START_S)
        if full:
            wait_for(lambda: crew[1].said("consuming"), "the consumer's start", START_S)
        roles: dict[str, Sequence[int]] = {"broker": broker_pids(broker), "worker": [worker.pid]}
        if full:
            roles |= {"consumer": [crew[1].pid]}
        return measure(roles, [PRODUCE, str(N), str(marker)], environment, marker.exists, name)


def storecast(at: Stage, broker: Broker) -> dict[str, Figures]:
    """The product's relay and worker: jobs alone, then in bundles."""
    environment = {**at.environment, "CELERY_BROKER_URL": broker.celery_url, "PYTHONPATH": str(BACKEND)}
    app = "benchmarks.work_processes"
    worker = Member(
        "worker", celery_worker(app, "worker", "-c", SLOTS, "-Q", "default"), environment, at.folder
    )
    relay = Member("relay", [app], environment, at.folder)
    figures = {}
    planner = "-c enable_seqscan=off"
    with running(relay, worker), psycopg.connect(at.dsn, autocommit=True, options=planner) as connection:
        wait_for(lambda: worker.said(" ready."), "the worker's start", START_S)
        for kind in ("alone", "bundles"):
            roles: dict[str, Sequence[int]] = {
                "relay": [relay.pid],
                "broker": broker_pids(broker),
                "worker": [worker.pid],
                "postgres": own_postgres(),
            }
            over = partial(_over, connection, count(connection) + N)
            figures[kind] = measure(roles, [STAGE, str(N), kind], environment, over, kind)
    return figures


def _over(connection: psycopg.Connection[tuple[int]], goal: int) -> bool:
    """Whether no job is left. One that is found ends the look: counting what is over would cost more than the jobs."""
    left = connection.execute(LEFT, prepare=True).fetchall()
    return not left[0][0] and count(connection) >= goal


def count(connection: psycopg.Connection[tuple[int]]) -> int:
    """How many jobs have succeeded."""
    row = connection.execute(
        "SELECT count(*) FROM job_runs WHERE state = 'succeeded' AND name LIKE 'bench.%'"
    )
    return row.fetchall()[0][0]


def broker_pids(broker: Broker) -> list[int]:
    """The broker's own processes."""
    assert broker.pid is not None
    return [broker.pid]


def measure_broker(at: Stage, name: str, folder: Path) -> tuple[list[Mark], dict[str, Figures]]:
    """All four ways over one broker, and the marks that an issue may name."""
    print(f"{name}:", flush=True)
    figures: dict[str, Figures] = {}
    with make_broker(name, folder) as broker:
        figures["bare"] = bare(at, broker, full=False)
        figures["bare"].show("bare Celery")
        figures["full"] = bare(at, broker, full=True)
        figures["full"].show("Celery, results and events")
        figures |= storecast(at, broker)
        figures["alone"].show("Storecast, jobs alone")
        figures["bundles"].show("Storecast, small jobs")
    bare_one, full, alone, bundles = (figures[way] for way in ("bare", "full", "alone", "bundles"))
    return [
        Mark(f"{name}_bundles_rate_over_bare", bundles.per_s / bare_one.per_s, 5.0, ">="),
        Mark(f"{name}_bundles_cpu_over_bare", bundles.cpu_us / bare_one.cpu_us, 0.3, "<="),
        Mark(
            f"{name}_alone_cpu_over_bare",
            alone.cpu_us / bare_one.cpu_us,
            1.7 if name == "redis" else 2.4,
            "<=",
        ),
        Mark(f"{name}_alone_cpu_over_full", alone.cpu_us / full.cpu_us, 0.5, "<="),
        *(
            Mark(f"{name}_{way}_{what}", value)
            for way, one in figures.items()
            for what, value in (("per_s", one.per_s), ("cpu_us", one.cpu_us))
        ),
    ], figures


def main() -> None:
    """Start the world, measure, take it down."""
    marks: list[Mark] = []
    figures: dict[str, dict[str, Figures]] = {}
    with stage() as at:
        for name in known_brokers():
            found, figures[name] = measure_broker(at, name, at.folder / f"broker-{name}")
            marks += found
    first = next(iter(figures))
    finish(
        "jobs",
        value=figures[first]["bundles"].per_s,
        unit=f"small durable jobs/s over {first}, end to end",
        reference=f"bare Celery over {first}, tasks/s",
        reference_value=figures[first]["bare"].per_s,
        peak_mib=max(one.peak_mib for ways in figures.values() for one in ways.values()),
        marks=marks,
    )


if __name__ == "__main__":
    main()
