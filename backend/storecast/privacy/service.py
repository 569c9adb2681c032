"""Rules of privacy requests: recorded when Shopify or the merchant asks, done by a job, provable afterwards.

An erasure covers every table that declares personal data and every one that may quote a person (`coverage`). It is
idempotent: what is gone stays gone, and running it again removes what arrived meanwhile. What comes afterwards, late
or again, is turned away (`webhooks.erased`). Requests are carried out whatever the shop's state; its tokens are not
needed.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal
from uuid import uuid4

import structlog
from sqlalchemy.orm import Session

from storecast.audit import access
from storecast.audit import service as audit
from storecast.config.settings import get_settings
from storecast.fleet.alert_channels import Message
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.sealing import Sealer
from storecast.kit.types import ShopId
from storecast.privacy import archive, erasure, links, repository, shop_erasure
from storecast.privacy.coverage import CUSTOMER_RULES, Subject
from storecast.privacy.erasure import UnitOfWork
from storecast.privacy.errors import (
    ArchiveGone,
    DownloadedTooOften,
    LinkInvalid,
    NotRepeatable,
    PassphraseShown,
    RequestUnknown,
)
from storecast.privacy.jobs import HandleRequest, TellMerchant
from storecast.privacy.models import PrivacyRequest
from storecast.privacy.schemas import (
    ArchiveLink,
    ArchivePassphrase,
    Kind,
    NewPrivacyRequest,
    PrivacyRequestDetail,
    PrivacyRequestRow,
)
from storecast.shopify.ids import gid
from storecast.shops import service as shops
from storecast.webhooks import erased
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox

log = structlog.get_logger(__name__)

PAGE_SIZE = 50

DEADLINE = timedelta(days=30)
"""Within which Shopify's privacy law compliance page wants a request done."""

ARCHIVE_KEPT = timedelta(days=7)
"""Time to hand the data on; what lies longer than that is one more copy to lose."""

DUE_SOON = timedelta(days=7)

PASS_AGAIN_S = 5.0
PASS_AGAIN_MAX_S = 3600.0
"""Passes come after 5, 10, 20 … seconds: a drain or a job that was under way has ended by then."""

DOWNLOADS_PER_HOUR = 10

STRANGERS_PER_RUN = 500

_FROM_THE_APP = "app:"


def receive(
    session: Session, shop_id: ShopId, kind: Kind, delivery: Delivery, *, now: datetime
) -> int | None:
    """Record a request of Shopify's and stage its job; None when the delivery was seen before."""
    customer = delivery.payload.get("customer")
    customer = customer if isinstance(customer, dict) else {}
    orders = delivery.payload.get("orders_to_redact") or delivery.payload.get("orders_requested") or []
    subject: dict[str, Any] = {
        "email": customer.get("email"),
        "phone": customer.get("phone"),
        "order_gids": [gid("Order", number) for number in orders],
    }
    customer_gid = gid("Customer", customer["id"]) if customer.get("id") else None
    return _add(session, shop_id, kind, delivery.webhook_id, customer_gid, subject, now=now)


def ask(
    session: Session, shop_id: ShopId, actor: str, asked: NewPrivacyRequest, *, now: datetime
) -> PrivacyRequestDetail:
    """Record a request that the merchant makes for one of their customers; it goes the same way as Shopify's."""
    email, phone = (asked.email or "").strip(), (asked.phone or "").strip()
    if not (asked.customer_id or email or phone):
        raise Invalid(
            "Say whom it is about: a Shopify id, an e-mail address or a phone number.",
            errors=[FieldError("/email", "name the person", "missing")],
        )
    customer_gid = gid("Customer", asked.customer_id) if asked.customer_id else None
    subject: dict[str, Any] = {"email": email or None, "phone": phone or None, "order_gids": []}
    webhook_id = f"{_FROM_THE_APP}{uuid4()}"
    request_id = _add(session, shop_id, asked.kind, webhook_id, customer_gid, subject, now=now)
    if request_id is None:
        raise RequestUnknown
    # Whom it is about stays out of the log of deeds: an erasure must leave no such trace.
    audit.record(session, shop_id, actor, f"privacy_{asked.kind}_asked", f"privacy_request:{request_id}")
    return get(session, shop_id, request_id, now=now)


