"""`storecast schedules`: what is started again and again; pause, resume, run now, skip the next run."""

import argparse
from typing import Any

from sqlalchemy.orm import Session

from storecast.entrypoints.commands import output
from storecast.entrypoints.commands.session import Command
from storecast.jobs import schedules
from storecast.jobs.schedules_schemas import Schedule
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("schedules", help="list, pause, resume, run and skip schedules")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="every schedule with its next run and last result")
    output.add_json(listing)
    listing.set_defaults(run=list_schedules)
    what: dict[str, tuple[str, Command]] = {
        "pause": ("let it come due no more", pause),
        "resume": ("let it come due again", resume),
        "run": ("start a run now, beside the plan", run_now),
        "skip": ("leave the next run out", skip),
    }
    for name, (help_text, command) in what.items():
        acting = actions.add_parser(name, help=help_text)
        acting.add_argument("id", type=_schedule_id)
        acting.add_argument("--reason", help="why; goes to the audit log")
        output.add_json(acting)
        acting.set_defaults(run=command)


def _schedule_id(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**63:
        raise argparse.ArgumentTypeError("not an id")
    return int(text)


def list_schedules(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    found = schedules.list_schedules(session, scope, now=utcnow())
    if arguments.json:
        output.write_json(found)
    else:
        _write_table(found)


def pause(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(
        arguments,
        schedules.pause(session, scope, arguments.id, reason=arguments.reason, now=utcnow()),
    )


def resume(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(
        arguments,
        schedules.resume(session, scope, arguments.id, reason=arguments.reason, now=utcnow()),
    )


def run_now(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(
        arguments,
        schedules.run_now(session, scope, arguments.id, reason=arguments.reason, now=utcnow()),
    )


def skip(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(
        arguments,
        schedules.set_skip(session, scope, arguments.id, True, reason=arguments.reason, now=utcnow()),
    )


def _write(arguments: argparse.Namespace, schedule: Schedule) -> None:
    if arguments.json:
        output.write_json(schedule)
    else:
        _write_table([schedule])


def _write_table(found: list[Schedule]) -> None:
    output.write_table(
        ("ID", "SOURCE", "TITLE", "SHOP", "WHEN", "CLOCK", "NEXT RUN", "LAST", "MISSED"),
        [
            (
                row.id,
                row.source,
                row.title,
                row.shop_domain,
                row.words,
                row.timezone,
                _next_run(row),
                _last(row),
                row.missed,
            )
            for row in found
        ],
    )


def _next_run(row: Schedule) -> str:
    if row.paused_at is not None:
        return "paused"
    if not row.next_runs:
        return "-"
    at = row.next_runs[0].at_utc
    return f"{at:%Y-%m-%d %H:%M:%S} UTC{' (skipped)' if row.skip_next else ''}"


def _last(row: Schedule) -> str | None:
    if not row.last_results:
        return None
    return row.last_results[0].state or row.last_results[0].outcome
