"""The command line, `storecast COMMAND`: the schema, the API document, and what an operator does (docs/cli.md)."""

import argparse
import sys
from pathlib import Path

import alembic.command
import alembic.config
import orjson

from storecast.entrypoints.commands import (
    jobs,
    keys,
    members,
    returns,
    schedules,
    session,
    webhooks,
    workers,
    workflows,
)

BACKEND = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="storecast", description="Runs and maintains Storecast.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to the newest schema")
    commands.add_parser("check-migrations", help="fail when the models and the migrations differ")
    openapi = commands.add_parser("openapi", help="write the API's OpenAPI document")
    openapi.add_argument("file", nargs="?", type=Path, default=BACKEND / "openapi.json")
    for console in (jobs, workers, schedules, workflows, members, keys, webhooks, returns):
        console.add_parser(commands)
    chosen = parser.parse_args(arguments)
    if "direct" in chosen:
        return int(chosen.direct(chosen))
    if "run" in chosen:
        return session.run(chosen.run, chosen)
    if chosen.command == "openapi":
        _write_openapi(chosen.file)
    elif chosen.command == "migrate":
        alembic.command.upgrade(_alembic(), "head")
    else:
        alembic.command.check(_alembic())
    return 0


def _alembic() -> alembic.config.Config:
    return alembic.config.Config(str(BACKEND / "alembic.ini"), stdout=sys.stdout)


def _write_openapi(file: Path) -> None:
    from storecast.entrypoints.api import create_app
    from storecast.entrypoints.openapi import DOCUMENT_SETTINGS

    document = create_app(DOCUMENT_SETTINGS).openapi()
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
