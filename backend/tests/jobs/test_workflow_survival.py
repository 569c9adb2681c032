"""Workflows in a real database under kills: between any two statements, and of whole processes between nodes."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID, uuid4

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storecast.db.session import platform_session, tenant_session
from storecast.jobs import workflows
from storecast.jobs.workflow_engine import PASSED
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.segments import service as segments
from storecast.shops.models import Shop
from tests.jobs.workflow_jobs import Executor, Killed, killed_at, new_fate
from tests.jobs.workflow_model import Plan, graphs, model
from tests.processes import relay, wait_until, worker


@pytest.fixture
def executor(database: str) -> Iterator[Executor]:
    executor = Executor(database)
    yield executor
    executor.close()


def document(plans: list[Plan], mark: str) -> dict[str, Any]:
    return {"name": "Tests", "nodes": [document_of(plan, mark) for plan in plans]}


def document_of(plan: Plan, mark: str) -> dict[str, Any]:
    node: dict[str, Any] = {
        "key": plan.key,
        "job": "tests.step",
        "args": {"of": mark + plan.key},
        "needs": list(plan.needs),
        "retries": plan.retries,
    }
    if plan.fanned_out:
        node["fan_out"] = {"over": f"tests.first_{len(plan.deaths)}", "as": "index"}
    if plan.condition:
        node["condition"] = {
            "node": plan.condition.node,
            "field": plan.condition.field,
            "op": plan.condition.op,
            "value": plan.condition.value,
        }
    return node


def sweep() -> None:
    with platform_session() as session:
        workflows.sweep(session, now=utcnow())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    graphs(max_nodes=6),
    st.lists(
        st.one_of(
            st.tuples(st.just("run"), st.integers(0, 20)),
            st.tuples(st.just("kill"), st.integers(0, 20), st.integers(0, 25)),
            st.tuples(st.just("lose"), st.just(0)),
        ),
        max_size=25,
    ),
)
def test_a_kill_between_any_two_statements_changes_no_end(
    shop: Shop, executor: Executor, plans: list[Plan], steps: list[tuple[Any, ...]]
) -> None:
    mark = f"{uuid4().hex[:8]}."
    fate = new_fate(
        deaths={(mark + plan.key, job): deaths for plan in plans for job, deaths in enumerate(plan.deaths)},
        results={mark + plan.key: {"value": len(plan.key)} for plan in plans},
    )
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        workflow_id = workflows.start(session, shop_id, document(plans, mark))
    for step in steps:
        waiting = executor.waiting()
        if step[0] == "lose":
            executor.lose_advances()
        elif waiting and step[0] == "run":
            executor.run(waiting[step[1] % len(waiting)])
        elif waiting:
            kill(executor, waiting[step[1] % len(waiting)], at=step[2])
    executor.run_until_idle()
    while not ended(executor, workflow_id):
        sweep()
        assert executor.waiting(), "the sweep did not see that the workflow stands still"
        executor.run_until_idle()

    expected = model(plans)
    states = executor.rows("SELECT key, state FROM workflow_nodes WHERE workflow_id = %s", workflow_id)
    assert dict(states) == {key: node.state for key, node in expected.items()}
    failed = any(node.state not in PASSED for node in expected.values())
    assert ended(executor, workflow_id) == [("failed" if failed else "succeeded",)]
    assert fate.runs() == Counter(
        (mark + key, job) for key, node in expected.items() for _number, job in node.runs
    )
    places = {key: [at for at, ran in enumerate(fate.ran) if ran[0] == mark + key] for key in expected}
    for plan in plans:
        for need in plan.needs:
            if places[plan.key] and places[need]:
                assert max(places[need]) < min(places[plan.key]), f"{plan.key} overtook {need}"


def kill(executor: Executor, job_id: UUID, *, at: int) -> None:
    """Only an advance sends statements as the app; a step is simply run."""
    with killed_at(at):
        try:
            executor.run(job_id)
        except Killed:
            executor.rows("UPDATE outbox SET state = 'staged' WHERE id = %s RETURNING id", job_id)
            raise


def ended(executor: Executor, workflow_id: UUID) -> list[tuple[str]]:
    return executor.rows("SELECT state FROM workflows WHERE id = %s AND finished_at IS NOT NULL", workflow_id)


CHAIN = {
    "name": "Chain",
    "nodes": [
        {"key": "facts", "job": "orders.rescore_customers"},
        {
            "key": "segments",
            "job": "segments.recount_segment",
            "needs": ["facts"],
            "fan_out": {"over": "segments.all", "as": "segment_id"},
        },
        {"key": "again", "job": "orders.rescore_customers", "needs": ["segments"]},
    ],
}


def test_processes_that_are_killed_between_the_nodes_lose_no_step(
    shop: Shop, executor: Executor, tmp_path: Path
) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        for number in range(5):
            segments.create(session, shop_id, name=f"S{number}", tree={"op": "and", "rules": []})
        workflow_id = workflows.start(session, shop_id, CHAIN)
    # Both die when the first node's job has ended, again while the second runs, and then they live.
    for over in ("name = 'orders.rescore_customers'", "name = 'segments.recount_segment'"):
        with ExitStack() as stack:
            processes = [
                stack.enter_context(relay(tmp_path)),
                stack.enter_context(worker(tmp_path, "critical", "default")),
            ]
            wait_until(partial(executor.rows, f"SELECT 1 FROM job_runs WHERE {over}"), over)
            for process in processes:
                kill_whole(process)
        # As when the leases of whatever they held have run out.
        executor.rows("UPDATE outbox SET lease_until = now() WHERE lease_until IS NOT NULL RETURNING id")
    with relay(tmp_path), worker(tmp_path, "critical", "default"):
        wait_until(lambda: ended(executor, workflow_id), "the end of the workflow")

    assert ended(executor, workflow_id) == [("succeeded",)]
    assert executor.rows(
        "SELECT name, count(DISTINCT batch_id), count(*), count(*) FILTER (WHERE state = 'succeeded')"
        " FROM job_runs WHERE batch_id IS NOT NULL GROUP BY name ORDER BY name"
    ) == [("orders.rescore_customers", 2, 2, 2), ("segments.recount_segment", 1, 5, 5)]
    assert executor.rows(
        "SELECT key, state, tries FROM workflow_nodes WHERE workflow_id = %s ORDER BY position", workflow_id
    ) == [("facts", "succeeded", 1), ("segments", "succeeded", 1), ("again", "succeeded", 1)]
    assert executor.rows("SELECT max(a.finished_at) < min(b.enqueued_at) FROM job_runs a, job_runs b"
        " WHERE a.name LIKE 'segments%%' AND b.batch_id = (SELECT batch_id FROM workflow_nodes WHERE key = 'again')",
    ) == [(True,)]  # fmt: skip


def kill_whole(process: Popen[bytes]) -> None:
    """SIGKILL to a process and its children: nobody hands anything back."""
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    process.wait(timeout=30)
