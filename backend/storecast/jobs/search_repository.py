"""SQL of the list, the count and the suggestions: a typed filter to index scans over both tables.

At five million finished runs each part of a filter is served by an index, or looks at a bounded number of rows:
- what a bare word may mean (a tag, or kinds of job) and a family (its root, or those under it) are separate scans
  that are merged, since one OR over several columns would read the table;
- a term that few jobs have is read from its GIN index first and sorted after, because the planner takes a term that
  it has no statistics on for one in two hundred and would walk the list for it; a term that many have is found by
  walking;
- what no index can serve (the text of an error; for a tenant also everything whose operator row-level security does
  not trust to be evaluated first, such as terms) is looked for among the newest `WINDOW` rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storecast.jobs import repository
from storecast.jobs.repository import LIVE_STATE, AnyRow
from storecast.kit.types import ShopId
from storecast.worker.models import JobRun, OutboxJob

WINDOW = 10_000

COMMON = 20_000
"""Jobs with one term: with more of them, walking the list meets them sooner than sorting them all."""

NEAR = 5000
"""Rows that a search for a term walks before it asks the index: a common term has filled its page by then."""

SUGGESTED_FROM = 10_000

Model: TypeAlias = type[OutboxJob] | type[JobRun]
Condition: TypeAlias = ColumnElement[bool]

_FINISHED_STATES = ("succeeded", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class Word:
    """What a bare word may mean: a tag, or one of these kinds of job."""

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which jobs are meant; ``scope`` is the session's own shop, ``shop_id`` the one that was asked for."""

    scope: ShopId | None
    state: str | None = None
    shop_id: int | None = None
    name: str | None = None
    queue: str | None = None
    worker: str | None = None
    error: str | None = None
    error_class: str | None = None
    fingerprint: str | None = None
    root: UUID | None = None
    batch: UUID | None = None
    id: UUID | None = None
    terms: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()
    # Only what nobody has acted on yet.
    untouched: bool = False

    @property
    def of_failures(self) -> bool:
        """Only a dead run has what is asked for."""
        asked = (self.error, self.error_class, self.fingerprint)
        return self.state == "dead" or any(part is not None for part in asked)


def plan_with_values(session: Session) -> None:
    """Have what follows in this transaction planned for the values it is asked with.

    After a few calls PostgreSQL would plan once for any shop, any state and any number of rows: a walk over the whole
    history (24 s at five million runs) in place of a look into the index of failures (0.1 s).
    """
    session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def list_newest(session: Session, wanted: Filter, *, after: UUID | None, limit: int) -> Sequence[AnyRow]:
    """Newest first. Ids are found first, and only those of the page are read whole.

    All of a shop's, as its page opens, are found and read at once: one index serves whatever shop it is.
    """
    if wanted.scope is not None and wanted == Filter(wanted.scope) and after is None:
        return repository.newest_of_shop(session, wanted.scope, limit)
    plan_with_values(session)
    ids = list(session.scalars(_ids(session, wanted, after=after, limit=limit)))
    return repository.find_many(session, wanted.scope, ids) if ids else []


def count(session: Session, wanted: Filter, *, cap: int) -> int:
    """How many match, at most ``cap``."""
    plan_with_values(session)
    found = _ids(session, wanted, after=None, limit=cap, ordered=False).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def ids_of(session: Session, wanted: Filter, model: Model, *, before: UUID, limit: int) -> list[UUID]:
    """Ids in one table, newest first."""
    plan_with_values(session)
    return list(session.scalars(_ids(session, wanted, after=before, limit=limit, models=(model,))))


