"""Rules of segments: saved trees, their counts, and who is in them.

A saved tree is always one that `rules.parse` accepted. Counts are those of the instant in ``counted_at``;
whoever sends asks `members`, never the count.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, Select, false, func
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.customers import shopify_segments, writing
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.segments import references, repository, schemas
from storecast.segments.compiler import Calendar, Compiler, Known, select_members
from storecast.segments.errors import (
    SegmentChanged,
    SegmentInUse,
    SegmentNameTaken,
    SegmentTooSlow,
    SegmentUnknown,
)
from storecast.segments.fields import grouped
from storecast.segments.models import Segment
from storecast.segments.rules import Condition, Group, Negation, list_conditions, parse
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

PAGE_SIZE = 50
SAMPLE_SIZE = 5
CHOICES = 50

SEGMENTS_ASKED = 100
"""Whether each holds a customer is a look at one row; a page that waits for more of them waits too long."""

COUNT_TIMEOUT_MS = 10_000
"""A person waits for a count; longer than this is an error to tell, not a wait."""


def fields() -> schemas.Fields:
    """The catalogue for the rule builder."""
    return schemas.Fields(
        groups=[
            schemas.FieldGroup(
                key=group,
                fields=[
                    schemas.FieldInfo(
                        key=field.key,
                        type=field.type,
                        operators=list(field.operators),
                        options=list(field.options),
                        subjects=list(field.subjects),
                    )
                    for field in members
                ],
            )
            for group, members in grouped()
        ]
    )


def count_rules(session: Session, shop_id: ShopId, tree: object) -> int:
    """How many customers the rules describe."""
    return count_members(session, _ask(session, shop_id, tree).members())


def preview(session: Session, shop_id: ShopId, tree: object) -> schemas.SegmentPreview:
    """Count the tree without saving it, with a few of its members."""
    started = time.monotonic()
    asked = _ask(session, shop_id, tree, strict=True)
    chosen = asked.members()
    count = count_members(session, chosen)
    sample = repository.sample_members(session, chosen, SAMPLE_SIZE, COUNT_TIMEOUT_MS) if count else []
    return schemas.SegmentPreview(
        count=count,
        total=customers.count(session, shop_id),
        sample=customers.list_rows(session, shop_id, sample),
        took_ms=round((time.monotonic() - started) * 1000),
        unread=shopify_segments.list_unread(session, shop_id, list(asked.known.shopify_segments)),
    )


def explain(session: Session, shop_id: ShopId, tree: object, customer_id: str) -> schemas.Explanation:
    """Whether a customer is a member and why: every condition with what it looked at, by the SQL that counts."""
    asked = _ask(session, shop_id, tree, strict=True)
    customer = customers.get(session, shop_id, customer_id)
    compiler = Compiler.over(shop_id, asked.calendar, asked.known)
    conditions = list(list_conditions(asked.rules))
    columns: list[ColumnElement[Any]] = [func.coalesce(compiler.membership(asked.rules), false())]
    for _at, condition in conditions:
        columns += [func.coalesce(compiler.membership(condition), false()), compiler.seen(condition)]
    labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
    member, *found = repository.look(session, compiler.audience, labelled, customer.id)
    return schemas.Explanation(
        customer_id=customer_id,
        member=member,
        conditions=[
            schemas.ConditionSeen(
                pointer=pointer,
                field=condition.field,
                holds=found[2 * number],
                seen=_shown(found[2 * number + 1]),
            )
            for number, (pointer, condition) in enumerate(conditions)
        ],
    )


def _shown(seen: Any) -> Any:
    return seen.isoformat() if isinstance(seen, datetime) else seen


def create(session: Session, shop_id: ShopId, *, name: str, tree: dict[str, Any]) -> Segment:
    """Save a tree under a name of its own."""
    asked = _ask(session, shop_id, tree, strict=True, saving=True)
    count = count_members(session, asked.members())
    if repository.name_taken(session, shop_id, name, besides=None):
        raise SegmentNameTaken
    segment = Segment(
        shop_id=shop_id,
        public_id=public_id("seg"),
        name=name,
        rules=tree,
        version=1,
    )
    repository.add(session, segment)
    _note_count(session, segment, count, asked.calendar)
    shopify_segments.want_members(session, shop_id, list(asked.known.shopify_segments))
    log.info("segment_created", shop_id=shop_id, segment_id=segment.public_id)
    return segment


def replace(
    session: Session,
    shop_id: ShopId,
    segment_id: str,
    *,
    name: str,
    tree: dict[str, Any],
    version: int | None,
) -> Segment:
    """Change name and tree; refused when ``version`` is given and no longer the current one. Locks the row."""
    asked = _ask(session, shop_id, tree, strict=True, saving=True, own_id=segment_id)
    count = count_members(session, asked.members())
    segment = repository.lock(session, shop_id, segment_id)
    if segment is None:
        raise SegmentUnknown
    if version is not None and version != segment.version:
        raise SegmentChanged(version=segment.version)
    if repository.name_taken(session, shop_id, name, besides=segment.id):
        raise SegmentNameTaken
    segment.name, segment.rules = name, tree
    segment.version += 1
    segment.updated_at = utcnow()
    _note_count(session, segment, count, asked.calendar)
    shopify_segments.want_members(session, shop_id, list(asked.known.shopify_segments))
    session.flush()
    return segment


def get(session: Session, shop_id: ShopId, segment_id: str) -> Segment:
    """The segment of a public id; raises SegmentUnknown."""
    segment = repository.find(session, shop_id, segment_id)
    if segment is None:
        raise SegmentUnknown
    return segment


def find_by_id(session: Session, shop_id: ShopId, internal_id: int) -> Segment | None:
    """The segment of an internal id."""
    return repository.find_by_id(session, shop_id, internal_id)


def names(session: Session, shop_id: ShopId, internal_ids: Sequence[int]) -> dict[int, str]:
    """Names by internal id."""
    return repository.names(session, shop_id, internal_ids)


def public_ids_of(session: Session, shop_id: ShopId, internal_ids: Sequence[int]) -> dict[int, str]:
    """The public ids of those that there are."""
    return repository.public_ids_of(session, shop_id, internal_ids) if internal_ids else {}


def remove(session: Session, shop_id: ShopId, segment_id: str) -> None:
    """Delete the segment; drafts that used it need another one. Refused while another segment asks for it."""
    repository.lock_all(session, shop_id)
    if users := references.users_of(session, shop_id, "segment", segment_id):
        raise SegmentInUse(segments=users)
    repository.remove(session, shop_id, get(session, shop_id, segment_id).id)
    log.info("segment_removed", shop_id=shop_id, segment_id=segment_id)


def count(session: Session, shop_id: ShopId) -> int:
    """How many segments the shop has."""
    return repository.count(session, shop_id)


def list_page(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[schemas.Segment]:
    """Newest first."""
    after = _read_cursor(cursor) if cursor else None
    found = repository.list_newest(session, shop_id, after, PAGE_SIZE + 1)
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    return Page(
        items=[shape(segment) for segment in found[:PAGE_SIZE]],
        next_cursor=encode_cursor(last.created_at, last.id) if last else None,
    )


def members(session: Session, shop_id: ShopId, internal_id: int) -> Select[Any]:
    """Everyone in the segment now, with all columns of `customers.selectables.audience`."""
    segment = repository.find_by_id(session, shop_id, internal_id)
    if segment is None:
        raise SegmentUnknown
    return _ask(session, shop_id, segment.rules).members()


def _members_by_public_id(session: Session, shop_id: ShopId, segment_id: str) -> Select[Any]:
    return members(session, shop_id, get(session, shop_id, segment_id).id)


writing.provide_members(_members_by_public_id)


def list_of_customer(session: Session, shop_id: ShopId, customer_id: str) -> list[schemas.Segment]:
    """Those of the newest segments that hold a customer now, newest first; raises CustomerUnknown."""
    internal_id = customers.get(session, shop_id, customer_id).id
    return [
        shape(segment)
        for segment in repository.list_newest(session, shop_id, None, SEGMENTS_ASKED)
        if repository.holds(session, _ask(session, shop_id, segment.rules).members(), internal_id)
    ]


def recount(session: Session, shop_id: ShopId) -> int:
    """Count every segment of the shop anew; returns how many there were."""
    segments = repository.list_all(session, shop_id)
    for segment in segments:
        _recount(session, shop_id, segment)
    return len(segments)


def _recount(session: Session, shop_id: ShopId, segment: Segment) -> int:
    asked = _ask(session, shop_id, segment.rules)
    count = count_members(session, asked.members())
    _note_count(session, segment, count, asked.calendar)
    shopify_segments.want_members(session, shop_id, list(asked.known.shopify_segments))
    return count


def _note_count(session: Session, segment: Segment, count: int, calendar: Calendar) -> None:
    segment.member_count, segment.counted_at = count, calendar.now
    day = calendar.now.astimezone(ZoneInfo(calendar.timezone)).date()
    repository.note_size(session, ShopId(segment.shop_id), segment.id, day, count)


def sizes(session: Session, shop_id: ShopId, segment_id: str, days: int) -> schemas.SegmentSizes:
    """How many members the segment had on the last days."""
    segment = get(session, shop_id, segment_id)
    zone = ZoneInfo(shops.get(session, shop_id).timezone)
    since = utcnow().astimezone(zone).date() - timedelta(days=days - 1)
    found = repository.list_sizes(session, shop_id, segment.id, since)
    return schemas.SegmentSizes(
        items=[schemas.SegmentSize(day=row.day, member_count=row.member_count) for row in found]
    )


def choices(
    session: Session, shop_id: ShopId, kind: references.Kind, *, search: str, ids: Sequence[str]
) -> schemas.Choices:
    """What a rule may refer to, by name."""
    found = references.list_choices(session, shop_id, kind, search=search, ids=ids, limit=CHOICES)
    shown = list(found.items())[:CHOICES]
    return schemas.Choices(items=[schemas.Choice(id=key, name=name) for key, name in shown])


def recount_one(session: Session, shop_id: ShopId, segment_id: str) -> int | None:
    """Count one segment anew; None when it is gone."""
    segment = repository.find(session, shop_id, segment_id)
    if segment is None:
        return None
    return _recount(session, shop_id, segment)


def public_ids(session: Session, shop_id: ShopId, limit: int) -> Sequence[str]:
    """The segments' public ids, oldest first."""
    return repository.public_ids(session, shop_id, limit)


