"""What polling finds and no delivery told of is counted, once."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.entrypoints.modules import register_jobs
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks import service
from storecast.webhooks.missed import GRACE
from storecast.webhooks.models import InboxEntry, MissedCount

register_jobs()

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GID = "gid://shopify/Product/77"


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def told(session: Session, shop: Shop, at: datetime, topic: str = "products/update") -> None:
    """A delivery about the product that was handled."""
    body = {"id": 77, "title": "LP", "updated_at": at.isoformat(), "variants": []}
    session.add(
        InboxEntry(
            shop_id=shop.id, shop_domain=shop.domain, webhook_id=f"{topic}{at}", topic=topic,
            triggered_at=at, body=orjson.dumps(body),
        )
    )  # fmt: skip
    session.flush()
    service.drain(session, ShopId(shop.id), now=NOW)


def counts(session: Session) -> list[tuple[str, str, int, int]]:
    rows = session.scalars(select(MissedCount).execution_options(populate_existing=True)).all()
    return [(str(row.day), row.family, row.polled, row.missed) for row in rows]


def test_a_change_that_a_delivery_told_of_is_not_missed(
    session: Session, shop: Shop, shop_id: ShopId
) -> None:
    told(session, shop, NOW - HOUR)
    assert service.note_polled(session, shop_id, "products", [(GID, NOW - HOUR)], NOW) == 0
    assert counts(session) == [("2026-11-21", "products", 1, 0)]


def test_a_newer_change_and_an_unknown_object_are_missed_once(
    session: Session, shop: Shop, shop_id: ShopId
) -> None:
    told(session, shop, NOW - 2 * HOUR)
    seen = [(GID, NOW - HOUR), ("gid://shopify/Product/78", NOW - HOUR)]
    assert service.note_polled(session, shop_id, "products", seen, NOW) == 2
    assert service.note_polled(session, shop_id, "products", seen, NOW) == 0
    assert counts(session) == [("2026-11-21", "products", 4, 2)]


def test_what_was_deleted_meanwhile_is_not_missed(session: Session, shop: Shop, shop_id: ShopId) -> None:
    told(session, shop, NOW - 2 * HOUR, "products/delete")
    assert service.note_polled(session, shop_id, "products", [(GID, NOW - HOUR)], NOW) == 0


def test_what_may_still_be_on_its_way_and_what_was_before_the_installation_do_not_count(
    session: Session, shop_id: ShopId
) -> None:
    session.get_one(Shop, shop_id).installed_at = NOW - HOUR
    session.flush()
    seen = [(GID, NOW - GRACE + timedelta(seconds=1)), ("gid://shopify/Product/78", NOW - 2 * HOUR)]
    assert service.note_polled(session, shop_id, "products", seen, NOW) == 0
    assert counts(session) == []