def rerun(
    session: Session, shop_id: ShopId, actor: str, request_id: int, *, now: datetime
) -> PrivacyRequestDetail:
    """Do an open request now, or make the archive of a data request anew; raises NotRepeatable for the others."""
    request = _locked(session, shop_id, request_id)
    if request.state == "done":
        if request.kind != "data_request" or (request.customer_gid is None and request.subject is None):
            raise NotRepeatable
        repository.drop_archive(session, shop_id, request_id)
        request.state, request.done_at, request.result = "received", None, None
        request.archive_bytes = request.archive_until = request.passphrase = None
    outbox.add(session, shop_id, HandleRequest(request_id))
    audit.record(session, shop_id, actor, "privacy_request_rerun", f"privacy_request:{request_id}")
    session.flush()
    return get(session, shop_id, request_id, now=now)


def handle(unit_of_work: UnitOfWork, shop_id: ShopId, request_id: int, *, now: datetime) -> None:
    """Do what the request asks for, or the next pass of it. A request that is done stays as it is."""
    with unit_of_work() as session:
        request = repository.find(session, shop_id, request_id, lock=True)
        if request is None or request.state == "done":
            return
        kind = request.kind
        if kind != "shop_redact":
            subject = erasure.find_subject(session, shop_id, request)
        if kind == "customer_redact":
            # Written down before anything goes: what leads to the rest may be gone when a killed process comes back.
            request.subject = {**dict(request.subject or {}), "resolved": erasure.as_json(subject)}
            erased.mark(session, shop_id, erasure.what_stays_away(request, subject))
    if kind == "data_request":
        with unit_of_work() as session:
            _export(session, shop_id, request_id, subject, now)
        return
    if kind == "shop_redact":
        is_over = shop_erasure.erase(unit_of_work, shop_id, request_id)
    else:
        is_over = erasure.erase(unit_of_work, shop_id, request_id, subject)
    with unit_of_work() as session:
        _end_pass(session, shop_id, request_id, now, is_over=is_over)


def answer_strangers(session: Session, *, now: datetime) -> int:
    """Record the requests for domains that we do not know: nothing is held, and that is the answer. Every shop's."""
    found = repository.lock_strangers(session, sorted(KINDS), STRANGERS_PER_RUN)
    for delivery in found:
        values = {
            "shop_id": None,
            "shop_domain": delivery.shop_domain,
            "webhook_id": delivery.webhook_id,
            "kind": KINDS[delivery.topic],
            "state": "done",
            "received_at": delivery.received_at,
            "due_at": delivery.received_at + DEADLINE,
            "done_at": now,
            "result": {"tables": {}, "nothing_held": True},
        }
        repository.add(session, values)
        log.info("privacy_request_of_stranger", kind=values["kind"])
    repository.answer_strangers(session, [delivery.id for delivery in found], now)
    return len(found)


def resume(session: Session) -> int:
    """Stage the job of every open request of every shop; one that waits already is not doubled."""
    open_requests = repository.list_open(session)
    for shop_id, request_id in open_requests:
        outbox.add(session, ShopId(shop_id), HandleRequest(request_id))
    return len(open_requests)


def forget_archives(session: Session, *, now: datetime) -> int:
    """Delete the archives of every shop that are past their time, and what their requests knew of the person."""
    expired = repository.lock_expired(session, now)
    for request in expired:
        if request.shop_id is not None:
            repository.drop_archive(session, ShopId(request.shop_id), request.id)
        request.archive_bytes = request.archive_until = request.passphrase = None
        request.subject = request.customer_gid = None
    return len(expired)


def message(session: Session, shop_id: ShopId, request_id: int) -> tuple[str, Message] | None:
    """The mail that says an archive is ready, and to whom it goes; None when there is nobody or nothing to tell."""
    request = repository.find(session, shop_id, request_id)
    shop = shops.get(session, shop_id)
    if request is None or request.archive_until is None or not shop.email:
        return None
    text = (
        f"A customer of {shop.domain} asked which data is held about them. Storecast has put it together.\n"
        "Open the Privacy page to download it and to hand it on; the passphrase is shown there once.\n"
        f"The download ends on {request.archive_until:%Y-%m-%d}; the answer is due by {request.due_at:%Y-%m-%d}."
    )
    link = f"{get_settings().shopify.app_url}/settings/privacy?request={request_id}"
    subject = "A customer's data is ready for you to hand on"
    return shop.email, Message(
        f"privacy-{request_id}-{request.archive_until:%Y%m%d%H%M%S}", subject, text, link, {}
    )


