"""What happens to each table that holds personal data when a person asks, and how their rows are found.

Models declare their personal columns (`personal_data`); this file says for each such table what erasing means
(`CUSTOMER_RULES`), and which other tables may quote a person (`MENTIONS`). A test walks the metadata: a table that
declares personal data and is not named here fails the build; another searches every table after an erasure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, Table, Text, and_, cast, false, func, or_, select, true

from storecast.db.base import Base
from storecast.privacy.needles import Needles

Action = Literal["delete", "clear"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of one shop, by everything that they are known under."""

    gids: Sequence[str] = ()
    emails: Sequence[str] = ()
    phones: Sequence[str] = ()
    customer_ids: Sequence[int] = ()
    order_ids: Sequence[int] = ()
    order_gids: Sequence[str] = ()
    client_ids: Sequence[str] = ()
    # The request itself, which needs to know the person until it is done.
    request_id: int = 0
    # What a text contains that speaks of this person and of nobody else; names are shared, so they are kept apart.
    needles: Needles = field(default_factory=Needles)
    names: tuple[str, ...] = ()

    def in_records(self) -> Needles:
        """With the full name: fit for records of what the program did, not for what merchants write."""
        return Needles(tuple(sorted({*self.needles.texts, *self.names})), self.needles.numbers)


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


@dataclass(frozen=True, slots=True)
class Mention:
    """A table that is not about people but may quote one: what becomes of the columns of a row that does.

    ``empties`` say nothing afterwards (an error that quotes one value may quote the next), ``replaces`` (text, jsonb)
    lose the quoted text alone, ``numbered`` too and get the row's id (names that must differ), ``filters`` (arrays)
    lose the items that hold it. ``platform`` rows, of no shop, count too. What a merchant ``authored`` is not searched
    for full names: a product may be called like a customer. A job that waits and quotes the person ``stops``.
    """

    empties: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    platform: bool = False
    authored: bool = False
    stops: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is looked at."""
        return (*self.empties, *self.replaces, *self.numbered, *self.filters)


def _customer(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.gid.in_(subject.gids), func.lower(table.c.email).in_(subject.emails))


def _by_customer_id(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.customer_id.in_(subject.customer_ids)


def _order(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.id.in_(subject.order_ids)


def _order_line(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.order_id.in_(subject.order_ids), table.c.order_gid.in_(subject.order_gids))


def _by_customer_gid(table: Table, subject: Subject) -> ColumnElement[bool]:
    return table.c.customer_gid.in_(subject.gids)


def _visit(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(
        table.c.client_id.in_(subject.client_ids),
        table.c.customer_gid.in_(subject.gids),
        table.c.order_gid.in_(subject.order_gids),
    )


def _identity(table: Table, subject: Subject) -> ColumnElement[bool]:
    return or_(table.c.client_id.in_(subject.client_ids), table.c.customer_id.in_(subject.customer_ids))


def _webhook(table: Table, subject: Subject) -> ColumnElement[bool]:
    """Webhooks that were worked off; one that still waits is needed once more, and the erasure waits for it."""
    return and_(table.c.state != "pending", _speaks(table.c.body, subject))


def waiting_webhook(table: Table, subject: Subject) -> ColumnElement[bool]:
    """Webhooks about the person that are not worked off yet."""
    return and_(table.c.state == "pending", _speaks(table.c.body, subject))


def _speaks(body: ColumnElement[bytes], subject: Subject) -> ColumnElement[bool]:
    # Bytes as text, whatever they are: a body that is no UTF-8 must not stop an erasure.
    return func.encode(body, "escape").op("~*")(subject.needles.in_escaped_bytes())


def _mark(table: Table, subject: Subject) -> ColumnElement[bool]:
    """Of the person and of their orders; a person who was merged into this one is known as such no more."""
    known = [*subject.gids, *subject.order_gids]
    return or_(table.c.gid.in_(known), table.c.heir_gid.in_(subject.gids))


def _earlier_request(table: Table, subject: Subject) -> ColumnElement[bool]:
    named = or_(table.c.customer_gid.in_(subject.gids), _says(table.c.subject, subject))
    return and_(table.c.id != subject.request_id, named)


def _archive(table: Table, subject: Subject) -> ColumnElement[bool]:
    requests = Base.metadata.tables["privacy_requests"]
    theirs = select(requests.c.id).where(
        requests.c.shop_id == table.c.shop_id, _earlier_request(requests, subject)
    )
    return table.c.request_id.in_(theirs)


def _says(column: ColumnElement[Any], subject: Subject) -> ColumnElement[bool]:
    return cast(column, Text).op("~*")(subject.needles.anywhere())


CUSTOMER_RULES: dict[str, Rule] = {
    # Events and identities first: they are found through what the later ones forget.
    "pixel_events": Rule(_visit, "delete"),
    "identities": Rule(_identity, "delete"),
    "message_events": Rule(_by_customer_id, "clear"),
    "message_deliveries": Rule(_by_customer_id, "clear"),
    # Its event stays, of nobody.
    "message_returns": Rule(_by_customer_id, "delete"),
    "contact_preferences": Rule(_by_customer_id, "delete"),
    "opt_in_requests": Rule(_by_customer_id, "delete"),
    "order_lines": Rule(_order_line, "clear"),
    "orders": Rule(_order, "clear", unlink=("customer_id",)),
    "abandoned_checkouts": Rule(_by_customer_gid, "delete"),
    "customer_facts": Rule(_by_customer_id, "delete"),
    "customer_interests": Rule(_by_customer_id, "delete"),
    "shopify_segment_members": Rule(_by_customer_id, "delete"),
    "customer_list_members": Rule(_by_customer_id, "delete"),
    "contact_import_rows": Rule(_customer, "delete"),
    "customer_write_targets": Rule(_by_customer_id, "delete"),
    # What was given stays in the store's books, to nobody.
    "store_credit_entries": Rule(_by_customer_id, "clear", unlink=("customer_id", "transaction_gid")),
    "customers": Rule(_customer, "delete"),
    "webhook_inbox": Rule(_webhook, "delete"),
    "webhook_marks": Rule(_mark, "delete", exported=False),
    # The archives before the requests that lead to them.
    "privacy_archives": Rule(_archive, "delete", exported=False),
    "privacy_requests": Rule(_earlier_request, "clear"),
}

MENTIONS: dict[str, Mention] = {
    "outbox": Mention(
        empties=("error", "attempts", "progress", "result", "unique_key"),
        replaces=("args",),
        filters=("terms", "tags"),
        platform=True,
        stops=True,
    ),
    "job_runs": Mention(
        empties=("error", "attempts", "progress", "result"),
        replaces=("args",),
        filters=("terms", "tags"),
        platform=True,
    ),
    "job_logs": Mention(empties=("facts",), platform=True),
    "job_batches": Mention(replaces=("completion",), platform=True),
    "job_bulk_actions": Mention(replaces=("q",), platform=True),
    "dead_letter_notes": Mention(replaces=("body",), platform=True),
    "job_schedules": Mention(replaces=("args", "title")),
    "workflows": Mention(replaces=("definition", "name"), empties=("unique_key",)),
    "workflow_nodes": Mention(replaces=("args", "condition"), empties=("result", "error")),
    "sync_runs": Mention(empties=("error",)),
    "sync_resources": Mention(empties=("refusals",)),
    "alert_events": Mention(empties=("deliveries",)),
    "sending_channels": Mention(empties=("error",)),
    "marketing_activities": Mention(empties=("error",)),
    "marketing_reports": Mention(empties=("error",)),
    "discount_sets": Mention(empties=("error",)),
    "discount_codes": Mention(empties=("error",)),
    "shops": Mention(empties=("pixel_error",)),
    "segments": Mention(replaces=("rules",), numbered=("name",), authored=True),
    "customer_lists": Mention(numbered=("name",), authored=True),
    "contact_imports": Mention(replaces=("name",), empties=("error",), authored=True),
    # A file that waits to be read: what it says of the person is no row of theirs yet.
    "contact_import_pieces": Mention(replaces=("content",)),
    "micro_segments": Mention(replaces=("label", "facts"), authored=True),
}
"""What people type and what goes wrong may quote a customer. So may the audit log, whose chain is `audit`'s business.

