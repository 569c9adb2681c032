"""Resources by pages and by ids, as the lines that a bulk result would hold: both ways meet one importer.

A page costs what its nodes cost, and no query may cost more than Shopify's limit: a page that is refused for it is
asked for again at half the size, and the size that worked is remembered. Children that do not fit into the page are
read to their end before it is handed on, so that a page holds every child of its parents.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storecast.shopify.client import AdminClient, Answer
from storecast.shopify.errors import AccessDenied, QueryTooCostly, ShopifyUnreachable
from storecast.sync.resources import KINDS, Kind, Resource

MAX_PAGE = 250
"""Shopify's limit of ``first`` and of input arrays."""

CHILDREN_PAGE = 100

_affordable: dict[str, int] = {}
"""The largest size by operation that was not refused for its cost, in this process."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``cursor`` is None on the last. ``versions`` are its objects with the instant of their last change."""

    lines: list[bytes]
    cursor: str | None
    expected: int | None
    versions: list[tuple[str, datetime]]

    @property
    def newest(self) -> datetime | None:
        """The latest change among its objects."""
        return max((changed_at for _gid, changed_at in self.versions), default=None)


def read_page(
    client: AdminClient,
    resource: Resource,
    *,
    after: str | None,
    size: int = MAX_PAGE,
    search: str | None = None,
) -> Page:
    """The page after a cursor, of ``size`` objects at most; raises AccessDenied when the resource is closed."""
    kind = KINDS[resource]
    variables = {"after": after, "query": search if kind.searchable else None}
    answer = _affordably(client, f"page_{resource}", size, lambda first: variables | {"first": first})
    connection = answer.data.get(kind.root)
    if not isinstance(connection, dict):
        raise AccessDenied(f"{kind.root}: {_messages(answer)}")
    nodes = [node for node in connection["nodes"] if node is not None]
    counts = [
        value["count"] for value in answer.data.values() if isinstance(value, dict) and "count" in value
    ]
    info = connection["pageInfo"]
    return Page(
        lines=[line for node in nodes for line in _lines(client, resource, node)],
        cursor=info["endCursor"] if info["hasNextPage"] else None,
        expected=counts[0] if counts else None,
        versions=[(node["id"], datetime.fromisoformat(node[kind.changed])) for node in nodes],
    )


def read_by_ids(client: AdminClient, resource: Resource, gids: list[str]) -> tuple[list[bytes], list[str]]:
    """The lines of these objects, and which of them Shopify does not have; at most `MAX_PAGE` ids.

    Raises ShopifyUnreachable when an object is withheld: that is not the same as gone.
    """
    lines: list[bytes] = []
    absent: list[str] = []
    left = gids
    while left:
        answer = _affordably(
            client,
            f"by_ids_{resource}",
            len(left),
            lambda count, ids=left: {"ids": ids[:count]},
        )
        nodes = answer.data["nodes"]
        for gid, node in zip(left, nodes, strict=False):
            if node:
                lines += _lines(client, resource, node)
            elif answer.errors:
                raise ShopifyUnreachable(f"by_ids_{resource}: {_messages(answer)}")
            else:
                absent.append(gid)
        left = left[len(nodes) :]
    return lines, absent


def _affordably(client: AdminClient, operation: str, size: int, variables: Any) -> Answer:
    size = min(size, _affordable.get(operation, MAX_PAGE))
    while True:
        try:
            return client.execute(operation, variables(size))
        except QueryTooCostly:
            if size == 1:
                raise
            size = _affordable[operation] = max(1, size // 2)


def _lines(client: AdminClient, resource: Resource, node: dict[str, Any]) -> Iterator[bytes]:
    kind = KINDS[resource]
    children = node.pop(kind.children, None) if kind.children else None
    yield _line(node)
    while children is not None:
        for child in children["nodes"]:
            yield _line(child | {"__parentId": node["id"]})
        info = children["pageInfo"]
        children = (
            _more(client, resource, kind, node["id"], info["endCursor"]) if info["hasNextPage"] else None
        )


def _more(client: AdminClient, resource: Resource, kind: Kind, gid: str, after: str) -> dict[str, Any] | None:
    answer = _affordably(
        client,
        f"children_{resource}",
        CHILDREN_PAGE,
        lambda first: {"id": gid, "after": after, "first": first},
    )
    node = answer.data.get("node")
    return node[kind.children] if node else None  # deleted between the two queries: the next pull says so


def _line(node: dict[str, Any]) -> bytes:
    # The standard library writes lone surrogates as the escapes that they came as; the importer refuses their line.
    return json.dumps(node).encode()


def _messages(answer: Answer) -> str:
    return "; ".join(str(error.get("message", "")) for error in answer.errors) or "no data"
