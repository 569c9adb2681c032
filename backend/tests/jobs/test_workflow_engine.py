"""The decisions of a workflow, driven by an executor that loses, repeats and reorders whatever it may."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast.jobs.workflow_engine import (
    PASSED,
    Batch,
    Condition,
    Decision,
    Move,
    Node,
    NodeState,
    WorkflowState,
    decide,
)
from tests.jobs.workflow_model import Plan, graphs, model


@dataclass(slots=True)
class Stored:
    """A node's row with the batch that belongs to it."""

    state: NodeState = "waiting"
    tries: int = 0
    batch: int | None = None
    result: dict[str, int] | None = None


@dataclass(slots=True)
class Executor:
    """A ledger and a database in memory: jobs are delivered in any order and again, and steps are lost half-way."""

    plans: list[Plan]
    state: WorkflowState = "running"
    nodes: dict[str, Stored] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    # Jobs that wait: (node, its try, its job, its batch), and how many advances are under way.
    jobs: list[tuple[str, int, int, int]] = field(default_factory=list)
    unsuccessful: dict[int, list[int]] = field(default_factory=dict)
    advances: int = 1
    ran: list[tuple[str, int, int]] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self) -> None:
        self.nodes = {plan.key: Stored() for plan in self.plans}

    def run_job(self, position: int) -> None:
        """End one waiting job, with its batch counted and the completion staged in the same commit."""
        key, number, job, batch = self.jobs.pop(position)
        plan = next(plan for plan in self.plans if plan.key == key)
        self.ran.append((key, number, job))
        counts = self.batches[batch]
        if plan.deaths[job] >= number:
            self.unsuccessful.setdefault(batch, []).append(job)
            self.batches[batch] = replace(counts, dead=counts.dead + 1)
        else:
            self.batches[batch] = replace(counts, succeeded=counts.succeeded + 1)
        self.advances += self.batches[batch].over

    def advance(self, *, killed_after: int | None, acknowledged: bool) -> None:
        """Read, decide and write; killed in between, the transaction leaves nothing behind."""
        before = (
            {key: replace(node) for key, node in self.nodes.items()},
            list(self.batches),
            list(self.jobs),
            dict(self.unsuccessful),
            self.advances,
        )
        steps = 0
        while not self.ended:
            decision = decide(self.state, self.views())
            assert decide(self.state, self.views()) == decision
            for move in decision.moves:
                if killed_after is not None and steps >= killed_after:
                    self.nodes, self.batches, self.jobs, self.unsuccessful, self.advances = before
                    return
                steps += 1
                self.apply(move)
            if decision.ends is not None:
                self.state, self.ended = decision.ends, True
            if not decision.moves:
                break
        self.advances -= acknowledged

    def views(self) -> list[Node]:
        return [self.view(plan) for plan in self.plans]

    def view(self, plan: Plan) -> Node:
        node = self.nodes[plan.key]
        batch = self.batches[node.batch] if node.batch is not None else None
        result: Mapping[str, Any] | None = node.result
        if node.state == "running" and batch is not None and batch.over:
            result = self.result(plan, batch)
        return Node(plan.key, node.state, plan.needs, plan.condition, plan.retries, node.tries, batch, result)

    def result(self, plan: Plan, batch: Batch) -> dict[str, int]:
        if plan.fanned_out:
            return {"count": len(plan.deaths), "dead": batch.dead}
        return {"value": len(plan.key)}

    def apply(self, move: Move) -> None:
        plan = next(plan for plan in self.plans if plan.key == move.key)
        node = self.nodes[move.key]
        if move.to == "running":
            again = node.batch is not None and plan.fanned_out
            jobs = self.unsuccessful.get(node.batch or 0, []) if again else list(range(len(plan.deaths)))
            node.tries, node.batch = node.tries + 1, len(self.batches)
            self.batches.append(Batch(len(jobs)))
            self.jobs += [(plan.key, node.tries, job, node.batch) for job in jobs]
            self.advances += not jobs
        elif node.state == "running" and node.batch is not None:
            node.result = self.result(plan, self.batches[node.batch])
        node.state = move.to

    def stands_still(self) -> bool:
        """What the sweep looks for."""
        running = [node.batch for node in self.nodes.values() if node.state == "running"]
        ended = any(batch is not None and self.batches[batch].over for batch in running)
        return not self.ended and (ended or (self.state != "paused" and not running))


STEPS = st.one_of(
    st.tuples(st.just("job"), st.integers(0, 50)),
    st.tuples(st.just("advance"), st.none() | st.integers(0, 4), st.booleans()),
    st.tuples(st.just("lose"), st.integers(1, 3)),
    st.tuples(st.just("pause"), st.booleans()),
)


def take(executor: Executor, step: tuple[Any, ...]) -> None:
    if step[0] == "job" and executor.jobs:
        executor.run_job(step[1] % len(executor.jobs))
    elif step[0] == "advance" and executor.advances:
        executor.advance(killed_after=step[1], acknowledged=step[2])
    elif step[0] == "lose":
        executor.advances = max(0, executor.advances - step[1])
    elif step[0] == "pause" and not executor.ended:
        executor.state = "paused" if step[1] else "running"


def finish(executor: Executor) -> None:
    """Let everything that still can happen do so, with only the sweep to rely on."""
    if not executor.ended:
        executor.state = "running"
    for _ in range(1_000):
        while executor.jobs:
            executor.run_job(0)
        if executor.ended:
            return
        assert executor.stands_still()
        executor.advances = 1
        executor.advance(killed_after=None, acknowledged=True)
    raise AssertionError("the workflow never ended")