def count_of(session: Session, wanted: Filter, model: Model, *, before: UUID, cap: int) -> int:
    """How many of one table match, at most ``cap``."""
    plan_with_values(session)
    found = _ids(session, wanted, after=before, limit=cap, ordered=False, models=(model,)).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def dead_conditions(wanted: Filter) -> list[Condition]:
    """The filter as conditions on open dead letters: few enough that none of them needs a scan of its own."""
    conditions = [*_plain_conditions(JobRun, wanted), *_row_conditions(JobRun, wanted)]
    conditions += _term_conditions(JobRun, wanted.terms)
    if wanted.root is not None:
        conditions.append(or_(JobRun.root_id == wanted.root, JobRun.id == wanted.root))
    conditions += [
        or_(JobRun.name.in_(word.names), and_(*_term_conditions(JobRun, [word.text])))
        for word in wanted.words
    ]
    return conditions


def _ids(
    session: Session,
    wanted: Filter,
    *,
    after: UUID | None,
    limit: int,
    ordered: bool = True,
    models: tuple[Model, ...] = (OutboxJob, JobRun),
) -> Select[Any]:
    if wanted.scope is None:
        return _merged(session, wanted, after, limit, ordered, models)
    return _ids_of_shop(wanted, after, limit, ordered, models)


@lru_cache(maxsize=256)
def _ids_of_shop(
    wanted: Filter, after: UUID | None, limit: int, ordered: bool, models: tuple[Model, ...]
) -> Select[Any]:
    """The query of a shop, which asks the database nothing to be written; to write it takes longer than it runs."""
    return _merged(None, wanted, after, limit, ordered, models)


def _merged(
    session: Session | None,
    wanted: Filter,
    after: UUID | None,
    limit: int,
    ordered: bool,
    models: tuple[Model, ...],
) -> Select[Any]:
    scans = [
        scan
        for model in models
        if _may_hold(model, wanted)
        for scan in _scans(session, model, wanted, after=after, limit=limit, ordered=ordered)
    ]
    if not scans:
        return select(JobRun.id).where(literal(False))
    # A job that two scans find, or that ended between them, counts once.
    merged = union(*(select(scan) for scan in scans)).subquery()
    query = select(merged.c.id).limit(limit)
    return query.order_by(merged.c.id.desc()) if ordered else query


def _may_hold(model: Model, wanted: Filter) -> bool:
    if model is OutboxJob:
        return wanted.state not in ("succeeded", "dead") and wanted.fingerprint is None
    return wanted.state is None or wanted.state in _FINISHED_STATES


def _scans(
    session: Session | None, model: Model, wanted: Filter, *, after: UUID | None, limit: int, ordered: bool
) -> list[Any]:
    roots = [None] if wanted.root is None else ["root_id", "id"]
    readings = [
        _Reading(wanted, meaning, root_column) for root_column in roots for meaning in _meanings(wanted.words)
    ]
    part = _Part(after, limit, ordered)
    if model is OutboxJob:
        return [part.of(OutboxJob, reading.conditions(OutboxJob)) for reading in readings]
    return [_finished_scan(session, reading, part) for reading in readings]


