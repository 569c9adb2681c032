"""Which message an order is credited to: model ``last_touch``, version 2.

One statement credits any number of orders. Evidence ranks by strength: first a discount code that the order was
paid with and only one message held, whenever that was; then first visits of the order's own browser that a verified
click token brought; then clicks and opens by the order's customer. Within one strength the last touch before the
order wins. Running it again changes nothing; a touch or a refund that arrives late changes the one row of its order.
Test and cancelled orders lose theirs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Select, delete, func, literal, or_, select, text, union, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.analytics.models import Attribution
from storecast.campaigns import selectables as campaigns
from storecast.events import selectables as events
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders

MODEL = "last_touch"

LATENESS = timedelta(days=8)
"""How old an event may be when it arrives (the edge takes 7 days), with a day to spare."""

ORDER_PRECISION = timedelta(seconds=1)
"""Shopify cuts the instant of an order to the second: a touch within that second came before it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How long after a touch an order is still credited to it."""

    click: timedelta
    open: timedelta

    @property
    def longest(self) -> timedelta:
        return max(self.click, self.open)


def credit(session: Session, shop_id: ShopId, order_ids: Collection[int], windows: Windows) -> int:
    """Write the credits of these orders anew; returns how many of them have one. One at a time per shop."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('attribution'), :shop_id)"), {"shop_id": shop_id % 2**31}
    )
    best = _best_touches(shop_id, order_ids, windows)
    statement = insert(Attribution).from_select([column.name for column in best.selected_columns], best)
    new = statement.excluded
    changed = {
        name: new[name]
        for name in (
            "campaign_id",
            "delivery_id",
            "customer_id",
            "kind",
            "touch_at",
            "ordered_at",
            "amount_minor",
            "currency",
        )
    }
    upsert = statement.on_conflict_do_update(
        index_elements=[Attribution.order_id, Attribution.model], set_=changed
    ).returning(Attribution.order_id)
    credited = set(session.scalars(upsert))
    session.execute(
        delete(Attribution)
        .where(
            Attribution.shop_id == shop_id,
            Attribution.model == MODEL,
            Attribution.order_id.in_(set(order_ids) - credited),
        )
        .execution_options(synchronize_session=False)
    )
    return len(credited)


def find_affected_orders(
    session: Session,
    shop_id: ShopId,
    *,
    customer_ids: Collection[int],
    client_ids: Collection[str],
    since: datetime,
) -> list[int]:
    """Orders placed since then by these customers or from these browsers."""
    recent = orders.counted(shop_id).subquery()
    clients = _order_clients(shop_id, select(recent).where(recent.c.placed_at >= since).cte("recent_orders"))
    by_client = select(clients.c.order_id).where(clients.c.client_id.in_(client_ids))
    found = select(recent.c.id).where(
        recent.c.placed_at >= since, or_(recent.c.customer_id.in_(customer_ids), recent.c.id.in_(by_client))
    )
    return list(session.scalars(found.order_by(recent.c.id)))


def _order_clients(shop_id: ShopId, placed: CTE) -> CTE:
    """The browsers that an order came from: as the order says, or as the pixel's checkout says."""
    completed = events.checkouts(shop_id).subquery("completed")
    return union(
        select(placed.c.id.label("order_id"), placed.c.client_id).where(placed.c.client_id.is_not(None)),
        select(placed.c.id, completed.c.client_id).join(completed, completed.c.order_gid == placed.c.gid),
        select(placed.c.id, completed.c.client_id).join(
            completed, completed.c.checkout_token == placed.c.checkout_token
        ),
    ).cte("order_clients")


def _best_touches(shop_id: ShopId, order_ids: Collection[int], windows: Windows) -> Select[Any]:
    counted = orders.counted(shop_id).subquery("counted")
    placed = select(counted).where(counted.c.id.in_(order_ids)).cte("placed")
    touches = union_all(
        _by_code(shop_id, placed),
        _by_browser(shop_id, placed, windows),
        _by_customer(shop_id, placed, windows),
    ).subquery("touches")
    rank = func.row_number().over(
        partition_by=touches.c.order_id,
        # A click outranks an open of the same instant; the id makes the choice repeatable.
        order_by=(
            touches.c.strength,
            touches.c.touch_at.desc(),
            touches.c.kind,
            touches.c.delivery_id.desc(),
        ),
    )
    ranked = select(touches, rank.label("rank")).subquery("ranked")
    return (
        select(
            literal(shop_id).label("shop_id"),
            placed.c.id.label("order_id"),
            literal(MODEL).label("model"),
            ranked.c.campaign_id,
            ranked.c.delivery_id,
            placed.c.customer_id,
            ranked.c.kind,
            func.least(ranked.c.touch_at, placed.c.placed_at).label("touch_at"),
            placed.c.placed_at.label("ordered_at"),
            func.greatest(placed.c.paid_minor, 0).label("amount_minor"),
            placed.c.currency,
        )
        .join_from(placed, ranked, ranked.c.order_id == placed.c.id)
        .where(ranked.c.rank == 1)
        .order_by(placed.c.id)
    )


def _by_code(shop_id: ShopId, placed: CTE) -> Select[Any]:
    """Codes know no window: nobody else had this one, and it says by itself when it ends."""
    used = select(
        placed.c.id, placed.c.placed_at, func.unnest(placed.c.discount_codes).label("code")
    ).subquery("used")
    leased = campaigns.leased_codes(shop_id).subquery("leased")
    return (
        select(
            used.c.id.label("order_id"),
            literal(0).label("strength"),
            literal("code").label("kind"),
            leased.c.campaign_id,
            leased.c.delivery_id,
            leased.c.leased_at.label("touch_at"),
        )
        .join_from(used, leased, leased.c.code == func.upper(used.c.code))
        .where(leased.c.leased_at < used.c.placed_at + ORDER_PRECISION)
    )


def _by_browser(shop_id: ShopId, placed: CTE, windows: Windows) -> Select[Any]:
    clients = _order_clients(shop_id, placed)
    visit = events.storefront_touches(shop_id).subquery("visit")
    return (
        select(
            placed.c.id.label("order_id"),
            literal(1).label("strength"),
            literal("click").label("kind"),
            visit.c.campaign_id,
            visit.c.delivery_id,
            visit.c.touch_at,
        )
        .join_from(placed, clients, clients.c.order_id == placed.c.id)
        .join(visit, visit.c.client_id == clients.c.client_id)
        .where(
            visit.c.touch_at < placed.c.placed_at + ORDER_PRECISION,
            visit.c.touch_at >= placed.c.placed_at - windows.click,
        )
    )


def _by_customer(shop_id: ShopId, placed: CTE, windows: Windows) -> Select[Any]:
    touch = events.message_touches(shop_id).subquery("touch")
    return (
        select(
            placed.c.id.label("order_id"),
            literal(2).label("strength"),
            touch.c.kind,
            touch.c.campaign_id,
            touch.c.delivery_id,
            touch.c.touch_at,
        )
        .join_from(placed, touch, touch.c.customer_id == placed.c.customer_id)
        .where(
            touch.c.touch_at < placed.c.placed_at + ORDER_PRECISION,
            or_(
                (touch.c.kind == "click") & (touch.c.touch_at >= placed.c.placed_at - windows.click),
                (touch.c.kind == "open") & (touch.c.touch_at >= placed.c.placed_at - windows.open),
            ),
        )
    )
