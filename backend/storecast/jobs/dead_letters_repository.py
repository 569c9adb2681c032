"""SQL of dead letters by fingerprint, and of the notes on them.

Counted from one index that holds open dead letters only, with the columns that counting needs: fifty thousand of
them are read without touching the table. Only the newest run of each group on the page is read whole.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, Text, Uuid, cast, func, literal, select, true
from sqlalchemy.orm import Session

from storecast.jobs import search_repository
from storecast.jobs.models import DeadLetterNote
from storecast.jobs.search_repository import Filter
from storecast.kit.types import ShopId
from storecast.worker.models import JobRun

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

NOTES_SHOWN = 200


def list_groups(
    session: Session, wanted: Filter, *, since: datetime, before: UUID | None, limit: int
) -> list[AnyRow]:
    """Groups of what matches, the one with the newest job first."""
    search_repository.plan_with_values(session)
    groups = _groups(search_repository.dead_conditions(wanted), since)
    if before is not None:
        groups = groups.having(_newest() < str(before))
    page = groups.order_by(_newest().desc()).limit(limit).subquery()
    return _with_samples(session, page)


def find_group(
    session: Session, shop_id: ShopId | None, fingerprint: str, *, since: datetime
) -> AnyRow | None:
    """The group of a fingerprint; when all of it was dealt with, its newest run with a count of 0."""
    wanted = Filter(scope=shop_id, state="dead", fingerprint=fingerprint)
    found = _with_samples(session, _groups(search_repository.dead_conditions(wanted), since).subquery())
    if found:
        return found[0]
    runs = select(
        JobRun.fingerprint,
        literal(0).label("runs"),
        literal(0).label("shops"),
        JobRun.finished_at.label("first_at"),
        JobRun.finished_at.label("last_at"),
        JobRun.id.label("last_id"),
        JobRun.name,
        JobRun.error,
        JobRun.error_class,
    ).where(JobRun.state == "dead", JobRun.fingerprint == fingerprint, JobRun.finished_at >= since)
    runs = runs if shop_id is None else runs.where(JobRun.shop_id == shop_id)
    return session.execute(runs.order_by(JobRun.id.desc()).limit(1)).one_or_none()


def is_known(session: Session, shop_id: ShopId | None, fingerprint: str) -> bool:
    """Whether any dead letter in sight has the fingerprint."""
    query = select(JobRun.id).where(JobRun.state == "dead", JobRun.fingerprint == fingerprint).limit(1)
    query = query if shop_id is None else query.where(JobRun.shop_id == shop_id)
    return session.scalar(query) is not None


def list_notes(session: Session, fingerprint: str) -> Sequence[DeadLetterNote]:
    """Notes on the group, newest first."""
    return session.scalars(
        select(DeadLetterNote)
        .where(DeadLetterNote.fingerprint == fingerprint)
        .order_by(DeadLetterNote.id.desc())
        .limit(NOTES_SHOWN)
    ).all()


def count_notes(session: Session, fingerprints: Sequence[str]) -> dict[str, int]:
    rows = session.execute(
        select(DeadLetterNote.fingerprint, func.count().label("notes"))
        .where(DeadLetterNote.fingerprint.in_(fingerprints))
        .group_by(DeadLetterNote.fingerprint)
    )
    return {row.fingerprint: row.notes for row in rows}


def add_note(
    session: Session, *, fingerprint: str, job_id: UUID | None, body: str, author: str
) -> DeadLetterNote:
    note = DeadLetterNote(fingerprint=fingerprint, job_id=job_id, body=body, author=author)
    session.add(note)
    session.flush()
    session.refresh(note)
    return note


def _newest() -> Any:
    # PostgreSQL has no max() of a uuid before version 18; as text they sort the same.
    return func.max(cast(JobRun.id, Text))


def _groups(conditions: Sequence[Any], since: datetime) -> Select[Any]:
    return (
        select(
            JobRun.fingerprint,
            func.count().label("runs"),
            func.count(func.distinct(JobRun.shop_id)).label("shops"),
            func.min(JobRun.finished_at).label("first_at"),
            func.max(JobRun.finished_at).label("last_at"),
            cast(_newest(), Uuid).label("last_id"),
        )
        .where(*conditions, JobRun.fingerprint.is_not(None), JobRun.finished_at >= since)
        .group_by(JobRun.fingerprint)
    )


def _with_samples(session: Session, page: Any) -> list[AnyRow]:
    sample = (
        select(JobRun.name, JobRun.error, JobRun.error_class)
        .where(JobRun.id == page.c.last_id)
        .limit(1)
        .lateral()
    )
    query = select(*page.c, *sample.c).select_from(page.join(sample, true())).order_by(page.c.last_id.desc())
    return list(session.execute(query).all())
