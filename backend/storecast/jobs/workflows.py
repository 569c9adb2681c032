"""Rules of workflows: graphs of jobs that survive any crash between their nodes.

Each node's jobs are one batch, whose completion job advances the workflow and is staged in the very commit that ends
the batch's last job. Advancing locks the workflow, reads where its nodes and batches stand, and makes every move that
`workflow_engine` names in one transaction: it either happened whole or not at all, and happens once however many try.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import fan_out, workflow_documents, workflows_schemas
from storecast.jobs import workflow_engine as engine
from storecast.jobs import workflows_repository as repository
from storecast.jobs.errors import (
    WorkflowInvalid,
    WorkflowNotRetryable,
    WorkflowOver,
    WorkflowUnderWay,
    WorkflowUnknown,
)
from storecast.jobs.jobs import AdvanceWorkflow
from storecast.jobs.models import Workflow, WorkflowNode
from storecast.jobs.scope import Scope
from storecast.jobs.workflows_repository import NO_NODES, NodeCounts
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid, Retryable
from storecast.kit.ids import uuid7
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker import batches, outbox
from storecast.worker.job import Job
from storecast.worker.models import JobBatch
from storecast.worker.task import registered

log = structlog.get_logger(__name__)

PAGE_SIZE = 50
JOBS_SHOWN = 5
SWEPT_AT_ONCE = 1_000

KEPT = timedelta(days=90)
"""As long as the runs of failed jobs are; a workflow without its runs explains nothing."""

UNKNOWN_JOB_RETRY_S = 60.0
"""During a deploy an old worker may meet a new job; by now a new one may look."""


class _NotStartable(Exception):
    """A node whose jobs cannot be staged; the text says why."""


class _UnknownJob(_NotStartable):
    pass


def start(
    session: Session,
    shop_id: ShopId | None,
    definition: dict[str, Any],
    *,
    unique_key: str | None = None,
    created_by: str | None = None,
    by_people: bool = False,
    afterwards: Job | None = None,
) -> UUID:
    """Begin a workflow; the one under way when there is one with the same unique key.

    ``afterwards`` is staged in the commit that ends the workflow, in whatever state that is.
    """
    document = workflow_documents.read(definition, registered(), by_people=by_people)
    if shop_id is None and any(node.fan_out for node in document.nodes):
        raise WorkflowInvalid("Only a shop's workflow can fan out: queries read one shop's rows.")
    workflow_id = uuid7()
    stored = workflow_documents.dump(document)
    if afterwards is not None:
        stored["afterwards"] = {"job": afterwards.name, "args": afterwards.payload()}
    workflow = {
        "id": workflow_id,
        "shop_id": shop_id,
        "name": document.name,
        "state": "running",
        "unique_key": unique_key,
        "definition": stored,
        "created_by": created_by,
    }
    nodes = [
        {
            "workflow_id": workflow_id,
            "shop_id": shop_id,
            "key": node.key,
            "position": position,
            "state": "waiting",
            "needs": node.needs,
            "job_name": node.job,
            "args": node.args,
            "condition": node.condition.model_dump() if node.condition else None,
            "fan_out": node.fan_out.model_dump(by_alias=True) if node.fan_out else None,
            "retries": node.retries,
        }
        for position, node in enumerate(document.nodes)
    ]
    if not repository.create(session, workflow, nodes):
        under_way = repository.find_under_way(session, shop_id, unique_key or "")
        if under_way is not None:
            return under_way
        return start(  # the other one ended between the two statements
            session,
            shop_id,
            definition,
            unique_key=unique_key,
            created_by=created_by,
            by_people=by_people,
            afterwards=afterwards,
        )
    outbox.add(session, shop_id, AdvanceWorkflow(str(workflow_id)))
    log.info("workflow_started", workflow_id=str(workflow_id), workflow=document.name, shop_id=shop_id)
    return workflow_id


def is_under_way(session: Session, shop_id: ShopId, unique_key: str) -> bool:
    """Whether a workflow with this key is not over yet; a cancelled one is when the last of its jobs has ended."""
    return repository.has_unfinished(session, shop_id, unique_key)


def create(session: Session, scope: Scope, definition: dict[str, Any]) -> workflows_schemas.Workflow:
    """Begin a workflow that a person wrote, in the shop that they came in through."""
    workflow_id = start(session, scope.home, definition, created_by=scope.actor, by_people=True)
    audit.record(
        session, scope.home, scope.actor, "workflow_started", str(workflow_id), name=definition["name"]
    )
    return get(session, scope, workflow_id)


def check(definition: object) -> workflows_schemas.WorkflowCheck:
    """What is in the way of starting this; nothing is stored."""
    try:
        workflow_documents.read(definition, registered(), by_people=True)
    except Invalid as error:
        faults = [
            workflows_schemas.WorkflowFault(pointer=fault.pointer, message=fault.message, code=fault.code)
            for fault in error.errors
        ]
        return workflows_schemas.WorkflowCheck(ok=False, errors=faults)
    return workflows_schemas.WorkflowCheck(ok=True, errors=[])


def parts() -> workflows_schemas.WorkflowParts:
    """The jobs and the queries that people may use."""
    jobs = [
        workflows_schemas.WorkflowJob(
            name=name, title_key=f"jobs.{name}", args_schema=job_type.fields_schema()
        )
        for name, job_type in sorted(registered().items())
        if job_type.open_to_users
    ]
    queries = [
        workflows_schemas.WorkflowQuery(name=query.name, description=query.description)
        for query in fan_out.list_all()
    ]
    return workflows_schemas.WorkflowParts(jobs=jobs, queries=queries)


def advance(session: Session, workflow_id: UUID, *, last_attempt: bool = True) -> None:
    """Make every move that can be made now; none when the workflow is over, or nothing has changed.

    On the last attempt a node whose job this version does not know fails; before that somebody newer may know it.
    """
    workflow = repository.lock(session, None, workflow_id)
    if workflow is not None and workflow.finished_at is None:
        _advance(session, workflow, last_attempt=last_attempt)


def sweep(session: Session, *, now: datetime) -> int:
    """Stage the advance of whatever stands still, because somebody lost the job that should have done it."""
    standing = repository.list_standing_still(session, SWEPT_AT_ONCE)
    for workflow_id, shop_id in standing:
        outbox.add(session, None if shop_id is None else ShopId(shop_id), AdvanceWorkflow(str(workflow_id)))
    forgotten = repository.forget(session, now - KEPT, SWEPT_AT_ONCE)
    batches = repository.forget_batches(session, now - KEPT, SWEPT_AT_ONCE)
    if standing or forgotten or batches:
        log.info("workflows_swept", standing=len(standing), forgotten=forgotten, batches_forgotten=batches)
    return len(standing)


def pause(session: Session, scope: Scope, workflow_id: UUID) -> workflows_schemas.Workflow:
    """Start nothing new; what runs goes on. Asking again changes nothing."""
    workflow = _lock_open(session, scope, workflow_id)
    if workflow.state == "running":
        _set_state(session, scope, workflow, "paused", "workflow_paused")
    return get(session, scope, workflow_id)


def resume(session: Session, scope: Scope, workflow_id: UUID) -> workflows_schemas.Workflow:
    """Go on after a pause. Asking again changes nothing."""
    workflow = _lock_open(session, scope, workflow_id)
    if workflow.state == "paused":
        _set_state(session, scope, workflow, "running", "workflow_resumed")
        _stage_advance(session, workflow)
    return get(session, scope, workflow_id)


def cancel(session: Session, scope: Scope, workflow_id: UUID) -> workflows_schemas.Workflow:
    """Start nothing more and ask what runs to stop; the workflow is over when the last of it has."""
    workflow = _lock_open(session, scope, workflow_id)
    running = [
        node.batch_id
        for node in repository.list_nodes(session, workflow.id)
        if node.state == "running" and node.batch_id is not None
    ]
    repository.ask_to_cancel(session, running, utcnow())
    _set_state(session, scope, workflow, "cancelled", "workflow_cancelled")
    # Nothing can start any more, so this also works in a session without the shop's rows.
    _advance(session, workflow, last_attempt=True)
    # The relay clears the cancelled jobs away; whoever ends the last one advances this.
    outbox.wake(session)
    return get(session, scope, workflow_id)


def retry(session: Session, scope: Scope, workflow_id: UUID) -> workflows_schemas.Workflow:
    """Go on from the nodes that failed or were cancelled, with all their retries before them again.

    A fanned-out node runs only those of its jobs again that did not succeed. What succeeded stays.
    """
    workflow = _lock(session, scope, workflow_id)
    if workflow.state not in ("failed", "cancelled") or workflow.finished_at is None:
        raise WorkflowNotRetryable
    for node in repository.list_nodes(session, workflow.id):
        if node.state in ("failed", "cancelled"):
            node.state, node.tries = "waiting", 0
            node.error = node.finished_at = None
    workflow.finished_at = None
    try:
        with session.begin_nested():
            _set_state(session, scope, workflow, "running", "workflow_retried")
    except IntegrityError:
        raise WorkflowUnderWay from None
    _stage_advance(session, workflow)
    return get(session, scope, workflow_id)


def get(session: Session, scope: Scope, workflow_id: UUID) -> workflows_schemas.Workflow:
    """A workflow with its graph; raises WorkflowUnknown."""
    workflow = repository.find(session, scope.shop_id, workflow_id)
    if workflow is None:
        raise WorkflowUnknown
    nodes = repository.list_nodes(session, workflow_id)
    counts = repository.count_nodes(session, [workflow_id])
    found = repository.batches(session, [node.batch_id for node in nodes if node.batch_id])
    row = _shape_row(workflow, counts, _domains(session, [workflow]))
    return workflows_schemas.Workflow(
        **row.model_dump(),
        definition=workflow.definition,
        nodes=[_shape_node(session, node, found) for node in nodes],
    )


def list_page(
    session: Session, scope: Scope, *, state: str | None, cursor: str | None
) -> Page[workflows_schemas.WorkflowRow]:
    """Newest first."""
    rows = repository.list_newest(
        session, scope.shop_id, state=state, before_id=_read_cursor(cursor), limit=PAGE_SIZE + 1
    )
    shown = rows[:PAGE_SIZE]
    counts = repository.count_nodes(session, [row.id for row in shown])
    domains = _domains(session, shown)
    return Page(
        items=[_shape_row(row, counts, domains) for row in shown],
        next_cursor=encode_cursor(str(shown[-1].id)) if len(rows) > PAGE_SIZE else None,
    )


def _lock(session: Session, scope: Scope, workflow_id: UUID) -> Workflow:
    workflow = repository.lock(session, scope.shop_id, workflow_id)
    if workflow is None:
        raise WorkflowUnknown
    return workflow


def _lock_open(session: Session, scope: Scope, workflow_id: UUID) -> Workflow:
    workflow = _lock(session, scope, workflow_id)
    if workflow.state not in ("running", "paused"):
        raise WorkflowOver
    return workflow


def _set_state(session: Session, scope: Scope, workflow: Workflow, state: str, action: str) -> None:
    workflow.state = state
    session.flush()
    audit.record(
        session, scope.audited_in(workflow.shop_id), scope.actor, action, str(workflow.id), name=workflow.name
    )
    log.info(action, workflow_id=str(workflow.id), shop_id=workflow.shop_id)


def _stage_advance(session: Session, workflow: Workflow) -> None:
    outbox.add(session, _shop(workflow), AdvanceWorkflow(str(workflow.id)))


def _shop(workflow: Workflow) -> ShopId | None:
    return None if workflow.shop_id is None else ShopId(workflow.shop_id)


def _advance(session: Session, workflow: Workflow, *, last_attempt: bool) -> None:
    """Move until nothing moves: a batch without jobs and a node that cannot start are over at once."""
    while True:
        nodes = {node.key: node for node in repository.list_nodes(session, workflow.id)}
        views = _views(session, nodes.values())
        decision = engine.decide(_state(workflow), views)
        results = {view.key: view.result for view in views}
        for move in decision.moves:
            _move(session, workflow, nodes[move.key], move.to, results[move.key], last_attempt=last_attempt)
        session.flush()
        if decision.ends is not None:
            _end(session, workflow, decision.ends)
        if decision.ends is not None or not decision.moves:
            return


def _state(workflow: Workflow) -> engine.WorkflowState:
    return cast(engine.WorkflowState, workflow.state)  # the table's check allows no other


def _node_state(node: WorkflowNode) -> engine.NodeState:
    return cast(engine.NodeState, node.state)


def _views(session: Session, nodes: Iterable[WorkflowNode]) -> list[engine.Node]:
    nodes = list(nodes)
    running = [node.batch_id for node in nodes if node.state == "running" and node.batch_id is not None]
    found = repository.batches(session, running) if running else {}
    return [_view(session, node, found.get(node.batch_id) if node.batch_id else None) for node in nodes]


def _view(session: Session, node: WorkflowNode, batch: JobBatch | None) -> engine.Node:
    view = None
    result = node.result
    if batch is not None:
        view = engine.Batch(batch.total, batch.succeeded, batch.dead, batch.cancelled)
        if view.over:
            result = _result(session, node, batch)
    condition: Any = node.condition
    return engine.Node(
        key=node.key,
        state=_node_state(node),
        needs=tuple(node.needs),
        condition=engine.Condition(**condition) if condition else None,
        retries=node.retries,
        tries=node.tries,
        batch=view,
        result=result,
    )


def _result(session: Session, node: WorkflowNode, batch: JobBatch) -> dict[str, object] | None:
    """What the jobs of a node gave: of one its own words, of many how they fared over all tries."""
    if node.fan_out is None:
        run = repository.find_run(session, batch.id)
        return run.result if run is not None else None
    before: dict[str, Any] = node.result or {"count": batch.total, "succeeded": 0}
    return {
        "count": before["count"],
        "succeeded": before["succeeded"] + batch.succeeded,
        "dead": batch.dead,
    }


def _move(
    session: Session,
    workflow: Workflow,
    node: WorkflowNode,
    to: engine.NodeState,
    result: Any,
    *,
    last_attempt: bool,
) -> None:
    now = utcnow()
    if to == "running":
        try:
            jobs = _jobs(session, workflow, node)
        except _UnknownJob as error:
            if not last_attempt:
                raise Retryable(str(error), retry_after=UNKNOWN_JOB_RETRY_S) from None
            node.state, node.error, node.finished_at = "failed", str(error), now
        except _NotStartable as error:
            node.state, node.error, node.finished_at = "failed", str(error), now
        else:
            _start(session, workflow, node, jobs, now)
        return
    if node.state == "running":
        node.result = result
        node.error = _error(session, node, to)
    node.state = to
    node.finished_at = None if to == "waiting" else now
    log.info("workflow_node_moved", workflow_id=str(workflow.id), node=node.key, state=to)


def _start(
    session: Session, workflow: Workflow, node: WorkflowNode, jobs: Sequence[Job], now: datetime
) -> None:
    if node.batch_id is None or node.fan_out is None:
        node.result = None
    node.batch_id = batches.start(
        session,
        _shop(workflow),
        f"{workflow.name}: {node.key}",
        jobs,
        completion=AdvanceWorkflow(str(workflow.id)),
    )
    node.state, node.tries = "running", node.tries + 1
    node.started_at = node.started_at or now
    log.info("workflow_node_started", workflow_id=str(workflow.id), node=node.key, jobs=len(jobs))


def _jobs(session: Session, workflow: Workflow, node: WorkflowNode) -> list[Job]:
    """The jobs of a node's next try; raises _NotStartable."""
    job_type = registered().get(node.job_name)
    if job_type is None:
        raise _UnknownJob(f"This version of the program knows no job {node.job_name}.")
    try:
        return [job_type.from_payload(payload) for payload in _payloads(session, workflow, node)]
    except TypeError as error:
        raise _NotStartable(f"The arguments are no longer those of {node.job_name}: {error}") from error


