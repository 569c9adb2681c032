"""The brokers of the battery: every test runs on each that STORECAST_TEST_BROKERS names.

Without the variable: Redis, and RabbitMQ where the machine has it. Named and absent, the tests fail and say what to
install.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import uuid4

import amqp
import psycopg
import pytest
import redis

from demo.rabbitmq import EmbeddedRabbit, find_rabbitmq
from demo.servers import EmbeddedPostgres, EmbeddedRedis
from storecast.db.session import platform_session
from storecast.worker import outbox
from storecast.worker.broker import DEAD_LETTERS
from storecast.worker.job import QUEUES, Job
from tests.conftest import ENVIRONMENT, environment
from tests.processes import process, wait_until
from tests.worker.brokers.jobs import EFFECTS

DEFAULT = "redis rabbitmq" if find_rabbitmq() else "redis"
BROKERS = os.environ.get("STORECAST_TEST_BROKERS", DEFAULT).split()
APP = "tests.worker.brokers.processes"

Server = EmbeddedRedis | EmbeddedRabbit


class Site:
    """A database with jobs and what they did, a broker, and the processes between them."""

    def __init__(self, server: Server, folder: Path, connection: psycopg.Connection[Any]) -> None:
        self.server = server
        self.folder = folder
        self._connection = connection

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        cursor = self._connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description is not None else []

    def effects(self) -> list[str]:
        """What the jobs did so far, in order."""
        return [row[0] for row in self.sql("SELECT what FROM effects ORDER BY id")]

    def stage(self, *jobs: Job, priority: int | None = None) -> None:
        """Commit jobs of no shop."""
        with platform_session() as session:
            for job in jobs:
                outbox.add(session, None, job, priority=priority)

    def over(self, count: int) -> list[str]:
        """Wait until so many jobs are over and none is left; the states they ended in."""
        wait_until(
            lambda: (
                self.sql("SELECT count(*) FROM job_runs WHERE name LIKE 'tests.%%'")[0][0] >= count
                and not self.sql("SELECT FROM outbox WHERE name LIKE 'tests.%%'")
            ),
            f"the end of {count} jobs",
        )
        return [
            row[0] for row in self.sql("SELECT state FROM job_runs WHERE name LIKE 'tests.%%' ORDER BY id")
        ]

    def forget(self) -> None:
        """Begin anew with empty tables."""
        for table in ("outbox", "job_runs", "job_orphans", "effects"):
            self.sql(f"DELETE FROM {table}")

    def relay(self) -> AbstractContextManager[Popen[bytes]]:
        """The relay, for a block."""
        return process(self.folder, "relay", APP)

    def worker(self, name: str = "test@host") -> AbstractContextManager[Popen[bytes]]:
        """A worker of the default queue with one slot, for a block."""
        return process(
            self.folder, name, "celery", "-A", APP, "worker", "-Q", "default", "-c", "1", "-n", name
        )

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text()


def clear(server: Server) -> None:
    """No queue, no message."""
    if isinstance(server, EmbeddedRedis):
        with redis.Redis.from_url(server.redis_url) as client:
            client.flushall()
        return
    with amqp.Connection(server.address) as connection, connection.channel() as channel:
        for queue in (*QUEUES, DEAD_LETTERS):
            channel.queue_delete(queue)


@contextmanager
def site(
    server: Server, redis_url: str, postgres: EmbeddedPostgres, template: str, folder: Path
) -> Iterator[Site]:
    """An empty broker that the settings point at, beside a database with a table of effects."""
    clear(server)
    name = f"test_{uuid4().hex}"
    dsn = postgres.create_database(name, template=template)
    values = {
        **ENVIRONMENT,
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": server.celery_url,
    }
    with environment(values), psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(EFFECTS)
        yield Site(server, folder, connection)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRabbit]:
    with EmbeddedRabbit(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="module", params=BROKERS)
def server(request: pytest.FixtureRequest) -> Server:
    """A broker that all tests of a module use, one after another."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found
