"""`storecast returns`: a notification as mail on standard input, as a mail server's pipe hands it over.

Exit codes are those that Postfix and Exim know from sysexits.h: a mail that is no report is taken and dropped, since a
bounce of a bounce helps nobody; while the database is away the server keeps it and tries again.
"""

import argparse
import sys
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError

from storecast.db.session import tenant_session
from storecast.entrypoints.commands import output
from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.messaging import returns_doors
from storecast.messaging.returns.reports import MAX_RAW_BYTES, Unreadable
from storecast.observability import logs

EX_OK, EX_TEMPFAIL = 0, 75


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("returns", help="take a bounce or complaint as mail on standard input")
    parser.add_argument("--to", default="", metavar="ADDRESS", help="whom the mail was addressed to")
    parser.set_defaults(direct=take)


def take(arguments: argparse.Namespace) -> int:
    """Read one mail and act on it."""
    logs.configure("cli", level="warning")
    register_jobs()
    raw = sys.stdin.buffer.read(MAX_RAW_BYTES + 1)
    try:
        counts = returns_doors.receive_mail(
            lambda shop_id: partial(tenant_session, shop_id), raw, envelope_to=arguments.to, now=utcnow()
        )
    except Unreadable as unreadable:
        output.write_line(f"ignored: {unreadable}")
        return EX_OK
    except OperationalError as error:
        sys.stderr.write(f"storecast: the database does not answer: {error.orig}\n")
        return EX_TEMPFAIL
    output.write_line(f"recorded {counts.recorded}, repeated {counts.repeated}, ignored {counts.ignored}")
    return EX_OK