@settings(max_examples=400, deadline=None)
@given(graphs(), st.lists(STEPS, max_size=80))
def test_whatever_is_lost_or_repeated_the_end_is_that_of_the_model(
    plans: list[Plan], steps: list[tuple[Any, ...]]
) -> None:
    executor = Executor(plans)
    for step in steps:
        take(executor, step)
    finish(executor)

    expected = model(plans)
    assert {key: node.state for key, node in executor.nodes.items()} == {
        key: node.state for key, node in expected.items()
    }
    failed = any(node.state not in PASSED for node in expected.values())
    assert executor.state == ("failed" if failed else "succeeded")
    # Each job of a try ran once, and only those that the model knows of.
    assert Counter(executor.ran) == Counter(
        {(key, number, job): 1 for key, node in expected.items() for number, job in node.runs}
    )
    places = {key: [at for at, ran in enumerate(executor.ran) if ran[0] == key] for key in expected}
    for plan in plans:
        for need in plan.needs:
            if places[plan.key] and places[need]:
                assert max(places[need]) < min(places[plan.key]), f"{plan.key} overtook {need}"


@settings(max_examples=150, deadline=None)
@given(graphs(), st.lists(STEPS, max_size=60), st.lists(STEPS, max_size=20))
def test_after_a_cancel_nothing_starts_and_everything_ends(
    plans: list[Plan], before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    executor = Executor(plans)
    for step in before:
        take(executor, step)
    if executor.ended:
        return
    executor.state = "cancelled"
    started = {key: node.tries for key, node in executor.nodes.items()}
    for step in after:
        if step[0] != "pause":
            take(executor, step)
    while executor.jobs:
        executor.run_job(0)
    if not executor.ended:
        executor.advances = 1
        executor.advance(killed_after=None, acknowledged=True)

    assert (executor.ended, executor.state) == (True, "cancelled")
    assert {key: node.tries for key, node in executor.nodes.items()} == started
    assert {node.state for node in executor.nodes.values()} & {"waiting", "running"} == set()


@given(graphs())
def test_a_paused_workflow_starts_nothing(plans: list[Plan]) -> None:
    views = [Node(plan.key, "waiting", plan.needs, plan.condition) for plan in plans]
    decision = decide("paused", views)
    assert all(move.to == "skipped" for move in decision.moves)
    assert decision.ends is None


def test_a_job_that_a_person_cancelled_is_not_tried_again() -> None:
    node = Node("a", "running", retries=3, tries=1, batch=Batch(2, succeeded=1, cancelled=1))
    assert decide("running", [node]) == Decision((Move("a", "cancelled"),), "failed")


def test_a_dead_job_is_tried_again_at_once_and_by_a_paused_workflow_later() -> None:
    node = Node("a", "running", retries=1, tries=1, batch=Batch(1, dead=1))
    assert decide("running", [node]) == Decision((Move("a", "waiting"), Move("a", "running")), None)
    assert decide("paused", [node]) == Decision((Move("a", "waiting"),), None)
    spent = replace(node, tries=2)
    assert decide("running", [spent]) == Decision((Move("a", "failed"),), "failed")


def test_branches_beside_a_failed_one_go_on() -> None:
    nodes = [
        Node("a", "running", tries=1, batch=Batch(1, dead=1)),
        Node("b", "running", tries=1, batch=Batch(1, succeeded=1)),
        Node("behind a", "waiting", ("a",)),
        Node("behind both", "waiting", ("a", "b")),
        Node("behind b", "waiting", ("b",)),
    ]
    assert decide("running", nodes) == Decision(
        (Move("a", "failed"), Move("b", "succeeded"), Move("behind b", "running")), None
    )


def test_a_skip_goes_on_only_to_what_has_no_other_need() -> None:
    nodes = [
        Node("a", "succeeded", result={"members": 0}),
        Node("b", "waiting", ("a",), Condition("a", "members", "gt", 0)),
        Node("only b", "waiting", ("b",)),
        Node("a and b", "waiting", ("a", "b")),
    ]
    assert set(decide("running", nodes).moves) == {
        Move("b", "skipped"),
        Move("only b", "skipped"),
        Move("a and b", "running"),
    }


@pytest.mark.parametrize(
    ("op", "value", "result", "holds"),
    [
        ("eq", 3, {"n": 3}, True),
        ("eq", 3, {"n": 3.0}, True),
        ("eq", 1, {"n": True}, False),
        ("eq", "3", {"n": 3}, False),
        ("eq", None, {"n": None}, True),
        ("eq", None, {}, False),
        ("ne", 3, {"n": 4}, True),
        ("ne", 3, {}, True),
        ("ne", 3, None, True),
        ("gt", 3, {"n": 4}, True),
        ("gt", 3, {"n": "4"}, False),
        ("gt", 0, {"n": True}, False),
        ("gte", 4, {"n": 4}, True),
        ("lt", "b", {"n": "a"}, True),
        ("lte", 3, {"n": 4}, False),
        ("lte", 3, None, False),
        ("gt", 3, {"n": [4]}, False),
        ("exists", None, {"n": None}, True),
        ("exists", True, {}, False),
        ("exists", False, {}, True),
        ("exists", False, None, True),
        ("exists", False, {"n": 0}, False),
    ],
)
def test_a_condition_compares_like_with_like(
    op: Any, value: Any, result: dict[str, Any] | None, holds: bool
) -> None:
    assert Condition("a", "n", op, value).holds(result) is holds
