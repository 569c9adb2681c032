"""The reading of a workflow's definition: its shape, its limits, and whether everything it names is there.

`read` is the only door: a document that it returns can be stored, forms no cycle, and gives every job arguments of
the right types. Whatever is wrong is told with a JSON pointer into the request.
"""

import json
from collections.abc import Iterator, Mapping
from graphlib import CycleError
from typing import Any

from pydantic import ValidationError

from storecast.jobs import fan_out
from storecast.jobs.errors import WorkflowInvalid
from storecast.jobs.workflow_engine import in_order
from storecast.jobs.workflows_schemas import WorkflowInput, WorkflowNodeInput
from storecast.kit.errors import FieldError, Invalid
from storecast.worker.job import Job

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
"""Arguments are a few named values; what nests deeper is no argument of any job."""

COUNTS = ("count", "succeeded", "dead")
"""The fields of a fanned-out node's result."""

Jobs = Mapping[str, type[Job]]


def read(document: object, jobs: Jobs, *, by_people: bool) -> WorkflowInput:
    """The definition in a document; raises WorkflowInvalid naming every fault.

    People may only use jobs that are open to them; the program may use all.
    """
    if errors := list(_unstorable(document)):
        raise WorkflowInvalid("The workflow cannot be stored.", errors=errors)
    try:
        definition = WorkflowInput.model_validate(document)
    except ValidationError as error:
        errors = [
            FieldError(_pointer(fault["loc"]), fault["msg"], fault["type"])
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise WorkflowInvalid("The workflow does not have the right shape.", errors=errors) from None
    if errors := list(_faults(definition, jobs, by_people=by_people)):
        raise WorkflowInvalid("The workflow asks for something that is not possible.", errors=errors)
    return definition


def dump(definition: WorkflowInput) -> dict[str, Any]:
    """The document of a definition."""
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _pointer(steps: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _unstorable(document: object) -> Iterator[FieldError]:
    """What PostgreSQL or the ledger would choke on. Walks without recursion: a document of any depth is refused."""
    waiting: list[tuple[object, tuple[int | str, ...]]] = [(document, ())]
    size = 0
    while waiting:
        value, at = waiting.pop()
        if len(at) > MAX_DEPTH:
            yield FieldError(
                _pointer(at[:MAX_DEPTH]), f"Values nest at most {MAX_DEPTH} levels deep.", "too_deep"
            )
            return
        if isinstance(value, dict):
            size += sum(len(str(name)) + 4 for name in value)
            waiting += [(inner, (*at, str(name))) for name, inner in value.items()]
            waiting += [(name, at) for name in value]
        elif isinstance(value, list):
            size += len(value)
            waiting += [(inner, (*at, index)) for index, inner in enumerate(value)]
        else:
            size += len(str(value))
            if not _is_json(value):
                yield FieldError(_pointer(at), "Not text or a number that can be kept.", "value_not_storable")
        if size > MAX_BYTES:
            yield FieldError("", f"A workflow has at most {MAX_BYTES // 1024} KiB.", "too_large")
            return


def _is_json(value: object) -> bool:
    """Whether a scalar survives jsonb: no NaN, no zero character, no half of a surrogate pair."""
    if isinstance(value, str) and "\0" in value:
        return False
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return False
    return True


def _faults(definition: WorkflowInput, jobs: Jobs, *, by_people: bool) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, node in enumerate(definition.nodes):
        if node.key in seen:
            yield FieldError(f"/nodes/{index}/key", f"There are two nodes {node.key}.", "duplicate_key")
        seen.add(node.key)
    for index, node in enumerate(definition.nodes):
        yield from _needs_faults(node, f"/nodes/{index}", seen)
        yield from _job_faults(node, f"/nodes/{index}", jobs, by_people=by_people)
    needs = {node.key: [key for key in node.needs if key in seen] for node in definition.nodes}
    try:
        order = in_order(needs)
    except CycleError as error:
        yield _cycle_fault(definition, error.args[1])
        return
    upstream: dict[str, set[str]] = {}
    for key in order:
        upstream[key] = set(needs[key]).union(*(upstream[need] for need in needs[key]))
    fanned_out = {node.key for node in definition.nodes if node.fan_out is not None}
    for index, node in enumerate(definition.nodes):
        yield from _condition_faults(node, f"/nodes/{index}/condition", upstream[node.key], fanned_out)


def _cycle_fault(definition: WorkflowInput, cycle: list[str]) -> FieldError:
    index = next(index for index, node in enumerate(definition.nodes) if node.key in cycle)
    # graphlib names each node before the one that needs it; a reader follows the needs.
    path = " needs ".join(reversed(cycle))
    return FieldError(f"/nodes/{index}/needs", f"The nodes wait for one another: {path}.", "cycle")


def _needs_faults(node: WorkflowNodeInput, pointer: str, keys: set[str]) -> Iterator[FieldError]:
    for position, need in enumerate(node.needs):
        at = f"{pointer}/needs/{position}"
        if need not in keys:
            yield FieldError(at, f"There is no node {need}.", "unknown_node")
        elif need in node.needs[:position]:
            yield FieldError(at, f"{need} is named twice.", "duplicate_need")


def _condition_faults(
    node: WorkflowNodeInput, pointer: str, upstream: set[str], fanned_out: set[str]
) -> Iterator[FieldError]:
    condition = node.condition
    if condition is None:
        return
    if condition.node not in upstream:
        message = f"{condition.node} does not come before {node.key}: it may not be over when this is asked."
        yield FieldError(f"{pointer}/node", message, "not_upstream")
    elif condition.node in fanned_out and condition.field not in COUNTS:
        message = f"A node of many jobs has only {', '.join(COUNTS)}."
        yield FieldError(f"{pointer}/field", message, "unknown_field")
    if condition.op == "exists" and not isinstance(condition.value, bool | None):
        yield FieldError(
            f"{pointer}/value", "exists takes true, false or nothing.", "value_of_the_wrong_type"
        )
    elif condition.op in ("gt", "gte", "lt", "lte") and (
        isinstance(condition.value, bool) or not isinstance(condition.value, int | float | str)
    ):
        yield FieldError(
            f"{pointer}/value", f"{condition.op} takes a number or a text.", "value_of_the_wrong_type"
        )


def _job_faults(
    node: WorkflowNodeInput, pointer: str, jobs: Jobs, *, by_people: bool
) -> Iterator[FieldError]:
    job_type = jobs.get(node.job)
    if job_type is None:
        yield FieldError(f"{pointer}/job", f"There is no job {node.job}.", "unknown_job")
    elif by_people and not job_type.open_to_users:
        message = f"{node.job} is the program's own and cannot be started by people."
        yield FieldError(f"{pointer}/job", message, "job_not_open")
    payload = dict(node.args)
    at_value = None
    if node.fan_out is not None:
        query = fan_out.find(node.fan_out.over)
        if query is None:
            yield FieldError(
                f"{pointer}/fan_out/over", f"There is no query {node.fan_out.over}.", "unknown_query"
            )
            return
        if node.fan_out.argument in payload:
            message = f"{node.fan_out.argument} is also given in args."
            yield FieldError(f"{pointer}/fan_out/as", message, "argument_given_twice")
            return
        payload[node.fan_out.argument] = query.sample
        at_value = f"{pointer}/args{_pointer((node.fan_out.argument,))}"
    if job_type is None:
        return
    try:
        job_type.validated(payload, pointer=f"{pointer}/args")
    except Invalid as error:
        for fault in error.errors:
            if fault.pointer == at_value:
                yield FieldError(f"{pointer}/fan_out/as", fault.message, fault.code)
            else:
                yield fault