Campaigns are not searched: what a merchant writes to everybody is not about one of them, and the merchant's own address
in a footer must survive the erasure of the test orders that they placed.
"""

NOT_ABOUT_CUSTOMERS = {
    "shops": "the merchant's own name and address; erased with the shop",
    "idempotency_keys": "the merchant's staff as callers, and answers about what they made; gone after a day",
    "shop_members": "the merchant's staff; erased with the shop",
    "api_keys": "which of the merchant's staff made a key; erased with the shop",
    "audit_log": "the merchant's staff as actors; what an entry says of a customer is erased, its chain stays whole",
    "personal_data_access": "the merchant's staff as actors, ids of ours as subjects; past their time they are dropped",
}

KEPT_WITH_THE_SHOP_GONE = {
    "outbox": "the erasing job is one of its rows, and ends by itself; every other row of the shop goes",
    "privacy_requests": "the proof that the erasure was done: counts and dates; its personal columns are cleared",
    "shops": "one row so that a later request or reinstall finds the domain; its personal columns are cleared",
}

CACHES = "storecast:"
"""What Storecast writes to Redis begins with this; the broker's own keys hold ids of jobs."""


def quotes(table: Table, mention: Mention, subject: Subject) -> ColumnElement[bool]:
    """Whether one of the columns of a row quotes the person."""
    needles = subject.needles if mention.authored else subject.in_records()
    expression = needles.anywhere()
    return or_(false(), *(cast(table.c[name], Text).op("~*")(expression) for name in mention.columns))


def tables_with_personal_data() -> dict[str, tuple[str, ...]]:
    """Every mapped table that declares personal columns, with these columns."""
    declared = {}
    for mapper in Base.registry.mappers:
        columns: tuple[str, ...] = mapper.class_.personal_data
        if columns:
            declared[str(mapper.local_table.description)] = columns
    return declared


def of_shop(table: Table, shop_id: int, *, platform: bool = False) -> ColumnElement[bool]:
    """The rows of a shop; with ``platform`` those that belong to no shop as well (all, where no row names one)."""
    if table.name == "shops":
        return table.c.id == shop_id
    if "shop_id" not in table.c:
        return true() if platform else false()
    mine: ColumnElement[bool] = table.c.shop_id == shop_id
    return or_(mine, table.c.shop_id.is_(None)) if platform else mine


def table(name: str) -> Table:
    """The table of a name; raises KeyError when its models are not loaded in this process."""
    return Base.metadata.tables[name]
