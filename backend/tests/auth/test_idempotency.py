"""Creating calls that are repeated: one effect, one answer, and never somebody else's."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storecast.auth import idempotency
from storecast.auth.models import IdempotencyKey
from storecast.campaigns.models import Campaign
from storecast.db.session import platform_session, retention_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.conftest import OWNER_ID, id_token

BODY = {"name": "Once"}


def create(client: TestClient, headers: dict[str, str], key: str | None, body: object = BODY):  # type: ignore[no-untyped-def]
    named = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/v1/campaigns", headers={**headers, **named}, json=body)


def campaigns(shop: Shop) -> int:
    with tenant_session(ShopId(shop.id)) as session:
        return session.scalar(select(func.count()).select_from(Campaign)) or 0


def keys() -> int:
    with platform_session() as session:
        return session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


def test_a_repeated_call_gets_the_first_answer_and_makes_nothing(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    first = create(client, signed_in, "k-1")
    again = create(client, signed_in, '"k-1"')

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert campaigns(shop) == 1


def test_without_a_key_every_call_is_a_new_one(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    assert [create(client, signed_in, None).status_code for _ in range(2)] == [201, 201]
    assert (campaigns(shop), keys()) == (2, 0)


def test_the_key_with_another_body_is_refused(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    create(client, signed_in, "k-1")
    other = create(client, signed_in, "k-1", {"name": "Another"})

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert campaigns(shop) == 1


@pytest.mark.parametrize("key", ["", '""', "a b", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(
    client: TestClient, signed_in: dict[str, str], shop: Shop, key: str
) -> None:
    answer = create(client, signed_in, key.encode() if not key.isascii() else key)  # type: ignore[arg-type]

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")
    assert campaigns(shop) == 0


def test_a_call_that_failed_leaves_the_key_free(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    failed = create(client, signed_in, "k-1", {"name": "Once", "template_key": "no-such-template"})
    assert failed.status_code in (404, 422)
    assert (campaigns(shop), keys()) == (0, 0)

    assert create(client, signed_in, "k-1").status_code == 201
    assert campaigns(shop) == 1


def test_a_key_belongs_to_its_shop_its_person_and_its_route(
    client: TestClient, shop: Shop, other_shop: Shop, signed_in: dict[str, str]
) -> None:
    create(client, signed_in, "k-1")
    neighbour = create(client, {"Authorization": f"Bearer {id_token(other_shop.domain)}"}, "k-1")
    segment = client.post(
        "/api/v1/segments",
        headers={**signed_in, "Idempotency-Key": "k-1"},
        json={"name": "Buyers", "rules": {"field": "orders_count", "operator": "gte", "value": 1}},
    )

    assert (neighbour.status_code, segment.status_code) == (201, 201)
    assert (campaigns(shop), campaigns(other_shop)) == (1, 1)


def test_of_many_at_once_exactly_one_has_an_effect(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    together = Barrier(8)

    def call(_n: int) -> tuple[int, str, bool]:
        together.wait()
        answer = create(client, signed_in, "k-1")
        return answer.status_code, answer.json()["id"], "Idempotency-Replayed" in answer.headers

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(8)))

    assert {(status, campaign) for status, campaign, _ in answers} == {(201, answers[0][1])}
    assert sum(replayed for _, _, replayed in answers) == 7
    assert campaigns(shop) == 1


def test_who_waits_too_long_for_the_first_is_told_so(
    client: TestClient, signed_in: dict[str, str], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_MS", 50)
    with tenant_session(ShopId(shop.id)) as first:
        first.add(row(shop, "k-1"))
        first.flush()
        second = create(client, signed_in, "k-1")

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_key_in_use")
    assert campaigns(shop) == 0


def test_after_a_day_a_key_is_new_and_then_forgotten(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    with platform_session() as session:
        session.add(row(shop, "k-1", age=timedelta(hours=25)))
        session.add(row(shop, "k-2", age=timedelta(hours=25)))
    assert create(client, signed_in, "k-1").status_code == 201

    with retention_session() as session:
        assert idempotency.forget(session, before=utcnow() - idempotency.KEPT, limit=10) == 1
    assert keys() == 1


def test_a_shop_sees_its_own_keys_only(
    session: Session, shop: Shop, other_shop: Shop, make_shop: Callable[[str], Shop]
) -> None:
    with platform_session() as everywhere:
        everywhere.add_all([row(shop, "k-1"), row(other_shop, "k-1")])

    assert session.scalars(select(IdempotencyKey.shop_id)).all() == [shop.id]


def row(shop: Shop, key: str, age: timedelta = timedelta(0)) -> IdempotencyKey:
    return IdempotencyKey(
        shop_id=shop.id,
        caller="7",
        route="/api/v1/campaigns",
        key=key,
        body_hash=b"another",
        created_at=utcnow() - age,
    )


def test_a_test_mail_that_failed_leaves_the_key_free_and_one_under_way_keeps_it(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    path = "/api/v1/campaigns/cmp_unknown/test"
    keyed = {**signed_in, "Idempotency-Key": "mail-2", "Content-Type": "application/json"}
    assert client.post(path, headers=keyed, json={"email": "me@example.com"}).status_code == 404
    assert keys() == 0
    # Somebody else's call with the key is at work, or died at it.
    with tenant_session(ShopId(shop.id)) as session:
        session.add(
            IdempotencyKey(
                shop_id=shop.id, caller=OWNER_ID, route=path, key="mail-2",
                body_hash=hashlib.sha256(b'{"email":"me@example.com"}').digest(), created_at=utcnow(),
            )
        )  # fmt: skip
    busy = client.post(path, headers=keyed, content=b'{"email":"me@example.com"}')
    assert (busy.status_code, busy.json()["code"]) == (409, "idempotency_key_in_use")
    with platform_session() as session:
        session.execute(update(IdempotencyKey).values(created_at=utcnow() - idempotency.LOST * 1.1))
    assert client.post(path, headers=keyed, content=b'{"email":"me@example.com"}').status_code == 404
    assert keys() == 0
