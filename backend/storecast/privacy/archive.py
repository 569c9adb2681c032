"""The archive that answers a data request: everything held on a person, as JSON and as a page, in an AES-256 ZIP.

WinZip's AES format (AE-2) opens with 7-Zip on Windows, Keka or the Archive Utility on macOS and any file manager of
Linux: a merchant needs no program of ours, only the passphrase.
"""

import io
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import jinja2
import orjson
import pyzipper

PIECE_BYTES = 1024 * 1024
"""A row of a megabyte is read without much memory; an archive is rarely larger."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 5, 5
"""25 characters of 31: 123 bits, typed from paper without taking one letter for another."""

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def new_passphrase() -> str:
    """Five groups such as ``k7mqp-…``."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def build(rows: Rows, *, shop_domain: str, made_at: datetime, passphrase: str) -> bytes:
    """The encrypted ZIP with ``data.json`` and ``data.html``. ``rows`` are plain values, table by table."""
    document = {"shop": shop_domain, "made_at": made_at.isoformat(), "data": rows}
    page = _template().render(shop=shop_domain, made_at=made_at, tables=rows)
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(
        buffer, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(passphrase.encode())
        archive.writestr("data.json", orjson.dumps(document, option=orjson.OPT_INDENT_2))
        archive.writestr("data.html", page.encode())
    return buffer.getvalue()


def pieces(archive: bytes) -> list[bytes]:
    """The archive cut for storage."""
    return [archive[start : start + PIECE_BYTES] for start in range(0, len(archive), PIECE_BYTES)]


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON values, without what is ours alone."""
    return {name: _value(value) for name, value in row.items() if name != "shop_id"}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return _document(bytes(value))
    return value


def _document(body: bytes) -> Any:
    """A stored body: the JSON that it is, or its text."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("storecast.privacy", "templates"), autoescape=True
    )
    environment.filters["shown"] = _shown
    environment.filters["title"] = lambda name: str(name).replace("_", " ").capitalize()
    return environment.get_template("export.html.j2")


def _shown(value: Any) -> str:
    """A value for people: nothing for nothing, structures as indented JSON."""
    if value is None or value == "":
        return ""
    if isinstance(value, dict | list):
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(value)
