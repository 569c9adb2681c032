"""`storecast keys`: a new secret, and every stored secret re-encrypted under the newest key while the app runs."""

import argparse
import secrets
import sys
from typing import Any

import orjson
from sqlalchemy.exc import OperationalError

from storecast.config.settings import Settings, get_settings
from storecast.db import rotation
from storecast.db.rotation import ColumnReport
from storecast.db.session import platform_session
from storecast.entrypoints.commands import output
from storecast.entrypoints.commands.session import OK, REFUSED, UNAVAILABLE

SECRET_BYTES = 48
"""384 bits: more than any key that is derived from it."""


def add_parser(commands: Any) -> None:
    """Declare the commands; each runs outside the one transaction that others get."""
    parser = commands.add_parser("keys", help="make and rotate the keys that stored secrets are sealed with")
    actions = parser.add_subparsers(dest="action", required=True)
    generate = actions.add_parser(
        "generate", help="print a new secret for APP_SECRET_KEY or SESSION_SECRET_KEY"
    )
    generate.set_defaults(direct=generate_secret)
    rotate = actions.add_parser(
        "rotate",
        help="re-encrypt every stored secret under APP_SECRET_KEY; APP_SECRET_KEY_OLD opens the others",
    )
    rotate.add_argument("--dry-run", action="store_true", help="only count what each key opens")
    output.add_json(rotate)
    rotate.set_defaults(direct=rotate_secrets)


def generate_secret(_arguments: argparse.Namespace) -> int:
    """One secret on a line of its own."""
    sys.stdout.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
    return OK


def rotate_secrets(arguments: argparse.Namespace) -> int:
    """Rotate and report; the exit code is 1 while something still needs another key than the newest."""
    from storecast.entrypoints.metadata import load_models

    try:
        reports = list(
            rotation.rotate(
                platform_session, load_models(), _secrets(get_settings()), dry_run=arguments.dry_run
            )
        )
    except OperationalError as error:
        sys.stderr.write(f"storecast: the database does not answer: {error.orig}\n")
        return UNAVAILABLE
    if arguments.json:
        sys.stdout.write(
            orjson.dumps([_shaped(r) for r in reports], option=orjson.OPT_INDENT_2).decode() + "\n"
        )
    else:
        _write(reports)
    return OK if not any(report.left or report.unknown for report in reports) else REFUSED


def _secrets(settings: Settings) -> list[str]:
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return [key.get_secret_value() for key in keys if key is not None]


def _shaped(report: ColumnReport) -> dict[str, Any]:
    return {
        "table": report.table,
        "column": report.column,
        "newest_key": report.newest,
        "old_key": report.old,
        "unknown_key": report.unknown,
        "rotated": report.rotated,
        "overtaken": report.overtaken,
        "left": report.left,
    }


def _write(reports: list[ColumnReport]) -> None:
    output.write_table(
        ("TABLE", "COLUMN", "NEWEST KEY", "OLD KEY", "UNKNOWN KEY", "ROTATED", "OVERTAKEN", "LEFT"),
        [
            (r.table, r.column, r.newest, r.old, len(r.unknown), r.rotated, r.overtaken, r.left)
            for r in reports
        ],
    )
    for report in reports:
        for key in report.unknown:
            output.write_line(f"no known key opens {report.table}.{report.column} of row {key}")