@dataclass(frozen=True, slots=True)
class _Part:
    """Which part of a list is read."""

    after: UUID | None
    limit: int
    ordered: bool

    def of(self, source: Any, conditions: Sequence[Condition] = ()) -> Any:
        """Ids of the source's rows in this part."""
        query = select(source.id).where(*conditions, *self.behind(source)).limit(self.limit)
        return (query.order_by(source.id.desc()) if self.ordered else query).subquery()

    def behind(self, source: Any) -> list[Condition]:
        """What lies behind the cursor."""
        return [] if self.after is None else [source.id < self.after]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A filter with one meaning of each of its ambiguous parts."""

    wanted: Filter
    meaning: "_Meaning"
    root_column: str | None

    @property
    def terms(self) -> list[str]:
        return [*self.wanted.terms, *self.meaning.terms]

    def indexed(self, entity: Any) -> list[Condition]:
        """What the planner has an index for, whoever asks."""
        conditions = _plain_conditions(entity, self.wanted)
        if self.root_column is not None:
            conditions.append(getattr(entity, self.root_column) == self.wanted.root)
        if self.meaning.names is not None:
            conditions.append(entity.name.in_(self.meaning.names))
        return conditions

    def others(self, entity: Any) -> list[Condition]:
        """What it has none for, or none for a tenant."""
        return [*_term_conditions(entity, self.terms), *_row_conditions(entity, self.wanted)]

    def conditions(self, entity: Any) -> list[Condition]:
        return [*self.indexed(entity), *self.others(entity)]


def _finished_scan(session: Session | None, reading: _Reading, part: _Part) -> Any:
    wanted = reading.wanted
    if session is not None and reading.terms and wanted.scope is None:
        near = _near(session, reading, part)
        if len(near) == part.limit:
            return select(JobRun.id).where(JobRun.id.in_(near)).subquery()
        if not part.ordered and len(near) > NEAR // 4:
            # Walking meets the cap within a few times as many rows; the index would be read for all that match.
            return replace(part, ordered=True).of(JobRun, reading.conditions(JobRun))
        if not part.ordered or _is_rare(session, reading.terms):
            hits = _materialized(select(JobRun.id).where(*reading.conditions(JobRun)))
            return part.of(hits.c)
    if not _is_unindexed(wanted, reading.terms):
        return part.of(JobRun, reading.conditions(JobRun))
    newest = select(JobRun).where(*reading.indexed(JobRun)).order_by(JobRun.id.desc()).limit(WINDOW)
    source = aliased(JobRun, newest.subquery())
    return part.of(source, reading.others(source))


def _near(session: Session, reading: _Reading, part: _Part) -> Sequence[UUID]:
    """Matches in the first rows of the list, or of the shop's: a term that every other job has is found there."""
    shop_id = reading.wanted.shop_id
    walked = part.behind(JobRun) if shop_id is None else [JobRun.shop_id == shop_id, *part.behind(JobRun)]
    first = select(JobRun).where(*walked).order_by(JobRun.id.desc()).limit(NEAR)
    source = aliased(JobRun, first.subquery())
    query = select(source.id).where(*reading.conditions(source)).order_by(source.id.desc()).limit(part.limit)
    return session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class _Meaning:
    """One way to read all bare words: some as tags, the others as kinds of job (None: there are no others)."""

    terms: tuple[str, ...]
    names: tuple[str, ...] | None


def _meanings(words: Sequence[Word]) -> list[_Meaning]:
    meanings = []
    for as_tags in product((True, False), repeat=len(words)):
        tags = tuple(word.text for word, is_tag in zip(words, as_tags, strict=True) if is_tag)
        kinds = [set(word.names) for word, is_tag in zip(words, as_tags, strict=True) if not is_tag]
        if not kinds:
            meanings.append(_Meaning(tags, None))
        elif names := sorted(set.intersection(*kinds)):
            # Each kind of job alone is read in the list's order from its index; beside a tag they only sift.
            groups = [tuple(names)] if tags else [(name,) for name in names]
            meanings += [_Meaning(tags, group) for group in groups]
    return meanings


