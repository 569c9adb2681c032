"""Runs through the API: what a shop's people see, what operators see, retry and cancel."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.jobs import service
from storecast.jobs.routes import router
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.shops.access import Principal, Role
from storecast.shops.models import Shop
from storecast.worker.ledger import connect, reconcile
from storecast.worker.models import JobRun, OutboxJob


def add_live(shop: Shop | None, **columns: Any) -> UUID:
    job_id = uuid7()
    values = {
        "id": job_id,
        "shop_id": shop.id if shop else None,
        "name": "tests.job",
        "queue": "default",
        "args": {"order_id": 1},
        "state": "staged",
        "max_attempts": 3,
        **columns,
    }
    with platform_session() as session:
        session.add(OutboxJob(**values))
    return job_id


def add_finished(shop: Shop | None, state: str, **columns: Any) -> UUID:
    """Finish a job the way a worker does: only the relay's role may write history."""
    job_id = add_live(shop, state="running", attempt=1, **columns)
    with connect(get_settings().database_url) as connection:
        connection.execute(
            """
            WITH done AS (DELETE FROM outbox WHERE id = %(id)s RETURNING *)
            INSERT INTO job_runs (id, shop_id, name, queue, args, tags, state, attempt, max_attempts, attempts,
                                  started_at, enqueued_at, finished_at, error)
            SELECT id, shop_id, name, queue, args, tags, %(state)s, attempt, max_attempts,
                   '[{"number": 1, "started_at": "2026-11-21T22:00:00+00:00", "finished_at": null, "worker": "w",
                      "error": "ValueError: no", "traceback": "Traceback: line 1"}]',
                   enqueued_at + interval '1 second', enqueued_at, enqueued_at + interval '3 seconds', 'ValueError: no'
              FROM done
            """,
            {"id": job_id, "state": state},
        )
    return job_id


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


def client_of(shop: Shop, role: Role) -> TestClient:
    """The jobs API for somebody with a role, without the ceremony of signing in."""
    app = FastAPI()

    @app.middleware("http")
    async def sign_in(request: Request, call_next: Any) -> Any:
        request.state.principal = Principal(ShopId(shop.id), shop.domain, "1", "Ada", None, role, "browser")
        return await call_next(request)

    app.include_router(router, prefix="/api/v1")
    return TestClient(app, raise_server_exceptions=False)


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


def test_a_shop_sees_its_own_jobs_and_an_operator_everyones(
    client: TestClient, signed_in: dict[str, str], operator: TestClient, shop: Shop, other_shop: Shop
) -> None:
    mine = add_live(shop, name="mine")
    theirs = add_live(other_shop, name="theirs")
    nobodys = add_live(None, name="nobodys")
    assert names(client.get("/api/v1/jobs", headers=signed_in)) == ["mine"]
    for hidden in (theirs, nobodys):
        for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
            answer = client.request(method, f"/api/v1/jobs/{hidden}{path}", headers=signed_in)
            assert (answer.status_code, answer.json()["code"]) == (404, "job_unknown")
    listed = operator.get("/api/v1/jobs").json()["items"]
    assert {(item["name"], item["shop_domain"]) for item in listed} == {
        ("mine", shop.domain), ("theirs", other_shop.domain), ("nobodys", None),
    }  # fmt: skip
    assert client.get(f"/api/v1/jobs/{mine}", headers=signed_in).json()["shop_domain"] == shop.domain
    with platform_session() as session:
        left = session.scalars(select(OutboxJob.cancel_requested_at)).all()
    assert left == [None] * 3


