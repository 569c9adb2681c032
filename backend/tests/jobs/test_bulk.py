"""Filter-wide actions: counted first, capped, audited once, and never done twice whatever is killed when."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from storecast.db.session import platform_session
from storecast.jobs import bulk
from storecast.jobs.models import JobBulkAction
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from storecast.worker.models import JobRun, OutboxJob
from tests.jobs.console import (
    add_finished,
    add_live,
    add_many_finished,
    audited,
    client_of,
    inside,
    job_of,
    run_bulk,
    run_of,
)

URL = "/api/v1/jobs/bulk"


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


@pytest.fixture
def owner(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


def ask(client: TestClient, action: str, **body: Any) -> dict[str, Any]:
    answer = client.post(URL, json={"action": action, "reason": "it is back", **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def copies() -> dict[UUID, UUID]:
    """New jobs by the run that they stand in for."""
    with platform_session() as session:
        rows = session.execute(
            select(OutboxJob.parent_id, OutboxJob.id).where(OutboxJob.parent_id.is_not(None))
        ).all()
    assert len({row.parent_id for row in rows}) == len(rows), "a run was started again twice"
    return {row.parent_id: row.id for row in rows}


def test_a_dry_run_only_counts(operator: TestClient, shop: Shop) -> None:
    for _ in range(3):
        add_finished(shop, "dead")
    add_finished(shop, "succeeded")
    assert ask(operator, "retry", dry_run=True, cap=2) == {
        "matched": 3, "capped": True, "acting": 2, "job_id": None,
    }  # fmt: skip
    assert (copies(), audited(shop)) == ({}, [])
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(JobBulkAction)) == 0


def test_what_is_found_is_tried_again_newest_first_up_to_the_cap(operator: TestClient, shop: Shop) -> None:
    dead = [add_finished(shop, "dead", tags=["t"]) for _ in range(4)]
    other = add_finished(shop, "dead")
    answer = ask(operator, "retry", q="tag:t", state="dead", cap=3)
    assert (answer["matched"], answer["capped"], answer["acting"]) == (4, True, 3)
    late = add_finished(shop, "dead", tags=["t"])
    assert run_bulk(answer["job_id"]) == {"acted": 3}
    made = copies()
    assert set(made) == set(dead[1:])
    assert [run_of(job_id).retried_as for job_id in dead] == [None, *(made[job_id] for job_id in dead[1:])]
    assert [run_of(job_id).retried_as for job_id in (other, late)] == [None, None]
    ((action, subject, detail),) = audited(shop)
    assert (action, subject) == ("jobs_bulk_retry", answer["job_id"])
    assert {name: detail[name] for name in ("q", "state", "matched", "acting", "reason", "every_shop")} == {
        "q": "tag:t", "state": "dead", "matched": 4, "acting": 3, "reason": "it is back", "every_shop": True,
    }  # fmt: skip


def test_a_killed_action_goes_on_where_it_stood(
    operator: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    dead = [add_finished(shop, "dead") for _ in range(7)]
    answer = ask(operator, "retry", cap=5)
    bulk_id = UUID(str(job_of(answer["job_id"]).args["bulk_id"]))  # type: ignore[union-attr]  # it was staged
    with inside(None) as session:
        assert bulk.act(session, bulk_id, now=utcnow()) == bulk.Step(2, 5, over=False)
    session = inside(None).__enter__()
    bulk.act(session, bulk_id, now=utcnow())
    session.rollback()  # killed before its commit
    session.close()
    assert len(copies()) == 2
    assert run_bulk(answer["job_id"]) == {"acted": 5}
    assert run_bulk(answer["job_id"]) == {"acted": 5}  # delivered once more
    assert set(copies()) == set(dead[2:])


def test_a_hundred_thousand_matches_act_on_the_cap_and_say_so(
    operator: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Counting in the small: what it does at the edge is the same.
    monkeypatch.setattr(bulk, "MATCHED_MAX", 60)
    add_many_finished([{"shop": shop, "state": "dead"} for _ in range(70)])
    answer = ask(operator, "retry", cap=25)
    assert (answer["matched"], answer["capped"], answer["acting"]) == (60, True, 25)
    assert run_bulk(answer["job_id"]) == {"acted": 25}
    assert len(copies()) == 25
    too_many = operator.post(URL, json={"action": "retry", "reason": "r", "cap": 100_000})
    assert [fault["loc"][-1] for fault in too_many.json()["detail"]] == ["cap"]


def test_a_rate_spreads_the_jobs(operator: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    dead = [add_finished(shop, "dead") for _ in range(5)]
    before = utcnow()
    answer = ask(operator, "retry", rate_per_min=2)
    run_bulk(answer["job_id"])
    made = copies()
    jobs = [job_of(made[job_id]) for job_id in reversed(dead)]
    due = [job.run_at for job in jobs if job is not None]
    assert before <= due[0] <= utcnow()
    assert [later - due[0] for later in due] == [timedelta(seconds=30 * place) for place in range(5)]
    assert [job.state for job in jobs if job is not None] == ["staged", *["scheduled"] * 4]


def test_live_jobs_are_cancelled(operator: TestClient, shop: Shop, other_shop: Shop) -> None:
    waiting = add_live(shop, unique_key="k")
    running = add_live(shop, state="running", attempt=1, unique_key="r")
    other = add_live(other_shop)
    asked_before = add_live(shop, cancel_requested_at=utcnow())
    answer = ask(operator, "cancel", q="shop:acme")
    assert (answer["matched"], answer["acting"]) == (2, 2)
    assert run_bulk(answer["job_id"]) == {"acted": 2}
    jobs = {job_id: job_of(job_id) for job_id in (waiting, running, other, asked_before)}
    assert {
        job_id: (job.cancel_requested_at is not None, job.unique_key) for job_id, job in jobs.items() if job
    } == {waiting: (True, None), running: (True, "r"), other: (False, None), asked_before: (True, None)}
    own = job_of(answer["job_id"])
    assert own is not None
    assert own.cancel_requested_at is None, "the action may not stop itself"


def test_dead_ones_are_discarded(owner: TestClient, shop: Shop, other_shop: Shop) -> None:
    mine, theirs = add_finished(shop, "dead"), add_finished(other_shop, "dead")
    answer = ask(owner, "discard")
    assert (answer["matched"], answer["acting"]) == (1, 1)
    assert run_bulk(answer["job_id"]) == {"acted": 1}
    assert run_of(mine).discarded_at is not None
    assert run_of(theirs).discarded_at is None
    assert ask(owner, "discard") == {"matched": 0, "capped": False, "acting": 0, "job_id": None}


def test_a_shop_acts_on_its_own_only(owner: TestClient, shop: Shop, other_shop: Shop) -> None:
    mine = add_finished(shop, "dead", tags=["t"])
    add_finished(other_shop, "dead", tags=["t"])
    add_finished(None, "dead", tags=["t"])
    answer = ask(owner, "retry", q="tag:t")
    assert answer["matched"] == 1
    job = job_of(answer["job_id"])
    assert job is not None
    assert job.shop_id == shop.id
    run_bulk(answer["job_id"])
    assert set(copies()) == {mine}
    assert len(audited(shop)) == 1
    assert audited(other_shop) == []


def test_another_shop_cannot_go_on_with_it(owner: TestClient, shop: Shop, other_shop: Shop) -> None:
    add_finished(shop, "dead")
    answer = ask(owner, "retry")
    bulk_id = UUID(str(job_of(answer["job_id"]).args["bulk_id"]))  # type: ignore[union-attr]  # it was staged
    with inside(other_shop) as session:
        assert bulk.act(session, bulk_id, now=utcnow()) is None
    assert copies() == {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "retry", "state": "succeeded"}, "/state"),
        ({"action": "retry", "state": "queued"}, "/state"),
        ({"action": "discard", "state": "cancelled"}, "/state"),
        ({"action": "cancel", "state": "dead"}, "/state"),
        ({"action": "retry", "q": "owner:me"}, "/q"),
        ({"action": "retry", "q": "state:queued"}, "/state"),
        ({"action": "discard", "rate_per_min": 5}, "/rate_per_min"),
    ],
)
def test_what_does_not_fit_is_refused(
    operator: TestClient, shop: Shop, body: dict[str, Any], pointer: str
) -> None:
    add_finished(shop, "dead")
    answer = operator.post(URL, json={"reason": "r", **body})
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (422, [pointer])
    assert (copies(), audited(shop)) == ({}, [])


def test_a_reason_is_asked_for(operator: TestClient) -> None:
    assert operator.post(URL, json={"action": "retry"}).status_code == 422
    assert operator.post(URL, json={"action": "retry", "reason": "  "}).status_code == 422


def test_a_run_that_somebody_retried_meanwhile_is_left(operator: TestClient, shop: Shop) -> None:
    first, second = add_finished(shop, "dead"), add_finished(shop, "dead")
    answer = ask(operator, "retry")
    assert operator.post(f"/api/v1/jobs/{second}/retry").status_code == 200
    assert run_bulk(answer["job_id"]) == {"acted": 1}
    assert set(copies()) == {first, second}
    with platform_session() as session:
        assert session.scalar(select(func.count()).where(JobRun.retried_as.is_not(None))) == 2
