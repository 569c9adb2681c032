"""The ground that commands work on: an operator's scope, one unit of work, and errors as exit codes."""

import argparse
import getpass
import sys
from collections.abc import Callable
from uuid import UUID

import orjson
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storecast.db.session import platform_session
from storecast.entrypoints.modules import register_jobs
from storecast.jobs.scope import Scope
from storecast.kit.errors import Invalid, StorecastError
from storecast.observability import logs, problems

OK, REFUSED, USAGE, UNAVAILABLE = 0, 1, 2, 3
"""Exit codes; argparse ends with 2 by itself."""

Command = Callable[[argparse.Namespace, Session, Scope], None]


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Run a command as an operator, in one transaction that an error undoes; returns the exit code."""
    logs.configure("cli", level="warning")
    register_jobs()
    try:
        with platform_session() as session:
            command(arguments, session, operator())
    except StorecastError as error:
        _write_error(error, as_json=arguments.json)
        return REFUSED
    except OperationalError as error:
        sys.stderr.write(f"storecast: the database does not answer: {error.orig}\n")
        return UNAVAILABLE
    return OK


def operator() -> Scope:
    """Who sits at this machine's terminal may do what an operator may, and the audit log says who it was."""
    return Scope(shop_id=None, tracebacks=True, actor=f"cli:{getpass.getuser()}", home=None)


def job_id(text: str) -> UUID:
    """An argument that is a job's or a workflow's id."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("not an id") from None


def _write_error(error: StorecastError, *, as_json: bool) -> None:
    if as_json:
        document = problems.document(error, "")
        sys.stderr.write(orjson.dumps(document, default=str).decode() + "\n")
        return
    sys.stderr.write(f"storecast: {error.detail} ({error.code})\n")
    for fault in error.errors if isinstance(error, Invalid) else []:
        sys.stderr.write(f"  {fault.pointer}: {fault.message}\n")