def test_a_list_joins_live_and_finished_jobs_and_is_paged(
    client: TestClient, signed_in: dict[str, str], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE_SIZE", 2)
    start = utcnow() - timedelta(minutes=10)
    for minute in range(5):
        at = start + timedelta(minutes=minute)
        if minute % 2:
            add_finished(shop, "succeeded", name=f"job{minute}", enqueued_at=at)
        else:
            add_live(shop, name=f"job{minute}", enqueued_at=at)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = client.get("/api/v1/jobs", params={"cursor": cursor} if cursor else {}, headers=signed_in)
        seen += names(page)
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == ["job4", "job3", "job2", "job1", "job0"]
    assert names(client.get("/api/v1/jobs?name=job3", headers=signed_in)) == ["job3"]
    assert names(client.get("/api/v1/jobs?state=succeeded", headers=signed_in)) == ["job3", "job1"]
    assert client.get("/api/v1/jobs?state=lost", headers=signed_in).status_code == 422
    assert client.get("/api/v1/jobs?cursor=WyJhIiwiYiJd", headers=signed_in).status_code == 422


def test_states_are_those_that_people_know(client: TestClient, signed_in: dict[str, str], shop: Shop) -> None:
    add_live(shop, name="staged")
    add_live(shop, name="retrying", attempt=2)
    add_live(shop, name="queued", state="queued")
    add_live(shop, name="running", state="running", attempt=1, started_at=utcnow())
    add_live(shop, name="cancelled", cancel_requested_at=utcnow())
    add_finished(shop, "dead", name="dead")
    items = client.get("/api/v1/jobs", headers=signed_in).json()["items"]
    assert {item["name"]: item["state"] for item in items} == {
        name: name for name in ("staged", "retrying", "queued", "running", "cancelled", "dead")
    }
    assert names(client.get("/api/v1/jobs?state=retrying", headers=signed_in)) == ["retrying"]
    assert names(client.get("/api/v1/jobs?state=staged", headers=signed_in)) == ["staged"]


def test_the_summary_counts_states_and_names_every_queue(
    client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop
) -> None:
    now = utcnow()
    add_live(shop, queue="bulk", run_at=now - timedelta(seconds=90))
    add_live(shop, queue="bulk", state="queued", run_at=now - timedelta(seconds=30))
    add_live(shop, queue="bulk", state="running", attempt=1)
    add_live(shop, queue="sync", attempt=1, run_at=now + timedelta(hours=1))
    for _ in range(5):
        add_finished(shop, "succeeded", queue="critical", enqueued_at=now - timedelta(seconds=10))
    add_finished(shop, "dead")
    add_finished(shop, "cancelled")
    add_finished(other_shop, "dead")
    summary = client.get("/api/v1/jobs/summary", headers=signed_in).json()
    assert summary["states"] == {
        "staged": 1, "queued": 1, "running": 1, "retrying": 1,
        "succeeded_24h": 5, "dead": 1, "cancelled_24h": 1,
    }  # fmt: skip
    queues = {queue["name"]: queue for queue in summary["queues"]}
    assert list(queues) == ["critical", "default", "bulk", "sync", "ai"]
    bulk = queues["bulk"]
    assert (bulk["depth"], bulk["running"], bulk["paused"]) == (2, 1, False)
    assert 89 <= bulk["oldest_age_s"] <= 120
    assert (queues["sync"]["depth"], queues["sync"]["oldest_age_s"]) == (0, None)
    assert queues["critical"]["done_per_min"] == 1.0


def test_a_job_shows_its_attempts_and_its_times(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    job_id = add_finished(shop, "dead", name="tests.sad")
    job = client.get(f"/api/v1/jobs/{job_id}", headers=signed_in).json()
    assert (job["title_key"], job["wait_ms"], job["run_ms"]) == ("jobs.tests.sad", 1000, 2000)
    assert job["error"] == "ValueError: no"
    assert job["args"] == {"order_id": 1}
    assert job["attempts"][0]["traceback"] == "Traceback: line 1"


def test_tracebacks_are_for_those_who_operate(shop: Shop) -> None:
    job_id = add_finished(shop, "dead")
    marketer = client_of(shop, "marketer").get(f"/api/v1/jobs/{job_id}").json()
    assert marketer["attempts"][0]["error"] == "ValueError: no"
    assert marketer["attempts"][0]["traceback"] is None


def test_a_viewer_may_look_and_not_touch(shop: Shop) -> None:
    viewer = client_of(shop, "viewer")
    job_id = add_live(shop)
    assert viewer.get(f"/api/v1/jobs/{job_id}").status_code == 200
    viewer.post(f"/api/v1/jobs/{job_id}/cancel")
    with platform_session() as session:
        job = session.get(OutboxJob, job_id)
        assert job is not None
        assert job.cancel_requested_at is None


@pytest.mark.parametrize("state", ["dead", "cancelled"])
def test_a_failed_job_is_tried_again_once(
    client: TestClient, signed_in: dict[str, str], shop: Shop, state: str
) -> None:
    job_id = add_finished(shop, state, queue="bulk")
    answer = client.post(f"/api/v1/jobs/{job_id}/retry", headers=signed_in)
    assert answer.status_code == 200
    again = answer.json()
    assert (again["state"], again["queue"], again["args"]) == ("staged", "bulk", {"order_id": 1})
    assert (again["attempt"], again["parent_id"]) == (0, str(job_id))
    second = client.post(f"/api/v1/jobs/{job_id}/retry", headers=signed_in)
    assert (second.status_code, second.json()["code"]) == (409, "job_not_retryable")
    with platform_session() as session:
        assert session.scalars(select(OutboxJob.id)).all() == [UUID(again["id"])]
        assert session.scalars(select(JobRun.retried_as)).all() == [UUID(again["id"])]
    assert client.get("/api/v1/jobs/summary", headers=signed_in).json()["states"]["dead"] == 0


def test_what_waits_or_succeeded_cannot_be_tried_again(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    for job_id in (add_live(shop), add_finished(shop, "succeeded")):
        answer = client.post(f"/api/v1/jobs/{job_id}/retry", headers=signed_in)
        assert (answer.status_code, answer.json()["code"]) == (409, "job_not_retryable")
    unknown = client.post(f"/api/v1/jobs/{uuid4()}/retry", headers=signed_in)
    assert unknown.status_code == 404


def test_a_waiting_job_is_cancelled_and_cleared_away(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    job_id = add_live(shop, unique_key="only one")
    for _ in range(2):
        answer = client.post(f"/api/v1/jobs/{job_id}/cancel", headers=signed_in)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    add_live(shop, unique_key="only one")  # a new one is not taken for covered by it
    with connect(get_settings().database_url) as connection:
        reconcile(connection)
    with platform_session() as session:
        assert session.scalars(select(JobRun.state).where(JobRun.id == job_id)).all() == ["cancelled"]
        assert session.get(OutboxJob, job_id) is None
    over = client.post(f"/api/v1/jobs/{job_id}/cancel", headers=signed_in)
    assert (over.status_code, over.json()["code"]) == (409, "job_not_cancellable")


def test_a_running_job_is_asked_to_stop(client: TestClient, signed_in: dict[str, str], shop: Shop) -> None:
    job_id = add_live(shop, state="running", attempt=1, unique_key="k")
    answer = client.post(f"/api/v1/jobs/{job_id}/cancel", headers=signed_in)
    assert (answer.status_code, answer.json()["state"]) == (200, "running")
    with platform_session() as session:
        job = session.get(OutboxJob, job_id)
        assert job is not None
        assert isinstance(job.cancel_requested_at, datetime)
        assert job.unique_key == "k"


def test_ids_that_are_none_are_refused(client: TestClient, signed_in: dict[str, str]) -> None:
    assert client.get("/api/v1/jobs/nonsense", headers=signed_in).status_code == 422
    assert client.get(f"/api/v1/jobs/{uuid4()}", headers=signed_in).status_code == 404
