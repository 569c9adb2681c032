"""The Celery workers and beat: `celery -A storecast.entrypoints.worker worker|beat`.

A worker runs the jobs whose ids a message carries; what they are stands in their rows. Connections are made after
the fork, in each child.
"""

import os
import socket
from typing import Any
from uuid import UUID

from celery.signals import beat_init, setup_logging, worker_init, worker_process_init, worker_shutdown
from celery.worker import state

from storecast.config.settings import get_settings
from storecast.db.session import dispose_engines, platform_session
from storecast.entrypoints.heart import Heart, Load
from storecast.entrypoints.modules import register_jobs
from storecast.observability import logs
from storecast.worker import outbox, schedule
from storecast.worker.broker import RUN_TASK, SCHEDULE_TASK, make_celery
from storecast.worker.ledger import Ledger
from storecast.worker.task import Runner

settings = get_settings()
app = make_celery(settings.celery_broker_url, settings.celery_result_backend)
register_jobs()
app.conf.beat_schedule = schedule.beat_entries()

_runner: Runner | None = None


def runner() -> Runner:
    """This child's runner, made on first use: a connection opened before the fork would be shared."""
    global _runner  # noqa: PLW0603  # one per process is the point
    if _runner is None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        _runner = Runner(Ledger(settings.database_url, name), Ledger(settings.database_url, name))
    return _runner


@app.task(name=RUN_TASK)
def run(job_ids: list[str]) -> None:
    """Run the jobs that this message carries and that may still run."""
    runner().run([UUID(job_id) for job_id in job_ids])


@app.task(name=SCHEDULE_TASK)
def stage_scheduled(name: str) -> None:
    """Stage one scheduled job; one that still waits from the last time is enough."""
    with platform_session() as session:
        outbox.add(session, None, schedule.job_for(name))


@setup_logging.connect
def configure_logs(**_: Any) -> None:
    """Structured logs instead of Celery's own."""
    logs.configure("worker")


@worker_process_init.connect
def leave_parent_connections(**_: Any) -> None:
    """Sockets opened before the fork belong to the parent."""
    dispose_engines()


_hearts: list[Heart] = []


@worker_init.connect
def start_heart(sender: Any, **_: Any) -> None:
    """Begin to tell the fleet, from the parent process."""

    def load() -> Load:
        return Load(
            queues=tuple(sorted(sender.app.amqp.queues.consume_from)),
            slots=sender.concurrency,
            busy=len(state.active_requests),
            done=sum(state.total_count.values()),
        )

    heart = Heart("worker", load, name=sender.hostname)
    _hearts.append(heart)
    heart.start()


@worker_shutdown.connect
def stop_heart(**_: Any) -> None:
    """Leave the fleet."""
    for heart in _hearts:
        heart.stop()


@beat_init.connect
def start_beat_heart(**_: Any) -> None:
    """Beat is one of the fleet as well."""
    Heart("beat").start()
