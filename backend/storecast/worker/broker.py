"""The Celery application: it only carries job ids; the rows say what there is to do.

Each setting has its reason beside it. Losing the broker whole loses no job: the relay publishes again what was
never claimed.
"""

from uuid import UUID

from celery import Celery
from kombu.entity import Queue as BrokerQueue

from storecast.worker.job import QUEUES

RUN_TASK = "storecast.run"
"""The one Celery task: runs the jobs whose ids it carries."""

SCHEDULE_TASK = "storecast.schedule"
"""Stages a scheduled job; beat sends it."""


def make_celery(broker_url: str, result_backend: str | None = None) -> Celery:
    """A configured Celery application."""
    app = Celery("storecast", broker=broker_url, backend=result_backend)
    app.conf.update(
        task_queues=[BrokerQueue(name) for name in QUEUES],  # type: ignore[no-untyped-call]  # kombu has no types
        task_default_queue="default",
        task_serializer="json",
        accept_content=["json"],
        # The outcome of a job is its row; a second copy in Redis would only cost.
        task_ignore_result=True,
        # A message that a dying worker held comes back at once instead of waiting for the reconciler.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A reserved message waits behind a running job while another worker idles.
        worker_prefetch_multiplier=1,
        # A reconnect must not leave the old run going beside its redelivery.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Running jobs get this long to end when the worker is asked to stop, under a usual 30 s grace.
        worker_soft_shutdown_timeout=20,
        # Children are replaced before leaks in C extensions grow large.
        worker_max_tasks_per_child=2000,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(broker_url),
        timezone="UTC",
        enable_utc=True,
    )
    return app


def _transport_options(broker_url: str) -> dict[str, object]:
    if not broker_url.startswith(("redis", "unix", "rediss")):
        # A publish that the broker did not confirm was not made.
        return {"confirm_publish": True}
    return {
        # Longer than the longest job: redelivery of a running one would only meet the claim's refusal.
        "visibility_timeout": 7200,
        # Without it a publish on a dead link waits for ever.
        "socket_timeout": 20,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def publish(app: Celery, job_ids: list[UUID], queue: str, timeout_s: int) -> None:
    """Hand jobs to the broker as one message."""
    app.send_task(
        RUN_TASK,
        args=[[str(job_id) for job_id in job_ids]],
        queue=queue,
        task_id=str(job_ids[0]),
        soft_time_limit=timeout_s,
        time_limit=timeout_s + 15,
        retry=False,
    )
