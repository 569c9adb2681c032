"""Bodies go when their time is over, and not before."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.db.session import retention_session
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from storecast.webhooks import service
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.service import KEEP_DEAD, KEEP_HANDLED

NOW = utcnow()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "known_shop", "age", "kept"),
    [
        ("done", True, KEEP_HANDLED - MINUTE, True),
        ("done", True, KEEP_HANDLED + MINUTE, False),
        ("pending", True, KEEP_DEAD * 2, True),
        ("dead", True, KEEP_HANDLED + MINUTE, True),
        ("dead", True, KEEP_DEAD + MINUTE, False),
        ("pending", False, KEEP_HANDLED - MINUTE, True),
        ("pending", False, KEEP_HANDLED + MINUTE, False),
    ],
)
def test_each_kind_is_kept_for_its_time(
    shop: Shop, database: str, platform: Session, state: str, known_shop: bool, age: timedelta, kept: bool
) -> None:
    with psycopg.connect(database) as owner:
        owner.execute(
            "INSERT INTO webhook_inbox (shop_id, shop_domain, webhook_id, topic, received_at, body, state) "
            "VALUES (%s, %s, 'webhook-1', 'orders/create', %s, '{}', %s)",
            [shop.id if known_shop else None, shop.domain, NOW - age, state],
        )

    with retention_session() as session:
        assert service.forget(session, now=NOW) == (0 if kept else 1)
    assert len(platform.scalars(select(InboxEntry)).all()) == (1 if kept else 0)
