"""Rules of privacy requests: recorded when Shopify passes them on, done by a job, provable afterwards.

An erasure covers every table that declares personal data (`coverage`). It is idempotent: what is gone stays gone,
and running it again removes what arrived meanwhile.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from storecast.db.base import Base
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.privacy import repository
from storecast.privacy.coverage import (
    CUSTOMER_RULES,
    KEPT_WITH_THE_SHOP_GONE,
    Subject,
    tables_with_personal_data,
)
from storecast.privacy.errors import RequestUnknown
from storecast.privacy.jobs import HandleRequest
from storecast.privacy.models import PrivacyRequest
from storecast.privacy.schemas import Kind, PrivacyRequestDetail, PrivacyRequestRow
from storecast.shopify.ids import gid
from storecast.shops import service as shops
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox

log = structlog.get_logger(__name__)

PAGE_SIZE = 50

DEADLINE = timedelta(days=30)
"""Within which Shopify's privacy law compliance page wants a request done."""

ROWS_PER_DELETE = 5_000
"""Rows of one statement while a shop goes: a fraction of a second each, so that locks stay short."""

UnitOfWork = Callable[[], AbstractContextManager[Session]]


def receive(
    session: Session, shop_id: ShopId, kind: Kind, delivery: Delivery, *, now: datetime
) -> int | None:
    """Record a request and stage its job; None when the delivery was seen before."""
    customer = delivery.payload.get("customer")
    customer = customer if isinstance(customer, dict) else {}
    orders = delivery.payload.get("orders_to_redact") or delivery.payload.get("orders_requested") or []
    request_id = repository.add(
        session,
        {
            "shop_id": shop_id,
            "shop_domain": shops.get(session, shop_id).domain,
            "webhook_id": delivery.webhook_id,
            "kind": kind,
            "customer_gid": gid("Customer", customer["id"]) if customer.get("id") else None,
            "subject": {
                "email": customer.get("email"),
                "order_gids": [gid("Order", number) for number in orders],
            },
            "received_at": now,
            "due_at": now + DEADLINE,
        },
    )
    if request_id is not None:
        outbox.add(session, shop_id, HandleRequest(request_id))
        log.info("privacy_request_received", shop_id=shop_id, request_id=request_id, kind=kind)
    return request_id


def handle(unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int, *, now: datetime) -> None:
    """Do what the request asks for. A request that is done stays as it is."""
    with unit_of_work() as session:
        request = repository.find(session, shop_id, request_id)
        if request is None or request.state == "done":
            return
        kind = request.kind
    if kind == "shop_redact":
        _erase_shop(unit_of_work, shop_id, request_id, now)
        return
    with unit_of_work() as session:
        locked = repository.lock(session, shop_id, request_id)
        if locked is None or locked.state == "done":
            return
        subject = find_subject(session, shop_id, locked)
        if kind == "data_request":
            repository.set_done(session, locked, export(session, shop_id, subject), now)
        else:
            repository.set_done(session, locked, erase(session, shop_id, subject), now)
            locked.customer_gid = None
    log.info("privacy_request_done", shop_id=shop_id, request_id=request_id, kind=kind)


def find_subject(session: Session, shop_id: ShopId, request: PrivacyRequest) -> Subject:
    """Everything that the person is known under: some records of Shopify hold the address only."""
    told: dict[str, Any] = dict(request.subject or {})
    email = str(told.get("email") or "").strip()
    gids = {request.customer_gid} if request.customer_gid else set()
    rows = repository.customer_rows(session, shop_id, sorted(gids), [email.lower()] if email else [])
    gids |= {customer_gid for _, customer_gid, _ in rows}
    emails = {email} | {address for _, _, address in rows if address}
    subject = Subject(
        gids=sorted(gids),
        emails=sorted({address.lower() for address in emails if address}),
        customer_ids=sorted(customer_id for customer_id, _, _ in rows),
        needles=_needles(gids, {address for address in emails if address}),
    )
    orders = repository.order_rows(session, shop_id, subject, list(told.get("order_gids", [])))
    subject = replace(
        subject,
        order_ids=[order_id for order_id, _ in orders],
        order_gids=[order_gid for _, order_gid in orders],
    )
    return replace(subject, client_ids=repository.client_ids(session, shop_id, subject))


