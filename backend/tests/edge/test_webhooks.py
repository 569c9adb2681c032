"""Webhooks at the edge: on disk before the 200, refused without a trace otherwise."""

import asyncio
import base64
import hmac
import secrets
import threading
from collections.abc import Iterator
from types import NoneType
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from storecast.config.settings import Settings
from storecast.db.roles import Role
from storecast.edge import webhooks
from storecast.edge.app import create_app
from storecast.edge.group_commit import GroupCommit
from storecast.kit.errors import Invalid, NotFound, Unavailable
from storecast.shops.models import Shop
from storecast.webhooks.jobs import DrainInbox
from storecast.webhooks.models import InboxEntry
from storecast.worker.models import OutboxJob
from tests.conftest import ENVIRONMENT

ORDER = b'{"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"}'


@pytest.fixture
def edge(settings: Settings) -> Iterator[TestClient]:
    with TestClient(
        create_app(settings, lambda _token: None, lambda *_link: None), raise_server_exceptions=False
    ) as client:
        yield client


def signed(body: bytes, shop_domain: str, **changed: str | None) -> dict[str, str]:
    """The headers of a delivery; None leaves one out."""
    secret = ENVIRONMENT["SHOPIFY_API_SECRET"].encode()
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret, body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": shop_domain,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Triggered-At": "2026-11-21T22:00:00.123456789Z",
        "X-Shopify-Event-Id": "event-1",
    }
    replaced = {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in {**headers, **replaced}.items() if value is not None}


def stored(platform: Session) -> list[InboxEntry]:
    platform.rollback()
    return list(platform.scalars(select(InboxEntry).order_by(InboxEntry.id)))


def test_a_delivery_is_stored_as_it_came_with_one_job_for_its_shop(
    edge: TestClient, shop: Shop, platform: Session
) -> None:
    for _ in range(2):
        answer = edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain))
        assert answer.status_code == 200

    first, second = stored(platform)
    assert first.body == second.body == ORDER
    assert (first.shop_id, first.topic, first.event_id, first.state) == (
        shop.id,
        "orders/create",
        "event-1",
        "pending",
    )
    job = platform.scalars(select(OutboxJob)).one()
    assert (job.shop_id, job.name, job.queue, job.unique_key, job.max_attempts) == (
        shop.id,
        DrainInbox.name,
        DrainInbox.queue,
        DrainInbox().unique_key(),
        DrainInbox.max_attempts,
    )


