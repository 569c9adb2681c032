"""`storecast workflows`: graphs of jobs, their steps, and an end to one that should not go on."""

import argparse
from typing import Any, get_args

from sqlalchemy.orm import Session

from storecast.entrypoints.commands import output
from storecast.entrypoints.commands.session import job_id
from storecast.jobs import workflows
from storecast.jobs.scope import Scope
from storecast.jobs.workflow_engine import WorkflowState
from storecast.jobs.workflows_schemas import Workflow, WorkflowRow


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("workflows", help="list, show and cancel workflows")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="the newest workflows")
    listing.add_argument("--state", choices=get_args(WorkflowState))
    output.add_json(listing)
    listing.set_defaults(run=list_workflows)
    showing = actions.add_parser("show", help="one workflow with its steps")
    showing.add_argument("id", type=job_id)
    output.add_json(showing)
    showing.set_defaults(run=show)
    cancelling = actions.add_parser("cancel", help="start no more steps and stop those that run")
    cancelling.add_argument("id", type=job_id)
    output.add_json(cancelling)
    cancelling.set_defaults(run=cancel)


def list_workflows(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    found = workflows.list_page(session, scope, state=arguments.state, cursor=None).items
    if arguments.json:
        output.write_json(found)
    else:
        _write_rows(found)


def show(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(arguments, workflows.get(session, scope, arguments.id))


def cancel(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(arguments, workflows.cancel(session, scope, arguments.id))


def _write_rows(found: list[WorkflowRow]) -> None:
    output.write_table(
        ("ID", "STATE", "NAME", "SHOP", "DONE", "FAILED", "BEGAN", "ENDED"),
        [
            (
                row.id,
                row.state,
                row.name,
                row.shop_domain,
                f"{row.nodes_done}/{row.nodes_total}",
                row.nodes_failed,
                row.created_at,
                row.finished_at,
            )
            for row in found
        ],
    )


def _write(arguments: argparse.Namespace, workflow: Workflow) -> None:
    if arguments.json:
        output.write_json(workflow)
        return
    _write_rows([workflow])
    output.write_line("")
    output.write_table(
        ("STEP", "STATE", "JOB", "AFTER", "TRIES", "ERROR"),
        [
            (node.key, node.state, node.job_name, " ".join(node.needs) or None, node.tries, node.error)
            for node in workflow.nodes
        ],
    )
