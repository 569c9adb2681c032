"""What a workflow does next, decided from the states of its nodes and their batches alone: no clock, no database.

A node starts when every node that it needs has succeeded or was skipped and its condition holds. It is skipped when
its condition does not hold, or when it has needs and every one of them was skipped. What needs a failed node keeps
waiting; the workflow ends as failed once nothing runs and nothing can start. A decision made twice on the same states
is the same, and on the states that it led to it is empty: whoever applies it may be killed and come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Literal

NodeState = Literal["waiting", "running", "succeeded", "failed", "skipped", "cancelled"]
WorkflowState = Literal["running", "paused", "succeeded", "failed", "cancelled"]
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "exists"]

PASSED: frozenset[NodeState] = frozenset({"succeeded", "skipped"})
"""Over, and in nobody's way."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of a node's newest try."""

    total: int
    succeeded: int = 0
    dead: int = 0
    cancelled: int = 0

    @property
    def over(self) -> bool:
        """Whether none of them will run any more."""
        return self.succeeded + self.dead + self.cancelled >= self.total


@dataclass(frozen=True, slots=True)
class Condition:
    """A question about the result of an earlier node. One without a result has no fields: only ``ne`` holds."""

    node: str
    field: str
    op: Operator
    value: Any = None

    def holds(self, result: Mapping[str, Any] | None) -> bool:
        """The answer. Values of different kinds are unequal and in no order; true and false are no numbers."""
        present = result is not None and self.field in result
        if self.op == "exists":
            return present is (self.value is not False)
        found = result[self.field] if result is not None and present else None
        if self.op in ("eq", "ne"):
            same = present and _kind(found) == _kind(self.value) and found == self.value
            return same is (self.op == "eq")
        if not present or _kind(found) != _kind(self.value) or _kind(found) not in ("number", "text"):
            return False
        return bool(
            {"gt": found > self.value, "gte": found >= self.value, "lt": found < self.value}.get(
                self.op, found <= self.value
            )
        )


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it stands. ``result`` is that of its jobs as soon as they are over, not only once it is written."""

    key: str
    state: NodeState
    needs: tuple[str, ...] = ()
    condition: Condition | None = None
    retries: int = 0
    tries: int = 0
    batch: Batch | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A node's next state. To ``running`` means that its jobs are to be staged; to ``waiting``, that it tries again."""

    key: str
    to: NodeState


@dataclass(frozen=True, slots=True)
class Decision:
    """The moves to make, in this order and in one transaction, and the state in which the workflow ends by them."""

    moves: tuple[Move, ...]
    ends: WorkflowState | None


def decide(state: WorkflowState, nodes: Sequence[Node]) -> Decision:
    """Everything that can move now. ``state`` is that of a workflow that is not over, or was cancelled just now."""
    states: dict[str, NodeState] = {node.key: node.state for node in nodes}
    by_key = {node.key: node for node in nodes}
    moves: list[Move] = []
    held_back = False
    for node in nodes:
        if node.state == "running" and (node.batch is None or node.batch.over):
            states[node.key] = _settled(node, stopped=state == "cancelled")
            moves.append(Move(node.key, states[node.key]))
    for key in in_order({node.key: node.needs for node in nodes}):
        if states[key] != "waiting":
            continue
        to = "cancelled" if state == "cancelled" else _next(by_key[key], states, by_key)
        if to == "running" and state == "paused":
            held_back = True
        elif to is not None:
            states[key] = to
            moves.append(Move(key, to))
    return Decision(tuple(moves), None if held_back else _end(state, set(states.values())))


def in_order(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The keys, each behind all that it needs; raises graphlib.CycleError."""
    return list(TopologicalSorter(needs).static_order())


def _settled(node: Node, *, stopped: bool) -> NodeState:
    """What a node is once its jobs are over. Jobs that a person cancelled are not tried again by themselves."""
    if node.batch is None:
        return "failed"
    if node.batch.succeeded >= node.batch.total:
        return "succeeded"
    if node.batch.cancelled:
        return "failed" if node.batch.dead else "cancelled"
    return "failed" if stopped or node.tries > node.retries else "waiting"


def _next(node: Node, states: Mapping[str, NodeState], by_key: Mapping[str, Node]) -> NodeState | None:
    needed = {states[key] for key in node.needs}
    if needed - PASSED:
        return None
    if needed == {"skipped"}:
        return "skipped"
    if node.condition is not None:
        asked = node.condition.node
        result = by_key[asked].result if states[asked] == "succeeded" else None
        if not node.condition.holds(result):
            return "skipped"
    return "running"


def _end(state: WorkflowState, states: set[NodeState]) -> WorkflowState | None:
    if "running" in states:
        return None
    if state == "cancelled":
        return "cancelled"
    return "succeeded" if states <= PASSED else "failed"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return type(value).__name__
