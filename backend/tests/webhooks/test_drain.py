"""Draining the inbox: in order, one savepoint a delivery, failures by their own clock, nothing half done."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.kit.errors import Permanent, Retryable
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.shops.models import Shop
from storecast.webhooks import service, tasks
from storecast.webhooks.jobs import DrainInbox, SweepInbox
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.registry import Delivery, on
from storecast.webhooks.service import BATCH, MAX_ATTEMPTS, OVERDUE, Drained
from storecast.webhooks.tasks import drain_inbox, sweep_inbox
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.factories.context import Context

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)

handled: list[Any] = []
broken: list[type[Exception]] = []


@on("tests/note")
def note(session: Session, shop_id: ShopId, delivery: Delivery) -> None:
    """Append to the shop's name, then fail as told."""
    shop = shops.get(session, shop_id)
    shop.name += f" {delivery.payload['n']}"
    session.flush()
    handled.append(delivery.payload["n"])
    if broken and delivery.payload.get("breaks"):
        raise broken[0]("told so")


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing handled, a handler that fails for deliveries which say so, a clock that stands, all the time there is."""
    monkeypatch.setattr(service, "BATCH_S", 3600.0)
    monkeypatch.setattr(tasks, "TURN_S", 3600.0)
    handled.clear()
    broken[:] = [ValueError]
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def receive(shop: Shop, *payloads: dict[str, Any], topic: str = "tests/note", **columns: Any) -> None:
    """Deliveries in the inbox, arrived just now."""
    with tenant_session(ShopId(shop.id)) as session:
        count = len(session.scalars(select(InboxEntry.id)).all())
        for number, payload in enumerate(payloads, count):
            values = {
                "webhook_id": f"webhook-{shop.id}-{number}",
                "received_at": NOW,
                "body": orjson.dumps(payload),
            }
            session.add(
                InboxEntry(
                    **{"shop_id": shop.id, "shop_domain": shop.domain, "topic": topic, **values, **columns}
                )
            )
            session.flush()


def entries(shop_id: ShopId) -> list[tuple[str, int, str | None]]:
    with tenant_session(shop_id) as session:
        rows = session.scalars(select(InboxEntry).order_by(InboxEntry.id)).all()
        return [(row.state, row.attempts, row.error) for row in rows]


def name(shop_id: ShopId) -> str:
    with tenant_session(shop_id) as session:
        return shops.get(session, shop_id).name


def drain(shop_id: ShopId, after: timedelta = timedelta()) -> Drained:
    with tenant_session(shop_id) as session:
        return service.drain(session, shop_id, now=NOW + after)


def test_deliveries_are_handled_in_order_of_arrival(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 3}, {"n": 1}, {"n": 2})

    assert drain(shop_id) == Drained(handled=3, failed=0, retry_in_s=None)

    assert handled == [3, 1, 2]
    assert name(shop_id) == "Acme 3 1 2"
    assert entries(shop_id) == [("done", 1, None)] * 3


def test_a_handled_delivery_is_not_handled_again(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1})
    drain(shop_id)

    assert drain(shop_id) == Drained(0, 0, None)
    assert handled == [1]


def test_a_failing_delivery_keeps_its_place_and_undoes_only_itself(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1}, {"n": 2, "breaks": True}, {"n": 3})

    assert drain(shop_id) == Drained(handled=2, failed=1, retry_in_s=5.0)

    assert handled == [1, 2, 3]
    assert name(shop_id) == "Acme 1 3"
    assert entries(shop_id) == [("done", 1, None), ("pending", 1, "ValueError: told so"), ("done", 1, None)]


def test_what_failed_is_tried_by_its_own_clock_and_not_by_the_arrival_of_others(
    shop: Shop, shop_id: ShopId
) -> None:
    receive(shop, {"n": 1, "breaks": True})
    drain(shop_id)
    receive(shop, {"n": 2})

    assert drain(shop_id, timedelta(seconds=4)) == Drained(handled=1, failed=0, retry_in_s=1.0)
    assert handled == [1, 2]

    broken.clear()
    assert drain(shop_id, timedelta(seconds=5)) == Drained(handled=1, failed=0, retry_in_s=None)
    assert name(shop_id) == "Acme 2 1"
    assert entries(shop_id) == [("done", 2, None), ("done", 1, None)]


def test_after_five_tries_a_delivery_is_dead(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1, "breaks": True})
    waits = []
    after = timedelta()
    while (drained := drain(shop_id, after)).retry_in_s is not None:
        waits.append(drained.retry_in_s)
        after += timedelta(seconds=drained.retry_in_s)

    assert waits == [5.0, 10.0, 20.0, 40.0]
    assert entries(shop_id) == [("dead", MAX_ATTEMPTS, "ValueError: told so")]
    assert name(shop_id) == "Acme"
    assert drain(shop_id, timedelta(days=1)) == Drained(0, 0, None)


def test_what_no_retry_can_help_is_dead_at_once(shop: Shop, shop_id: ShopId) -> None:
    broken[:] = [Permanent]
    receive(shop, {"n": 1, "breaks": True})

    assert drain(shop_id) == Drained(handled=0, failed=1, retry_in_s=None)
    assert entries(shop_id) == [("dead", 1, "Permanent: told so")]


def test_a_body_that_does_not_parse_holds_up_nobody(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {}, body=b"")
    receive(shop, {"n": 2})

    assert drain(shop_id) == Drained(handled=1, failed=1, retry_in_s=5.0)
    assert handled == [2]


def test_a_delivery_that_nobody_handles_is_done(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1}, topic="tests/nobody")

    assert drain(shop_id) == Drained(1, 0, None)
    assert entries(shop_id) == [("done", 1, None)]


def test_the_mark_and_the_handlers_work_are_one_transaction(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1})

    def drain_and_die() -> None:
        with tenant_session(shop_id) as session:
            service.drain(session, shop_id, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        drain_and_die()

    assert entries(shop_id) == [("pending", 0, None)]
    assert name(shop_id) == "Acme"


def test_the_task_goes_past_failures_to_the_end_and_asks_to_come_back(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 0, "breaks": True}, *({"n": n} for n in range(1, BATCH + 1)))

    with pytest.raises(Retryable) as raised:
        drain_inbox(DrainInbox(), Context(shop_id))

    assert raised.value.retry_after == 5.0
    assert handled == list(range(BATCH + 1))
    assert entries(shop_id) == [("pending", 1, "ValueError: told so"), *[("done", 1, None)] * BATCH]

    broken.clear()
    with time_machine.travel(NOW + timedelta(seconds=5)):
        drain_inbox(DrainInbox(), Context(shop_id))
    assert entries(shop_id) == [("done", 2, None), *[("done", 1, None)] * BATCH]


def test_the_job_outlasts_the_attempts_of_any_delivery() -> None:
    assert DrainInbox.max_attempts > 100 * MAX_ATTEMPTS


def test_another_shops_deliveries_stay_where_they_are(shop: Shop, other_shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1})
    receive(other_shop, {"n": 2})

    drain(shop_id)

    assert handled == [1]
    assert entries(ShopId(other_shop.id)) == [("pending", 0, None)]


def test_two_drains_of_a_shop_take_turns(shop: Shop, shop_id: ShopId) -> None:
    receive(shop, {"n": 1}, {"n": 2})
    second: list[Drained] = []
    with tenant_session(shop_id) as session:
        service.drain(session, shop_id, now=NOW)
        receive(shop, {"n": 3})
        thread = threading.Thread(target=lambda: second.append(drain(shop_id)))
        thread.start()
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert thread.is_alive(), "the second drain must wait for the first one's commit"
        assert handled == [1, 2]
    thread.join()

    assert second == [Drained(1, 0, None)]
    assert handled == [1, 2, 3]


def test_the_figures_are_those_of_the_shop(shop: Shop, other_shop: Shop, shop_id: ShopId) -> None:
    with tenant_session(shop_id) as session:
        assert service.figures(session, shop_id) == service.InboxFigures(None, 0, 0)
    receive(shop, {"n": 1}, {"n": 2}, {"n": 3, "breaks": True})
    receive(other_shop, {"n": 4}, received_at=NOW + timedelta(hours=1))
    broken[:] = [Permanent]
    drain(shop_id)
    receive(shop, {"n": 5}, received_at=NOW + timedelta(minutes=1))

    with tenant_session(shop_id) as session:
        assert service.figures(session, shop_id) == service.InboxFigures(NOW + timedelta(minutes=1), 1, 1)


def test_the_settings_page_shows_the_figures(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    receive(shop, {"n": 1})
    with platform_session() as session:
        session.execute(update(InboxEntry).values(received_at=NOW))

    answer = client.get("/api/v1/settings", headers=signed_in).json()

    assert answer["webhooks"] == {"last_received_at": "2026-11-21T22:00:00Z", "waiting": 1, "dead": 0}


def outbox_of(platform: Session) -> list[tuple[int | None, str, str]]:
    platform.rollback()
    return [(job.shop_id, job.name, job.state) for job in platform.scalars(select(OutboxJob))]


def test_a_sweep_stages_the_drain_of_shops_where_something_waits_for_too_long(
    shop: Shop, other_shop: Shop, platform: Session
) -> None:
    receive(shop, {"n": 1}, received_at=NOW - OVERDUE - timedelta(seconds=1))
    receive(other_shop, {"n": 1}, received_at=NOW - OVERDUE)

    sweep_inbox(SweepInbox(), Context(None))
    sweep_inbox(SweepInbox(), Context(None))

    assert outbox_of(platform) == [(shop.id, DrainInbox.name, "staged")]


def test_a_sweep_leaves_a_drain_that_waits_for_its_next_try_alone(
    shop: Shop, shop_id: ShopId, platform: Session
) -> None:
    receive(shop, {"n": 1, "breaks": True}, received_at=NOW - timedelta(minutes=5))
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, DrainInbox(), run_at=datetime(2099, 1, 1, tzinfo=UTC))

    sweep_inbox(SweepInbox(), Context(None))

    assert outbox_of(platform) == [(shop.id, DrainInbox.name, "scheduled")]


def test_a_batch_commits_when_its_time_is_up_and_leaves_the_rest(
    shop: Shop, shop_id: ShopId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH_S", -1.0)
    receive(shop, {"n": 1}, {"n": 2})

    assert drain(shop_id) == Drained(1, 0, None, may_leave_more=True)

    assert entries(shop_id) == [("done", 1, None), ("pending", 0, None)]


def test_a_drain_whose_turn_is_over_makes_room_for_others(
    shop: Shop, shop_id: ShopId, platform: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH_S", -1.0)
    monkeypatch.setattr(tasks, "TURN_S", -1.0)
    receive(shop, {"n": 1}, {"n": 2})

    drain_inbox(DrainInbox(), Context(shop_id))

    assert handled == [1]
    assert outbox_of(platform) == [(shop.id, DrainInbox.name, "staged")]
