"""The Celery workers and beat: `celery -A storecast.entrypoints.worker worker|beat`.

A worker runs the jobs whose ids a message carries; what they are stands in their rows. Connections are made after
the fork, in each child.
"""

import atexit
import os
from typing import Any
from uuid import UUID

from celery.signals import (
    beat_init,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from celery.worker import state

from storecast.config.settings import get_settings
from storecast.db.session import dispose_engines
from storecast.entrypoints.heart import Heart, Load
from storecast.entrypoints.modules import register_jobs
from storecast.fleet.service import Command
from storecast.observability import logs, tracing
from storecast.worker import history
from storecast.worker.broker import RUN_TASK, make_celery
from storecast.worker.control import Control
from storecast.worker.ledger import Ledger
from storecast.worker.process import JobRequest, Worker
from storecast.worker.task import Runner

settings = get_settings()
app = make_celery(settings.celery_broker_url, settings.celery_result_backend)
app.Worker = app.subclass_with_self(Worker)
register_jobs()

_runners: dict[str, Runner] = {}


def runner(process: str) -> Runner:
    """This child's runner, made on first use: a connection opened before the fork would be shared."""
    name = f"{process}/{os.getpid()}"
    if name not in _runners:
        # Two connections: leases are renewed and history is written while a job's statement runs.
        ledgers = Ledger(settings.database_url, name), Ledger(settings.database_url, name)
        _runners[name] = Runner(*ledgers, history.history)
    return _runners[name]


@app.task(name=RUN_TASK, bind=True, Request=JobRequest)
def run(task: Any, job_ids: list[str]) -> None:
    """Run the jobs that this message carries and that may still run."""
    runner(task.request.hostname).run([UUID(job_id) for job_id in job_ids])


@setup_logging.connect
def configure_logs(**_: Any) -> None:
    """Structured logs instead of Celery's own."""
    logs.configure("worker")


@worker_process_init.connect
def leave_parent_connections(**_: Any) -> None:
    """Sockets opened before the fork belong to the parent."""
    dispose_engines()
    history.install()


@worker_process_shutdown.connect
def end_runner(**_: Any) -> None:
    """Write the last lines that jobs logged."""
    for each in _runners.values():
        each.flush_history()


@worker_process_init.connect
def start_tracing(**_: Any) -> None:
    """In each child: the thread that sends spans does not survive a fork."""
    tracing.configure("worker")


@worker_process_shutdown.connect
def end_tracing(**_: Any) -> None:
    """Send the spans that are left."""
    tracing.shutdown()


_hearts: list[Heart] = []


@worker_ready.connect
def start_heart(sender: Any, **_: Any) -> None:
    """Begin to tell the fleet, from the parent process, and to do what operators ask.

    Not before the pool has forked its children: one that is forked while this thread holds a lock would wait for it
    for ever. Celery says "ready" again after every loss of its broker.
    """
    if _hearts:
        return
    worker = sender.controller
    control = Control(worker)

    def load() -> Load:
        return Load(
            queues=control.queues,
            slots=control.slots,
            busy=len(state.active_requests),
            # Its children count their jobs; the parent only sees messages.
            done=None,
            pool=worker.pool_cls.__module__.rpartition(".")[2],
            prefetched=len(state.reserved_requests) - len(state.active_requests),
            connected=control.is_connected(),
            draining=control.draining,
        )

    heart = Heart("worker", load, name=worker.hostname, obey=lambda command: obey(control, command))
    _hearts.append(heart)
    heart.start()
    # Not by Celery's signal, which a cold shutdown does not send.
    atexit.register(heart.stop)


def obey(control: Control, command: Command) -> None:
    """Do what was asked."""
    if command.action == "resize":
        control.resize(command.slots or control.slots)
    else:
        {"drain": control.drain, "resume": control.resume, "stop": control.stop}[command.action]()


@beat_init.connect
def start_beat_heart(sender: Any, **_: Any) -> None:
    """Beat is one of the fleet as well, for as long as its scheduler ticks."""
    scheduler = sender.scheduler
    heart = Heart("beat", lambda: Load(done=scheduler.met), well=scheduler.is_well)
    heart.start()
    # Celery has no signal for the end of beat.
    atexit.register(heart.stop)
