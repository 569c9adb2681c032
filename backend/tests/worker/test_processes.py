"""The job machinery with its real processes: relay, broker, prefork worker."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.shops.models import Shop
from storecast.worker.models import JobRun
from tests.processes import relay, wait_until, worker


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
    with relay(tmp_path):
        stage_drain(relay_connection, shop)
        wait_until(
            lambda: relay_connection.execute("SELECT FROM outbox WHERE state = 'queued'").rowcount == 1
        )
        # The message is gone with the whole broker, as after a crash without a disk.
        with redis.Redis.from_url(redis_url) as broker:
            broker.flushall()
        relay_connection.execute("UPDATE outbox SET lease_until = now()")
        with worker(tmp_path, "critical", "default"):
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
