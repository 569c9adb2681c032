"""The Celery application: it only carries job ids; the rows say what there is to do.

Each setting has its reason beside it, for Redis and RabbitMQ alike. Losing the broker whole loses no job: the relay
publishes again what was never claimed. Delays live in PostgreSQL, so no message ever carries a time to wait for, and
priorities do too: brokers disagree on which end is up, so the relay publishes in order and every queue is first in,
first out on both.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.worker import consumer
from kombu import entity

from storecast.worker.job import QUEUES
from storecast.worker.wire import Message, RabbitWire, RedisWire, Wire

# kombu's annotations stop half-way.
BrokerQueue: Any = entity.Queue
Exchange: Any = entity.Exchange

RUN_TASK = "storecast.run"
"""The one Celery task: runs the jobs whose ids it carries."""

DEAD_LETTERS = "storecast.dead"
"""Exchange and queue of messages that RabbitMQ gave up on. Their jobs are rows: the relay publishes those again."""

DELIVERY_LIMIT = 5
"""Redeliveries after which RabbitMQ sets a message aside, instead of handing a poisonous one round for ever."""

DEAD_LETTERS_MAX = 10_000
"""Set aside for people to look at, not to be kept: the oldest make room."""

SOFT_SHUTDOWN_S = 20
"""How long running jobs may go on when a worker is told to stop, under the usual 30 s of grace."""

HARD_LIMIT_S = 15
"""A job that ignores its soft limit is killed with its process this much later."""

LONGEST_JOB_S = 7 * 3600
"""Above the hard limit of every job (a test holds the jobs to it): what brokers are told to wait for an answer."""

SOCKET_TIMEOUT_S = 20
HEARTBEAT_S = 60


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery has no types
    """A consumer without the steps that exchange what Storecast keeps in PostgreSQL.

    Native delayed delivery declares 28 queues on RabbitMQ for times to wait that no message carries. Gossip and mingle
    tell workers of each other's clocks and revoked tasks; every worker would read every heartbeat for it.
    """

    class Blueprint(consumer.Consumer.Blueprint):  # type: ignore[misc]  # Celery has no types
        default_steps = tuple(
            step for step in consumer.Consumer.Blueprint.default_steps if "DelayedDelivery" not in step
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"without_mingle": True, "without_gossip": True})


def make_celery(broker_url: str, result_backend: str | None = None) -> Celery:
    """A configured Celery application for a Redis or RabbitMQ broker."""
    app = Celery("storecast", broker=broker_url, backend=result_backend)
    on_redis = is_redis(broker_url)
    app.conf.update(
        task_queues=[_queue(name, on_redis) for name in QUEUES],
        # Said twice, because Celery puts CELERY_BROKER_URL of the environment before what it is given.
        broker_read_url=broker_url,
        broker_write_url=broker_url,
        task_default_queue="default",
        # A queue that nobody declared has no worker: better an error than a message that waits for ever.
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        # The outcome of a job is its row; a second copy in Redis would only cost (1.5 times the CPU, measured).
        task_ignore_result=True,
        # Unacknowledged until it is done: then no more is delivered than there are slots, and what a dying worker
        # held comes back at once when it was not claimed yet. What was claimed meets the claim's refusal.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A job that failed or ran out of time has its row; delivered again, its message would only be refused.
        task_acks_on_failure=True,
        task_acks_on_timeout=True,
        # A reserved message waits behind a running job while another worker idles.
        worker_prefetch_multiplier=1,
        # Redis only: the multiplier still reserves one message beside each running one there.
        worker_disable_prefetch=on_redis,
        # Of both brokers' reconnects: the redelivery of a running job meets the claim's refusal, so the run may go on.
        # Cancelled, every job of every worker would begin anew whenever the broker restarts, counted as lost twice.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Running jobs may end before they are handed back.
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN_S,
        # It is for messages that wait for their time, of which there are none: an idle worker stops at once.
        worker_enable_soft_shutdown_on_idle=False,
        # Every message carries its jobs' own limits; these are for what does not, such as a tick of beat.
        task_soft_time_limit=300,
        task_time_limit=300 + HARD_LIMIT_S,
        # Children are replaced before leaks in C extensions grow large: by size, and once in a while by count. A new
        # child costs its connections, so not often.
        worker_max_memory_per_child=400_000,
        worker_max_tasks_per_child=10_000,
        # 1.7 times the CPU a task on Redis with nobody listening (measured). Heartbeats are sent all the same, so
        # Flower's workers page works; `worker -E` turns the rest on.
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_consumer="storecast.worker.broker:Consumer",
        # A worker outlives an outage of its broker, however long.
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=5,
        # A dead link is noticed within a minute or two (RabbitMQ; on Redis the health check below does it).
        broker_heartbeat=HEARTBEAT_S,
        # Without it a publish waits for ever for a connection of the pool, in whatever request it happens.
        broker_pool_acquire_timeout=5,
        # Bounded: who publishes outside the relay (beat) tries again at its next tick.
        task_publish_retry=True,
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.5,
            "interval_max": 1,
        },
        broker_transport_options=_transport_options(on_redis),
        timezone="UTC",
        enable_utc=True,
    )
    return app


def dead_letter_queue() -> Any:
    """Where RabbitMQ puts what it gave up on."""
    return BrokerQueue(
        DEAD_LETTERS,
        Exchange(DEAD_LETTERS, type="fanout"),
        queue_arguments={"x-queue-type": "quorum", "x-max-length": DEAD_LETTERS_MAX},
    )


def _queue(name: str, on_redis: bool) -> Any:
    if on_redis:
        return BrokerQueue(name)
    return BrokerQueue(
        name,
        queue_arguments={
            # Replicated where there are several nodes, and the only kind that counts deliveries. It has no global
            # prefetch; Celery sees the kind and asks for none, which 4.x would refuse.
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTERS,
            # Else a channel with a job of more than 30 minutes is closed (3.12 and later read it here; before, it is
            # `consumer_timeout` in rabbitmq.conf).
            "x-consumer-timeout": LONGEST_JOB_S * 1000,
        },
    )


def is_redis(broker_url: str) -> bool:
    """Whether the address is one of Redis; the other broker is RabbitMQ."""
    scheme = broker_url.partition(":")[0]
    return scheme.startswith(("redis", "unix", "sentinel"))


def _transport_options(on_redis: bool) -> dict[str, object]:
    if not on_redis:
        return {
            # A publish that the broker did not confirm was not made. Beat publishes so; the relay confirms by the
            # hundred (`Publisher`).
            "confirm_publish": True,
            # A write to a dead link must end.
            "write_timeout": SOCKET_TIMEOUT_S,
        }
    return {
        # kombu's copy of every delivered message in Redis cost half of the worker's parent (measured), and loses what
        # it was made for: a message popped and not yet copied. What a killed worker held, its rows bring back; a
        # worker that stops in good order still returns what it has not begun.
        "ack_emulation": False,
        # One list per queue instead of four: priority is the relay's.
        "priority_steps": [0],
        # Without it a publish on a dead link waits for ever.
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        # A consumer whose link died without a word is back within a minute.
        "health_check_interval": 25,
    }


class BrokerUnavailable(Exception):
    """The broker did not confirm these messages: their jobs are to be published again."""

    def __init__(self, messages: Sequence[Message], cause: str) -> None:
        super().__init__(f"{len(messages)} messages unconfirmed: {cause}")
        self.messages = messages


class Publisher:
    """The relay's way to the broker: batches of messages over a connection of its own, made on first use.

    For one thread. A message whose confirm was lost with the connection may be in the broker all the same; published
    again, its jobs are delivered twice and claimed once.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None
        self._wire: Wire | None = None

    def publish_all(self, messages: Sequence[Message]) -> int:
        """Hand over all messages, those of a queue in their order; how many were confirmed, which is all.

        Raises `BrokerUnavailable` with those that were not; the next call connects again.
        """
        confirmed: set[int] = set()
        problem = "refused"
        try:
            self._open().send(messages, confirmed.add)
        except self._errors() as error:
            self.close()
            problem = repr(error)
        if lost := [message for index, message in enumerate(messages) if index not in confirmed]:
            raise BrokerUnavailable(lost, problem)
        return len(messages)

    def depth(self, queue: str) -> int | None:
        """How many messages wait in a queue, delivered ones not counted; None when the broker does not say."""
        return self.depths([queue]).get(queue)

    def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """`depth` of several queues; those that the broker does not tell are missing."""
        try:
            return self._open().depths(queues)
        except self._errors():
            self.close()
            return {}

    def close(self) -> None:
        """Leave the broker; the next call connects again."""
        errors = self._errors()
        connection, self._connection, self._wire = self._connection, None, None
        if connection is not None:
            with suppress(*errors):
                connection.release()

    def _open(self) -> Wire:
        if self._wire is None:
            # Confirms are counted by the wire. No heartbeat: nobody would send one between two publishes, and the
            # broker would close the link; TCP keep-alive and the write timeout find a dead one.
            self._connection = self._app.connection_for_write(
                heartbeat=0, transport_options={"confirm_publish": False}
            )
            # One try: it is the relay that waits for a broker, between its other duties.
            self._connection.connect()
            if is_redis(self._app.conf.broker_write_url):
                self._wire = RedisWire(self._connection, RUN_TASK, HARD_LIMIT_S)
            else:
                queues = [dead_letter_queue(), *self._app.conf.task_queues]
                self._wire = RabbitWire(self._connection, RUN_TASK, HARD_LIMIT_S, queues)
        return self._wire

    def _errors(self) -> tuple[type[Exception], ...]:
        if self._connection is None:
            return (OSError,)
        return (*self._connection.connection_errors, *self._connection.channel_errors, OSError)
