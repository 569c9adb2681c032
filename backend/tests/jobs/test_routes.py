"""Runs through the API: what a shop's people see, what operators see, retry, edit and retry, cancel, discard."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.jobs import search
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.shops.access import Role
from storecast.shops.models import Shop
from storecast.worker.ledger import connect
from storecast.worker.models import JobRun, OutboxJob
from storecast.worker.reconcile import reconcile
from tests.conftest import environment
from tests.jobs.console import (
    FINGERPRINT,
    add_finished,
    add_live,
    audited,
    client_of,
    ids,
    job_of,
    names,
    run_of,
)


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    return client_of(shop, "operator")


@pytest.fixture
def owner(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


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
    monkeypatch.setattr(search, "PAGE_SIZE", 2)
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
    assert names(client.get("/api/v1/jobs?q=name:job3", headers=signed_in)) == ["job3"]
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


def test_a_job_shows_its_attempts_and_its_times(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    job_id = add_finished(shop, "dead", name="tests.sad")
    job = client.get(f"/api/v1/jobs/{job_id}", headers=signed_in).json()
    assert (job["title_key"], job["wait_ms"], job["run_ms"]) == ("jobs.tests.sad", 1000, 2000)
    assert job["error"] == "ValueError: no"
    assert job["args"] == {"order_id": 1}
    assert job["attempts"][0]["traceback"] == "Traceback: line 1"


def test_a_job_links_to_the_trace_of_its_latest_attempt_else_of_who_staged_it(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    staged, ran = (f"00-{digits * 16}-{'cd' * 8}-01" for digits in ("aa", "bb"))
    tried = {
        "number": 1,
        "started_at": utcnow().isoformat(),
        "finished_at": None,
        "worker": "w",
        "error": None,
    }
    runs = [
        add_finished(shop, "succeeded", traceparent=staged, attempts=attempts)
        for attempts in ([], [tried], [tried, {**tried, "traceparent": ran}])
    ]
    with environment({**os.environ, "STORECAST_TRACE_URL": "https://traces.example/{trace_id}"}):
        answers = [client.get(f"/api/v1/jobs/{run}", headers=signed_in).json() for run in runs]
    assert [answer["trace_url"] for answer in answers] == [
        f"https://traces.example/{trace}" for trace in ("aa" * 16, "aa" * 16, "bb" * 16)
    ]


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


@pytest.mark.parametrize("role", ["owner", "admin", "operator"])
def test_those_who_may_operate_act_on_runs(shop: Shop, role: Role) -> None:
    person = client_of(shop, role)
    dead, aside, live = add_finished(shop, "dead"), add_finished(shop, "dead"), add_live(shop)
    assert person.post(f"/api/v1/jobs/{dead}/retry", json={"reason": "it is back"}).status_code == 200
    assert person.post(f"/api/v1/jobs/{aside}/discard", json={"reason": "old"}).status_code == 200
    assert person.post(f"/api/v1/jobs/{live}/cancel").status_code == 200
    actions = audited(shop)
    assert [(action, subject) for action, subject, _detail in actions] == [
        ("job_retried", str(dead)),
        ("job_discarded", str(aside)),
        ("job_cancelled", str(live)),
    ]
    assert [detail.get("reason") for *_rest, detail in actions] == ["it is back", "old", None]


@pytest.mark.parametrize("role", ["marketer", "viewer"])
def test_those_who_may_not_operate_change_nothing(shop: Shop, role: Role) -> None:
    person = client_of(shop, role)
    dead, live = add_finished(shop, "dead"), add_live(shop)
    bulk = {"action": "retry", "reason": "r"}
    group = {"reason": "r"}
    answers = [
        person.post(f"/api/v1/jobs/{dead}/retry"),
        person.post(f"/api/v1/jobs/{dead}/discard", json={"reason": "r"}),
        person.post(f"/api/v1/jobs/{live}/cancel"),
        person.post("/api/v1/jobs/bulk", json=bulk),
        person.post(f"/api/v1/dead-letters/{FINGERPRINT}/replay", json=group),
        person.post(f"/api/v1/dead-letters/{FINGERPRINT}/discard", json=group),
        person.post(f"/api/v1/dead-letters/{FINGERPRINT}/notes", json={"body": "b"}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "forbidden")}
    run, job = run_of(dead), job_of(live)
    assert job is not None
    assert (run.retried_as, run.discarded_at, job.cancel_requested_at) == (None, None, None)
    assert audited(shop) == []


def test_a_neighbour_finds_no_part_of_a_run(shop: Shop, other_shop: Shop) -> None:
    thief = client_of(other_shop, "owner")
    dead = add_finished(shop, "dead", root_id=uuid7(), tags=["secret"])
    for path in ("", "/logs", "/family"):
        assert thief.get(f"/api/v1/jobs/{dead}{path}").status_code == 404
    assert thief.post(f"/api/v1/jobs/{dead}/discard", json={"reason": "r"}).status_code == 404
    for q in (
        f"id:{dead}",
        "tag:secret",
        "arg.order_id:1",
        "error:no",
        f"fingerprint:{FINGERPRINT}",
        "secret",
    ):
        assert names(thief.get("/api/v1/jobs", params={"q": q})) == []
        assert thief.get("/api/v1/jobs/count", params={"q": q}).json() == {"count": 0, "capped": False}
    assert names(thief.get("/api/v1/jobs", params={"q": f"shop:{shop.domain}"})) == []
    assert thief.get("/api/v1/jobs/suggest?q=tag:sec").json()["items"] == []
    assert run_of(dead).discarded_at is None


def test_arguments_are_edited_and_checked(owner: TestClient, shop: Shop) -> None:
    dead = add_finished(
        shop,
        "dead",
        name="messaging.write_consent",
        args={"customer_gid": "gid://1", "unsubscribed_at": "never"},
    )
    shown = owner.get(f"/api/v1/jobs/{dead}").json()
    assert shown["editable"] is True
    assert set(shown["args_schema"]["properties"]) == {"customer_gid", "unsubscribed_at"}
    for args, pointers in (
        ({"customer_gid": 7, "unsubscribed_at": "now"}, ["/args/customer_gid"]),
        ({"customer_gid": "g"}, ["/args/unsubscribed_at"]),
        ({"customer_gid": "g", "unsubscribed_at": "now", "extra": 1}, ["/args/extra"]),
    ):
        answer = owner.post(f"/api/v1/jobs/{dead}/retry", json={"args": args})
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert (run_of(dead).retried_as, audited(shop)) == (None, [])

    edited = {"customer_gid": "gid://1", "unsubscribed_at": "2026-11-21"}
    again = owner.post(f"/api/v1/jobs/{dead}/retry", json={"args": edited, "reason": "typo"}).json()
    assert (again["args"], again["parent_id"], again["editable"]) == (edited, str(dead), False)
    ((action, _subject, detail),) = audited(shop)
    assert (action, detail["edited"], detail["reason"]) == ("job_retried", ["unsubscribed_at"], "typo")


def test_a_mask_that_was_left_stands_for_what_is_stored(owner: TestClient, shop: Shop) -> None:
    stored = {"customer_gid": "+49 30 1234567", "unsubscribed_at": "never"}
    dead = add_finished(shop, "dead", name="messaging.write_consent", args=stored)
    shown = owner.get(f"/api/v1/jobs/{dead}").json()["args"]
    assert "1234" not in str(shown)
    moved = owner.post(
        f"/api/v1/jobs/{dead}/retry", json={"args": {**shown, "unsubscribed_at": shown["customer_gid"]}}
    )
    assert [fault["pointer"] for fault in moved.json()["errors"]] == ["/args/unsubscribed_at"]
    again = owner.post(
        f"/api/v1/jobs/{dead}/retry", json={"args": {**shown, "unsubscribed_at": "now"}}
    ).json()
    job = job_of(again["id"])
    assert job is not None
    assert job.args == {"customer_gid": "+49 30 1234567", "unsubscribed_at": "now"}


def test_a_kind_that_this_version_does_not_know_is_not_edited(owner: TestClient, shop: Shop) -> None:
    dead = add_finished(shop, "dead")
    assert owner.get(f"/api/v1/jobs/{dead}").json()["editable"] is False
    answer = owner.post(f"/api/v1/jobs/{dead}/retry", json={"args": {"order_id": 2}})
    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_editable")
    assert run_of(dead).retried_as is None


def test_the_second_of_two_people_is_told_what_happened(shop: Shop) -> None:
    dead = add_finished(shop, "dead")
    people = [client_of(shop, "owner"), client_of(shop, "operator"), client_of(shop, "admin")]
    for person in people:
        # An application puts its routes together at its first request, and three may not do that at once.
        assert person.get(f"/api/v1/jobs/{dead}").status_code == 200
    calls: list[Callable[[], Any]] = [
        lambda: people[0].post(f"/api/v1/jobs/{dead}/retry"),
        lambda: people[1].post(f"/api/v1/jobs/{dead}/retry"),
        lambda: people[2].post(f"/api/v1/jobs/{dead}/discard", json={"reason": "r"}),
    ]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda call: call(), calls))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    run = run_of(dead)
    assert (run.retried_as is None) != (run.discarded_at is None)
    happened = "discarded" if run.retried_as is None else "retried"
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["facts"]["happened"] for problem in refused} == {happened}
    assert len(audited(shop)) == 1
    with platform_session() as session:
        assert len(session.scalars(select(OutboxJob.id)).all()) == (1 if happened == "retried" else 0)


def test_only_the_dead_are_discarded(owner: TestClient, shop: Shop) -> None:
    happened = {}
    for state in ("succeeded", "cancelled"):
        job_id = add_finished(shop, state)
        answer = owner.post(f"/api/v1/jobs/{job_id}/discard", json={"reason": "r"})
        assert answer.json()["code"] == "job_not_discardable"
        happened[answer.json()["facts"]["happened"]] = run_of(job_id).discarded_at
    live = owner.post(f"/api/v1/jobs/{add_live(shop)}/discard", json={"reason": "r"})
    assert (live.status_code, happened) == (409, {"succeeded": None, "cancelled": None})
    dead = add_finished(shop, "dead")
    assert owner.post(f"/api/v1/jobs/{dead}/discard", json={"reason": " "}).status_code == 422
    assert owner.post(f"/api/v1/jobs/{dead}/discard", json={"reason": "r"}).json()["discarded_at"] is not None
    assert ids(owner.get("/api/v1/jobs?state=dead")) == []
    assert ids(owner.get("/api/v1/jobs?q=class:ValueError")) == [str(dead)]


def test_a_family_is_shown_up_to_its_root(owner: TestClient, shop: Shop, other_shop: Shop) -> None:
    root = add_finished(shop, "succeeded", name="root")
    child = add_finished(shop, "succeeded", name="child", parent_id=root, root_id=root)
    grandchild = add_live(shop, name="grandchild", parent_id=child, root_id=root)
    add_live(other_shop, name="foreign", parent_id=root, root_id=root)
    add_live(shop, name="stranger")
    for member in (root, child, grandchild):
        family = owner.get(f"/api/v1/jobs/{member}/family").json()
        assert [(node["name"], node["parent_id"]) for node in family["nodes"]] == [
            ("root", None), ("child", str(root)), ("grandchild", str(child)),
        ]  # fmt: skip
        assert family["truncated"] is False
    assert owner.get(f"/api/v1/jobs/{root}").json()["children_count"] == 1


def test_a_large_family_is_cut_to_the_nearest(owner: TestClient, shop: Shop) -> None:
    root = add_finished(shop, "succeeded", name="root")
    with platform_session() as session:
        session.add_all(
            OutboxJob(
                id=uuid7(), shop_id=shop.id, name="sibling", queue="default", args={}, state="staged",
                max_attempts=1, parent_id=root, root_id=root,
            )
            for _ in range(250)
        )  # fmt: skip
    last = add_live(shop, name="last", parent_id=root, root_id=root)
    mine = add_live(shop, name="mine", parent_id=last, root_id=root)
    family = owner.get(f"/api/v1/jobs/{last}/family").json()
    assert (len(family["nodes"]), family["truncated"]) == (200, True)
    assert {"root", "last", "mine", "sibling"} == {node["name"] for node in family["nodes"]}
    assert str(mine) in {node["id"] for node in family["nodes"]}
    assert owner.get(f"/api/v1/jobs/{root}").json()["children_count"] == 251


def test_logs_are_paged_and_masked(
    owner: TestClient, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storecast.jobs.service.LOG_PAGE_SIZE", 2)
    job_id = add_live(shop)
    with connect(get_settings().database_url) as connection:
        for number in range(3):
            connection.execute(
                "INSERT INTO job_logs (id, at, job_id, shop_id, attempt, level, event, facts)"
                " VALUES (%s, now(), %s, %s, 1, 'info', %s, '{\"email\": \"ada@example.com\"}')",
                [uuid7(), job_id, shop.id, f"line{number}"],
            )
    first = owner.get(f"/api/v1/jobs/{job_id}/logs").json()
    second = owner.get(f"/api/v1/jobs/{job_id}/logs", params={"cursor": first["next_cursor"]}).json()
    lines = [*first["items"], *second["items"]]
    assert [line["event"] for line in lines] == ["line0", "line1", "line2"]
    assert {line["facts"]["email"] for line in lines} == {"a•••@example.com"}
    assert second["next_cursor"] is None
    assert owner.get(f"/api/v1/jobs/{job_id}/logs?cursor=WyJhIiwiYiJd").status_code == 422
    assert owner.get(f"/api/v1/jobs/{job_id}").json()["log_count"] == 3
    assert client_of(other_shop, "owner").get(f"/api/v1/jobs/{job_id}/logs").status_code == 404


def test_the_usual_run_time_is_that_of_the_last_day(
    operator: TestClient, owner: TestClient, shop: Shop
) -> None:
    now = utcnow()
    for seconds in range(1, 21):
        add_finished(shop, "succeeded", started_at=now - timedelta(seconds=seconds), finished_at=now)
    add_finished(shop, "succeeded", started_at=now - timedelta(days=3), finished_at=now - timedelta(days=2))
    add_finished(shop, "dead", started_at=now - timedelta(hours=5), finished_at=now)
    live = add_live(shop)
    for person in (operator, owner):
        assert person.get(f"/api/v1/jobs/{live}").json()["usual_run_ms"] == 19050
