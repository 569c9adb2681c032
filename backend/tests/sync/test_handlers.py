"""Webhooks about the app itself: an uninstall forgets, a change is read anew, a finished operation is looked at."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shopify.bulk import BulkOperation, BulkStatus
from storecast.shops.models import Shop, ShopToken
from storecast.sync import operations, service
from storecast.sync.handlers import take_finished_operation, take_shop, take_uninstall
from storecast.sync.jobs import RefreshShop, WakeSync
from storecast.sync.models import SyncRun
from storecast.worker import outbox
from tests.golden_webhooks import body, delivery
from tests.simulated_shopify import SimulatedShopify, Worker

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def installed_shop(session: Session, *, installed_at: datetime | None) -> Shop:
    shop = session.scalars(select(Shop)).one()
    shop.installed_at, shop.pixel_gid, shop.pixel_state = installed_at, "gid://shopify/WebPixel/1", "active"
    session.scalars(select(ShopToken)).one().refreshed_at = installed_at or NOW - timedelta(days=1)
    session.flush()
    return shop


def tokens_kept(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ShopToken)) or 0


def test_an_uninstall_forgets_the_tokens_and_stops_what_runs(session: Session, shop_id: ShopId) -> None:
    shop = installed_shop(session, installed_at=NOW - timedelta(days=1))
    run = service.start(session, shop_id, kind="manual")

    take_uninstall(session, shop_id, delivery("app/uninstalled", triggered_at=NOW))

    assert (shop.state, shop.pixel_gid, shop.pixel_state) == ("uninstalled", None, "inactive")
    assert shop.uninstalled_at is not None
    assert tokens_kept(session) == 0
    assert run.state == "cancelled"
    assert shop.domain == "acme.myshopify.com"


def test_a_repeated_uninstall_keeps_the_first_instant(session: Session, shop_id: ShopId) -> None:
    shop = installed_shop(session, installed_at=NOW - timedelta(days=1))
    take_uninstall(session, shop_id, delivery("app/uninstalled", triggered_at=NOW))
    first = shop.uninstalled_at
    assert first is not None
    take_uninstall(session, shop_id, delivery("app/uninstalled", triggered_at=NOW))
    assert shop.uninstalled_at == first


def test_an_uninstall_from_before_the_reinstall_changes_nothing(session: Session, shop_id: ShopId) -> None:
    shop = installed_shop(session, installed_at=NOW)
    run = service.start(session, shop_id, kind="first")

    late = delivery("app/uninstalled", triggered_at=NOW - timedelta(seconds=2))
    take_uninstall(session, shop_id, late)

    assert (shop.state, shop.pixel_state, run.state) == ("installed", "active", "queued")
    assert tokens_kept(session) == 1


@pytest.mark.parametrize("topic", ["shop/update", "app/scopes_update"])
def test_a_change_of_the_shop_is_read_anew_once_however_often_it_is_told(
    session: Session, shop_id: ShopId, topic: str
) -> None:
    shop = installed_shop(session, installed_at=NOW)
    before = (shop.name, shop.currency, shop.timezone, shop.scopes)
    for _ in range(3):
        take_shop(session, shop_id, delivery(topic))

    assert outbox.pending(session, RefreshShop) == [RefreshShop()]
    assert (shop.name, shop.currency, shop.timezone, shop.scopes) == before


def test_a_shop_that_has_left_is_not_read(session: Session, shop_id: ShopId) -> None:
    take_uninstall(session, shop_id, delivery("app/uninstalled"))
    take_shop(session, shop_id, delivery("shop/update"))
    assert outbox.pending(session, RefreshShop) == []


def test_a_finished_operation_wakes_its_run_and_no_other(session: Session, shop_id: ShopId) -> None:
    run = service.start(session, shop_id, kind="manual")
    gid = str(body("bulk_operations/finish")["admin_graphql_api_id"])
    take_finished_operation(session, shop_id, delivery("bulk_operations/finish"))
    assert outbox.pending(session, WakeSync) == []

    operation = BulkOperation(gid, BulkStatus.RUNNING, None, 0, None, None, NOW)
    operations.record_requested(session, shop_id, run.id, "customers", operation)
    session.flush()
    for _ in range(2):
        take_finished_operation(session, shop_id, delivery("bulk_operations/finish"))
    take_finished_operation(session, shop_id, delivery("bulk_operations/finish", admin_graphql_api_id=None))

    assert outbox.pending(session, WakeSync) == [WakeSync(run.id)]


def test_the_end_of_an_operation_that_was_dealt_with_wakes_nobody(session: Session, shop_id: ShopId) -> None:
    run = service.start(session, shop_id, kind="manual")
    gid = str(body("bulk_operations/finish")["admin_graphql_api_id"])
    operation = BulkOperation(gid, BulkStatus.COMPLETED, None, 0, 0, None, NOW)
    operations.record_requested(session, shop_id, run.id, "customers", operation)
    session.flush()
    operations.record_looks(session, shop_id, run.id, [operation])
    session.flush()

    take_finished_operation(session, shop_id, delivery("bulk_operations/finish"))

    assert outbox.pending(session, WakeSync) == []


def test_what_is_read_anew_is_what_shopify_says_and_not_what_a_late_payload_said(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    scopes = ["read_customers", "read_orders", "read_products"]
    shopify.control("scopes", scopes=scopes)
    with tenant_session(installed) as session:
        take_shop(session, installed, delivery("app/scopes_update", current=["read_customers"]))
        take_shop(session, installed, delivery("shop/update"))

    worker.run_until_idle()

    with tenant_session(installed) as session:
        shop = session.scalars(select(Shop)).one()
        assert sorted(shop.scopes) == scopes
        assert (shop.name, shop.currency) == ("CDNOW Records", "USD")
        assert session.scalars(select(SyncRun.state)).all() == ["done"]
