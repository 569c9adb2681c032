"""Random graphs of jobs, and how each of them has to end: the model that workflows are tested against."""

from dataclasses import dataclass

from hypothesis import strategies as st

from storecast.jobs.workflow_engine import PASSED, Condition, NodeState, Operator


@dataclass(frozen=True, slots=True)
class Plan:
    """A node, and for each of its jobs after how many deaths it succeeds (a large number: never)."""

    key: str
    needs: tuple[str, ...]
    retries: int
    deaths: tuple[int, ...]
    fanned_out: bool
    condition: Condition | None


OPERATORS: list[Operator] = ["eq", "ne", "gt", "lte", "exists"]


@st.composite
def graphs(draw: st.DrawFn, max_nodes: int = 12) -> list[Plan]:
    """Nodes whose needs form no cycle, in any order of the document."""
    plans: list[Plan] = []
    for number in range(draw(st.integers(1, max_nodes))):
        keys = [plan.key for plan in plans]
        needs: list[str] = draw(st.lists(st.sampled_from(keys), unique=True, max_size=3)) if keys else []
        fanned_out = draw(st.booleans())
        jobs = draw(st.integers(0, 4)) if fanned_out else 1
        condition = None
        if draw(st.booleans()) and needs:
            asked = draw(st.sampled_from(sorted(upstream(plans, needs))))
            many = any(plan.fanned_out for plan in plans if plan.key == asked)
            op = draw(st.sampled_from(OPERATORS))
            condition = Condition(
                asked,
                draw(st.sampled_from(["count", "dead"] if many else ["value", "nothing"])),
                op,
                None if op == "exists" else draw(st.integers(0, 4)),
            )
        plans.append(
            Plan(
                key=f"n{number}",
                needs=tuple(needs),
                retries=draw(st.integers(0, 2)),
                deaths=tuple(draw(st.sampled_from([0, 0, 0, 1, 2, 9])) for _ in range(jobs)),
                fanned_out=fanned_out,
                condition=condition,
            )
        )
    return draw(st.permutations(plans))


def upstream(plans: list[Plan], needs: list[str]) -> set[str]:
    by_key = {plan.key: plan for plan in plans}
    found: set[str] = set()
    waiting = list(needs)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += by_key[key].needs
    return found


@dataclass(frozen=True, slots=True)
class Expected:
    """What the model says of a node: its end, its result, and which job runs in which try."""

    state: NodeState
    result: dict[str, int] | None
    runs: tuple[tuple[int, int], ...] = ()


def model(plans: list[Plan]) -> dict[str, Expected]:
    """The end of every node, by recursion over what it needs."""
    by_key = {plan.key: plan for plan in plans}
    known: dict[str, Expected] = {}

    def end_of(key: str) -> Expected:
        if key not in known:
            known[key] = work_out(by_key[key])
        return known[key]

    def work_out(plan: Plan) -> Expected:
        needed = [end_of(key).state for key in plan.needs]
        if any(state not in PASSED for state in needed):
            return Expected("waiting", None)
        if needed and all(state == "skipped" for state in needed):
            return Expected("skipped", None)
        if plan.condition and not plan.condition.holds(end_of(plan.condition.node).result):
            return Expected("skipped", None)
        left = list(range(len(plan.deaths)))
        runs: list[tuple[int, int]] = []
        for number in range(1, plan.retries + 2):
            runs += [(number, job) for job in left]
            left = [job for job in left if plan.deaths[job] >= number]
            if not left:
                result = (
                    {"count": len(plan.deaths), "dead": 0} if plan.fanned_out else {"value": len(plan.key)}
                )
                return Expected("succeeded", result, tuple(runs))
        return Expected("failed", None, tuple(runs))

    return {plan.key: end_of(plan.key) for plan in plans}
