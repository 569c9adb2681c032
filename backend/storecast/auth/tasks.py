"""Runs the jobs of who comes in."""

import structlog

from storecast.auth import idempotency
from storecast.auth.jobs import ForgetIdempotencyKeys
from storecast.db.session import retention_session
from storecast.kit.clock import utcnow
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

FORGET_EVERY_S = 3_600
CHUNK = 5_000
"""Keys a transaction: each lets go of its locks within a moment."""

schedule.every(ForgetIdempotencyKeys(), seconds=FORGET_EVERY_S)


@task(ForgetIdempotencyKeys)
def forget_idempotency_keys(_job: ForgetIdempotencyKeys, ctx: TaskContext) -> None:
    """Chunk by chunk, each in its own transaction."""
    before = utcnow() - idempotency.KEPT
    total, found = 0, CHUNK
    while found == CHUNK:
        ctx.check_cancelled()
        with retention_session() as session:
            found = idempotency.forget(session, before=before, limit=CHUNK)
        total += found
    log.info("idempotency_keys_forgotten", count=total)
