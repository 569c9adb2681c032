"""Looking at deliveries and handling them again: counts, masks, filters, replays, and who may do so."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.cli import main
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks import service
from storecast.webhooks.jobs import DrainInbox
from storecast.webhooks.models import InboxEntry
from storecast.webhooks.registry import Delivery, on
from storecast.worker import outbox
from tests import golden_webhooks
from tests.conftest import id_token

URL = "/api/v1/webhooks"
NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
broken: list[bool] = []
handled: list[int] = []


@on("tests/replay")
def note(_session: Session, _shop_id: ShopId, delivery: Delivery) -> None:
    """Fail while it is broken."""
    if broken:
        raise Permanent("told so by ada@example.com")
    handled.append(int(delivery.payload["id"]))


@pytest.fixture(autouse=True)
def world() -> Iterator[None]:
    """A clock that stands, nothing handled, nothing broken."""
    broken.clear()
    handled.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def owner(client: TestClient, shop: Shop) -> TestClient:
    client.headers["Authorization"] = f"Bearer {id_token(shop.domain)}"
    return client


def receive(shop: Shop, topic: str, body: dict[str, Any], **columns: Any) -> int:
    """A delivery in the inbox; its id."""
    with tenant_session(ShopId(shop.id)) as session:
        number = len(session.scalars(select(InboxEntry.id)).all())
        values = {
            "webhook_id": f"{shop.domain}-{number}",
            "received_at": NOW,
            "triggered_at": NOW - timedelta(seconds=2),
        }
        entry = InboxEntry(
            **{"shop_id": shop.id, "shop_domain": shop.domain, "topic": topic, **values, **columns},
            body=orjson.dumps(body),
        )
        session.add(entry)
        session.flush()
        return entry.id


def drain(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        service.drain(session, ShopId(shop.id), now=NOW)


def kill(shop: Shop, *numbers: int) -> list[int]:
    """Deliveries that nobody could handle."""
    broken.append(True)
    ids = [receive(shop, "tests/replay", {"id": number}) for number in numbers]
    drain(shop)
    broken.clear()
    return ids


def states(client: TestClient, **filters: Any) -> list[tuple[int, str]]:
    answer = client.get(f"{URL}/deliveries", params=filters)
    assert answer.status_code == 200, answer.text
    return [(row["id"], row["state"]) for row in answer.json()["items"]]


def actions(shop: Shop) -> list[tuple[str, str]]:
    with platform_session() as session:
        rows = session.scalars(
            select(AuditEntry).where(AuditEntry.shop_id == shop.id).order_by(AuditEntry.id)
        )
        return [(row.action, row.subject) for row in rows]


def test_deliveries_are_listed_newest_first_and_found_by_what_they_are(
    owner: TestClient, shop: Shop, other_shop: Shop
) -> None:
    (dead,) = kill(shop, 1)
    stranger = receive(shop, "tests/unheard_of", {"id": 2})
    product = receive(shop, "products/delete", {"id": 77}, event_id="event-77")
    receive(other_shop, "tests/unheard_of", {"id": 3})
    drain(shop)

    assert states(owner) == [(product, "applied"), (stranger, "unhandled"), (dead, "dead")]
    assert states(owner, state="unhandled") == [(stranger, "unhandled")]
    assert states(owner, topic="tests/replay") == [(dead, "dead")]
    for q in ("77", "gid://shopify/Product/77", "event-77", f"{shop.domain}-2"):
        assert states(owner, q=q) == [(product, "applied")]
    assert states(owner, to=NOW.isoformat()) == []
    assert len(states(owner, **{"from": NOW.isoformat()})) == 3
    assert owner.get(f"{URL}/deliveries", params={"state": "lost"}).status_code == 422
    assert owner.get(f"{URL}/deliveries", params={"from": "2026-11-21T00:00:00"}).status_code == 422


def test_pages_follow_one_another_without_gap(owner: TestClient, shop: Shop) -> None:
    ids = [receive(shop, "tests/unheard_of", {"id": number}) for number in range(51)]
    first = owner.get(f"{URL}/deliveries").json()
    second = owner.get(f"{URL}/deliveries", params={"cursor": first["next_cursor"]}).json()

    assert [row["id"] for row in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None
    assert owner.get(f"{URL}/deliveries", params={"cursor": "bm9uc2Vuc2U"}).json()["code"] == "invalid"


@pytest.mark.parametrize(
    "topic",
    ["orders/create", "customers/update", "fulfillments/create", "checkouts/create", "customers/redact"],
)
def test_a_payload_tells_nobody_who_somebody_is(owner: TestClient, shop: Shop, topic: str) -> None:
    body = golden_webhooks.body(topic)
    delivery = receive(shop, topic, body)
    answer = owner.get(f"{URL}/deliveries/{delivery}")

    assert answer.status_code == 200
    shown = orjson.dumps(answer.json()["payload"]).decode()
    for secret in (
        "Ada",
        "Augusta",
        "Byron",
        "ada@example",
        "augusta@example",
        "James",
        "London",
        "SW1Y",
        "Steve",
    ):
        assert secret not in shown, secret
    assert "442079460000" not in shown
    assert answer.json()["payload"].keys() == body.keys()
    assert actions(shop) == [("webhook_payload_read", f"{shop.domain}-0")]


def test_an_error_shows_no_address(owner: TestClient, shop: Shop) -> None:
    (dead,) = kill(shop, 1)
    error = owner.get(f"{URL}/deliveries/{dead}").json()["error"]
    assert error.startswith("Permanent: told so by a")
    assert "ada@example.com" not in error


def test_the_topics_say_how_it_goes(owner: TestClient, shop: Shop) -> None:
    kill(shop, 1, 2)
    receive(shop, "tests/unheard_of", {"id": 3})
    receive(shop, "tests/unheard_of", {"id": 4}, received_at=NOW - timedelta(hours=25))
    drain(shop)
    rows = owner.get(f"{URL}/topics").json()["topics"]
    found = {row["topic"]: row for row in rows}

    assert rows[0]["topic"] == "tests/replay"
    assert (found["tests/replay"]["received"], found["tests/replay"]["dead"]) == (2, 2)
    assert (found["tests/replay"]["arrival_p50_ms"], found["tests/replay"]["handling_p50_ms"]) == (2000, None)
    assert (found["tests/unheard_of"]["received"], found["tests/unheard_of"]["handled"]) == (1, False)
    assert found["tests/unheard_of"]["handling_p95_ms"] == 0
    assert (found["orders/create"]["received"], found["orders/create"]["handled"]) == (0, True)


def test_a_replay_counts_first_and_then_handles_the_oldest(owner: TestClient, shop: Shop) -> None:
    ids = kill(shop, 1, 2, 3)
    asked = {"topic": "tests/replay", "cap": 2}

    dry = owner.post(f"{URL}/replay", json={**asked, "dry_run": True})
    assert dry.json() == {"matched": 3, "replayed": 0, "dry_run": True}
    assert states(owner, state="dead") == [(ids[2], "dead"), (ids[1], "dead"), (ids[0], "dead")]
    assert actions(shop) == []

    assert owner.post(f"{URL}/replay", json=asked).json() == {"matched": 3, "replayed": 2, "dry_run": False}
    with tenant_session(ShopId(shop.id)) as session:
        assert outbox.pending(session, DrainInbox) == [DrainInbox()]
    drain(shop)
    assert handled == [1, 2]
    assert states(owner) == [(ids[2], "dead"), (ids[1], "applied"), (ids[0], "applied")]
    assert actions(shop) == [("webhooks_replayed", "tests/replay")]


def test_a_replay_by_id_touches_only_what_has_the_state(owner: TestClient, shop: Shop) -> None:
    (dead,) = kill(shop, 1)
    done = receive(shop, "tests/replay", {"id": 2})
    drain(shop)
    handled.clear()

    assert owner.post(f"{URL}/replay", json={"ids": [dead, done]}).json()["replayed"] == 1
    drain(shop)
    assert handled == [1]
    assert owner.post(f"{URL}/replay", json={"ids": [done], "state": "applied"}).json()["replayed"] == 1
    drain(shop)
    assert handled == [1, 2]


def test_a_replay_is_tried_by_the_clock_of_the_replay(owner: TestClient, shop: Shop) -> None:
    receive(
        shop,
        "tests/replay",
        {"id": "no number"},
        received_at=NOW - timedelta(days=3),
        state="dead",
        attempts=5,
    )
    owner.post(f"{URL}/replay", json={"topic": "tests/replay"})
    with tenant_session(ShopId(shop.id)) as session:
        assert service.drain(session, ShopId(shop.id), now=NOW).retry_in_s == 5.0


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"ids": []},
        {"ids": [0]},
        {"ids": [2**63]},
        {"topic": ""},
        {"topic": "tests/replay", "cap": 0},
        {"topic": "tests/replay", "state": "waiting"},
        {"from": "2026-11-21T00:00:00"},
        {"topic": "tests/replay", "shop_id": 2},
    ],
)
def test_a_replay_of_who_knows_what_is_refused_and_changes_nothing(
    owner: TestClient, shop: Shop, asked: dict[str, Any]
) -> None:
    (dead,) = kill(shop, 1)
    answer = owner.post(f"{URL}/replay", json=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert states(owner) == [(dead, "dead")]
    assert actions(shop) == []


def test_a_neighbours_deliveries_are_not_there(owner: TestClient, shop: Shop, other_shop: Shop) -> None:
    (theirs,) = kill(other_shop, 1)

    assert owner.get(f"{URL}/deliveries/{theirs}").json()["code"] == "delivery_unknown"
    assert owner.post(f"{URL}/replay", json={"ids": [theirs]}).json()["matched"] == 0
    drain(other_shop)
    assert handled == []


def test_who_may_not_operate_may_not_replay(owner: TestClient, shop: Shop) -> None:
    (dead,) = kill(shop, 1)
    with platform_session() as session:
        session.scalars(select(ShopMember).where(ShopMember.shop_id == shop.id)).one().role = "viewer"
    viewer = owner

    assert viewer.post(f"{URL}/replay", json={"ids": [dead]}).status_code == 403
    assert states(viewer) == [(dead, "dead")]


def test_the_terminal_replays_for_one_shop_or_for_all(
    shop: Shop, other_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    kill(shop, 1)
    kill(other_shop, 2)
    capsys.readouterr()  # what the drains logged

    assert main(["webhooks", "replay", "--topic", "tests/replay", "--dry-run", "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out) == {"matched": 2, "replayed": 0, "dry_run": True}
    assert main(["webhooks", "replay", "--topic", "tests/replay", "--shop", shop.domain]) == 0
    drain(shop)
    drain(other_shop)
    assert handled == [1]
    assert main(["webhooks", "replay", "--from", "2026-11-01T00:00:00Z"]) == 0
    drain(other_shop)
    assert handled == [1, 2]
    assert (len(actions(shop)), len(actions(other_shop))) == (1, 1)
    assert main(["webhooks", "replay"]) == 1
    assert main(["webhooks", "replay", "--topic", "x/y", "--shop", "nobody.myshopify.com"]) == 1
