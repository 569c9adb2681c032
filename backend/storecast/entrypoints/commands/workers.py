"""`storecast workers`: every process of the fleet, those in trouble first."""

import argparse
from typing import Any, get_args

from sqlalchemy.orm import Session

from storecast.entrypoints.commands import output
from storecast.fleet import service as fleet
from storecast.fleet.schemas import ProcessKind
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("workers", help="every process and how it is")
    parser.add_argument("--kind", choices=get_args(ProcessKind))
    output.add_json(parser)
    parser.set_defaults(run=list_workers)


def list_workers(arguments: argparse.Namespace, session: Session, _scope: Scope) -> None:
    workers = fleet.list_workers(session, now=utcnow(), everything=True)
    if arguments.kind:
        workers.processes = [row for row in workers.processes if row.kind == arguments.kind]
    if arguments.json:
        output.write_json(workers)
        return
    output.write_table(
        ("NAME", "KIND", "STATE", "BUSY", "QUEUES", "MIB", "DONE", "VERSION", "LAST BEAT"),
        [
            (
                row.name,
                row.kind,
                "draining" if row.draining and row.state == "ok" else row.state,
                f"{row.busy}/{row.slots}" if row.slots else None,
                ",".join(row.queues) or None,
                row.rss_mib,
                row.done,
                f"{row.version} (outdated)" if row.outdated else row.version,
                row.beat_at,
            )
            for row in workers.processes
        ],
    )
