"""What Storecast promises of background work while its processes run, on each broker."""

import urllib.request
from collections.abc import Iterator
from uuid import UUID

import pytest

from demo.rabbitmq import free_ports
from demo.servers import EmbeddedPostgres, EmbeddedRedis
from storecast.worker.broker import Publisher, make_celery
from storecast.worker.wire import Message
from tests.processes import process, wait_until
from tests.worker.brokers.conftest import APP, Server, Site, site
from tests.worker.brokers.jobs import Alone, Deadly, Deaf, Long, Small


@pytest.fixture(scope="module")
def started(
    server: Server,
    redis_server: EmbeddedRedis,
    postgres: EmbeddedPostgres,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with (
        site(server, redis_server.redis_url, postgres, template, folder) as made,
        made.relay(),
        made.worker(),
    ):
        wait_until(lambda: " ready." in made.log("test@host"), "the worker's start")
        yield made


@pytest.fixture
def running(started: Site) -> Site:
    """Relay and worker at work, and nothing to do."""
    started.forget()
    return started


@pytest.fixture
def publisher(running: Site) -> Iterator[Publisher]:
    publisher = Publisher(make_celery(running.server.celery_url))
    yield publisher
    publisher.close()


def test_a_job_reaches_a_worker(running: Site) -> None:
    running.stage(Alone(1))
    assert running.over(1) == ["succeeded"]
    assert running.effects() == ["alone 1"]
    assert running.sql("SELECT worker LIKE 'test@host/%%', attempt FROM job_runs") == [(True, 1)]


def test_small_jobs_travel_together_and_each_has_its_own_end(running: Site) -> None:
    running.stage(*(Small(number) for number in range(50)))
    assert running.over(50) == ["succeeded"] * 50
    assert sorted(running.effects()) == sorted(f"small {number}" for number in range(50))
    assert running.sql("SELECT DISTINCT jsonb_array_length(attempts) FROM job_runs") == [(1,)]
    # Each message's jobs end in one commit.
    assert running.sql("SELECT count(DISTINCT xmin::text) FROM job_runs") == [(3,)]


def test_what_is_delivered_twice_runs_once(running: Site, publisher: Publisher) -> None:
    ids: list[UUID] = [
        row[0]
        for number in range(5)
        for row in running.sql(
            "INSERT INTO outbox (id, name, queue, args, state, max_attempts, published_at, lease_until) VALUES "
            "(gen_random_uuid(), 'tests.alone', 'default', jsonb_build_object('number', %s::int), 'queued', 3, now(), "
            "now() + interval '1 hour') RETURNING id",
            number,
        )
    ]
    assert publisher.publish_all([Message([job_id], "default", 60) for job_id in ids] * 3) == 15
    assert publisher.publish_all([Message(ids, "default", 60)]) == 1
    assert running.over(5) == ["succeeded"] * 5
    wait_until(lambda: publisher.depth("default") == 0)
    assert sorted(running.effects()) == [f"alone {number}" for number in range(5)]


def test_a_running_job_notices_that_it_is_cancelled(running: Site) -> None:
    running.stage(Long())
    wait_until(lambda: running.effects() == ["began"])
    running.sql("UPDATE outbox SET cancel_requested_at = now()")
    assert running.over(1) == ["cancelled"]
    assert running.effects() == ["began"]


def test_a_job_that_ignores_its_limit_is_killed_and_tried_again(running: Site) -> None:
    running.stage(Deaf())
    assert running.over(1) == ["succeeded"]
    assert running.effects() == ["began", "soft limit", "began", "ended"]
    assert running.sql("SELECT attempt, attempts->0->>'error' LIKE 'WorkerLost%%' FROM job_runs") == [
        (2, True)
    ]


def test_a_job_that_kills_its_process_twice_is_dead(running: Site) -> None:
    running.stage(Deadly())
    assert running.over(1) == ["dead"]
    running.stage(Alone(1))
    assert running.over(2) == ["dead", "succeeded"]
    assert running.effects() == ["began", "began", "alone 1"]
    assert running.sql("SELECT error_class FROM job_runs WHERE state = 'dead'") == [("PoisonJob",)]


def test_a_message_that_nobody_can_read_is_not_delivered_for_ever(
    running: Site, publisher: Publisher
) -> None:
    app = make_celery(running.server.celery_url)
    unreadable = [
        ("{not json", {"task": "storecast.run", "id": "1"}),
        ("[[],{},{}]", {"task": "storecast.nobody", "id": "2"}),
        ('[[["no uuid"]],{},{}]', {"task": "storecast.run", "id": "3"}),
        ("[[],{},{}]", {}),
    ]
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for body, headers in unreadable:
            producer.publish(
                body,
                exchange="",
                routing_key="default",
                headers=headers,
                content_type="application/json",
                content_encoding="utf-8",
            )
    running.stage(Alone(1))
    assert running.over(1) == ["succeeded"]
    wait_until(lambda: publisher.depth("default") == 0)


def test_flower_pointed_at_the_broker_shows_the_worker(running: Site) -> None:
    port = free_ports(1)[0]
    command = ("celery", "-A", APP, "flower", "--address=127.0.0.1", f"--port={port}")

    def page() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/workers", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    with process(running.folder, "flower", *command):
        wait_until(lambda: "test@host" in page(), "the worker on Flower's page")


def test_a_broker_that_lost_everything_lost_no_job(running: Site) -> None:
    running.server.start_wiped()
    running.stage(*(Alone(number) for number in range(10)))
    assert running.over(10) == ["succeeded"] * 10
    assert sorted(running.effects()) == [f"alone {number}" for number in range(10)]
