"""All SQL of what messages show of one person and of products: over what other modules let be joined."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from storecast.customers import selectables as customer_selectables
from storecast.events import selectables as event_selectables
from storecast.kit.money import from_minor
from storecast.kit.types import ShopId
from storecast.orders import selectables as order_selectables
from storecast.products import selectables as product_selectables


def on_sale(session: Session, shop_id: ShopId, gids: Collection[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """The active ones of these products."""
    if not gids:
        return []
    known = product_selectables.on_sale(shop_id).subquery("known")
    return session.execute(select(known).where(known.c.gid.in_(sorted(gids)))).all()


def newest(session: Session, shop_id: ShopId, limit: int) -> list[str]:
    """The products that came last, newest first: Shopify's ids rise with time."""
    known = product_selectables.on_sale(shop_id).subquery("known")
    number = func.length(known.c.gid).desc(), known.c.gid.desc()
    return list(session.scalars(select(known.c.gid).order_by(*number).limit(limit)))


def best_sellers(session: Session, shop_id: ShopId, *, since: datetime, limit: int) -> list[str]:
    """The products that most pieces were bought of, the best first."""
    bought = order_selectables.bought_products(shop_id).subquery("bought")
    query = (
        select(bought.c.product_gid)
        .where(bought.c.placed_at >= since)
        .group_by(bought.c.product_gid)
        .order_by(func.sum(bought.c.quantity).desc(), bought.c.product_gid)
        .limit(limit)
    )
    return list(session.scalars(query))


def bought_together(
    session: Session, shop_id: ShopId, gids: Sequence[str], *, since: datetime, limit: int
) -> dict[str, list[str]]:
    """For each of these products what stood in the same orders, most often first."""
    if not gids:
        return {}
    one = order_selectables.bought_products(shop_id).subquery("one")
    other = order_selectables.bought_products(shop_id).subquery("other")
    often = func.count(one.c.order_id.distinct())
    query = (
        select(one.c.product_gid, other.c.product_gid.label("with_gid"))
        .join(other, other.c.order_id == one.c.order_id)
        .where(
            one.c.placed_at >= since,
            one.c.product_gid.in_(gids),
            other.c.product_gid.in_(gids),
            other.c.product_gid != one.c.product_gid,
        )
        .group_by(one.c.product_gid, other.c.product_gid)
        .order_by(one.c.product_gid, often.desc(), other.c.product_gid)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for gid, with_gid in session.execute(query):
        if len(found[gid]) < limit:
            found[gid].append(with_gid)
    return dict(found)


def viewed(
    session: Session, shop_id: ShopId, customer_ids: Sequence[int], *, since: datetime, limit: int
) -> dict[int, list[str]]:
    """What each person looked at, the last first, each product once."""
    views = event_selectables.viewed_products(shop_id).subquery("views")
    query = (
        select(views.c.customer_id, views.c.product_gid)
        .where(views.c.customer_id.in_(customer_ids), views.c.occurred_at >= since)
        .group_by(views.c.customer_id, views.c.product_gid)
        .order_by(views.c.customer_id, func.max(views.c.occurred_at).desc(), views.c.product_gid)
    )
    return _first(session.execute(query), limit)


def bought(session: Session, shop_id: ShopId, customer_ids: Sequence[int]) -> dict[int, list[str]]:
    """What each person bought, the last first, each product once."""
    lines = order_selectables.bought_products(shop_id).subquery("lines")
    query = (
        select(lines.c.customer_id, lines.c.product_gid)
        .where(lines.c.customer_id.in_(customer_ids))
        .group_by(lines.c.customer_id, lines.c.product_gid)
        .order_by(lines.c.customer_id, func.max(lines.c.placed_at).desc(), lines.c.product_gid)
    )
    return _first(session.execute(query), 20)


def last_orders(
    session: Session, shop_id: ShopId, customer_ids: Sequence[int], lines: int
) -> dict[int, dict[str, Any]]:
    """Each person's last order as templates read it, with so many lines at most."""
    orders = order_selectables.counted(shop_id).subquery("orders")
    newest = (
        select(orders)
        .where(orders.c.customer_id.in_(customer_ids))
        .ext(distinct_on(orders.c.customer_id))
        .order_by(orders.c.customer_id, orders.c.placed_at.desc(), orders.c.id.desc())
    )
    found = {row.id: row for row in session.execute(newest)}
    of = order_selectables.order_lines(shop_id).subquery("of")
    items: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in session.execute(select(of).where(of.c.order_id.in_(found)).order_by(of.c.order_id, of.c.id)):
        if len(items[line.order_id]) < lines:
            price = float(from_minor(line.price_minor, found[line.order_id].currency))
            items[line.order_id].append({"title": line.title, "quantity": line.quantity, "price": price})
    return {
        row.customer_id: {
            "name": row.name,
            "placed_at": row.placed_at.date().isoformat(),
            "total": float(from_minor(row.paid_minor, row.currency)),
            "lines": items[row.id],
        }
        for row in found.values()
    }


def open_checkouts(
    session: Session, shop_id: ShopId, customer_ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Each person's last checkout that was not paid."""
    people = customer_selectables.audience(shop_id).subquery("people")
    begun = order_selectables.open_checkouts(shop_id).subquery("begun")
    query = (
        select(people.c.id, begun)
        .join(people, people.c.gid == begun.c.customer_gid)
        .where(people.c.id.in_(customer_ids), begun.c.recovery_url.is_not(None))
        .ext(distinct_on(people.c.id))
        .order_by(people.c.id, begun.c.begun_at.desc())
    )
    return {
        row.id: {
            "url": row.recovery_url,
            "started_at": row.begun_at.date().isoformat(),
            "total": float(from_minor(row.total_minor, row.currency)),
        }
        for row in session.execute(query)
    }


def _first(rows: Any, limit: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for customer_id, gid in rows:
        if len(found[customer_id]) < limit:
            found[customer_id].append(gid)
    return dict(found)
