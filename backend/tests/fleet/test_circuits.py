"""Circuits through the API: operators see and close them, nobody else does either."""

import time

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.resilience.budget import CAPACITY, Budgets
from storecast.resilience.circuit import CircuitOpen, Circuits
from storecast.shops.models import Shop

HOST = "acme.myshopify.com"


@pytest.fixture
def circuits(database: str) -> Circuits:
    return Circuits(redis.Redis.from_url(get_settings().redis_url))


@pytest.fixture
def operator(signed_in: dict[str, str], shop: Shop) -> dict[str, str]:
    """Headers of the shop's person, who is an operator from now on."""
    with platform_session() as session:
        session.execute(update(ShopMember).values(role="operator"))
    return signed_in


def fail(circuits: Circuits, host: str, times: int) -> None:
    for leave in [circuits.admit(host, "shopify") for _ in range(times)]:
        circuits.settle(leave, "failed", "HTTP 502")


def audited() -> list[tuple[str, str, dict[str, object]]]:
    with platform_session() as session:
        return [
            (entry.action, entry.subject, entry.detail)
            for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "circuit_closed"))
        ]


def test_an_operator_sees_hosts_in_trouble_and_closes_one(
    client: TestClient, operator: dict[str, str], circuits: Circuits
) -> None:
    assert client.get("/api/v1/circuits", headers=operator).json() == []
    fail(circuits, "files.example", 1)
    fail(circuits, HOST, 5)
    Budgets(redis.Redis.from_url(get_settings().redis_url)).take(HOST)

    open_, troubled = client.get("/api/v1/circuits", headers=operator).json()
    assert (open_["host"], open_["state"], open_["failures"], open_["last_error"]) == (
        HOST,
        "open",
        5,
        "HTTP 502",
    )
    assert open_["opened_at"] < open_["probe_at"]
    assert open_["budget"] == {"left": CAPACITY - 1, "capacity": CAPACITY}
    assert (troubled["host"], troubled["state"], troubled["failures"]) == ("files.example", "closed", 1)
    assert troubled["opened_at"] is None

    answer = client.post(f"/api/v1/circuits/{HOST}/close", headers=operator, json={"reason": "it is back"})
    assert (answer.status_code, answer.json()["state"], answer.json()["failures"]) == (200, "closed", 0)
    assert not circuits.admit(HOST, "shopify").probe
    assert audited() == [("circuit_closed", HOST, {"was": "open", "reason": "it is back"})]


def test_hosts_may_have_ports_and_unknown_ones_are_not_found(
    client: TestClient, operator: dict[str, str], circuits: Circuits
) -> None:
    fail(circuits, "127.0.0.1:8025", 5)
    assert client.post("/api/v1/circuits/127.0.0.1:8025/close", headers=operator).status_code == 200
    assert client.post("/api/v1/circuits/nobody.example/close", headers=operator).status_code == 404
    assert [subject for _action, subject, _detail in audited()] == ["127.0.0.1:8025"]


@pytest.mark.parametrize("role", ["owner", "admin", "marketer", "viewer"])
def test_a_shops_people_neither_see_nor_close_them(
    client: TestClient, signed_in: dict[str, str], circuits: Circuits, role: str
) -> None:
    with platform_session() as session:
        session.execute(update(ShopMember).values(role=role))
    fail(circuits, HOST, 5)
    assert client.get("/api/v1/circuits", headers=signed_in).status_code == 403
    assert client.post(f"/api/v1/circuits/{HOST}/close", headers=signed_in).status_code == 403
    with pytest.raises(CircuitOpen):
        circuits.admit(HOST, "shopify")
    assert audited() == []


def test_without_redis_the_answer_says_so_soon(
    client: TestClient, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "redis_url", "redis://127.0.0.1:1")
    before = time.monotonic()
    answer = client.get("/api/v1/circuits", headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (503, "circuits_unknown")
    closing = client.post(f"/api/v1/circuits/{HOST}/close", headers=operator)
    assert (closing.status_code, closing.json()["code"]) == (503, "circuits_unknown")
    assert time.monotonic() - before < 5
    assert audited() == []
