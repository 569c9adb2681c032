"""Whether a metafield's text is a value of its type, by Shopify's list (https://shopify.dev/docs/apps/metafields/types).

What is refused here would be refused by Shopify too, but only customer by customer.
"""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from urllib.parse import urlsplit

_INTEGER_MAX = 2**53 - 1
_DECIMAL = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,9})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
LIST_MAX = 128


def find_mistake(kind: str, value: str) -> str | None:
    """What is wrong with the value; None when it may be sent."""
    wanted, is_one = _TYPES[kind]
    try:
        return None if is_one(value) else f"not {wanted}"
    except ValueError:
        return f"not {wanted}"


def _is_integer(value: str) -> bool:
    return _INTEGER.fullmatch(value) is not None and abs(int(value)) <= _INTEGER_MAX


def _is_date(value: str) -> bool:
    return len(value) == len("2026-01-31") and bool(date.fromisoformat(value))


def _is_instant(value: str) -> bool:
    return "T" in value and bool(datetime.fromisoformat(value))


def _is_json(value: str) -> bool:
    json.loads(value)
    return True


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https", "mailto", "sms", "tel") and bool(parts.netloc or parts.path)


def _is_lines(value: str) -> bool:
    items = json.loads(value)
    if not isinstance(items, list) or len(items) > LIST_MAX:
        return False
    return all(isinstance(item, str) and _is_line(item) for item in items)


def _is_line(value: str) -> bool:
    return "\n" not in value and "\r" not in value


_TYPES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "boolean": ("true or false", lambda value: value in ("true", "false")),
    "color": ("a colour like #1a2b3c", lambda value: _COLOUR.fullmatch(value) is not None),
    "date": ("a date like 2026-01-31", _is_date),
    "date_time": ("an instant like 2026-01-31T12:30:00", _is_instant),
    "id": ("one line of text", _is_line),
    "json": ("JSON", _is_json),
    "list.single_line_text_field": (f"a JSON list of up to {LIST_MAX} single lines of text", _is_lines),
    "multi_line_text_field": ("text", bool),
    "number_decimal": (
        "a number of up to 13 digits and 9 decimals",
        lambda value: bool(_DECIMAL.fullmatch(value)),
    ),
    "number_integer": ("a whole number of up to 2^53", _is_integer),
    "single_line_text_field": ("one line of text", _is_line),
    "url": ("an address of http, https, mailto, sms or tel", _is_url),
}
