"""Why a job waits: the first thing that holds it, told to operators in figures and to a shop without its neighbours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from storecast.db.session import platform_session
from storecast.jobs.waiting import Flight, Surroundings, WaitingJob, judge
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from storecast.worker import limits
from storecast.worker.job import Job
from storecast.worker.models import WorkLimit
from tests.jobs.console import add_finished, add_live, client_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def limit(**values: Any) -> WorkLimit:
    return WorkLimit(kind="queue", key="bulk", rate_period_s=values.pop("rate_period_s", 60), **values)


def judged(
    *, published: bool = False, age_s: float = 1, told_all: bool = True, **around: Any
) -> tuple[str, Any, Any]:
    surroundings = {
        "queue": None, "job": None, "shop": None, "flight": Flight(0, 0, 0, 0), "consumers": 1, "relays": 1,
        "ahead": 3, "done_per_min": 6.0, **around,
    }  # fmt: skip
    job = WaitingJob("a.job", "bulk", 0, NOW - timedelta(seconds=age_s), published)
    reason = judge(job, Job, Surroundings(**surroundings), told_all=told_all, now=NOW)
    return reason.code, reason.until, reason.facts


FULL = limit(in_flight=5)
FULL_OF_SHOP = limit(shop_in_flight=2)
SPENT = limit(rate=6, tokens=0.0, tokens_at=NOW)
SAVED = limit(rate=6, tokens=0.0, tokens_at=NOW - timedelta(minutes=1))
SINCE = {"by": "user:1", "since": NOW.isoformat()}
NEXT = ("behind", NOW, {"ahead": 0, "done_per_min": 6.0})
PAUSED = limit(paused_at=NOW, paused_by="user:1")


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ({}, ("behind", NOW + timedelta(seconds=30), {"ahead": 3, "done_per_min": 6.0})),
        ({"done_per_min": 0.0}, ("behind", None, {"ahead": 3, "done_per_min": 0.0})),
        ({"queue": PAUSED, "consumers": 0}, ("queue_paused", None, {"name": "bulk", **SINCE})),
        ({"job": PAUSED}, ("job_paused", None, {"name": "a.job", **SINCE})),
        ({"shop": PAUSED}, ("shop_cap", None, {"limit": 0, "since": NOW.isoformat()})),
        ({"queue": FULL, "flight": Flight(5, 0, 0, 0)}, ("queue_full", None, {"in_flight": 5, "limit": 5})),
        ({"queue": FULL_OF_SHOP, "flight": Flight(9, 2, 0, 0)}, ("shop_cap", None, {"in_flight": 2, "limit": 2})),
        ({"job": FULL, "flight": Flight(9, 0, 5, 0)}, ("job_cap", None, {"in_flight": 5, "limit": 5})),
        ({"job": FULL_OF_SHOP, "flight": Flight(9, 0, 4, 2)}, ("shop_cap", None, {"in_flight": 2, "limit": 2})),
        (
            {"job": SPENT},
            ("rate_limit", NOW + timedelta(seconds=10), {"name": "a.job", "rate": 6, "period_s": 60}),
        ),
        ({"queue": SAVED, "ahead": 0}, NEXT),
        ({"consumers": 0}, ("no_consumer", None, {"queue": "bulk"})),
        ({"age_s": 60, "relays": 0}, ("relay_late", None, {"relays": 0})),
        ({"age_s": 60, "ahead": 0}, ("relay_late", None, {"relays": 1})),
        ({"age_s": 60, "published": True, "queue": PAUSED, "ahead": 0}, NEXT),
    ],
)  # fmt: skip
def test_the_first_thing_that_holds_it(around: dict[str, Any], expected: tuple[str, Any, Any]) -> None:
    assert judged(**around) == expected


@pytest.mark.parametrize(
    ("around", "code"),
    [
        ({"queue": PAUSED}, "queue_paused"),
        ({"queue": limit(in_flight=5), "flight": Flight(5, 0, 0, 0)}, "queue_full"),
        ({"consumers": 0}, "no_consumer"),
        ({"ahead": None, "done_per_min": None}, "behind"),
    ],
)
def test_a_shop_hears_no_names_and_no_figures(around: dict[str, Any], code: str) -> None:
    found, until, facts = judged(told_all=False, **around)
    assert (found, until) == (code, None)
    assert set(facts) <= {"since"}


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


def why(client: TestClient, job_id: UUID) -> Any:
    return client.get(f"/api/v1/jobs/{job_id}").json()["waits_because"]


def start_worker(name: str, kind: str, queues: list[str], **columns: Any) -> None:
    values = {
        "name": name, "kind": kind, "queues": queues, "now": utcnow(), "draining": False, **columns,
    }  # fmt: skip
    with platform_session() as session:
        session.execute(
            text(
                "INSERT INTO fleet_processes (name, kind, host, pid, queues, started_at, beat_at, draining)"
                " VALUES (:name, :kind, 'h', 1, :queues, :now, :now, :draining)"
            ),
            values,
        )


def test_a_job_says_what_it_waits_for(operator: TestClient, shop: Shop, other_shop: Shop) -> None:
    later = utcnow() + timedelta(hours=1)
    scheduled = add_live(shop, state="scheduled", run_at=later)
    retrying = add_live(shop, state="scheduled", run_at=later, attempt=2)
    waiting = add_live(shop, queue="bulk")
    owner = client_of(shop, "owner")
    assert why(operator, scheduled)["code"] == "scheduled"
    assert datetime.fromisoformat(why(operator, scheduled)["until"]) == later
    assert (why(operator, retrying)["code"], why(operator, retrying)["facts"]) == (
        "retry_delay",
        {"attempt": 2},
    )
    assert why(operator, waiting) == {"code": "no_consumer", "until": None, "facts": {"queue": "bulk"}}

    start_worker("draining", "worker", ["bulk"], draining=True)
    assert why(operator, waiting)["code"] == "no_consumer"
    start_worker("bulk", "worker", ["bulk"])
    start_worker("relay", "relay", [])
    add_live(other_shop, queue="bulk", state="queued", published_at=utcnow())
    assert why(operator, waiting)["facts"]["ahead"] == 1
    assert why(owner, waiting) == {"code": "behind", "until": None, "facts": {}}

    with platform_session() as session:
        limits.pause(session, "queue", "bulk", "user:9")
    assert why(operator, waiting)["facts"]["by"] == "user:9"
    assert why(owner, waiting)["code"] == "queue_paused"


def test_what_runs_or_is_over_waits_for_nothing(operator: TestClient, shop: Shop) -> None:
    running = add_live(shop, state="running", attempt=1, started_at=utcnow())
    dropped = add_live(shop, cancel_requested_at=utcnow())
    over = add_finished(shop, "succeeded")
    assert [why(operator, job_id) for job_id in (running, dropped, over)] == [None] * 3