def _plain_conditions(entity: Any, wanted: Filter) -> list[Condition]:
    conditions = _state_conditions(entity, wanted)
    for column, value in (
        (entity.shop_id, wanted.scope),
        (entity.shop_id, wanted.shop_id),
        (entity.name, wanted.name),
        (entity.queue, wanted.queue),
        (entity.batch_id, wanted.batch),
        (entity.id, wanted.id),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.fingerprint is not None:
        conditions.append(entity.fingerprint == wanted.fingerprint)
    if wanted.worker is not None and wanted.scope is None:
        conditions += _worker_conditions(entity, wanted.worker)
    return conditions


def _state_conditions(entity: Any, wanted: Filter) -> list[Condition]:
    if entity is OutboxJob:
        return [] if wanted.state is None else [LIVE_STATE.in_((wanted.state,))]
    if wanted.state is not None:
        return [entity.state == wanted.state]
    return [entity.state == "dead"] if wanted.of_failures else []


def _row_conditions(model: Any, wanted: Filter) -> list[Condition]:
    """What only a look at the row can tell."""
    conditions: list[Condition] = []
    if model is OutboxJob:
        conditions += [model.cancel_requested_at.is_(None)] if wanted.untouched else []
    elif wanted.untouched or wanted.state == "dead":
        # Not in the walk of failures: it would read three to find one that is open.
        conditions += [model.retried_as.is_(None), model.discarded_at.is_(None)]
    if wanted.error is not None:
        conditions.append(model.error.icontains(wanted.error, autoescape=True))
    if wanted.error_class is not None:
        # A live job has no class yet; its error begins with it.
        conditions.append(
            model.error.startswith(f"{wanted.error_class}:", autoescape=True)
            if model is OutboxJob
            else model.error_class == wanted.error_class
        )
    if wanted.worker is not None and wanted.scope is not None:
        conditions += _worker_conditions(model, wanted.worker)
    return conditions


def _worker_conditions(model: Any, worker: str) -> list[Condition]:
    # Spelled as the index is: a bound parameter in its place would not be seen as the same expression.
    process = func.split_part(model.worker, text("'/'"), text("1"))
    conditions: list[Condition] = [process == worker.partition("/")[0]]
    if "/" in worker:
        conditions.append(model.worker == worker)
    return conditions


def _term_conditions(model: Any, terms: Sequence[str]) -> list[Condition]:
    if not terms:
        return []
    return [model.terms.bool_op("@>")(cast(list(terms), ARRAY(Text))), model.terms != text("'{}'")]


def _is_unindexed(wanted: Filter, terms: Sequence[str]) -> bool:
    if wanted.id is not None or wanted.fingerprint is not None or wanted.batch is not None:
        return False
    if wanted.error is not None or wanted.error_class is not None:
        return True
    return wanted.scope is not None and bool(terms or wanted.worker)


def _is_rare(session: Session, terms: Sequence[str]) -> bool:
    hits = _materialized(select(JobRun.id).where(*_term_conditions(JobRun, terms)))
    some = select(hits.c.id).limit(COMMON + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) <= COMMON


def _materialized(query: Select[Any]) -> CTE:
    """Planned for all of its rows, and yet read only as far as whoever reads it goes."""
    return query.cte().prefix_with("MATERIALIZED")


def recent_terms(session: Session, scope: ShopId | None, *, prefix: str, limit: int) -> list[str]:
    """Terms that begin so, among the newest runs, the most frequent first."""
    newest = select(JobRun.terms).order_by(JobRun.id.desc()).limit(SUGGESTED_FROM)
    newest = newest if scope is None else newest.where(JobRun.shop_id == scope)
    return _most_frequent(
        session, select(func.unnest(newest.subquery().c.terms).label("value")), prefix, limit
    )


def recent_values(
    session: Session, scope: ShopId | None, column: str, *, prefix: str, limit: int
) -> list[str]:
    """A column's values that begin so, among the newest runs (for an error's class: the newest failures)."""
    chosen: InstrumentedAttribute[Any] = getattr(JobRun, column)
    newest = select(chosen.label("value")).order_by(JobRun.id.desc()).limit(SUGGESTED_FROM)
    newest = newest if scope is None else newest.where(JobRun.shop_id == scope)
    if column == "error_class":
        newest = newest.where(JobRun.state == "dead")
    return _most_frequent(session, select(newest.subquery().c.value), prefix, limit)


def _most_frequent(session: Session, values: Select[Any], prefix: str, limit: int) -> list[str]:
    seen = values.subquery()
    query = (
        select(seen.c.value)
        .where(func.lower(seen.c.value).startswith(prefix.lower(), autoescape=True))
        .group_by(seen.c.value)
        .order_by(func.count().desc(), seen.c.value)
        .limit(limit)
    )
    return list(session.scalars(query))
