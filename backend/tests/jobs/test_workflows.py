"""Workflows: what moves them, what people may do with them, and who sees which."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from storecast.audit.models import AuditEntry
from storecast.config.settings import get_settings
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.api import _storecast_problem
from storecast.entrypoints.modules import routers
from storecast.jobs import workflows
from storecast.jobs.errors import WorkflowInvalid, WorkflowNotRetryable
from storecast.jobs.fan_out import MAX_VALUES
from storecast.jobs.jobs import AdvanceWorkflow, SweepWorkflows
from storecast.jobs.models import Workflow, WorkflowNode
from storecast.jobs.scope import Scope
from storecast.jobs.tasks import sweep_workflows
from storecast.jobs.workflows_routes import router
from storecast.kit.clock import utcnow
from storecast.kit.errors import Retryable, StorecastError
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.segments import service as segments
from storecast.shops.access import Principal, Role
from storecast.shops.models import Shop
from storecast.worker import schedule, task
from storecast.worker.ledger import DROP_CANCELLED, connect
from storecast.worker.models import JobBatch
from tests.factories.context import Context
from tests.jobs.workflow_jobs import Executor, Private, new_fate

Api = Callable[..., Any]


@pytest.fixture
def executor(database: str) -> Iterator[Executor]:
    executor = Executor(database)
    yield executor
    executor.close()


def client_of(shop: Shop, role: Role) -> TestClient:
    """The workflows API for somebody with a role, without the ceremony of signing in."""
    routers()  # endpoints end their units of work
    app = FastAPI()

    @app.middleware("http")
    async def sign_in(request: Request, call_next: Any) -> Any:
        request.state.principal = Principal(ShopId(shop.id), shop.domain, "1", "Ada", None, role, "browser")
        return await call_next(request)

    app.include_router(router, prefix="/api/v1")
    app.add_exception_handler(StorecastError, _storecast_problem)
    return TestClient(app)


@pytest.fixture
def merchant(shop: Shop) -> TestClient:
    return client_of(shop, "owner")


def step(key: str, *needs: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "job": "tests.step", "args": {"of": key}, "needs": list(needs), **fields}


def fanned(key: str, count: int, *needs: str, **fields: Any) -> dict[str, Any]:
    return step(key, *needs, fan_out={"over": f"tests.first_{count}", "as": "index"}, **fields)


def start(shop: Shop, *nodes: dict[str, Any], unique_key: str | None = None, afterwards: Any = None) -> UUID:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        return workflows.start(
            session,
            shop_id,
            {"name": "Tests", "nodes": list(nodes)},
            unique_key=unique_key,
            afterwards=afterwards,
        )


def read(client: TestClient, workflow_id: UUID) -> dict[str, Any]:
    answer = client.get(f"/api/v1/workflows/{workflow_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def act(client: TestClient, workflow_id: UUID, action: str) -> Any:
    return client.post(f"/api/v1/workflows/{workflow_id}/{action}")


def states(workflow: dict[str, Any]) -> dict[str, str]:
    return {node["key"]: node["state"] for node in workflow["nodes"]}


def audited(shop: Shop) -> list[tuple[str, str]]:
    with platform_session() as session:
        rows = session.execute(
            select(AuditEntry.actor, AuditEntry.action)
            .where(AuditEntry.shop_id == shop.id)
            .order_by(AuditEntry.id)
        )
        return [(row.actor, row.action) for row in rows]


def clear_cancelled() -> None:
    """What the relay does with jobs that were cancelled while they waited."""
    with connect(get_settings().database_url) as connection:
        connection.execute(DROP_CANCELLED)


def test_a_graph_runs_in_order_and_shows_what_became_of_it(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate(results={"count": {"members": 3}})
    body = {
        "name": "Refresh",
        "nodes": [
            step("last", "some", "none"),
            step("count"),
            fanned(
                "some", 3, "count", condition={"node": "count", "field": "members", "op": "gt", "value": 2}
            ),
            step("none", "count", condition={"node": "count", "field": "members", "op": "gt", "value": 3}),
            step("behind none", "none") | {"key": "behind"},
        ],
    }
    made = merchant.post("/api/v1/workflows", json=body)
    assert made.status_code == 201, made.text
    assert (made.json()["state"], set(states(made.json()).values())) == ("running", {"waiting"})
    workflow_id = UUID(made.json()["id"])

    executor.run_until_idle()

    workflow = read(merchant, workflow_id)
    assert (workflow["state"], workflow["nodes_total"], workflow["nodes_done"], workflow["nodes_failed"]) == (
        "succeeded", 5, 5, 0,
    )  # fmt: skip
    assert states(workflow) == {
        "last": "succeeded", "count": "succeeded", "some": "succeeded", "none": "skipped", "behind": "skipped",
    }  # fmt: skip
    # Jobs of one node are in no order.
    assert [fate.ran[0], *sorted(fate.ran[1:4]), *fate.ran[4:]] == [
        ("count", 0), ("some", 0), ("some", 1), ("some", 2), ("last", 0),
    ]  # fmt: skip
    nodes = {node["key"]: node for node in workflow["nodes"]}
    assert (nodes["count"]["result"], nodes["some"]["result"]) == (
        {"members": 3}, {"count": 3, "succeeded": 3, "dead": 0},
    )  # fmt: skip
    assert nodes["some"]["batch"] == {"total": 3, "succeeded": 3, "dead": 0, "cancelled": 0}
    assert (len(nodes["some"]["job_ids"]), nodes["none"]["job_ids"], nodes["none"]["batch"]) == (3, [], None)
    assert (nodes["some"]["title_key"], nodes["some"]["tries"], nodes["some"]["error"]) == (
        "jobs.tests.step", 1, None,
    )  # fmt: skip
    assert (workflow["created_by"], workflow["shop_domain"]) == ("user:1", shop.domain)
    assert audited(shop) == [("user:1", "workflow_started")]


def test_a_failed_node_stops_what_needs_it_and_nothing_else(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate(deaths={("bad", 0): 9})
    workflow_id = start(shop, step("bad", retries=2), step("behind", "bad"), step("good"), step("on", "good"))
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert workflow["state"] == "failed"
    assert states(workflow) == {"bad": "failed", "behind": "waiting", "good": "succeeded", "on": "succeeded"}
    assert (workflow["nodes"][0]["tries"], workflow["nodes"][0]["error"]) == (
        3, "Permanent: bad 0 was to die",
    )  # fmt: skip
    assert fate.runs() == {("bad", 0): 3, ("good", 0): 1, ("on", 0): 1}


def test_a_workflow_goes_on_from_its_failed_nodes_once_however_many_ask(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate(deaths={("many", 1): 1, ("many", 3): 2, ("one", 0): 1})
    workflow_id = start(
        shop, fanned("many", 4), step("one"), step("good"), step("end", "many", "one", "good")
    )
    executor.run_until_idle()
    assert read(merchant, workflow_id)["state"] == "failed"
    operator = client_of(shop, "operator")
    answers = [act(client, workflow_id, "retry") for client in (operator, merchant)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["code"] == "workflow_not_retryable"
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert states(workflow) == {"many": "failed", "one": "succeeded", "good": "succeeded", "end": "waiting"}
    assert workflow["nodes"][0]["result"] == {"count": 4, "succeeded": 3, "dead": 1}
    assert act(merchant, workflow_id, "retry").status_code == 200
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], workflow["nodes"][0]["result"]) == (
        "succeeded", {"count": 4, "succeeded": 4, "dead": 0},
    )  # fmt: skip
    assert fate.runs() == {
        ("many", 0): 1, ("many", 1): 2, ("many", 2): 1, ("many", 3): 3,
        ("one", 0): 2, ("good", 0): 1, ("end", 0): 1,
    }  # fmt: skip
    assert [action for _actor, action in audited(shop)] == ["workflow_retried"] * 2


def test_a_paused_workflow_finishes_what_runs_and_starts_nothing(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate()
    workflow_id = start(shop, step("a"), step("b", "a"))
    executor.run(executor.waiting()[0])
    for _ in range(2):
        assert act(merchant, workflow_id, "pause").json()["state"] == "paused"
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], states(workflow), fate.ran) == (
        "paused", {"a": "succeeded", "b": "waiting"}, [("a", 0)],
    )  # fmt: skip
    for _ in range(2):
        assert act(merchant, workflow_id, "resume").json()["state"] == "running"
    executor.run_until_idle()
    assert (read(merchant, workflow_id)["state"], fate.ran) == ("succeeded", [("a", 0), ("b", 0)])
    for action in ("pause", "resume", "cancel"):
        answer = act(merchant, workflow_id, action)
        assert (answer.status_code, answer.json()["code"]) == (409, "workflow_over")
    assert act(merchant, workflow_id, "retry").status_code == 409
    assert [action for _actor, action in audited(shop)] == ["workflow_paused", "workflow_resumed"]


def test_a_cancelled_workflow_ends_with_its_jobs_and_can_go_on(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate()
    workflow_id = start(shop, fanned("a", 3), step("b", "a"))
    executor.run(executor.waiting()[0])
    executor.run(executor.waiting("tests.step")[0])
    workflow = act(merchant, workflow_id, "cancel").json()
    assert (workflow["state"], workflow["finished_at"]) == ("cancelled", None)
    assert states(workflow) == {"a": "running", "b": "cancelled"}
    assert executor.waiting("tests.step") == []
    refused = act(merchant, workflow_id, "retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "workflow_not_retryable")
    clear_cancelled()
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], states(workflow)) == ("cancelled", {"a": "cancelled", "b": "cancelled"})
    assert workflow["finished_at"] is not None
    assert workflow["nodes"][0]["batch"] == {"total": 3, "succeeded": 1, "dead": 0, "cancelled": 2}
    assert act(merchant, workflow_id, "retry").status_code == 200
    executor.run_until_idle()
    assert read(merchant, workflow_id)["state"] == "succeeded"
    assert fate.runs() == {("a", 0): 1, ("a", 1): 1, ("a", 2): 1, ("b", 0): 1}


def test_nodes_that_are_cancelled_side_by_side_end_in_one_statement(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    new_fate()
    workflow_id = start(shop, fanned("a", 2), fanned("b", 2), step("c"))
    executor.run(executor.waiting()[0])
    assert act(merchant, workflow_id, "cancel").json()["finished_at"] is None
    clear_cancelled()
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], set(states(workflow).values())) == ("cancelled", {"cancelled"})
    assert workflow["finished_at"] is not None


def test_one_that_waits_is_cancelled_at_once(merchant: TestClient, shop: Shop, executor: Executor) -> None:
    fate = new_fate()
    workflow_id = start(shop, step("a"))
    workflow = act(merchant, workflow_id, "cancel").json()
    assert (workflow["state"], states(workflow)) == ("cancelled", {"a": "cancelled"})
    assert workflow["finished_at"] is not None
    executor.run_until_idle()
    assert fate.ran == []


def test_two_workers_that_advance_at_once_start_each_node_once(shop: Shop, executor: Executor) -> None:
    new_fate()
    workflow_id = start(shop, *(fanned(f"n{number}", 4) for number in range(5)))
    together = Barrier(4)

    def advance(_: int) -> None:
        with tenant_session(ShopId(shop.id)) as session:
            together.wait(timeout=30)
            workflows.advance(session, workflow_id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(advance, range(4)))
    assert len(executor.waiting("tests.step")) == 20
    assert executor.rows("SELECT count(*), sum(total) FROM job_batches") == [(5, 20)]


def test_two_who_retry_at_the_same_moment_start_it_once(shop: Shop, executor: Executor) -> None:
    fate = new_fate(deaths={("a", 0): 1})
    workflow_id = start(shop, step("a"))
    executor.run_until_idle()
    together = Barrier(2)

    def retry(shop_id: ShopId | None) -> bool:
        scope = Scope(shop_id, tracebacks=True, actor="user:1", home=ShopId(shop.id))
        together.wait(timeout=30)
        try:
            with platform_session() if shop_id is None else tenant_session(shop_id) as session:
                workflows.retry(session, scope, workflow_id)
        except WorkflowNotRetryable:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(retry, [None, ShopId(shop.id)])) == [False, True]
    executor.run_until_idle()
    assert fate.runs() == {("a", 0): 2}


def test_a_lost_completion_is_made_up_for(merchant: TestClient, shop: Shop, executor: Executor) -> None:
    fate = new_fate()
    lost, paused, busy = (start(shop, step(key), step(f"{key}2", key)) for key in ("a", "b", "c"))
    for job_id in executor.waiting():
        executor.run(job_id)
    running = executor.waiting("tests.step")
    for job_id in running[:2]:
        executor.run(job_id)
    assert fate.ran == [("a", 0), ("b", 0)]
    act(merchant, paused, "pause")
    executor.lose_advances()

    sweep_workflows(SweepWorkflows(), Context(None))

    assert executor.rows(
        "SELECT args->>'workflow_id', shop_id FROM outbox WHERE name = %s ORDER BY id", AdvanceWorkflow.name
    ) == [(str(lost), shop.id), (str(paused), shop.id)]
    executor.run_until_idle()
    assert [read(merchant, each)["state"] for each in (lost, paused, busy)] == [
        "succeeded", "paused", "succeeded",
    ]  # fmt: skip
    sweep_workflows(SweepWorkflows(), Context(None))
    assert executor.waiting() == []


def test_the_sweep_is_in_the_schedule() -> None:
    (sweep,) = [each for each in schedule.scheduled() if each.job == SweepWorkflows()]
    assert sweep.interval_s == 60


def test_what_ended_long_ago_is_forgotten(shop: Shop, executor: Executor) -> None:
    new_fate()
    old, recent, open_ = (start(shop, step("a")) for _ in range(3))
    executor.run_until_idle()
    with platform_session() as session:
        for workflow_id, finished_at in (
            (old, utcnow() - timedelta(days=91)),
            (recent, utcnow() - timedelta(days=89)),
            (open_, None),
        ):
            workflow = session.get(Workflow, workflow_id)
            assert workflow is not None
            workflow.finished_at = finished_at
    sweep_workflows(SweepWorkflows(), Context(None))
    assert executor.rows("SELECT id FROM workflows ORDER BY id") == [(recent,), (open_,)]
    assert executor.rows("SELECT count(*) FROM workflow_nodes") == [(2,)]


def test_batches_that_ended_long_ago_are_forgotten_with_their_workflows(
    shop: Shop, executor: Executor
) -> None:
    new_fate()
    workflow_id = start(shop, step("a"))
    executor.run_until_idle()
    now = utcnow()

    def made(days_ago: int) -> UUID:
        """An id as it was given out then."""
        return UUID(int=uuid7().int - (days_ago * 86_400_000 << 80))

    def batch(made_days_ago: int, ended_days_ago: int | None) -> UUID:
        ended = None if ended_days_ago is None else now - timedelta(days=ended_days_ago)
        with platform_session() as session:
            row = JobBatch(id=made(made_days_ago), shop_id=shop.id, name="tests", finished_at=ended)
            session.add(row)
            return row.id

    batch(100, 91)
    kept = [batch(100, 89), batch(100, None), batch(89, 89)]
    remembered = made(100)
    with platform_session() as session:
        # As if the workflow had been open ever since its only step ended.
        session.execute(
            update(JobBatch)
            .where(JobBatch.id.not_in([*kept]))
            .where(JobBatch.finished_at > now - timedelta(days=1))
            .values(id=remembered, finished_at=now - timedelta(days=95))
        )
        session.execute(update(WorkflowNode).values(batch_id=remembered))
    sweep_workflows(SweepWorkflows(), Context(None))
    query = "SELECT id FROM job_batches ORDER BY id"
    assert executor.rows(query) == [(each,) for each in sorted([*kept, remembered])]

    with platform_session() as session:
        session.get_one(Workflow, workflow_id).finished_at = now - timedelta(days=91)
    sweep_workflows(SweepWorkflows(), Context(None))
    assert executor.rows(query) == [(each,) for each in sorted(kept)]


def test_one_of_a_kind_is_under_way_in_each_shop(shop: Shop, other_shop: Shop, executor: Executor) -> None:
    new_fate(deaths={("a", 0): 1})
    first = start(shop, step("a"), unique_key="k")
    assert start(shop, step("b"), unique_key="k") == first
    assert start(other_shop, step("b"), unique_key="k") != first
    executor.run_until_idle()
    second = start(shop, step("c"), unique_key="k")
    assert second != first
    refused = act(client_of(shop, "owner"), first, "retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "workflow_under_way")
    assert read(client_of(shop, "owner"), first)["state"] == "failed"


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_what_follows_a_workflow_follows_every_end(shop: Shop, executor: Executor, end: str) -> None:
    new_fate(deaths={("a", 0): 9 if end == "failed" else 0})
    workflow_id = start(shop, step("a"), afterwards=Private())
    if end == "cancelled":
        act(client_of(shop, "operator"), workflow_id, "cancel")
    assert len(executor.waiting("tests.private")) == (end == "cancelled")
    executor.run_until_idle()
    assert executor.rows("SELECT name, shop_id FROM job_runs WHERE name = 'tests.private'") == [
        ("tests.private", shop.id)
    ]
    assert read(client_of(shop, "owner"), workflow_id)["state"] == end


def test_too_many_values_fail_the_node_with_the_reason(
    merchant: TestClient, shop: Shop, executor: Executor
) -> None:
    fate = new_fate()
    workflow_id = start(shop, fanned("a", MAX_VALUES + 1, retries=3), step("b", "a"))
    executor.run_until_idle()
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], states(workflow)) == ("failed", {"a": "failed", "b": "waiting"})
    assert workflow["nodes"][0]["error"] == "tests.first_10001 has more than 10,000 values."
    assert fate.ran == []


def test_a_job_that_nobody_knows_waits_for_a_newer_worker_and_then_fails(
    merchant: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = start(shop, step("a"))
    known = {name: entry for name, entry in task._registry.items() if name != "tests.step"}
    monkeypatch.setattr(task, "_registry", known)
    with pytest.raises(Retryable, match="knows no job"), tenant_session(ShopId(shop.id)) as session:
        workflows.advance(session, workflow_id, last_attempt=False)
    assert states(read(merchant, workflow_id)) == {"a": "waiting"}
    with tenant_session(ShopId(shop.id)) as session:
        workflows.advance(session, workflow_id)
    workflow = read(merchant, workflow_id)
    assert (workflow["state"], workflow["nodes"][0]["error"]) == (
        "failed", "This version of the program knows no job tests.step.",
    )  # fmt: skip


def test_a_fan_out_reads_one_shop(shop: Shop, other_shop: Shop, executor: Executor) -> None:
    for each, count in ((shop, 2), (other_shop, 3)):
        with tenant_session(ShopId(each.id)) as session:
            for number in range(count):
                segments.create(session, ShopId(each.id), name=f"S{number}", tree={"op": "and", "rules": []})
    over = {"over": "segments.all", "as": "segment_id"}
    workflow_id = start(shop, {"key": "a", "job": "segments.recount_segment", "fan_out": over})
    executor.run(executor.waiting()[0])
    staged = executor.rows("SELECT shop_id, args->>'segment_id' FROM outbox ORDER BY args->>'segment_id'")
    with platform_session() as session:
        assert session.get(Workflow, workflow_id) is not None
    assert staged == executor.rows(
        "SELECT shop_id, public_id FROM segments WHERE shop_id = %s ORDER BY public_id", shop.id
    )
    assert len(staged) == 2


def test_only_a_shop_can_fan_out(database: str) -> None:
    with platform_session() as session, pytest.raises(WorkflowInvalid):
        workflows.start(session, None, {"name": "n", "nodes": [fanned("a", 1)]})


def test_a_workflow_of_the_platform_runs_without_a_shop(database: str, executor: Executor) -> None:
    fate = new_fate()
    with platform_session() as session:
        workflow_id = workflows.start(session, None, {"name": "n", "nodes": [step("a"), step("b", "a")]})
    executor.run_until_idle()
    assert executor.rows("SELECT state FROM workflows WHERE id = %s", workflow_id) == [("succeeded",)]
    assert fate.ran == [("a", 0), ("b", 0)]


def test_a_shop_sees_its_own_workflows_and_an_operator_everyones(
    merchant: TestClient, shop: Shop, other_shop: Shop, executor: Executor
) -> None:
    mine, theirs = start(shop, step("a")), start(other_shop, step("a"))
    assert [row["id"] for row in merchant.get("/api/v1/workflows").json()["items"]] == [str(mine)]
    for method, path in (
        ("GET", ""),
        *(("POST", f"/{each}") for each in ("pause", "resume", "cancel", "retry")),
    ):
        for hidden in (theirs, uuid4()):
            answer = merchant.request(method, f"/api/v1/workflows/{hidden}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "workflow_unknown")
    assert executor.rows("SELECT state FROM workflows WHERE id = %s", theirs) == [("running",)]
    operator = client_of(shop, "operator")
    assert [(row["id"], row["shop_domain"]) for row in operator.get("/api/v1/workflows").json()["items"]] == [
        (str(theirs), other_shop.domain), (str(mine), shop.domain),
    ]  # fmt: skip
    assert act(operator, theirs, "pause").status_code == 200
    assert audited(other_shop) == [("user:1", "workflow_paused")]
    assert audited(shop) == []


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_who_may_only_look_starts_and_stops_nothing(shop: Shop, executor: Executor, role: Role) -> None:
    workflow_id = start(shop, step("a"))
    client = client_of(shop, role)
    assert read(client, workflow_id)["state"] == "running"
    assert client.get("/api/v1/workflows/parts").status_code == 200
    body = {"name": "n", "nodes": [step("a")]}
    answers = [
        client.post("/api/v1/workflows", json=body),
        client.post("/api/v1/workflows/validate", json=body),
        *(act(client, workflow_id, action) for action in ("pause", "resume", "cancel", "retry")),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert executor.rows("SELECT id, state FROM workflows") == [(workflow_id, "running")]
    assert audited(shop) == []


def test_a_list_is_paged_and_filtered(
    merchant: TestClient, shop: Shop, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "PAGE_SIZE", 2)
    new_fate(deaths={("bad", 0): 9})
    made = [start(shop, step("bad" if number % 2 else "a")) for number in range(5)]
    executor.run_until_idle()
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = merchant.get("/api/v1/workflows", params={"cursor": cursor} if cursor else {}).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [str(each) for each in reversed(made)]
    failed = merchant.get("/api/v1/workflows?state=failed").json()["items"]
    assert [(row["id"], row["nodes_total"], row["nodes_done"], row["nodes_failed"]) for row in failed] == [
        (str(made[3]), 1, 0, 1), (str(made[1]), 1, 0, 1),
    ]  # fmt: skip
    assert merchant.get("/api/v1/workflows?state=lost").status_code == 422
    assert merchant.get("/api/v1/workflows?cursor=WzFd").json()["code"] == "invalid"


def test_a_bad_document_starts_nothing_and_is_told_where_it_is_bad(
    client: TestClient, signed_in: dict[str, str], executor: Executor
) -> None:
    cycle = {
        "name": "n",
        "nodes": [step("a", "b"), step("b", "a"), step("c") | {"job": "tests.private", "args": {}}],
    }
    answer = client.post("/api/v1/workflows", json=cycle, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (422, "workflow_invalid")
    expected = [("/nodes/2/job", "job_not_open"), ("/nodes/0/needs", "cycle")]
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == expected
    checked = client.post("/api/v1/workflows/validate", json=cycle, headers=signed_in).json()
    assert checked["ok"] is False
    assert [(fault["pointer"], fault["code"]) for fault in checked["errors"]] == expected
    shapeless = client.post(
        "/api/v1/workflows", json={"name": "n", "nodes": [{"key": "a"}]}, headers=signed_in
    )
    assert [fault["pointer"] for fault in shapeless.json()["errors"]] == ["/nodes/0/job"]
    good = {"name": "n", "nodes": [step("a")]}
    assert client.post("/api/v1/workflows/validate", json=good, headers=signed_in).json() == {
        "ok": True,
        "errors": [],
    }
    assert executor.rows("SELECT 1 FROM workflows UNION ALL SELECT 1 FROM outbox") == []


def test_the_parts_are_what_people_may_use(client: TestClient, signed_in: dict[str, str]) -> None:
    parts = client.get("/api/v1/workflows/parts", headers=signed_in).json()
    jobs = {job["name"]: job for job in parts["jobs"]}
    assert {
        "orders.rescore_customers", "segments.recount", "segments.recount_segment", "sync.now",
    } <= jobs.keys()  # fmt: skip
    assert "tests.private" not in jobs
    assert jobs["segments.recount_segment"]["title_key"] == "jobs.segments.recount_segment"
    assert jobs["segments.recount_segment"]["args_schema"]["required"] == ["segment_id"]
    assert {"name": "segments.all", "description": "Every saved segment of the shop"} in parts["queries"]
