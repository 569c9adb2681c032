"""Messages are such as kombu writes itself, and what a broker did not confirm is said to be so."""

import json
from base64 import b64decode
from collections.abc import Iterator
from uuid import UUID, uuid4

import amqp
import pytest
import redis
from celery import Celery

from demo.rabbitmq import EmbeddedRabbit
from demo.servers import EmbeddedRedis
from storecast.entrypoints.modules import register_jobs
from storecast.worker.broker import (
    DEAD_LETTERS,
    DELIVERY_LIMIT,
    HARD_LIMIT_S,
    LONGEST_JOB_S,
    RUN_TASK,
    BrokerUnavailable,
    Publisher,
    make_celery,
)
from storecast.worker.job import QUEUES
from storecast.worker.task import registered
from storecast.worker.wire import Message
from tests.processes import wait_until
from tests.worker.brokers.conftest import BROKERS, Server, clear


@pytest.fixture
def app(server: Server) -> Celery:
    clear(server)
    return make_celery(server.celery_url)


@pytest.fixture
def publisher(app: Celery) -> Iterator[Publisher]:
    publisher = Publisher(app)
    yield publisher
    publisher.close()


def first(app: Celery, queue: str) -> tuple[list[list[str]], dict[str, object], dict[str, object]]:
    """The first message of a queue as kombu reads it: arguments, headers, properties."""
    with app.connection_for_read() as connection:
        message = app.amqp.queues[queue](connection.default_channel).get()
        assert message is not None
        message.ack()
        arguments, keywords, _canvas = message.payload
        assert keywords == {}
        return arguments, message.headers, message.properties


def test_a_message_says_what_celery_would_say(app: Celery, publisher: Publisher) -> None:
    ids = [uuid4(), uuid4()]
    app.send_task(
        RUN_TASK,
        args=[[str(job_id) for job_id in ids]],
        queue="default",
        task_id=str(ids[0]),
        soft_time_limit=60,
        time_limit=60 + HARD_LIMIT_S,
        ignore_result=True,
    )
    expected_arguments, expected_headers, expected_properties = first(app, "default")

    assert publisher.publish_all([Message(ids, "default", 60)]) == 1

    arguments, headers, properties = first(app, "default")
    assert arguments == expected_arguments == [[str(job_id) for job_id in ids]]
    # RabbitMQ adds how often it delivered.
    headers.pop("x-delivery-count", None)
    assert headers == {name: expected_headers[name] for name in headers}
    assert headers.keys() == {"lang", "task", "id", "root_id", "timelimit", "ignore_result"}
    assert properties["correlation_id"] == expected_properties["correlation_id"] == str(ids[0])


def test_messages_keep_their_order_and_are_counted(app: Celery, publisher: Publisher) -> None:
    messages = [Message([UUID(int=number)], "default", 60) for number in range(300)]
    assert publisher.publish_all([*messages, Message([UUID(int=999)], "bulk", 60)]) == 301
    assert publisher.depths(["default", "bulk", "sync"]) == {"default": 300, "bulk": 1, "sync": 0}
    for number in range(5):
        assert first(app, "default")[0] == [[str(UUID(int=number))]]
    assert publisher.depth("default") == 295
    assert publisher.publish_all([]) == 0


def test_a_broker_that_is_away_confirms_nothing_until_it_is_back(
    server: Server, app: Celery, publisher: Publisher
) -> None:
    message = Message([uuid4()], "default", 60)
    assert publisher.publish_all([message]) == 1
    server.stop()
    for _attempt in range(2):
        with pytest.raises(BrokerUnavailable) as caught:
            publisher.publish_all([message, message])
        assert caught.value.messages == [message, message]
    assert publisher.depth("default") is None
    server.start()

    def taken() -> bool:
        # RabbitMQ refuses until the queue has found its leader.
        try:
            return publisher.publish_all([message]) == 1
        except BrokerUnavailable:
            return False

    wait_until(taken, "the broker's return")


def test_redis_gets_the_json_that_kombu_writes(redis_server: EmbeddedRedis) -> None:
    clear(redis_server)
    app = make_celery(redis_server.celery_url)
    publisher = Publisher(app)
    job_id = uuid4()
    app.send_task(RUN_TASK, args=[[str(job_id)]], queue="default", task_id=str(job_id))
    publisher.publish_all([Message([job_id], "default", 60)])
    publisher.close()
    with redis.Redis(unix_socket_path=str(redis_server.socket), db=1) as client:
        ours, theirs = (json.loads(raw) for raw in client.lrange("default", 0, -1))
    assert ours.keys() == theirs.keys()
    assert ours["properties"].keys() == theirs["properties"].keys()
    assert json.loads(b64decode(ours["body"]))[:2] == json.loads(b64decode(theirs["body"]))[:2]
    same = ("correlation_id", "delivery_mode", "delivery_info", "priority", "body_encoding")
    assert {name: ours["properties"][name] for name in same} == {
        name: theirs["properties"][name] for name in same
    }


@pytest.mark.parametrize("server", [name for name in BROKERS if name == "rabbitmq"], indirect=True)
def test_rabbitmq_says_when_a_queue_is_gone(server: EmbeddedRabbit, publisher: Publisher) -> None:
    messages = [Message([uuid4()], queue, 60) for queue in ("bulk", "default", "bulk")]
    publisher.publish_all(messages)
    with amqp.Connection(server.address) as connection, connection.channel() as channel:
        channel.queue_delete("bulk")
    with pytest.raises(BrokerUnavailable) as caught:
        publisher.publish_all(messages)
    assert caught.value.messages == [messages[0], messages[2]]
    # Connected anew, it has declared its queues again.
    assert publisher.publish_all(messages) == 3


def test_a_message_that_comes_back_too_often_is_set_aside(
    server: Server, app: Celery, publisher: Publisher
) -> None:
    publisher.publish_all([Message([uuid4()], "default", 60)])
    deliveries = 0
    with app.connection_for_read() as connection:
        queue = app.amqp.queues["default"](connection.default_channel)
        while deliveries < 50 and (message := queue.get()) is not None:
            deliveries += 1
            message.requeue()
    # Redis does not count; there the claim is what refuses (test_running.py).
    assert deliveries == (DELIVERY_LIMIT + 1 if isinstance(server, EmbeddedRabbit) else 50)
    if isinstance(server, EmbeddedRabbit):
        with amqp.Connection(server.address) as connection, connection.channel() as channel:
            assert channel.queue_declare(DEAD_LETTERS, passive=True).message_count == 1


def test_every_job_ends_before_a_broker_loses_patience() -> None:
    register_jobs()
    longest = max(job.timeout_s for job in registered().values())
    assert longest + HARD_LIMIT_S < LONGEST_JOB_S


def test_both_brokers_have_the_same_queues(app: Celery) -> None:
    assert [queue.name for queue in app.conf.task_queues] == list(QUEUES)
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
