"""All SQL of the fleet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.fleet.models import FleetProcess


def upsert(session: Session, values: dict[str, Any]) -> None:
    statement = insert(FleetProcess).values(values)
    changed = {name: statement.excluded[name] for name in values if name != "name"}
    session.execute(statement.on_conflict_do_update(index_elements=[FleetProcess.name], set_=changed))


def list_all(session: Session) -> Sequence[FleetProcess]:
    return session.scalars(select(FleetProcess).order_by(FleetProcess.kind, FleetProcess.name)).all()


def remove(session: Session, name: str) -> None:
    session.execute(delete(FleetProcess).where(FleetProcess.name == name))


def remove_silent_since(session: Session, instant: datetime) -> int:
    return session.execute(delete(FleetProcess).where(FleetProcess.beat_at < instant)).rowcount  # type: ignore[attr-defined,no-any-return]
