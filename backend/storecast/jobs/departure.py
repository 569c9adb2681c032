"""A shop that has uninstalled the app: what it has running and waiting stops; what the law still asks for goes on.

Schedules need no stopping: those of a shop that has left are passed over, and go on when it comes back.
"""

from collections.abc import Callable

import structlog
from sqlalchemy import case, null, select, update
from sqlalchemy.orm import Session

from storecast.jobs import workflows
from storecast.jobs.models import Workflow
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from storecast.worker.task import registered

log = structlog.get_logger(__name__)

Farewell = Callable[[Session, ShopId], None]

_farewells: list[Farewell] = []


def also(farewell: Farewell) -> Farewell:
    """Call the function too when a shop leaves: what a module above has under way is more than its jobs."""
    if farewell not in _farewells:
        _farewells.append(farewell)
    return farewell


def stop_everything(session: Session, shop_id: ShopId) -> None:
    """Cancel the shop's workflows and jobs but those that outlive it. Safe to repeat."""
    for farewell in _farewells:
        farewell(session, shop_id)
    scope = Scope(shop_id, tracebacks=False, actor="storecast", home=shop_id)
    for workflow_id in session.scalars(
        select(Workflow.id)
        .where(Workflow.shop_id == shop_id, Workflow.state.in_(("running", "paused")))
        .order_by(Workflow.id)
    ).all():
        workflows.cancel(session, scope, workflow_id)
    session.flush()
    outliving = [name for name, job_type in registered().items() if job_type.outlives_shop]
    # Newest first, as everybody locks jobs.
    waiting = session.scalars(
        select(OutboxJob.id)
        .where(
            OutboxJob.shop_id == shop_id,
            OutboxJob.name.not_in(outliving),
            OutboxJob.cancel_requested_at.is_(None),
        )
        .order_by(OutboxJob.id.desc())
        .with_for_update()
    ).all()
    session.execute(
        update(OutboxJob)
        .where(OutboxJob.id.in_(waiting))
        .values(
            cancel_requested_at=utcnow(),
            # A job staged with the same key from now on must not be taken for covered by one that never runs.
            unique_key=case((OutboxJob.state == "running", OutboxJob.unique_key), else_=null()),
        )
        .execution_options(synchronize_session=False)
    )
    outbox.wake(session)
    if waiting:
        log.info("shop_jobs_stopped", shop_id=shop_id, count=len(waiting))
