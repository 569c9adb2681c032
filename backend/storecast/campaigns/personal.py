"""What a message shows of one person beyond their profile: products they looked at, their order, their checkout.

Looked up for a chunk of recipients at once, and only what the message's templates read.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from storecast.campaigns import personal_repository as repository
from storecast.kit.money import from_minor
from storecast.kit.types import ShopId

LIST_LENGTH = 8
"""Products in each list: two rows of four."""

ORDER_LINES = 50
VIEWED_WITHIN = timedelta(days=30)
SOLD_WITHIN = timedelta(days=90)
TOGETHER_OF = 300
"""The best-selling products for which it is kept what was bought with them: the rest sells too seldom to tell."""

Product = dict[str, Any]
_TOGETHER = "together"


def product_lists(
    session: Session, shop_id: ShopId, *, url: str, picked: Sequence[str], now: datetime
) -> dict[str, Any]:
    """The lists of products that are the same for all recipients, each item ``title``, ``url``, ``image_url`` and
    ``price``; and, by global id, what was bought together with a product.
    """
    since = now - SOLD_WITHIN
    best = repository.best_sellers(session, shop_id, since=since, limit=TOGETHER_OF)
    together = repository.bought_together(session, shop_id, best, since=since, limit=LIST_LENGTH)
    newest = repository.newest(session, shop_id, LIST_LENGTH)
    wanted = {*best[:LIST_LENGTH], *newest, *picked, *(gid for gids in together.values() for gid in gids)}
    known = products(session, shop_id, wanted, url=url)
    return {
        "picked": _known(known, picked),
        "best_sellers": _known(known, best)[:LIST_LENGTH],
        "newest": _known(known, newest),
        _TOGETHER: {gid: _known(known, gids) for gid, gids in together.items()},
    }


def products(session: Session, shop_id: ShopId, gids: Collection[str], *, url: str) -> dict[str, Product]:
    """What messages show of each product that is on sale; others are missing."""
    return {
        row.gid: _without_gaps(
            title=row.title,
            url=f"{url.rstrip('/')}/products/{row.handle}",
            image_url=row.image_url,
            price=float(from_minor(row.price_minor, row.currency)),
        )
        for row in repository.on_sale(session, shop_id, gids)
    }


def look_up(
    session: Session,
    shop_id: ShopId,
    customer_ids: Sequence[int],
    wanted: Collection[str],
    *,
    lists: Mapping[str, Any],
    url: str,
    now: datetime,
) -> dict[int, dict[str, Any]]:
    """Per customer the values of the ``wanted`` paths of `messaging.context.PERSONAL`, as far as there are any."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    if "customer.recently_viewed" in wanted:
        viewed = repository.viewed(
            session, shop_id, customer_ids, since=now - VIEWED_WITHIN, limit=LIST_LENGTH
        )
        known = products(session, shop_id, {gid for gids in viewed.values() for gid in gids}, url=url)
        for customer_id, gids in viewed.items():
            found[customer_id]["customer.recently_viewed"] = _known(known, gids)
    if "customer.bought_together" in wanted:
        for customer_id, gids in repository.bought(session, shop_id, customer_ids).items():
            found[customer_id]["customer.bought_together"] = _go_with(gids, lists.get(_TOGETHER) or {})
    if "order" in wanted:
        for customer_id, order in repository.last_orders(session, shop_id, customer_ids, ORDER_LINES).items():
            found[customer_id]["order"] = order
    if "checkout" in wanted:
        for customer_id, checkout in repository.open_checkouts(session, shop_id, customer_ids).items():
            found[customer_id]["checkout"] = checkout
    return found


def _known(known: Mapping[str, Product], gids: Sequence[str]) -> list[Product]:
    return [known[gid] for gid in gids if gid in known]


def _go_with(bought: Sequence[str], together: Mapping[str, Sequence[Product]]) -> list[Product]:
    """What others bought with what this person bought, the latest purchase first, nothing twice."""
    chosen: dict[str, Product] = {}
    for gid in bought:
        for product in together.get(gid, ()):
            chosen.setdefault(product["url"], product)
    return list(chosen.values())[:LIST_LENGTH]


def _without_gaps(**values: Any) -> Product:
    return {name: value for name, value in values.items() if value is not None and value != ""}
