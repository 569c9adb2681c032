"""The jobs around a job: what it descends from, what stands beside it, what it has made."""

from uuid import UUID

from sqlalchemy.orm import Session

from storecast.jobs import repository
from storecast.jobs.errors import JobUnknown
from storecast.jobs.repository import AnyRow
from storecast.jobs.schemas import Family, FamilyNode
from storecast.jobs.scope import Scope

NODES_MAX = 200
ANCESTORS_MAX = 20
CHILDREN_MAX = 100
SIBLINGS_MAX = 40

_COLUMNS = ("id", "shop_id", "name", "parent_id", "root_id", "batch_id", "enqueued_at")


def get(session: Session, scope: Scope, job_id: UUID) -> Family:
    """The family, whole where it is small, else the nearest of it; raises JobUnknown."""
    found = repository.find_many(session, scope.shop_id, [job_id], _COLUMNS)
    if not found:
        raise JobUnknown
    job = found[0]
    root_id = job.root_id or job.id
    members = repository.family_ids(session, root_id, limit=NODES_MAX + 1)
    truncated = len({*members, root_id}) > NODES_MAX
    ids = _nearest(session, scope, job, root_id, members) if truncated else {*members, root_id, job.id}
    rows = repository.find_many(session, scope.shop_id, ids, _COLUMNS)
    return Family(nodes=[_node(row) for row in reversed(rows)], truncated=truncated)


def _nearest(session: Session, scope: Scope, job: AnyRow, root_id: UUID, members: list[UUID]) -> set[UUID]:
    """Itself, its ancestors, children and siblings, and as many of the others as there is room for."""
    ids = {job.id, root_id, *_ancestors(session, scope, job)}
    ids.update(repository.family_ids(session, root_id, parent_id=job.id, limit=CHILDREN_MAX))
    if job.parent_id is not None:
        ids.update(repository.family_ids(session, root_id, parent_id=job.parent_id, limit=SIBLINGS_MAX))
    others = (member for member in members if member not in ids)
    ids.update(list(others)[: NODES_MAX - len(ids)])
    return ids


def _ancestors(session: Session, scope: Scope, job: AnyRow) -> list[UUID]:
    line: list[UUID] = []
    parent_id = job.parent_id
    while parent_id is not None and len(line) < ANCESTORS_MAX:
        line.append(parent_id)
        found = repository.find_many(session, scope.shop_id, [parent_id], _COLUMNS)
        parent_id = found[0].parent_id if found else None
    return line


def _node(row: AnyRow) -> FamilyNode:
    return FamilyNode(
        id=str(row.id),
        name=row.name,
        title_key=f"jobs.{row.name}",
        state=row.state,
        parent_id=str(row.parent_id) if row.parent_id else None,
        batch_id=str(row.batch_id) if row.batch_id else None,
        enqueued_at=row.enqueued_at,
        finished_at=row.finished_at,
    )
