"""Queues and limits: for operators, on what exists, with the reason in the audit log."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from storecast.audit.models import AuditEntry
from storecast.db.session import platform_session
from storecast.shops.models import Shop
from tests.conftest import OWNER_ID

PLATFORM_WIDE = (
    ("GET", "/queues", None), ("GET", "/limits", None), ("GET", "/health-strip", None),
    ("GET", "/jobs/figures", None), ("GET", "/jobs/series", None),
    ("POST", "/queues/bulk/pause", {"reason": "r"}), ("POST", "/queues/bulk/resume", None),
    ("PUT", "/limits/queue/bulk", {"in_flight": 5}), ("POST", "/limits/job/jobs.roll_up/pause", {"reason": "r"}),
    ("POST", "/limits/job/jobs.roll_up/resume", None),
)  # fmt: skip


@pytest.fixture
def operator(client: TestClient, signed_in: dict[str, str], shop: Shop) -> TestClient:
    with platform_session() as session:
        session.execute(
            text("UPDATE shop_members SET role = 'operator' WHERE shopify_user_id = :id"), {"id": OWNER_ID}
        )
    client.headers.update(signed_in)
    return client


def audited() -> list[tuple[str, str, Any]]:
    with platform_session() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(entry.action, entry.subject, entry.detail.get("reason")) for entry in entries]


def stored() -> list[tuple[Any, ...]]:
    with platform_session() as session:
        query = (
            "SELECT kind, key, paused_at IS NOT NULL, in_flight, rate, weight FROM work_limits ORDER BY 1, 2"
        )
        return [tuple(row) for row in session.execute(text(query))]


@pytest.mark.parametrize("role", ["owner", "admin", "marketer", "viewer"])
def test_a_shops_people_neither_see_nor_change_what_all_share(
    client: TestClient, signed_in: dict[str, str], shop: Shop, role: str
) -> None:
    with platform_session() as session:
        session.execute(text("UPDATE shop_members SET role = :role"), {"role": role})
    for method, path, body in PLATFORM_WIDE:
        answer = client.request(method, f"/api/v1{path}", json=body, headers=signed_in)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert (stored(), audited()) == ([], [])


def test_nobody_comes_in_without_a_token(client: TestClient) -> None:
    for method, path, body in (*PLATFORM_WIDE, ("GET", "/jobs/stream", None), ("GET", "/jobs/summary", None)):
        assert client.request(method, f"/api/v1{path}", json=body).status_code == 401, path


def test_a_queue_is_paused_once_and_resumed(operator: TestClient) -> None:
    paused = operator.post("/api/v1/queues/bulk/pause", json={"reason": "the provider is down"}).json()
    assert (paused["kind"], paused["key"], paused["paused_by"]) == ("queue", "bulk", f"user:{OWNER_ID}")
    again = operator.post("/api/v1/queues/bulk/pause", json={"reason": "again"}).json()
    assert again["paused_at"] == paused["paused_at"]
    rows = {row["name"]: row for row in operator.get("/api/v1/queues").json()}
    assert (rows["bulk"]["paused"], rows["sync"]["paused"]) == (True, False)
    resumed = operator.post("/api/v1/queues/bulk/resume").json()
    assert (resumed["paused_at"], resumed["paused_by"]) == (None, None)
    assert audited() == [
        ("queue_paused", "queue:bulk", "the provider is down"), ("queue_paused", "queue:bulk", "again"),
        ("queue_resumed", "queue:bulk", None),
    ]  # fmt: skip


def test_a_kind_of_job_is_paused(operator: TestClient) -> None:
    answer = operator.post("/api/v1/limits/job/jobs.roll_up/pause", json={"reason": "slow"})
    assert answer.json()["paused_at"] is not None
    assert operator.get("/api/v1/limits").json() == [answer.json()]
    operator.post("/api/v1/limits/job/jobs.roll_up/resume", json={"reason": "fast"})
    assert stored() == [("job", "jobs.roll_up", False, None, None, 1)]
    assert [reason for _action, _subject, reason in audited()] == ["slow", "fast"]


def test_limits_are_set_and_lifted_and_a_pause_stays(operator: TestClient, other_shop: Shop) -> None:
    operator.post("/api/v1/queues/bulk/pause", json={"reason": "r"})
    body = {"in_flight": 50, "shop_in_flight": 5, "rate": 100, "rate_period_s": 60, "reason": "quota"}
    limit = operator.put("/api/v1/limits/queue/bulk", json=body).json()
    assert (limit["in_flight"], limit["shop_in_flight"], limit["rate"], limit["rate_period_s"]) == (
        50,
        5,
        100,
        60,
    )
    assert limit["paused_at"] is not None
    row = next(row for row in operator.get("/api/v1/queues").json() if row["name"] == "bulk")
    assert row["limits"] == {"in_flight": 50, "shop_in_flight": 5, "rate": 100, "rate_period_s": 60}
    lifted = operator.put("/api/v1/limits/queue/bulk", json={}).json()
    assert (lifted["in_flight"], lifted["rate"]) == (None, None)
    shops_limit = operator.put(f"/api/v1/limits/shop/{other_shop.domain}", json={"weight": 3}).json()
    assert (shops_limit["key"], shops_limit["weight"]) == (other_shop.domain, 3)
    assert stored() == [
        ("queue", "bulk", True, None, None, 1),
        ("shop", str(other_shop.id), False, None, None, 3),
    ]
    assert audited()[1] == ("queue_limited", "queue:bulk", "quota")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/queues/nosuch/pause", {"reason": "r"}, 404, "limit_subject_unknown"),
        ("POST", "/limits/job/nosuch.job/pause", {"reason": "r"}, 404, "limit_subject_unknown"),
        ("PUT", "/limits/shop/nosuch.myshopify.com", {"weight": 2}, 404, "limit_subject_unknown"),
        ("PUT", "/limits/shop/1", {"weight": 2}, 404, "limit_subject_unknown"),
        ("PUT", "/limits/tenant/bulk", {"weight": 2}, 422, "invalid"),
        ("PUT", "/limits/queue/bulk", {"in_flight": 0}, 422, "invalid"),
        ("PUT", "/limits/queue/bulk", {"rate": -1}, 422, "invalid"),
        ("PUT", "/limits/queue/bulk", {"weight": 101}, 422, "invalid"),
        ("PUT", "/limits/queue/bulk", {"colour": "red"}, 422, "invalid"),
        ("POST", "/queues/bulk/pause", {}, 422, "invalid"),
        ("POST", "/queues/bulk/pause", {"reason": ""}, 422, "invalid"),
        ("POST", "/queues/bulk/pause", {"reason": "r" * 501}, 422, "invalid"),
        ("GET", "/jobs/figures?window=2h", None, 422, "invalid"),
        ("GET", "/jobs/series?queue=nosuch", None, 422, "invalid"),
    ],
)
def test_what_is_refused_changes_nothing(
    operator: TestClient, method: str, path: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    answer = operator.request(method, f"/api/v1{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (stored(), audited()) == ([], [])
