"""The job machinery with its real processes: relay, broker, prefork worker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.shops.models import Shop
from storecast.worker.models import JobRun

BACKEND = Path(__file__).parents[2]
DEADLINE_S = 60


@contextmanager
def process(tmp_path: Path, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Storecast under the test's settings; its log is shown when the test fails."""
    log = tmp_path / f"{name}.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=BACKEND, env=os.environ, stdout=output, stderr=output
        )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=30)
        print(f"--- {name}\n{log.read_text()[-4000:]}")


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail after `DEADLINE_S`."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.05)


def worker(tmp_path: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return process(
        tmp_path, "worker", "celery", "-A", "storecast.entrypoints.worker", "worker", "-Q", "critical,default",
        "-c", "1", "-n", "test@host", "--without-mingle", "--without-gossip",
    )  # fmt: skip


def runs(platform: Session, state: str) -> int:
    platform.rollback()
    return len(platform.scalars(select(JobRun.id).where(JobRun.state == state)).all())


def stage_drain(connection: psycopg.Connection, shop: Shop) -> None:
    connection.execute(
        "INSERT INTO outbox (id, shop_id, name, queue, args, state, max_attempts) "
        "VALUES (gen_random_uuid(), %s, 'webhooks.drain', 'critical', '{}', 'staged', 3)",
        [shop.id],
    )


@pytest.fixture
def relay_connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True, options="-c role=storecast_relay") as connection:
        yield connection


def test_a_staged_job_reaches_a_worker_and_survives_the_loss_of_the_broker(
    shop: Shop,
    redis_url: str,
    relay_connection: psycopg.Connection,
    platform: Session,
    tmp_path: Path,
) -> None:
    with process(tmp_path, "relay", "storecast.entrypoints.relay"):
        stage_drain(relay_connection, shop)
        wait_until(
            lambda: relay_connection.execute("SELECT FROM outbox WHERE state = 'queued'").rowcount == 1
        )
        # The message is gone with the whole broker, as after a crash without a disk.
        with redis.Redis.from_url(redis_url) as broker:
            broker.flushall()
        relay_connection.execute("UPDATE outbox SET lease_until = now()")
        with worker(tmp_path):
            wait_until(lambda: runs(platform, "succeeded") == 1)
            wait_until(
                lambda: (
                    {
                        row[0]
                        for row in relay_connection.execute("SELECT kind FROM fleet_processes").fetchall()
                    }
                    == {"relay", "worker"}
                )
            )
    assert relay_connection.execute("SELECT count(*) FROM fleet_processes").fetchone() == (0,)
