"""Inboxes with real processes: what a dead drain left is picked up, and nobody's backlog or first sync keeps another
shop waiting.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.orm import Session

from storecast.auth import id_tokens, service
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks.jobs import DrainInbox, SweepInbox
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.processes import process, relay, wait_until, worker
from tests.simulated_shopify import simulated_world

BACKLOG = 60_000
"""More than one turn takes, on a machine ten times as fast too; the test ends with the first turn."""

STORE = 20_000
"""Customers of a store whose first sync lasts many times as long as the neighbour's deliveries."""

STEPS, STEP = 3, 50


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connected:
        yield connected


def deliver(
    connection: psycopg.Connection, shop: Shop, count: int, received_at: datetime, first: int = 1
) -> None:
    connection.execute(
        """
        INSERT INTO webhook_inbox (shop_id, shop_domain, webhook_id, topic, body, received_at)
        SELECT %s, %s, 'webhook-' || %s || '-' || n, 'customers/update',
               convert_to(json_build_object('id', n, 'email', 'c' || n || '@example.com', 'updated_at',
                                            '2026-11-01T10:00:00Z')::text, 'UTF8'), %s
          FROM generate_series(%s::int, %s::int) AS n
        """,
        [shop.id, shop.domain, shop.id, received_at, first, first + count - 1],
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


def test_a_first_sync_does_not_keep_anothers_deliveries_waiting(
    other_shop: Shop, connection: psycopg.Connection, platform: Session, redis_url: str, tmp_path: Path
) -> None:
    """Workers as docker-compose.yml groups them, one slot each: batch after batch of deliveries, each asked for when
    the one before is handled, comes to its end while the neighbour's import is under way.
    """
    with simulated_world(tmp_path, customers=STORE) as shopify:
        raw = shopify.id_token()
        syncing = service.embedded_principal(
            id_tokens.verify(raw, get_settings().shopify, now=utcnow()), raw
        ).shop_id

        def sync() -> tuple[str, int]:
            query = """
                SELECT run.state, coalesce(sum(rows_done), 0)::int FROM sync_runs AS run
                  LEFT JOIN sync_resources AS resource ON resource.sync_run_id = run.id
                 WHERE run.shop_id = %s GROUP BY run.state
            """
            found = connection.execute(query, [syncing]).fetchone()
            return (found[0], found[1]) if found else ("none", 0)

        celery = ("celery", "-A", "storecast.entrypoints.worker", "worker", "-c", "1")
        sync_worker = process(tmp_path, "sync", *celery, "-Q", "sync", "-n", "sync@host")
        bulk_worker = process(tmp_path, "bulk", *celery, "-Q", "bulk", "-n", "bulk@host")
        with relay(tmp_path), worker(tmp_path, "critical", "default"), sync_worker, bulk_worker:
            wait_until(lambda: sync()[1] > 0, "the first rows of the import")
            began_with = sync()[1]
            for step in range(STEPS):
                deliver(connection, other_shop, STEP, utcnow(), first=1 + step * STEP)
                outbox.add(platform, ShopId(other_shop.id), DrainInbox())
                platform.commit()
                wait_until(lambda: pending(connection, other_shop) == 0, "the other shop's deliveries")
            state, rows = sync()
        assert state == "importing"
        assert rows > began_with
    done = "SELECT count(*) FROM webhook_inbox WHERE shop_id = %s AND outcome = 'applied'"
    assert connection.execute(done, [other_shop.id]).fetchone() == (STEPS * STEP,)
    people = "SELECT count(*) FROM customers WHERE shop_id = %s"
    assert connection.execute(people, [other_shop.id]).fetchone() == (STEPS * STEP,)
