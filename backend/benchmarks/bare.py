"""Celery without Storecast, as the reference: `celery -A benchmarks.bare worker`; `python -m` this reads events.

BARE_BROKER_URL says where. BARE_FULL: late acknowledgement, prefetch 1, results in BARE_RESULTS_URL, started state,
sent events, and on RabbitMQ quorum queues with confirms: Celery with what a console would need. BARE_CHAOS: late
acknowledgement with a sweep every second, which is the best that it does when workers are killed; BARE_DATABASE_URL
is where its effects go.
"""

import os
import random
import time
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

SLOWEST_EFFECT_S = 0.004
"""As in work.py, whose imports would be counted as Celery's."""

app = Celery("bare", broker=os.environ.get("BARE_BROKER_URL", "memory://"))
app.conf.update(
    task_ignore_result=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=True
)

ON_REDIS = app.conf.broker_url.startswith("redis")

if os.environ.get("BARE_FULL"):
    app.conf.update(
        # RabbitMQ would refuse the other kind of queue under the same name.
        task_default_queue="full",
        result_backend=os.environ["BARE_RESULTS_URL"],
        task_ignore_result=False,
        task_track_started=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        task_send_sent_event=True,
    )
    if not ON_REDIS:
        app.conf.update(task_default_queue_type="quorum", broker_transport_options={"confirm_publish": True})

if os.environ.get("BARE_CHAOS"):
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)
    if ON_REDIS:
        app.conf.broker_transport_options = {
            "visibility_timeout": 8,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        }

_connections: dict[int, psycopg.Connection[Any]] = {}


@app.task
def nothing() -> None:
    pass


@app.task
def mark(path: str) -> None:
    """Say that everything before has been taken."""
    Path(path).touch()


@app.task
def leave_effect(number: int) -> None:
    """One row a run."""
    pid = os.getpid()
    if pid not in _connections:
        _connections[pid] = psycopg.connect(os.environ["BARE_DATABASE_URL"], autocommit=True)
    with _connections[pid].transaction():
        _connections[pid].execute("INSERT INTO bare_effects (number) VALUES (%s)", [number])
        time.sleep(random.uniform(0, SLOWEST_EFFECT_S))


def consume_events() -> None:
    """Keep the state of every task, as a monitor does."""
    state = app.events.State()
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": state.event})
        print("consuming", flush=True)
        receiver.capture(limit=None, timeout=None, wakeup=True)


if __name__ == "__main__":
    consume_events()
