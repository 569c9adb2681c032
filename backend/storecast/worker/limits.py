"""What operators set for queues, kinds of jobs and shops: pauses, caps, rates, weights. The relay obeys them."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.worker import outbox
from storecast.worker.models import WorkLimit

Kind = Literal["queue", "job", "shop"]


def pause(session: Session, kind: Kind, key: str, by: str) -> None:
    """Release nothing more of it; what is in flight goes on. Pausing again changes nothing."""
    statement = insert(WorkLimit).values(kind=kind, key=key, paused_at=func.now(), paused_by=by)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "key"],
            set_={"paused_at": func.now(), "paused_by": by, "updated_at": func.now()},
            where=WorkLimit.paused_at.is_(None),
        )
    )


def resume(session: Session, kind: Kind, key: str) -> None:
    """Release it again."""
    put(session, kind, key, paused_at=None, paused_by=None)
    outbox.wake(session)


def put(session: Session, kind: Kind, key: str, **values: object) -> None:
    """Set columns of `WorkLimit`; a rate begins with a full bucket."""
    if "rate" in values or "rate_period_s" in values:
        values |= {"tokens": None, "tokens_at": None}
    statement = insert(WorkLimit).values(kind=kind, key=key, **values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "key"], set_={**values, "updated_at": func.now()}
        )
    )
    outbox.wake(session)


def all_limits(session: Session) -> Sequence[WorkLimit]:
    """Every limit that was ever set."""
    query = select(WorkLimit).order_by(WorkLimit.kind, WorkLimit.key)
    return session.scalars(query.execution_options(populate_existing=True)).all()