def list_page(
    session: Session, shop_id: ShopId, *, cursor: str | None, now: datetime
) -> Page[PrivacyRequestRow]:
    """Newest first."""
    found = repository.list_newest(session, shop_id, decode_id_cursor(cursor), PAGE_SIZE + 1)
    items = [PrivacyRequestRow.model_validate(_shape(request, now)) for request in found[:PAGE_SIZE]]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(found) > PAGE_SIZE else None)


def get(session: Session, shop_id: ShopId, request_id: int, *, now: datetime) -> PrivacyRequestDetail:
    """The request with its proof; raises RequestUnknown."""
    request = repository.find(session, shop_id, request_id)
    if request is None:
        raise RequestUnknown
    tables: dict[str, Any] = dict(dict(request.result or {}).get("tables", {}))  # type: ignore[call-overload]
    proof = [{"table": name, **counts} for name, counts in tables.items()]
    return PrivacyRequestDetail.model_validate({**_shape(request, now), "proof": proof})


def show_passphrase(
    session: Session, shop_id: ShopId, actor: str, request_id: int, *, now: datetime
) -> ArchivePassphrase:
    """The passphrase of the archive, once; raises PassphraseShown the second time."""
    request = _with_archive(session, shop_id, request_id, now)
    if request.passphrase is None:
        raise PassphraseShown
    passphrase = _sealer().open(shop_id, request.passphrase)
    request.passphrase = None
    audit.record(session, shop_id, actor, "privacy_passphrase_shown", f"privacy_request:{request_id}")
    return ArchivePassphrase(passphrase=passphrase)


def make_link(session: Session, shop_id: ShopId, request_id: int, *, now: datetime) -> ArchiveLink:
    """An address that downloads the archive until the archive's time is over."""
    request = _with_archive(session, shop_id, request_id, now)
    if request.archive_until is None:
        raise ArchiveGone
    token = links.make(shop_id, request_id, request.archive_until)
    return ArchiveLink(path=f"/api/v1/privacy/archives/{token}", expires_at=request.archive_until)


def download(
    session: Session, shop_id: ShopId, actor: str, token: str, *, now: datetime
) -> tuple[int, bytes]:
    """The request's id and its archive; raises LinkInvalid, ArchiveGone or DownloadedTooOften. Every one is noted."""
    request_id = links.read(token, shop_id, now)
    if request_id is None:
        raise LinkInvalid
    request = _with_archive(session, shop_id, request_id, now)
    about = f"privacy_request:{request_id}"
    lately = access.count_since(session, shop_id, "export", about, now - timedelta(hours=1))
    if lately >= DOWNLOADS_PER_HOUR:
        raise DownloadedTooOften(retry_after=3600)
    access.note(session, shop_id, actor, "export", about, people=1)
    audit.record(session, shop_id, actor, "privacy_archive_downloaded", about)
    return request.id, repository.archive(session, shop_id, request_id)


def count_overdue_soon(session: Session, shop_id: ShopId | None, *, now: datetime) -> int:
    """Open requests that are due within a week or overdue."""
    return repository.count_due(session, shop_id, now + DUE_SOON)


def _add(
    session: Session,
    shop_id: ShopId,
    kind: Kind,
    webhook_id: str,
    customer_gid: str | None,
    subject: dict[str, Any],
    *,
    now: datetime,
) -> int | None:
    values = {
        "shop_id": shop_id,
        "shop_domain": shops.get(session, shop_id).domain,
        "webhook_id": webhook_id,
        "kind": kind,
        "customer_gid": customer_gid,
        "subject": subject,
        "received_at": now,
        "due_at": now + DEADLINE,
    }
    request_id = repository.add(session, values)
    if request_id is not None:
        outbox.add(session, shop_id, HandleRequest(request_id))
        log.info("privacy_request_received", request_id=request_id, kind=kind)
    return request_id


