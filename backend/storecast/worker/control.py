"""What a worker can be asked to do, in Celery's terms: drain, resume, stop, resize.

Called from the heart's thread; what touches the consumer is handed to its own loop, which alone may.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from storecast.kit.errors import Invalid


class Control:
    """The controls of one worker process; ``worker`` is Celery's `WorkController`."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._queues = tuple(sorted(worker.app.amqp.queues.consume_from))
        self._draining = False

    @property
    def queues(self) -> tuple[str, ...]:
        """What the worker was started for, drained or not."""
        return self._queues

    @property
    def draining(self) -> bool:
        """Whether it takes no more messages."""
        return self._draining

    @property
    def slots(self) -> int:
        """How many children the pool has, or is about to have."""
        return int(getattr(self._worker.pool, "num_processes", None) or self._worker.concurrency)

    def is_connected(self) -> bool:
        """Whether the link to the broker stands, as far as the client knows."""
        consumer = self._worker.consumer
        connection = getattr(consumer, "connection", None)
        return bool(connection is not None and connection.connected)

    def drain(self) -> None:
        """Take no more messages; what is running ends in its own time."""
        for queue in self._queues:
            self._soon(self._worker.consumer.cancel_task_queue, queue)
        self._draining = True

    def resume(self) -> None:
        """Take messages again."""
        for queue in self._queues:
            self._soon(self._worker.consumer.add_task_queue, queue)
        self._draining = False

    def stop(self) -> None:
        """End as on a deploy: running jobs get their time, the rest is handed back."""
        os.kill(os.getpid(), signal.SIGTERM)

    def resize(self, slots: int) -> None:
        """Have so many children; those that go end their job first."""
        change = slots - self.slots
        pool = self._worker.pool
        if change == 0:
            return
        if not hasattr(pool, "grow"):
            raise Invalid("This kind of pool has a fixed size.")

        def change_size() -> None:
            (pool.grow if change > 0 else pool.shrink)(abs(change))
            self._worker.consumer._update_prefetch_count(change)

        self._soon(change_size)

    def _soon(self, act: Callable[..., Any], *args: Any) -> None:
        self._worker.consumer.call_soon(act, *args)
