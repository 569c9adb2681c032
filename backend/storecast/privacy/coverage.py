"""What happens to each table that holds personal data when a person asks, and how their rows are found.

Models declare their personal columns (`personal_data`); this file says for each such table what erasing means.
A test walks the metadata: a table that declares personal data and is not named here fails the build.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, LargeBinary, Table, and_, false, func, literal, or_

from storecast.db.base import Base

Action = Literal["delete", "clear"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of one shop, by everything that they are known under."""

    gids: Sequence[str] = ()
    emails: Sequence[str] = ()
    customer_ids: Sequence[int] = ()
    order_ids: Sequence[int] = ()
    order_gids: Sequence[str] = ()
    client_ids: Sequence[str] = ()
    # What a stored webhook would contain if it spoke of the person.
    needles: Sequence[bytes] = ()


Match = Callable[[Table, Subject], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a person's rows are found, and whether they go or only lose their personal columns.

    ``unlink`` names columns without personal data of their own that would still lead to the person.
    """

    match: Match
    action: Action
    exported: bool = True
    unlink: tuple[str, ...] = ()


def _customer(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.gid.in_(subject.gids), func.lower(table.c.email).in_(subject.emails))


def _by_customer_id(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.customer_id.in_(subject.customer_ids)


def _order(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.id.in_(subject.order_ids)


def _order_line(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.order_id.in_(subject.order_ids), table.c.order_gid.in_(subject.order_gids))


def _visit(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(
        table.c.client_id.in_(subject.client_ids),
        table.c.customer_gid.in_(subject.gids),
        table.c.order_gid.in_(subject.order_gids),
    )


def _identity(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.client_id.in_(subject.client_ids), table.c.customer_id.in_(subject.customer_ids))


def _mentions(table: Table, subject: Subject) -> ColumnElement[bool]:
    """Webhooks that were worked off; one that still waits is needed once more and then retention's."""
    spoken = (
        func.position(literal(needle, LargeBinary).op("IN")(table.c.body)) > 0 for needle in subject.needles
    )
    return and_(table.c.state != "pending", or_(false(), *spoken))


def _earlier_request(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.customer_gid.in_(subject.gids)


CUSTOMER_RULES: dict[str, Rule] = {
    # Events and identities first: they are found through what the later ones forget.
    "pixel_events": Rule(_visit, "delete"),
    "identities": Rule(_identity, "delete"),
    "message_events": Rule(_by_customer_id, "clear"),
    "message_deliveries": Rule(_by_customer_id, "clear"),
    "order_lines": Rule(_order_line, "clear"),
    "orders": Rule(_order, "clear", unlink=("customer_id",)),
    "customer_facts": Rule(_by_customer_id, "delete"),
    "customers": Rule(_customer, "delete"),
    "webhook_inbox": Rule(_mentions, "delete", exported=False),
    "privacy_requests": Rule(_earlier_request, "clear", exported=False),
}

NOT_ABOUT_CUSTOMERS = {
    "shops": "the merchant's own name and address; erased with the shop",
    "idempotency_keys": "the merchant's staff as callers, and answers about what they made; gone after a day",
    "shop_members": "the merchant's staff; erased with the shop",
    "audit_log": "the merchant's staff as actors; an append-only, hash-chained proof of who did what",
}

KEPT_WITH_THE_SHOP_GONE = {
    "audit_log": "append-only and hash-chained: the proof of who did what outlives the data that it was done to",
    "alert_events": "they go with the rules that fired them, by the foreign key",
    "job_batches": "counts of runs; holds ids, no personal data",
    "job_bulk_actions": "what was done to runs; holds ids, no personal data",
    "job_logs": "what runs logged: events and ids, never payloads; past their time they are dropped",
    "job_orphans": "history of runs; holds ids, no personal data",
    "job_runs": "history of runs; holds ids, no personal data",
    "outbox": "the erasing job is one of its rows; others of the shop find nothing and end",
    "privacy_requests": "the proof that the erasure was done; its personal columns are cleared",
    "shops": "one row so that a later request or reinstall finds the domain; its personal columns are cleared",
}


def tables_with_personal_data() -> dict[str, tuple[str, ...]]:
    """Every mapped table that declares personal columns, with these columns."""
    declared = {}
    for mapper in Base.registry.mappers:
        columns: tuple[str, ...] = mapper.class_.personal_data
        if columns:
            declared[str(mapper.local_table.description)] = columns
    return declared


def table(name: str) -> Table:
    """The table of a name; raises KeyError when its models are not loaded in this process."""
    return Base.metadata.tables[name]
