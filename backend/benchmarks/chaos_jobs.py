"""Jobs while their workers, their relays and their broker are killed: what is lost, and what happens twice.

`BROKER=redis make chaos-jobs` (BROKER=rabbitmq; N=20000 jobs, KILLS=25). Between two kills a share of the jobs is
staged and partly done; a kill is SIGKILL of a whole worker with its children, or of a relay, and half-way the broker
loses its data and starts anew. Bare Celery goes through the same kills beside it, its broker kept.

What is promised, and counted here: every job that was committed runs to its end (``lost`` is the jobs without an
effect or without a success in the history). A job may *run* again when its worker died, as nobody can know how far it
came; but never beside another run of it, because a claim is one guarded UPDATE and a job is claimed again only after
its lease is over, and never once it has ended, because the end moves the row away. So a body that looks, in its own
transaction, whether it did its work already, does it once. The body here does that and no more: no constraint forbids
a second effect. ``duplicate_effects`` is the effects beyond one of a job, plus the runs beyond one of the same attempt,
which only a delivery that was believed twice could make.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.crew import Broker, Member, celery_worker, make_broker, running, wait_for
from benchmarks.stage import BACKEND, Stage, stage
from benchmarks.work import EFFECT_TABLES

BROKER = os.environ.get("BROKER", "redis")
N = int(os.environ.get("N", "20000"))
KILLS = int(os.environ.get("KILLS", "25"))
WORKERS = 2
SLOTS = "2"
REFERENCE = os.environ.get("REFERENCE", "yes") == "yes"
"""The same for bare Celery, which takes minutes to be sure that what is missing will not come."""

START_S = 120.0

SHARE_S = 180.0
"""For a share of the jobs to be partly done after a kill: leases of half a minute may hold it up."""

DRAIN_S = 900.0
"""For the last jobs: beyond every lease, or something is lost and shall be counted."""

BARE_DRAIN_S = 60.0
"""Bare Celery is given its visibility timeout of 8 s several times over after its last progress."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found afterwards."""

    lost: int
    duplicate_effects: int
    runs: int
    seconds: float


