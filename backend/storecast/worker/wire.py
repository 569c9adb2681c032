"""Messages on the wire, many at a time, as Celery's workers and kombu read them.

Celery's own `send_task` costs 0.3 ms of CPU a message and, with confirms, one round trip each. Here the envelope has
only what a worker asks for (Celery's protocol 2), Redis gets one LPUSH per queue and RabbitMQ all messages before the
first confirm is waited for. A test holds the format to what kombu writes itself.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import amqp
import orjson

CONFIRM_TIMEOUT_S = 15.0
"""RabbitMQ confirms in milliseconds; when it is short of memory or disk it does not, and the relay must not hang."""

Confirm = Callable[[int], None]
"""Called with the index of each message that the broker took."""


@dataclass(frozen=True, slots=True)
class Message:
    """Jobs that one worker runs one after another; the first id is the message's own."""

    job_ids: Sequence[UUID]
    queue: str
    timeout_s: int
    """The soft limit of the whole message."""


class Wire(Protocol):
    """One connection to a broker."""

    def send(self, messages: Sequence[Message], confirm: Confirm) -> None:
        """Hand over all messages. What was not confirmed when it returns or raises, the broker may not have."""

    def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """How many messages wait in each queue, delivered ones not counted."""


def headers(message: Message, task: str, hard_limit_s: int) -> dict[str, object]:
    """Of Celery's protocol 2, what its worker reads."""
    own_id = str(message.job_ids[0])
    return {
        "lang": "py",
        "task": task,
        "id": own_id,
        "root_id": own_id,
        "timelimit": [message.timeout_s + hard_limit_s, message.timeout_s],
        "ignore_result": True,
    }


def body(message: Message) -> bytes:
    """Arguments, keyword arguments and the canvas that nobody uses: `[[[id, …]], {}, {}]`."""
    return b'[[["%s"]],{},{}]' % '","'.join(map(str, message.job_ids)).encode()


class RedisWire:
    """Lists, in the JSON that kombu's virtual transports agree on."""

    def __init__(self, connection: Any, task: str, hard_limit_s: int) -> None:
        # One client kept: a channel makes a new one for each publish, 0.2 ms of CPU.
        self._client = connection.default_channel.client
        self._task = task
        self._hard_limit_s = hard_limit_s

    def send(self, messages: Sequence[Message], confirm: Confirm) -> None:
        """One push per queue, in the order given."""
        by_queue: dict[str, list[int]] = {}
        for index, message in enumerate(messages):
            by_queue.setdefault(message.queue, []).append(index)
        for queue, indexes in by_queue.items():
            self._client.lpush(queue, *[self._payload(messages[index]) for index in indexes])
            for index in indexes:
                confirm(index)

    def _payload(self, message: Message) -> bytes:
        return orjson.dumps(
            {
                "body": b64encode(body(message)).decode(),
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": headers(message, self._task, self._hard_limit_s),
                "properties": {
                    "correlation_id": str(message.job_ids[0]),
                    "reply_to": "",
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": message.queue},
                    "priority": 0,
                    "body_encoding": "base64",
                    # Of this delivery: a job that is published again must not share it with the first message.
                    "delivery_tag": os.urandom(16).hex(),
                },
            }
        )

    def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """The lengths of the lists."""
        names = list(queues)
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            return dict(zip(names, map(int, pipeline.execute()), strict=True))


class RabbitWire:
    """A channel in confirm mode whose confirms are counted here, so that they are waited for together."""

    def __init__(self, connection: Any, task: str, hard_limit_s: int, declare: Iterable[Any]) -> None:
        self._connection = connection.connection
        self._channel = connection.default_channel
        self._task = task
        self._hard_limit_s = hard_limit_s
        self._last_tag = 0
        self._messages: Sequence[Message] = ()
        self._sent: dict[int, int] = {}
        self._returned: set[str] = set()
        self._confirm: Confirm = _nobody
        for queue in declare:
            queue(self._channel).declare()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        # py-amqp looks for a notice of "blocked" before each publish, 15 µs for a system call or two. One that comes
        # is read with the confirms.
        self._connection.client_properties.get("capabilities", {}).pop("connection.blocked", None)

    def send(self, messages: Sequence[Message], confirm: Confirm) -> None:
        """Publish all, then wait for the confirms of all; a message without a queue comes back unconfirmed."""
        self._sent.clear()
        self._returned.clear()
        self._messages = messages
        self._confirm = confirm
        for index, message in enumerate(messages):
            self._last_tag += 1
            self._sent[self._last_tag] = index
            own_id = str(message.job_ids[0])
            self._channel.basic_publish(
                amqp.Message(
                    body(message),
                    content_type="application/json",
                    content_encoding="utf-8",
                    application_headers=headers(message, self._task, self._hard_limit_s),
                    correlation_id=own_id,
                    message_id=own_id,
                    delivery_mode=2,
                ),
                exchange="",
                routing_key=message.queue,
                mandatory=True,
            )
        while self._sent:
            self._connection.drain_events(timeout=CONFIRM_TIMEOUT_S)
        if self._returned:
            raise amqp.exceptions.NotFound(f"no queue for {sorted(self._returned)}")

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for index in self._settled(tag, multiple):
            if self._messages[index].queue not in self._returned:
                self._confirm(index)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._settled(tag, multiple)

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        # It comes before the message's confirm, which then only says that the message was handled.
        self._returned.add(routing_key)

    def _settled(self, tag: int, multiple: bool) -> list[int]:
        if not multiple:
            return [self._sent.pop(tag)] if tag in self._sent else []
        return [self._sent.pop(each) for each in list(self._sent) if each <= tag]

    def depths(self, queues: Iterable[str]) -> dict[str, int]:
        """What a passive declaration answers."""
        return {name: int(self._channel.queue_declare(name, passive=True).message_count) for name in queues}


def _nobody(_index: int) -> None:
    """Confirms of an earlier call are nobody's."""
