"""The lists that a shop holds: how each is sorted, searched, paged by cursor and streamed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

from simulator.admin_api import search
from simulator.admin_api.context import Context
from simulator.admin_api.search import FieldSearch, Search
from simulator.clock import instant_text
from simulator.state.database import columns
from simulator.state.records import BulkOperation, Customer, Document, Order, Product, Variant

RECENT_ORDER_DAYS = 60


@dataclass(frozen=True)
class Listing:
    """One table as a connection."""

    table: str
    record: type[Any]
    sort_keys: Mapping[str, str]
    fields: Mapping[str, FieldSearch]
    text_columns: tuple[str, ...] = ()
    where: str = "1"
    """What narrows the table to the list."""


_SHARED = {
    "id": search.number("id"),
    "created_at": search.instant("created_at"),
    "updated_at": search.instant("updated_at"),
}

CUSTOMERS = Listing(
    "customers",
    Customer,
    {
        "ID": "id",
        "CREATED_AT": "created_at",
        "UPDATED_AT": "updated_at",
        "NAME": "coalesce(last_name, '')",
        "LOCATION": "coalesce(country_code, '')",
    },
    _SHARED
    | {
        "customer_date": search.instant("created_at"),
        "email": search.text("email"),
        "phone": search.text("phone"),
        "first_name": search.text("first_name"),
        "last_name": search.text("last_name"),
        "country": search.text("country_code"),
        "orders_count": search.number("orders_count"),
        "total_spent": search.amount("spent_minor"),
        "tag": search.tag("tags"),
        "state": search.enum("'DISABLED'"),
        "accepts_marketing": search.flag("(email_state = 'SUBSCRIBED')"),
    },
    ("email", "first_name", "last_name"),
)
ORDERS = Listing(
    "orders",
    Order,
    {
        "ID": "id",
        "CREATED_AT": "created_at",
        "UPDATED_AT": "updated_at",
        "PROCESSED_AT": "created_at",
        "ORDER_NUMBER": "number",
        "TOTAL_PRICE": "total_minor",
        "CUSTOMER_NAME": "coalesce(email, '')",
        "FINANCIAL_STATUS": "financial_status",
        "FULFILLMENT_STATUS": "fulfillment_status",
    },
    _SHARED
    | {
        "processed_at": search.instant("created_at"),
        "name": lambda op, value: ("number = ?", [int(value.lstrip("#"))]),
        "email": search.text("email"),
        "customer_id": search.number("customer_id"),
        "financial_status": search.enum("financial_status"),
        "fulfillment_status": search.enum("fulfillment_status"),
        "status": lambda op, value: {
            "any": ("1", []),
            "open": ("cancelled_at is null", []),
            "closed": ("0", []),
            "cancelled": ("cancelled_at is not null", []),
            "not_closed": ("1", []),
        }.get(value, ("1", [])),
        "test": search.flag("test"),
        "checkout_token": search.text("checkout_token"),
        "cart_token": search.text("cart_token"),
        "discount_code": lambda op, value: ("discount_codes like ?", [f'%"{value}"%']),
    },
    ("email",),
)
PRODUCTS = Listing(
    "products",
    Product,
    {
        "ID": "id",
        "CREATED_AT": "created_at",
        "UPDATED_AT": "updated_at",
        "PUBLISHED_AT": "created_at",
        "TITLE": "title",
        "VENDOR": "vendor",
        "PRODUCT_TYPE": "product_type",
    },
    _SHARED
    | {
        "title": search.text("title"),
        "handle": search.text("handle"),
        "vendor": search.text("vendor"),
        "product_type": search.text("product_type"),
        "status": search.enum("status"),
        "tag": search.tag("tags"),
    },
    ("title", "vendor"),
)
VARIANTS = Listing(
    "variants",
    Variant,
    {"ID": "id", "TITLE": "title", "SKU": "coalesce(sku, '')", "POSITION": "position"},
    {"id": search.number("id"), "sku": search.text("sku"), "product_id": search.number("product_id")},
    ("title", "sku"),
)
BULK_OPERATIONS = Listing(
    "bulk_operations",
    BulkOperation,
    {"ID": "id", "CREATED_AT": "created_at", "COMPLETED_AT": "coalesce(completed_at, '')"},
    {
        "id": search.number("id"),
        "created_at": search.instant("created_at"),
        "status": search.enum("status"),
        "operation_type": lambda op, value: ("1" if value.lower() == "query" else "0", []),
    },
)


def _kept_whole(kind: str, updated: str, sort_keys: Mapping[str, str]) -> Listing:
    """Documents of one kind; `updated` is the field that says when one was last changed."""
    changed = f"json_extract(body, '$.{updated}')"
    return Listing(
        "documents",
        Document,
        {"ID": "id", **{key: changed if column == updated else column for key, column in sort_keys.items()}},
        _SHARED
        | {"updated_at": search.instant(changed), "title": search.text("json_extract(body, '$.title')")},
        ("key",),
        where=f"kind = '{kind}'",
    )


COLLECTIONS = _kept_whole("Collection", "updatedAt", {"UPDATED_AT": "updatedAt", "TITLE": "key"})
ABANDONED_CHECKOUTS = _kept_whole("AbandonedCheckout", "updatedAt", {"CREATED_AT": "created_at"})
SEGMENTS = _kept_whole(
    "Segment", "lastEditDate", {"LAST_EDIT_DATE": "lastEditDate", "CREATION_DATE": "created_at"}
)


def page(ctx: Context, listing: Listing, args: Mapping[str, Any], *, path: str, where: str = "1",
         parameters: tuple[Any, ...] = ()) -> dict[str, Any]:  # fmt: skip
    """One page of a connection."""
    size, backwards = _size(args)
    column = _column(listing, args)
    descending = bool(args.get("reverse")) != backwards
    condition, values = _condition(ctx, listing, args, path)
    cursor = args.get("before") if backwards else args.get("after")
    order = "desc" if descending else "asc"
    after, after_values = ("1", [])
    if cursor:
        after, after_values = f"({column}, id) {'<' if descending else '>'} (?, ?)", _decode(cursor)
    rows = ctx.store.database.all(
        f"select {columns(listing.record)}, {column} from {listing.table}"
        f" where shop_id = ? and {where} and {condition} and {after} order by {column} {order}, id {order} limit ?",
        (ctx.shop.id, *parameters, *values, *after_values, size + 1),
    )
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    edges = [{"cursor": _encode(row[-1], row[0]), "node": listing.record(*row[:-1])} for row in rows]
    return connection(
        edges, has_next=bool(cursor) if backwards else more, has_previous=more if backwards else bool(cursor)
    )


def stream(ctx: Context, listing: Listing, args: Mapping[str, Any], *, path: str) -> Iterator[Any]:
    """Every row of one read snapshot, without paging: what a bulk operation walks."""
    column = _column(listing, args)
    order = "desc" if args.get("reverse") else "asc"
    condition, values = _condition(ctx, listing, args, path)
    rows = ctx.store.database.stream(
        f"select {columns(listing.record)} from {listing.table}"
        f" where shop_id = ? and {condition} order by {column} {order}, id {order}",
        (ctx.shop.id, *values),
    )
    record = listing.record
    for row in rows:
        yield record(*row)


def count(ctx: Context, listing: Listing, args: Mapping[str, Any], *, path: str) -> int:
    condition, values = _condition(ctx, listing, args, path)
    sql = f"select count(*) from {listing.table} where shop_id = ? and {condition}"
    return int(ctx.store.database.scalar(sql, (ctx.shop.id, *values)))


def page_of_list(items: list[Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """A connection over what is already in memory; cursors are positions."""
    size, backwards = _size(args)
    items = list(reversed(items)) if args.get("reverse") else items
    start, end = 0, len(items)
    if args.get("after"):
        start = int(_decode(args["after"])[0]) + 1
    if args.get("before"):
        end = int(_decode(args["before"])[0])
    low, high = (max(start, end - size), end) if backwards else (start, min(end, start + size))
    edges = [
        {"cursor": _encode(position, position), "node": items[position]} for position in range(low, high)
    ]
    return connection(edges, has_next=high < len(items), has_previous=low > 0)


def connection(edges: list[dict[str, Any]], *, has_next: bool, has_previous: bool) -> dict[str, Any]:
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
        "totalCount": len(edges),
    }


def _size(args: Mapping[str, Any]) -> tuple[int, bool]:
    if args.get("first") is not None:
        return int(args["first"]), False
    return int(args["last"]), True


def _column(listing: Listing, args: Mapping[str, Any]) -> str:
    return listing.sort_keys.get(args.get("sortKey") or "ID", "id")


def _condition(ctx: Context, listing: Listing, args: Mapping[str, Any], path: str) -> tuple[str, list[Any]]:
    query = args.get("query")
    narrowed, values = _visible(ctx, listing)
    if not query:
        return narrowed, values
    compiled = Search(listing.fields, listing.text_columns)
    condition, more = compiled.compile(query)
    if compiled.warnings:
        ctx.warnings.append({"path": [path], "query": query, "warnings": compiled.warnings})
    return f"{narrowed} and ({condition})", [*values, *more]


def _visible(ctx: Context, listing: Listing) -> tuple[str, list[Any]]:
    """What of the table the app may list: of orders the last sixty days, unless it was granted more."""
    if listing is ORDERS and ctx.store.faults.recent_orders and "read_all_orders" not in ctx.scopes:
        since = datetime.now(UTC) - timedelta(days=RECENT_ORDER_DAYS)
        return "created_at >= ?", [instant_text(since)]
    return listing.where, []


def _encode(value: Any, number: int) -> str:
    return base64.b64encode(json.dumps([value, number]).encode()).decode()


def _decode(cursor: str) -> list[Any]:
    try:
        decoded = json.loads(base64.b64decode(cursor, validate=True))
    except (ValueError, binascii.Error) as problem:
        raise GraphQLError(f"Invalid cursor: {cursor}") from problem
    if not isinstance(decoded, list) or len(decoded) != 2:
        raise GraphQLError(f"Invalid cursor: {cursor}")
    return decoded