def shape(segment: Segment) -> schemas.Segment:
    """The segment as the API shows it."""
    return schemas.Segment(
        id=segment.public_id,
        name=segment.name,
        rules=dict(segment.rules),
        member_count=segment.member_count,
        counted_at=segment.counted_at,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
        version=segment.version,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Parsed rules with all that they refer to."""

    shop_id: ShopId
    rules: Group | Negation | Condition
    calendar: Calendar
    known: Known

    def members(self) -> Select[Any]:
        """Who they describe."""
        return select_members(self.shop_id, self.rules, self.calendar, self.known)


def _ask(
    session: Session,
    shop_id: ShopId,
    tree: object,
    *,
    strict: bool = False,
    saving: bool = False,
    own_id: str | None = None,
) -> _Asked:
    """Read rules; ``strict`` refuses what refers to nothing. ``saving`` a reference to a segment locks them all."""
    shop = shops.get(session, shop_id)
    calendar = Calendar(now=utcnow(), timezone=shop.timezone, currency=shop.currency)
    rules = parse(tree, currency=shop.currency)
    if saving and references.segments_named(rules):
        repository.lock_all(session, shop_id)
    known = references.resolve(session, shop_id, rules, currency=shop.currency, own_id=own_id)
    if strict:
        references.refuse_missing(session, shop_id, rules, known, currency=shop.currency)
    return _Asked(shop_id, rules, calendar, known)


def count_members(session: Session, chosen: Select[Any]) -> int:
    """How many rows the selection has; raises SegmentTooSlow past `COUNT_TIMEOUT_MS`."""
    try:
        return repository.count_members(session, chosen, COUNT_TIMEOUT_MS)
    except OperationalError as error:  # psycopg's QueryCanceled arrives as one
        if getattr(error.orig, "sqlstate", None) == "57014":
            raise SegmentTooSlow from error
        raise


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, internal_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), int(internal_id)
    except (TypeError, ValueError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