def _export(session: Session, shop_id: ShopId, request_id: int, subject: Subject, now: datetime) -> None:
    """Put everything about the person into an archive; what was found is counted, table by table."""
    request = _locked(session, shop_id, request_id)
    repository.allow_long_search(session)
    rows = {
        name: [archive.plain(row) for row in repository.rows_of(session, shop_id, name, rule, subject)]
        for name, rule in CUSTOMER_RULES.items()
        if rule.exported
    }
    passphrase = archive.new_passphrase()
    body = archive.build(rows, shop_domain=request.shop_domain, made_at=now, passphrase=passphrase)
    repository.keep_archive(session, shop_id, request_id, archive.pieces(body))
    request.archive_bytes, request.archive_until = len(body), now + ARCHIVE_KEPT
    request.passphrase = _sealer().seal(shop_id, passphrase)
    request.result = {
        "tables": {name: {"before": len(found), "after": len(found)} for name, found in rows.items()}
    }
    request.state, request.done_at = "done", now
    outbox.add(session, shop_id, TellMerchant(request_id))
    log.info("privacy_request_done", request_id=request_id, kind=request.kind)


def _end_pass(session: Session, shop_id: ShopId, request_id: int, now: datetime, *, is_over: bool) -> None:
    """Close the request and forget whom it was about, or come again for what was under way."""
    request = _locked(session, shop_id, request_id)
    result: dict[str, Any] = dict(request.result or {})
    passes = int(result.get("passes", 0)) + 1
    request.result = {**result, "passes": passes}
    if not is_over:
        delay_s = min(PASS_AGAIN_S * 2 ** (passes - 1), PASS_AGAIN_MAX_S)
        outbox.add(session, shop_id, HandleRequest(request_id), run_at=now + timedelta(seconds=delay_s))
        return
    request.state, request.done_at = "done", now
    request.subject = request.customer_gid = None
    log.info("privacy_request_done", request_id=request_id, kind=request.kind)


def _locked(session: Session, shop_id: ShopId, request_id: int) -> PrivacyRequest:
    request = repository.find(session, shop_id, request_id, lock=True)
    if request is None:
        raise RequestUnknown
    return request


def _with_archive(session: Session, shop_id: ShopId, request_id: int, now: datetime) -> PrivacyRequest:
    request = _locked(session, shop_id, request_id)
    if request.archive_until is None or request.archive_until <= now:
        raise ArchiveGone
    return request


def _shape(request: PrivacyRequest, now: datetime) -> dict[str, Any]:
    result: dict[str, Any] = dict(request.result or {})
    has_archive = request.archive_until is not None and request.archive_until > now
    return {
        "id": request.id,
        "kind": request.kind,
        "state": request.state,
        "asked_by": "merchant" if request.webhook_id.startswith(_FROM_THE_APP) else "shopify",
        "received_at": request.received_at,
        "due_at": request.due_at,
        "done_at": request.done_at,
        "urgency": _urgency(request, now),
        "refused": result.get("refused"),
        "archive": {
            "bytes": request.archive_bytes,
            "until": request.archive_until,
            "passphrase_waits": request.passphrase is not None,
        }
        if has_archive
        else None,
        "can_rerun": request.state == "received"
        or (request.kind == "data_request" and bool(request.customer_gid or request.subject)),
    }


def _urgency(request: PrivacyRequest, now: datetime) -> Literal["none", "soon", "overdue"]:
    if request.state == "done" or request.due_at > now + DUE_SOON:
        return "none"
    return "overdue" if request.due_at < now else "soon"


def _sealer() -> Sealer:
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return _sealer_of(*[key.get_secret_value() for key in keys if key is not None])


@lru_cache(maxsize=2)
def _sealer_of(*keys: str) -> Sealer:
    return Sealer(keys, PrivacyRequest.sealed.purpose)


KINDS: dict[str, Kind] = {
    "customers/data_request": "data_request",
    "customers/redact": "customer_redact",
    "shop/redact": "shop_redact",
}
"""What each of Shopify's compliance topics asks for."""
