"""Keyset pages: a list of items and an opaque cursor that names the last one."""

import base64
import binascii
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel

from storecast.kit.errors import FieldError, Invalid

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*parts: Any) -> str:
    """The sort key of the last row as an opaque string (JSON values and datetimes)."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).rstrip(b"=").decode()


def decode_cursor(cursor: str, parts: int) -> list[Any]:
    """The ``parts`` values of a cursor made by `encode_cursor`; raises Invalid for anything else."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != parts:
        raise Invalid(
            "The cursor is not one that this list handed out.",
            errors=[FieldError("/cursor", "unknown cursor", "cursor_invalid")],
        )
    return values


def decode_id_cursor(cursor: str | None) -> int | None:
    """The id in a cursor of a list that is sorted by id alone; None for the first page."""
    if cursor is None:
        return None
    (value,) = decode_cursor(cursor, 1)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise Invalid(
            "The cursor is not one that this list handed out.",
            errors=[FieldError("/cursor", "unknown cursor", "cursor_invalid")],
        )
    return value