def _payloads(session: Session, workflow: Workflow, node: WorkflowNode) -> list[dict[str, Any]]:
    args: dict[str, Any] = dict(node.args)
    if node.fan_out is None:
        return [args]
    if node.batch_id is not None:
        again = repository.list_unsuccessful_args(session, node.batch_id)
        if again:
            return [dict(each) for each in again]
        node.result = None  # their history is past its time: all of them run again
    query = fan_out.find(str(node.fan_out["over"]))
    shop_id = _shop(workflow)
    if query is None or shop_id is None:
        raise _UnknownJob(f"This version of the program knows no query {node.fan_out['over']}.")
    values = query.values(session, shop_id)
    if len(values) > fan_out.MAX_VALUES:
        raise _NotStartable(f"{query.name} has more than {fan_out.MAX_VALUES:,} values.")
    return [{**args, str(node.fan_out["as"]): value} for value in values]


def _error(session: Session, node: WorkflowNode, to: engine.NodeState) -> str | None:
    if to == "succeeded":
        return None
    if to == "cancelled":
        return "Its jobs were cancelled."
    error = repository.first_error(session, node.batch_id) if node.batch_id is not None else None
    return error or "Its jobs are gone without a trace."


def _end(session: Session, workflow: Workflow, state: engine.WorkflowState) -> None:
    workflow.state = state
    workflow.finished_at = utcnow()
    session.flush()
    afterwards: Any = workflow.definition.get("afterwards")
    job_type = registered().get(afterwards["job"]) if afterwards else None
    if job_type is not None:
        outbox.add(session, _shop(workflow), job_type.from_payload(afterwards["args"]))
    log.info("workflow_ended", workflow_id=str(workflow.id), state=state, shop_id=workflow.shop_id)


