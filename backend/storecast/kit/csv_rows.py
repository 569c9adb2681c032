"""Rows of CSV (RFC 4180) that no spreadsheet runs.

Text that a spreadsheet would take for a formula gets an apostrophe in front
(https://owasp.org/www-community/attacks/CSV_Injection). Numbers are no text: minus five is minus five.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def encode(rows: Iterable[Iterable[str]]) -> bytes:
    """Lines of CSV in UTF-8, each ended by CRLF; the cells are texts as `cell` makes them."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as text: nothing for null, ISO 8601 for instants, JSON for lists."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return orjson.dumps(value).decode()
