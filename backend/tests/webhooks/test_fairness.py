"""Inboxes with real processes: what a dead drain left is picked up, and nobody's backlog keeps another shop waiting."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks.jobs import DrainInbox, SweepInbox
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.processes import relay, wait_until, worker

BACKLOG = 60_000
"""More than one turn takes, on a machine ten times as fast too; the test ends with the first turn."""


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connected:
        yield connected


def deliver(connection: psycopg.Connection, shop: Shop, count: int, received_at: datetime) -> None:
    connection.execute(
        """
        INSERT INTO webhook_inbox (shop_id, shop_domain, webhook_id, topic, body, received_at)
        SELECT %s, %s, 'webhook-' || %s || '-' || n, 'customers/update',
               convert_to(json_build_object('id', n, 'email', 'c' || n || '@example.com', 'updated_at',
                                            '2026-11-01T10:00:00Z')::text, 'UTF8'), %s
          FROM generate_series(1, %s) AS n
        """,
        [shop.id, shop.domain, shop.id, received_at, count],
    )


def pending(connection: psycopg.Connection, shop: Shop) -> int:
    query = "SELECT count(*) FROM webhook_inbox WHERE shop_id = %s AND state = 'pending'"
    return int(connection.execute(query, [shop.id]).fetchall()[0][0])


def test_what_a_dead_drain_left_is_handled_without_another_delivery(
    shop: Shop, connection: psycopg.Connection, platform: Session, redis_url: str, tmp_path: Path
) -> None:
    deliver(connection, shop, 3, utcnow() - timedelta(minutes=10))
    outbox.add(platform, None, SweepInbox())
    platform.commit()

    with relay(tmp_path), worker(tmp_path, "critical", "default"):
        wait_until(lambda: pending(connection, shop) == 0, "the inbox drained")


def test_a_backlog_of_one_shop_does_not_keep_anothers_delivery_waiting(
    shop: Shop,
    other_shop: Shop,
    connection: psycopg.Connection,
    platform: Session,
    redis_url: str,
    tmp_path: Path,
) -> None:
    """One worker with one slot: the other shop's turn comes before the backlog ends."""
    deliver(connection, shop, BACKLOG, utcnow())
    outbox.add(platform, ShopId(shop.id), DrainInbox())
    platform.commit()

    with relay(tmp_path), worker(tmp_path, "critical"):
        wait_until(lambda: pending(connection, shop) < BACKLOG, "the backlog's first batch")
        deliver(connection, other_shop, 1, utcnow())
        outbox.add(platform, ShopId(other_shop.id), DrainInbox())
        platform.commit()
        wait_until(lambda: pending(connection, other_shop) == 0, "the other shop's delivery")
        assert pending(connection, shop) > 0
    platform.rollback()
    assert platform.query(OutboxJob).filter(OutboxJob.shop_id == other_shop.id).count() == 0