def _domains(session: Session, rows: Sequence[Workflow]) -> dict[int, str]:
    return shops.domains(session, {row.shop_id for row in rows if row.shop_id is not None})


def _shape_row(
    row: Workflow, counts: dict[UUID, NodeCounts], domains: dict[int, str]
) -> workflows_schemas.WorkflowRow:
    nodes = counts.get(row.id, NO_NODES)
    return workflows_schemas.WorkflowRow(
        id=row.id,
        name=row.name,
        state=_state(row),
        shop_domain=domains.get(row.shop_id) if row.shop_id is not None else None,
        nodes_total=nodes.total,
        nodes_done=nodes.done,
        nodes_failed=nodes.failed,
        created_at=row.created_at,
        finished_at=row.finished_at,
        created_by=row.created_by,
    )


def _shape_node(
    session: Session, node: WorkflowNode, found: dict[UUID, JobBatch]
) -> workflows_schemas.WorkflowNode:
    batch = found.get(node.batch_id) if node.batch_id is not None else None
    return workflows_schemas.WorkflowNode(
        key=node.key,
        position=node.position,
        state=_node_state(node),
        needs=node.needs,
        job_name=node.job_name,
        title_key=f"jobs.{node.job_name}",
        args=node.args,
        condition=node.condition,
        fan_out=node.fan_out,
        retries=node.retries,
        tries=node.tries,
        batch=workflows_schemas.WorkflowBatch.model_validate(batch, from_attributes=True) if batch else None,
        job_ids=repository.job_ids(session, batch.id, JOBS_SHOWN) if batch else [],
        result=node.result,
        error=node.error,
        started_at=node.started_at,
        finished_at=node.finished_at,
    )


def _read_cursor(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    (value,) = decode_cursor(cursor, 1)
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
