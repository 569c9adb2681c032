"""Orders that something happened to: nothing is asked of Shopify while the order's own webhook may still come."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.orders.handlers import drop_order, take_order
from storecast.shops.models import Shop
from storecast.sync import catch_up
from storecast.sync.handlers import take_edit, take_fulfillment, take_money
from storecast.sync.jobs import CatchUpOrder
from storecast.webhooks import objects
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.golden_webhooks import body, delivery

ORDER = "gid://shopify/Order/820982911946154508"


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


@pytest.mark.parametrize(
    ("topic", "take", "changed_at"),
    [
        ("orders/edited", take_edit, "2026-11-21T09:01:00-05:00"),
        ("refunds/create", take_money, "2026-11-21T10:00:00-05:00"),
        ("order_transactions/create", take_money, "2026-11-20T13:00:00-05:00"),
        ("fulfillments/create", take_fulfillment, "2026-11-21T08:00:00-05:00"),
    ],
)
def test_an_order_that_is_older_than_what_happened_to_it_is_looked_at_later_and_once(
    session: Session, shop_id: ShopId, topic: str, take: object, changed_at: str
) -> None:
    assert callable(take)
    for _ in range(2):
        take(session, shop_id, delivery(topic))

    (job,) = outbox.pending(session, CatchUpOrder)
    assert (job.order_gid, datetime.fromisoformat(job.changed_at)) == (
        ORDER,
        datetime.fromisoformat(changed_at),
    )
    assert session.scalar(select(OutboxJob.state)) == "scheduled"
    assert catch_up.is_due(session, shop_id, job)

    late = (datetime.fromisoformat(changed_at) + timedelta(seconds=1)).isoformat()
    take_order(session, shop_id, delivery("orders/updated", updated_at=late))
    assert not catch_up.is_due(session, shop_id, job)


def test_an_order_that_is_new_enough_or_gone_is_left_alone(session: Session, shop_id: ShopId) -> None:
    take_order(session, shop_id, delivery("orders/updated", updated_at="2026-11-25T00:00:00Z"))
    take_money(session, shop_id, delivery("refunds/create"))
    drop_order(session, shop_id, delivery("orders/delete"))
    objects.bury(session, shop_id, ORDER, at=datetime(2026, 11, 26, tzinfo=UTC))
    take_money(session, shop_id, delivery("refunds/create", processed_at="2026-11-27T00:00:00Z"))

    assert outbox.pending(session, CatchUpOrder) == []


def test_a_delivery_that_names_no_order_is_refused(session: Session, shop_id: ShopId) -> None:
    with pytest.raises(Permanent):
        take_money(session, shop_id, delivery("refunds/create", order_id=None))
    assert body("refunds/create")["order_id"] == 820982911946154508
