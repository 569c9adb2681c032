"""Shopify's global ids, ``gid://shopify/Customer/123`` (the whole string is the key), and instants of webhooks."""

import re
from datetime import datetime

_GID = re.compile(r"gid://shopify/(?P<kind>[A-Za-z]+)/(?P<number>[0-9]+)(?:\?.*)?")


def gid(kind: str, number: int | str) -> str:
    """The global id of a legacy number, such as those in webhook payloads."""
    return f"gid://shopify/{kind}/{int(number)}"


def parse_gid(value: str, kind: str) -> int:
    """The number inside a global id; raises ValueError when it is not one of ``kind``."""
    match = _GID.fullmatch(value)
    if match is None or match["kind"] != kind:
        raise ValueError(f"not a {kind} id: {value!r}")
    return int(match["number"])


def find_gid(kind: str, payload: dict[str, object], key: str = "id") -> str | None:
    """The global id of a webhook object: its own ``admin_graphql_api_id`` first, its number otherwise."""
    own = payload.get("admin_graphql_api_id")
    if isinstance(own, str) and own:
        return own
    number = payload.get(key)
    return gid(kind, number) if isinstance(number, int) and not isinstance(number, bool) else None


def find_instant(value: object) -> datetime | None:
    """The aware instant of an ISO 8601 text, None for null or nothing; raises ValueError for other text."""
    if not isinstance(value, str) or not value:
        return None
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(f"an instant without time zone: {value!r}")
    return instant
