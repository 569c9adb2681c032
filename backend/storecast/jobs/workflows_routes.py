"""The API of workflows: a shop's people see and run their shop's, operators see everyone's."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query

from storecast.jobs import workflows
from storecast.jobs.view import View
from storecast.jobs.workflow_documents import dump
from storecast.jobs.workflows_schemas import (
    EXAMPLE,
    Workflow,
    WorkflowCheck,
    WorkflowInput,
    WorkflowParts,
    WorkflowRow,
    WorkflowStateFilter,
)
from storecast.kit.pages import Page
from storecast.shops.access import Permission, require

router = APIRouter(prefix="/workflows", tags=["workflows"])

READ, OPERATE = require(Permission.READ), require(Permission.OPERATE)


@router.get("", dependencies=[READ])
def list_workflows(
    view: View,
    state: WorkflowStateFilter | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[WorkflowRow]:
    """Workflows, newest first."""
    return workflows.list_page(view.session, view.scope, state=state, cursor=cursor)


@router.post("", status_code=201, dependencies=[OPERATE])
def create_workflow(body: WorkflowInput, view: View) -> Workflow:
    """Start a graph of jobs in one's own shop."""
    return workflows.create(view.session, view.scope, dump(body))


@router.post("/validate", dependencies=[OPERATE])
def validate_workflow(body: Annotated[dict[str, Any], Body(examples=[EXAMPLE])]) -> WorkflowCheck:
    """Say what is in the way of starting this document; nothing is stored."""
    return workflows.check(body)


@router.get("/parts", dependencies=[READ])
def get_workflow_parts() -> WorkflowParts:
    """The jobs that a workflow may run, and the queries that it may fan out over."""
    return workflows.parts()


@router.get("/{workflow_id}", dependencies=[READ])
def get_workflow(workflow_id: UUID, view: View) -> Workflow:
    """A workflow with its graph and what became of each node."""
    return workflows.get(view.session, view.scope, workflow_id)


@router.post("/{workflow_id}/pause", dependencies=[OPERATE])
def pause_workflow(workflow_id: UUID, view: View) -> Workflow:
    """Start nothing new; what runs goes on."""
    return workflows.pause(view.session, view.scope, workflow_id)


@router.post("/{workflow_id}/resume", dependencies=[OPERATE])
def resume_workflow(workflow_id: UUID, view: View) -> Workflow:
    """Go on after a pause."""
    return workflows.resume(view.session, view.scope, workflow_id)


@router.post("/{workflow_id}/cancel", dependencies=[OPERATE])
def cancel_workflow(workflow_id: UUID, view: View) -> Workflow:
    """Start nothing more and ask what runs to stop."""
    return workflows.cancel(view.session, view.scope, workflow_id)


@router.post("/{workflow_id}/retry", dependencies=[OPERATE])
def retry_workflow(workflow_id: UUID, view: View) -> Workflow:
    """Go on from the nodes that failed or were cancelled."""
    return workflows.retry(view.session, view.scope, workflow_id)
