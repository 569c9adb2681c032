"""Rules of segments: saved trees, their counts, and who is in them.

A saved tree is always one that `rules.parse` accepted. Counts are those of the instant in ``counted_at``;
whoever sends asks `members`, never the count.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storecast.customers import selectables, writing
from storecast.customers import service as customers
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.segments import repository, schemas
from storecast.segments.compiler import Calendar, compile_rules
from storecast.segments.errors import SegmentChanged, SegmentNameTaken, SegmentTooSlow, SegmentUnknown
from storecast.segments.fields import grouped
from storecast.segments.models import Segment
from storecast.segments.rules import Condition, Group, Negation, parse
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

PAGE_SIZE = 50
SAMPLE_SIZE = 5

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
                    )
                    for field in members
                ],
            )
            for group, members in grouped()
        ]
    )


def preview(session: Session, shop_id: ShopId, tree: object) -> schemas.SegmentPreview:
    """Count the tree without saving it, with a few of its members."""
    started = time.monotonic()
    chosen = _members_of(session, shop_id, tree)
    count = count_members(session, chosen)
    sample = repository.sample_members(session, chosen, SAMPLE_SIZE, COUNT_TIMEOUT_MS) if count else []
    return schemas.SegmentPreview(
        count=count,
        total=customers.count(session, shop_id),
        sample=customers.list_rows(session, shop_id, sample),
        took_ms=round((time.monotonic() - started) * 1000),
    )


def create(session: Session, shop_id: ShopId, *, name: str, tree: dict[str, Any]) -> Segment:
    """Save a tree under a name of its own."""
    count = count_members(session, _members_of(session, shop_id, tree))
    if repository.name_taken(session, shop_id, name, besides=None):
        raise SegmentNameTaken
    segment = Segment(
        shop_id=shop_id,
        public_id=public_id("seg"),
        name=name,
        rules=tree,
        member_count=count,
        counted_at=utcnow(),
        version=1,
    )
    repository.add(session, segment)
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
    count = count_members(session, _members_of(session, shop_id, tree))
    segment = repository.lock(session, shop_id, segment_id)
    if segment is None:
        raise SegmentUnknown
    if version is not None and version != segment.version:
        raise SegmentChanged(version=segment.version)
    if repository.name_taken(session, shop_id, name, besides=segment.id):
        raise SegmentNameTaken
    now = utcnow()
    segment.name, segment.rules = name, tree
    segment.member_count, segment.counted_at = count, now
    segment.version += 1
    segment.updated_at = now
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


def remove(session: Session, shop_id: ShopId, segment_id: str) -> None:
    """Delete the segment; drafts that used it need another one."""
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
    return _members_of(session, shop_id, segment.rules)


def _members_by_public_id(session: Session, shop_id: ShopId, segment_id: str) -> Select[Any]:
    return members(session, shop_id, get(session, shop_id, segment_id).id)


writing.provide_members(_members_by_public_id)


def list_of_customer(session: Session, shop_id: ShopId, customer_id: str) -> list[schemas.Segment]:
    """Those of the newest segments that hold a customer now, newest first; raises CustomerUnknown."""
    internal_id = customers.get(session, shop_id, customer_id).id
    return [
        shape(segment)
        for segment in repository.list_newest(session, shop_id, None, SEGMENTS_ASKED)
        if repository.holds(session, _members_of(session, shop_id, segment.rules), internal_id)
    ]


def recount(session: Session, shop_id: ShopId) -> int:
    """Count every segment of the shop anew; returns how many there were."""
    segments = repository.list_all(session, shop_id)
    for segment in segments:
        segment.member_count = count_members(session, _members_of(session, shop_id, segment.rules))
        segment.counted_at = utcnow()
    return len(segments)


def recount_one(session: Session, shop_id: ShopId, segment_id: str) -> int | None:
    """Count one segment anew; None when it is gone."""
    segment = repository.find(session, shop_id, segment_id)
    if segment is None:
        return None
    segment.member_count = count_members(session, _members_of(session, shop_id, segment.rules))
    segment.counted_at = utcnow()
    return segment.member_count


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


def select_members(shop_id: ShopId, rules: Group | Negation | Condition, calendar: Calendar) -> Select[Any]:
    """The audience cut down to the members of a parsed tree."""
    audience = selectables.audience(shop_id)
    return audience.where(compile_rules(rules, audience, calendar))


def _members_of(session: Session, shop_id: ShopId, tree: object) -> Select[Any]:
    shop = shops.get(session, shop_id)
    calendar = Calendar(now=utcnow(), timezone=shop.timezone, currency=shop.currency)
    return select_members(shop_id, parse(tree, currency=shop.currency), calendar)


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
