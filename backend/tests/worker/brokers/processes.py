"""The processes of the battery: `python -m` this is the relay, `celery -A` this the worker.

They are the product's own, which know a few more jobs.
"""

import os
import signal
import time

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text

from storecast.entrypoints import relay
from storecast.entrypoints.worker import app
from storecast.worker.task import TaskContext, task
from tests.worker.brokers.jobs import Alone, Deadly, Deaf, Long, Short, Small

__all__ = ["app"]

app.conf.worker_soft_shutdown_timeout = float(
    os.environ.get("SOFT_SHUTDOWN_S", app.conf.worker_soft_shutdown_timeout)
)


def note(ctx: TaskContext, what: str) -> None:
    """Leave a trace of this attempt, in a transaction of its own."""
    with ctx.unit_of_work() as session:
        session.execute(
            text("INSERT INTO effects (job_id, attempt, what) VALUES (:id, :attempt, :what)"),
            {"id": ctx.job_id, "attempt": ctx.attempt, "what": what},
        )


@task(Small)
def small(job: Small, ctx: TaskContext) -> None:
    note(ctx, f"small {job.number}")


@task(Alone)
def alone(job: Alone, ctx: TaskContext) -> None:
    note(ctx, f"alone {job.number}")


@task(Long)
def long(job: Long, ctx: TaskContext) -> None:
    note(ctx, "began")
    while ctx.attempt == 1:
        time.sleep(0.05)
        ctx.check_cancelled()
    note(ctx, "ended")


@task(Short)
def short(job: Short, ctx: TaskContext) -> None:
    note(ctx, "began")
    time.sleep(1.5)
    note(ctx, "ended")


@task(Deaf)
def deaf(job: Deaf, ctx: TaskContext) -> None:
    note(ctx, "began")
    while ctx.attempt == 1:
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            note(ctx, "soft limit")
    note(ctx, "ended")


@task(Deadly)
def deadly(job: Deadly, ctx: TaskContext) -> None:
    note(ctx, "began")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    relay.main()
