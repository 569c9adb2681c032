"""Rules of suggested segments: finding groups of buyers, showing them, saving one as a segment.

The groups that were found last part the shop's buyers: each is in exactly one. Their rules are ordinary rules of
segments, counted by the same SQL.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from storecast.ai import clusters, repository, schemas
from storecast.ai.errors import MicroSegmentUnknown
from storecast.ai.grid import Cell, Edges, edges_of, rules_of
from storecast.ai.labels import Figures, Label, labels_of
from storecast.ai.models import MicroSegment
from storecast.ai.repository import Counted
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.money import Money
from storecast.kit.types import ShopId
from storecast.segments import service as segments
from storecast.segments.compiler import Calendar
from storecast.segments.rules import parse
from storecast.segments.schemas import Segment
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

FEWEST_BUYERS = 50
"""Below, groups are a dozen people each and say more about chance than about the shop."""


def find(session: Session, shop_id: ShopId) -> int:
    """Group the shop's buyers anew in place of what was found before; returns how many groups there are."""
    repository.lock_shop(session, shop_id)
    shop = shops.get(session, shop_id)
    calendar = Calendar(now=utcnow(), timezone=shop.timezone, currency=shop.currency)
    spread = repository.spread(session, shop_id, calendar.now)
    rows: list[dict[str, Any]] = []
    if spread.buyers >= FEWEST_BUYERS:
        edges = edges_of(spread, shop.currency)
        cells = repository.cells(session, shop_id, edges, calendar)
        rows = _suggestions(session, shop_id, cells, edges, calendar)
    repository.write(session, rows)
    repository.forget_before(session, shop_id, calendar.now)
    log.info("micro_segments_found", shop_id=shop_id, buyers=spread.buyers, found=len(rows))
    return len(rows)


def list_found(session: Session, shop_id: ShopId) -> schemas.MicroSegments:
    """The groups that were found last, those who spend the most first."""
    if not repository.has_buyers(session, shop_id, FEWEST_BUYERS):
        return schemas.MicroSegments(items=[], found_at=None, reason="too_few_buyers")
    found = repository.list_newest(session, shop_id)
    if not found:
        return schemas.MicroSegments(items=[], found_at=None, reason="not_yet")
    currency = shops.get(session, shop_id).currency
    items = [_shape(session, shop_id, each, currency) for each in found]
    items.sort(key=lambda item: (-item.facts.spend_per_customer.amount_minor, item.id))
    return schemas.MicroSegments(items=items, found_at=found[0].found_at, reason=None)


def adopt(session: Session, shop_id: ShopId, micro_segment_id: str, *, name: str) -> tuple[Segment, bool]:
    """The segment that the suggestion is saved as, and whether it is a new one. Locks the suggestion."""
    suggestion = repository.lock(session, shop_id, micro_segment_id)
    if suggestion is None:
        raise MicroSegmentUnknown
    if suggestion.segment_id is not None:
        saved = segments.find_by_id(session, shop_id, suggestion.segment_id)
        if saved is not None:
            return segments.shape(saved), False
    segment = segments.create(session, shop_id, name=name, tree=dict(suggestion.rules))
    suggestion.segment_id = segment.id
    session.flush()
    log.info(
        "micro_segment_adopted",
        shop_id=shop_id,
        micro_segment_id=micro_segment_id,
        segment_id=segment.public_id,
    )
    return segments.shape(segment), True


def _suggestions(
    session: Session, shop_id: ShopId, cells: Sequence[Cell], edges: Edges, calendar: Calendar
) -> list[dict[str, Any]]:
    boxes = clusters.partition(cells, edges)
    trees = [rules_of(box, edges, calendar.currency) for box in boxes]
    parsed = [parse(tree, currency=calendar.currency) for tree in trees]
    counted = repository.count_groups(session, shop_id, parsed, calendar)
    labels = labels_of([_figures(group) for group in counted])
    return [
        _row(shop_id, tree, group, label, calendar.now)
        for tree, group, label in zip(trees, counted, labels, strict=True)
    ]


def _figures(group: Counted) -> Figures:
    each = max(1, group.customers)
    return Figures(group.orders / each, group.spent_minor / each, group.median_days or 0)


def _row(
    shop_id: ShopId, tree: dict[str, Any], group: Counted, label: Label, found_at: datetime
) -> dict[str, Any]:
    figures = _figures(group)
    return {
        "shop_id": shop_id,
        "public_id": public_id("mic"),
        "label": label.key,
        "number": label.number,
        "rules": tree,
        "customers": group.customers,
        "facts": {
            "orders_per_customer": round(figures.orders, 2),
            "spend_per_customer_minor": round(figures.spent_minor),
            "median_days_since_order": group.median_days,
        },
        "found_at": found_at,
    }


def _shape(session: Session, shop_id: ShopId, each: MicroSegment, currency: str) -> schemas.MicroSegment:
    saved = segments.find_by_id(session, shop_id, each.segment_id) if each.segment_id is not None else None
    facts: dict[str, Any] = each.facts
    return schemas.MicroSegment(
        id=each.public_id,
        label=each.label,
        number=each.number,
        rules=dict(each.rules),
        customers=each.customers,
        facts=schemas.MicroSegmentFacts(
            orders_per_customer=facts["orders_per_customer"],
            spend_per_customer=Money(amount_minor=facts["spend_per_customer_minor"], currency=currency),
            median_days_since_order=facts["median_days_since_order"],
        ),
        segment_id=saved.public_id if saved else None,
    )