def export(session: Session, shop_id: ShopId, subject: Subject) -> dict[str, Any]:
    """Everything about the person, table by table, as JSON."""
    return {
        name: [_as_json(row) for row in repository.rows_of(session, shop_id, name, rule, subject)]
        for name, rule in CUSTOMER_RULES.items()
        if rule.exported
    }


def erase(session: Session, shop_id: ShopId, subject: Subject) -> dict[str, Any]:
    """Remove the person from every table; returns how many rows of each were touched."""
    personal = tables_with_personal_data()
    return {
        name: repository.erase(session, shop_id, name, rule, subject, personal[name])
        for name, rule in CUSTOMER_RULES.items()
    }


def list_page(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[PrivacyRequestRow]:
    """Newest first."""
    after_id = decode_cursor(cursor, 1)[0] if cursor else None
    found = repository.list_newest(session, shop_id, after_id, PAGE_SIZE + 1)
    items = [PrivacyRequestRow.model_validate(request, from_attributes=True) for request in found[:PAGE_SIZE]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(found) > PAGE_SIZE else None)


def get(session: Session, shop_id: ShopId, request_id: int) -> PrivacyRequestDetail:
    """The request with its result; raises RequestUnknown."""
    request = repository.find(session, shop_id, request_id)
    if request is None:
        raise RequestUnknown
    return PrivacyRequestDetail.model_validate(request, from_attributes=True)


def _erase_shop(unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int, now: datetime) -> None:
    """Table by table, in small transactions: a crash resumes where it was. An installed shop is left alone."""
    with unit_of_work() as session:
        installed = shops.get(session, shop_id).state == "installed"
    removed: dict[str, Any] = {}
    if installed:
        # Shopify sends the topic 48 hours after an uninstall; the merchant has come back since.
        log.warning("shop_redact_refused", shop_id=shop_id, request_id=request_id, reason="installed")
        removed = {"refused": "the shop is installed"}
    else:
        for name in shop_tables():
            removed[name] = _delete_all(unit_of_work, shop_id, name)
    with unit_of_work() as session:
        if not installed:
            personal = tables_with_personal_data()
            repository.empty_shop_columns(session, shop_id, "shops", "id", personal["shops"])
            repository.empty_shop_columns(
                session, shop_id, "privacy_requests", "shop_id", personal["privacy_requests"]
            )
        request = repository.lock(session, shop_id, request_id)
        if request is not None:
            repository.set_done(session, request, removed, now)
    log.info("privacy_request_done", shop_id=shop_id, request_id=request_id, kind="shop_redact")


def shop_tables() -> list[str]:
    """Every table whose rows go with their shop, those that refer to others first."""
    return [
        table.name
        for table in reversed(Base.metadata.sorted_tables)
        if "shop_id" in table.c and table.name not in KEPT_WITH_THE_SHOP_GONE
    ]


def _delete_all(unit_of_work: UnitOfWork, shop_id: ShopId, name: str) -> int:
    removed = 0
    while True:
        with unit_of_work() as session:
            deleted = repository.delete_some(session, shop_id, name, ROWS_PER_DELETE)
        removed += deleted
        if deleted < ROWS_PER_DELETE:
            return removed


def _needles(gids: set[str], emails: set[str]) -> list[bytes]:
    """How JSON spells the person: the global id, the number as a member's value, the address."""
    numbers = [customer_gid.rpartition("/")[2] for customer_gid in gids]
    spelled = [*gids, *emails, *(email.lower() for email in emails)]
    spelled += [f":{space}{number}{end}" for number in numbers for space in ("", " ") for end in (",", "}")]
    return [text.encode() for text in sorted(set(spelled))]


def _as_json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _json_value(value) for name, value in row.items() if name != "shop_id"}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value


KINDS: dict[str, Literal["data_request", "customer_redact", "shop_redact"]] = {
    "customers/data_request": "data_request",
    "customers/redact": "customer_redact",
    "shop/redact": "shop_redact",
}
"""What each of Shopify's compliance topics asks for."""