def shares(total: int, parts: int) -> list[int]:
    """The total in parts that differ by one at most."""
    return [total // parts + (index < total % parts) for index in range(parts)]


def scalar(connection: psycopg.Connection[Any], query: str) -> int:
    """The one number of a query."""
    return int(connection.execute(query).fetchall()[0][0])


def stage_jobs(count: int) -> None:
    """Commit jobs, every second one small."""
    from benchmarks.work import Effect, SmallEffect
    from storecast.db.session import platform_session
    from storecast.worker import outbox

    with platform_session() as session:
        outbox.add_many(session, None, [Effect() for _ in range(count - count // 2)])
        outbox.add_many(session, None, [SmallEffect() for _ in range(count // 2)])


def kill_through(
    crew: list[Member], produce: Callable[[int], None], done: Callable[[], int], half_way: Callable[[], None]
) -> int:
    """Produce the jobs share by share, each time kill somebody while it is being worked on; how many kills."""
    kills, produced = 0, 0
    *parts, last = shares(N, KILLS + 1)
    for share in parts:
        produce(share)
        goal = done() + int(share * random.uniform(0.1, 0.7))
        try:
            wait_for(partial(_reached, done, goal), "progress", SHARE_S)
        except TimeoutError:
            print("  no progress for long; killing on", flush=True)
        produced += share
        victim = crew[kills % len(crew)]
        victim.kill()
        victim.start()
        kills += 1
        print(f"  {produced:>8,} of {N:,} jobs   kill {kills:>3}: {victim.name}", flush=True)
        if kills == (KILLS + 1) // 2:
            half_way()
    produce(last)
    return kills


def _reached(done: Callable[[], int], goal: int) -> bool:
    return done() >= goal


def storecast(at: Stage, broker: Broker) -> tuple[Outcome, int]:
    """The product's relays and workers."""
    environment = {**at.environment, "CELERY_BROKER_URL": broker.celery_url, "PYTHONPATH": str(BACKEND)}
    os.environ.update(environment)
    app = "benchmarks.work_processes"
    workers = [
        Member(
            f"worker-{n}",
            celery_worker(app, f"worker-{n}", "-c", SLOTS, "-Q", "default"),
            environment,
            at.folder,
        )
        for n in range(WORKERS)
    ]
    relays = [Member(f"relay-{n}", [app], environment, at.folder) for n in range(2)]
    # Two workers in three kills, a relay in the third.
    victims = [workers[0], workers[1], relays[0], workers[0], workers[1], relays[1]]

    def wipe() -> None:
        broker.start_wiped()
        print(f"  {broker.title} lost its data and started anew", flush=True)

    with psycopg.connect(at.dsn, autocommit=True) as connection:
        connection.execute(EFFECT_TABLES)
        started = time.perf_counter()
        with running(*relays, *workers):
            for each in workers:
                wait_for(partial(each.said, " ready."), "the workers' start", START_S)
            kills = kill_through(
                victims, stage_jobs, lambda: scalar(connection, "SELECT count(*) FROM effects"), wipe
            )
            try:
                wait_for(
                    lambda: scalar(connection, "SELECT count(*) FROM outbox WHERE name LIKE 'bench.%'") == 0,
                    "the end of the last job",
                    DRAIN_S,
                    every_s=0.5,
                )
            except TimeoutError as error:
                print(f"  {error}", flush=True)
        seconds = time.perf_counter() - started
        return Outcome(
            lost=N
            - scalar(
                connection,
                "SELECT count(*) FROM job_runs WHERE state = 'succeeded' AND name LIKE 'bench.%' "
                "AND EXISTS (SELECT FROM effects WHERE job_id = job_runs.id)",
            ),
            duplicate_effects=scalar(connection, "SELECT count(*) - count(DISTINCT job_id) FROM effects")
            + scalar(connection, "SELECT count(*) - count(DISTINCT (job_id, attempt)) FROM runs"),
            runs=scalar(connection, "SELECT count(*) FROM runs"),
            seconds=seconds,
        ), kills


def bare(at: Stage, broker: Broker) -> Outcome:
    """Celery with late acknowledgement and nothing else."""
    environment = {
        "BARE_BROKER_URL": broker.celery_url,
        # Celery lets this one win over what a program says.
        "CELERY_BROKER_URL": broker.celery_url,
        "BARE_DATABASE_URL": at.dsn,
        "BARE_CHAOS": "1",
        "PYTHONPATH": str(BACKEND),
    }
    os.environ.update(environment)
    workers = [
        Member(
            f"bare-{n}", celery_worker("benchmarks.bare", f"bare-{n}", "-c", SLOTS), environment, at.folder
        )
        for n in range(WORKERS)
    ]
    from benchmarks.bare import leave_effect

    sent = iter(range(N))

    def produce(count: int) -> None:
        for _ in range(count):
            leave_effect.delay(next(sent))

    with psycopg.connect(at.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare_effects (number int NOT NULL)")
        started = time.perf_counter()

        def rows() -> int:
            return scalar(connection, "SELECT count(*) FROM bare_effects")

        with running(*workers):
            for each in workers:
                wait_for(partial(each.said, " ready."), "the workers' start", START_S)
            kill_through(workers, produce, rows, lambda: None)
            drain(rows, connection)
        distinct = scalar(connection, "SELECT count(DISTINCT number) FROM bare_effects")
        return Outcome(N - distinct, rows() - distinct, rows(), time.perf_counter() - started)


def drain(rows: Callable[[], int], connection: psycopg.Connection[Any]) -> None:
    """Until every number is there, or nothing has come for long."""
    last, since = rows(), time.perf_counter()
    while time.perf_counter() - since < BARE_DRAIN_S:
        if scalar(connection, "SELECT count(DISTINCT number) FROM bare_effects") == N:
            return
        time.sleep(0.5)
        if (now := rows()) != last:
            last, since = now, time.perf_counter()


def show(what: str, outcome: Outcome) -> None:
    """A line of the table."""
    print(
        f"  {what:<28}{outcome.lost:>8,} lost {outcome.duplicate_effects:>8,} duplicate effects "
        f"{outcome.runs:>10,} runs {outcome.seconds:>8,.0f} s",
        flush=True,
    )


def main() -> None:
    """Start the world, break it, count."""
    if BROKER not in {"redis", "rabbitmq"}:
        sys.exit(f"BROKER={BROKER}: redis or rabbitmq")
    with stage() as at:
        print(f"Storecast over {BROKER}: {N:,} jobs, {KILLS} kills, the broker wiped once", flush=True)
        with make_broker(BROKER, Path(at.folder) / "broker") as broker:
            outcome, kills = storecast(at, broker)
        show("Storecast", outcome)
        if REFERENCE:
            print(f"bare Celery over {BROKER}: the same kills, the broker kept", flush=True)
            with make_broker(BROKER, Path(at.folder) / "bare-broker") as broker:
                show("bare Celery, late acks", bare(at, broker))
    line = {
        "chaos": "jobs",
        "broker": BROKER,
        "jobs": N,
        "lost": outcome.lost,
        "duplicate_effects": outcome.duplicate_effects,
        "kills": kills,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