def test_a_repeated_delivery_is_acknowledged_and_stored_once(
    edge: TestClient, shop: Shop, platform: Session
) -> None:
    headers = signed(ORDER, shop.domain)
    answers = [edge.post("/webhooks/orders", content=ORDER, headers=headers).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert len(stored(platform)) == 1


@pytest.mark.parametrize(
    ("_case", "hmac_header"),
    [
        ("missing", None),
        ("empty", ""),
        ("not base64", "%%%"),
        ("another body's", base64.b64encode(b"x" * 32).decode()),
    ],
)
def test_a_wrong_hmac_is_refused_and_stores_nothing(
    edge: TestClient, shop: Shop, platform: Session, _case: str, hmac_header: str | None
) -> None:
    headers = signed(ORDER, shop.domain, X_Shopify_Hmac_Sha256=hmac_header)

    answer = edge.post("/webhooks", content=ORDER, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "hmac_invalid"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert stored(platform) == []
    assert platform.scalars(select(OutboxJob)).all() == []


@pytest.mark.parametrize(
    ("body", "changed", "status", "code", "field"),
    [
        (b"{", {}, 422, "malformed_json", ""),
        (b"[1]", {}, 422, "invalid", ""),
        (ORDER, {"X_Shopify_Topic": None}, 422, "invalid", "X-Shopify-Topic"),
        (ORDER, {"X_Shopify_Topic": "DROP TABLE"}, 422, "invalid", "X-Shopify-Topic"),
        (
            ORDER,
            {"X_Shopify_Shop_Domain": "evil.com/x.myshopify.com"},
            422,
            "invalid",
            "X-Shopify-Shop-Domain",
        ),
        (ORDER, {"X_Shopify_Webhook_Id": None}, 422, "invalid", "X-Shopify-Webhook-Id"),
    ],
)
def test_a_signed_but_malformed_delivery_names_the_field(
    edge: TestClient,
    shop: Shop,
    platform: Session,
    body: bytes,
    changed: dict[str, str | None],
    status: int,
    code: str,
    field: str,
) -> None:
    answer = edge.post("/webhooks", content=body, headers=signed(body, shop.domain, **changed))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["pointer"] for error in answer.json()["errors"]] == [field]
    assert stored(platform) == []


def test_an_unknown_shop_is_told_so(edge: TestClient, platform: Session) -> None:
    answer = edge.post("/webhooks", content=ORDER, headers=signed(ORDER, "stranger.myshopify.com"))

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_shop")
    assert answer.json()["facts"] == {"field": "X-Shopify-Shop-Domain"}
    assert stored(platform) == []


@pytest.mark.parametrize("topic", sorted(webhooks.PRIVACY_TOPICS))
def test_privacy_topics_are_taken_from_shops_that_are_long_gone(
    edge: TestClient, platform: Session, topic: str
) -> None:
    headers = signed(b"{}", "gone.myshopify.com", X_Shopify_Topic=topic)

    assert edge.post("/webhooks", content=b"{}", headers=headers).status_code == 200
    assert [(entry.shop_id, entry.topic) for entry in stored(platform)] == [(None, topic)]


def test_an_oversized_body_is_refused_before_it_is_read(edge: TestClient, platform: Session) -> None:
    answer = edge.post("/webhooks", content=b"x" * (webhooks.MAX_BODY_BYTES + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert stored(platform) == []


def test_the_old_secret_is_taken_while_a_rotation_lasts(
    settings: Settings, shop: Shop, platform: Session
) -> None:
    current = settings.model_dump()
    secrets = {"shopify_api_secret": "new-secret", "shopify_api_secret_old": current["shopify_api_secret"]}
    rotated = Settings.model_validate({**current, **secrets})
    with TestClient(create_app(rotated, lambda _token: None, lambda *_link: None)) as edge:
        assert edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain)).status_code == 200
    assert len(stored(platform)) == 1


def test_concurrent_deliveries_are_all_on_disk_when_they_are_answered(
    edge: TestClient, shop: Shop, database: str
) -> None:
    missing: list[str] = []

    def deliver() -> None:
        with psycopg.connect(database, options="-c role=storecast_platform") as reader:
            for _ in range(10):
                headers = signed(ORDER, shop.domain)
                edge.post("/webhooks", content=ORDER, headers=headers)
                webhook_id = headers["X-Shopify-Webhook-Id"]
                found = reader.execute(
                    "SELECT FROM webhook_inbox WHERE webhook_id = %s", [webhook_id]
                ).rowcount
                reader.rollback()
                missing.extend([webhook_id] * (1 - found))

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missing == []


def test_a_shop_that_is_erased_costs_no_other_shop_its_deliveries(
    edge: TestClient, shop: Shop, other_shop: Shop, platform: Session, database: str
) -> None:
    """The edge still takes the erased shop for known: PostgreSQL refuses its row, and only that."""
    for domain in (shop.domain, other_shop.domain):
        assert edge.post("/webhooks", content=ORDER, headers=signed(ORDER, domain)).status_code == 200
    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM shops WHERE id = %s", [shop.id])

    answers: dict[str, int] = {}

    def deliver(domain: str) -> None:
        answers[domain] = edge.post("/webhooks", content=ORDER, headers=signed(ORDER, domain)).status_code

    threads = [threading.Thread(target=deliver, args=[each.domain]) for each in (shop, other_shop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {shop.domain: 404, other_shop.domain: 200}
    assert [entry.shop_domain for entry in stored(platform)] == [other_shop.domain] * 2
    redact = signed(b"{}", shop.domain, X_Shopify_Topic="shop/redact")
    assert edge.post("/webhooks", content=b"{}", headers=redact).status_code == 200


async def test_rows_at_fault_are_refused_alone(database: str, shop: Shop, platform: Session) -> None:
    commit = GroupCommit(database, Role.EDGE.value, webhooks.SINK)
    commit.start()

    def row(webhook_id: str, shop_id: int = shop.id) -> tuple[Any, ...]:
        return (shop_id, shop.domain, webhook_id, None, "orders/create", None, None, ORDER)

    too_long = "".join(map(chr, range(32, 127))) * 100 + uuid4().hex
    waiting = [
        commit.submit([row("first")]),
        commit.submit([row(secrets.token_hex(8_000) + too_long)]),
        commit.submit([row("second")]),
        commit.submit([row("nobody's", shop_id=2**40)]),
        commit.submit([row("third"), row("fourth")]),
    ]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await commit.stop()

    assert [type(outcome) for outcome in outcomes] == [NoneType, Invalid, NoneType, NotFound, NoneType]
    assert [entry.webhook_id for entry in stored(platform)] == ["first", "second", "third", "fourth"]


async def test_whatever_breaks_a_batch_the_writer_goes_on(
    database: str, shop: Shop, platform: Session
) -> None:
    """asyncpg leaves a connection that died at the wrong moment by an error that is none of PostgreSQL's."""

    def row(name: str) -> tuple[Any, ...]:
        return shop.id, shop.domain, name, None, "orders/create", None, None, ORDER

    commit = GroupCommit(database, Role.EDGE.value, webhooks.SINK)
    commit.start()
    async with asyncio.timeout(20):
        await commit.submit((row("before"),))
        with pytest.raises(Unavailable):
            await commit.submit((row("beside"), row("broken")[:-1]))
        await commit.submit((row("after"),))
        await commit.stop()

    assert [entry.webhook_id for entry in stored(platform)] == ["before", "after"]


def test_a_job_that_waits_already_is_not_written_again(
    edge: TestClient, shop: Shop, platform: Session
) -> None:
    versions = []
    for _ in range(3):
        edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain))
        platform.rollback()
        versions.append(platform.execute(text("SELECT ctid, id FROM outbox")).one())
    assert len(set(versions)) == 1


def test_a_job_that_waits_for_its_next_try_is_due_at_once(
    edge: TestClient, shop: Shop, platform: Session
) -> None:
    edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain))
    platform.execute(text("UPDATE outbox SET state = 'scheduled', run_at = now() + interval '1 hour'"))
    platform.commit()

    edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain))

    assert platform.execute(text("SELECT state, run_at <= now() FROM outbox")).one() == ("staged", True)


def test_without_postgresql_the_answer_is_503_and_never_a_lie(settings: Settings, shop: Shop) -> None:
    away = Settings.model_validate(
        {**settings.model_dump(), "database_url": "postgresql://nobody@/none?host=/nonexistent"}
    )
    with TestClient(create_app(away, lambda _token: None, lambda *_link: None)) as edge:
        answer = edge.post("/webhooks", content=ORDER, headers=signed(ORDER, shop.domain))

        assert (answer.status_code, answer.json()["code"]) == (503, "storage_away")
        assert int(answer.headers["retry-after"]) >= 1
        assert edge.get("/readyz").status_code == 503
        assert edge.get("/healthz").status_code == 200
