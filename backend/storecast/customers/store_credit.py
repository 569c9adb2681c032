"""Store credit that is given to customers, behind a ledger of its own, because Shopify's call cannot be repeated.

`storeCreditAccountCredit` knows no idempotency key: sent twice it pays twice. So each credit is an entry that is
claimed (``sent``) in a commit of its own, then called, then recorded. A call whose end nobody saw, be it that the
answer was lost or that the worker was killed, leaves it in doubt until the customer's account has been read: a credit
of its amount and currency, made from the claim on and settling no other entry, is this one; without one the call was
not carried out and is made again. A customer's entries are carried out one at a time, oldest first, or one could be
settled by the transaction of another. A credit of the same amount that somebody gave by hand in these minutes is
taken for ours: too little is put right by a person, too much is gone.
Source: https://shopify.dev/docs/api/admin-graphql/latest/mutations/storeCreditAccountCredit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.customers import repository as customers
from storecast.customers import store_credit_repository as repository
from storecast.customers.errors import CreditNotShown, CustomerUnknown
from storecast.customers.jobs import GiveStoreCredit
from storecast.customers.models import StoreCreditEntry
from storecast.customers.store_credit_schemas import (
    NewStoreCredit,
    StoreCredit,
    StoreCreditAccount,
    StoreCreditBalance,
)
from storecast.kit.clock import utcnow
from storecast.kit.errors import StorecastError
from storecast.kit.ids import public_id
from storecast.kit.money import Money, from_minor, to_minor
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.resilience.circuit import CircuitOpen
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, Throttled, TokenRefused, UserErrors
from storecast.shops import features, tokens
from storecast.shops import service as shops
from storecast.shops.errors import ClientRefused, ReauthorizationNeeded, ShopPaused, TokenBusy
from storecast.shops.features import Feature
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

SETTLE_AFTER = timedelta(minutes=2)
"""After a call that ended without an answer: what Shopify still works on then is in the account by now."""

ABANDONED_AFTER = timedelta(minutes=10)
"""A claim of which nothing was heard for so long is nobody's: a call with all its tries and waits takes two minutes."""

SKEW = timedelta(minutes=1)
"""Shopify's clock may be behind ours."""

MAX_TRIES = 5
PAGE = 50

NOT_SENT = (
    CircuitOpen, ClientRefused, ReauthorizationNeeded, ShopPaused, Throttled, TokenBusy, TokenRefused,
)  # fmt: skip
"""Errors that say that Shopify executed nothing."""


def request(
    session: Session, shop_id: ShopId, customer_id: str, given: NewStoreCredit, *, actor: str
) -> StoreCredit:
    """Have a customer given store credit. Raises CustomerUnknown, ScopeMissing."""
    features.require(session, shop_id, Feature.STORE_CREDIT)
    internal_id = _internal_id(session, shop_id, customer_id)
    entry = StoreCreditEntry(
        shop_id=shop_id,
        public_id=public_id("scr"),
        customer_id=internal_id,
        amount_minor=given.amount_minor,
        currency=given.currency or shops.get(session, shop_id).currency,
        reason=given.reason,
        expires_at=given.expires_at,
        notify=given.notify,
        created_by=actor,
    )
    repository.add(session, entry)
    outbox.add(session, shop_id, GiveStoreCredit(internal_id))
    audit.record(
        session,
        shop_id,
        actor,
        "store_credit_requested",
        customer_id,
        entry=entry.public_id,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
    )
    return _shape(entry)


def list_page(session: Session, shop_id: ShopId, customer_id: str, cursor: str | None) -> Page[StoreCredit]:
    """What a customer was given, newest first; raises CustomerUnknown."""
    internal_id = _internal_id(session, shop_id, customer_id)
    found = repository.list_newest(session, shop_id, internal_id, decode_id_cursor(cursor), PAGE + 1)
    more = len(found) > PAGE
    return Page(
        items=[_shape(entry) for entry in found[:PAGE]],
        next_cursor=encode_cursor(found[PAGE - 1].id) if more else None,
    )


def read_balance(unit_of_work: UnitOfWork, shop_id: ShopId, customer_id: str) -> StoreCreditBalance:
    """Ask Shopify what a customer has, beside what the ledger says was given. Raises CustomerUnknown, ScopeMissing.

    Nothing of it is stored: a balance is true for as long as nobody buys anything.
    """
    with unit_of_work() as session:
        customer = customers.find_by_public_id(session, shop_id, customer_id)
        if customer is None:
            raise CustomerUnknown
        features.require(session, shop_id, Feature.STORE_CREDIT)
        ledger, gid = repository.sums(session, shop_id, customer.id), customer.gid
    answer = tokens.admin_client(unit_of_work, shop_id).execute("store_credit_balances", {"id": gid})
    if answer.errors:
        raise CreditNotShown
    held = _balances(answer.data.get("customer") or {})
    accounts = [
        StoreCreditAccount(
            balance=Money(amount_minor=held[currency], currency=currency) if currency in held else None,
            given=Money(amount_minor=given, currency=currency),
            on_its_way=Money(amount_minor=on_its_way, currency=currency),
        )
        for currency in sorted({*held, *ledger})
        for given, on_its_way in [ledger.get(currency, (0, 0))]
    ]
    return StoreCreditBalance(accounts=accounts, read_at=utcnow())


def _balances(customer: dict[str, Any]) -> dict[str, int]:
    """Minor units by currency."""
    balances = [each["balance"] for each in customer.get("storeCreditAccounts", {}).get("nodes", ())]
    return {each["currencyCode"]: to_minor(each["amount"], each["currencyCode"]) for each in balances}


def _internal_id(session: Session, shop_id: ShopId, customer_id: str) -> int:
    customer = customers.find_by_public_id(session, shop_id, customer_id)
    if customer is None:
        raise CustomerUnknown
    return customer.id


def _shape(entry: StoreCreditEntry) -> StoreCredit:
    return StoreCredit(
        id=entry.public_id,
        amount=Money(amount_minor=entry.amount_minor, currency=entry.currency),
        reason=entry.reason,
        expires_at=entry.expires_at,
        state=entry.state,  # type: ignore[arg-type]  # a CHECK holds it to these values
        error=entry.error,
        created_by=entry.created_by,
        created_at=entry.created_at,
        settled_at=entry.settled_at,
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is to be done with an entry; ``sent_at`` is when it was last claimed, and says whose it is."""

    entry_id: int
    step: Literal["send", "settle"]
    gid: str
    currency: str
    amount_minor: int
    sent_at: datetime
    credit: dict[str, Any]


def give(unit_of_work: UnitOfWork, shop_id: ShopId, customer_id: int) -> None:
    """Carry the customer's oldest open credit on; the next one, or the next look at it, is another job."""
    # Before the claim: what has no token, or whose shop is frozen, has sent nothing.
    client = tokens.admin_client(unit_of_work, shop_id)
    with unit_of_work() as session:
        claim = _claim(session, shop_id, customer_id, utcnow())
    if claim is None:
        return
    if claim.step == "send":
        _send(unit_of_work, shop_id, client, claim)
    else:
        _settle(unit_of_work, shop_id, client, claim)
    with unit_of_work() as session:
        _go_on(session, shop_id, customer_id)


def _claim(session: Session, shop_id: ShopId, customer_id: int, now: datetime) -> _Claim | None:
    entry, gid = repository.lock_oldest_open(session, shop_id, customer_id)
    if entry is None or gid is None:
        return None
    if features.list_missing(session, shop_id, Feature.STORE_CREDIT):
        if entry.state == "planned":
            _end(entry, "refused", error="The store has not allowed it.")
        return None
    if (due_at := _settled_from(entry)) is not None and due_at > now:
        outbox.add(session, shop_id, GiveStoreCredit(customer_id), run_at=due_at)
        return None
    step: Literal["send", "settle"] = "send" if entry.state == "planned" else "settle"
    if step == "send":
        entry.state, entry.sent_at, entry.tries = "sent", now, entry.tries + 1
    credit: dict[str, Any] = {
        "creditAmount": {
            "amount": str(from_minor(entry.amount_minor, entry.currency)),
            "currencyCode": entry.currency,
        },
        "notify": entry.notify,
    }
    if entry.expires_at is not None:
        credit["expiresAt"] = entry.expires_at.astimezone(UTC).isoformat()
    return _Claim(entry.id, step, gid, entry.currency, entry.amount_minor, entry.sent_at or now, credit)


def _settled_from(entry: StoreCreditEntry) -> datetime | None:
    """From when on the account tells what became of an entry that may have been sent."""
    if entry.sent_at is None or entry.state == "planned":
        return None
    return entry.sent_at + (SETTLE_AFTER if entry.state == "unknown" else ABANDONED_AFTER)


def _send(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, claim: _Claim) -> None:
    try:
        payload = client.mutate("store_credit_add", {"id": claim.gid, "credit": claim.credit})
        transaction = str(payload["storeCreditAccountTransaction"]["id"])
    except (UserErrors, AccessDenied) as refused:
        _record(unit_of_work, shop_id, claim, "refused", error=str(refused)[:500])
    except NOT_SENT:
        _record(unit_of_work, shop_id, claim, "planned")
        raise
    except (StorecastError, KeyError, TypeError) as lost:
        log.warning(
            "store_credit_unknown", shop_id=shop_id, entry_id=claim.entry_id, error=type(lost).__name__
        )
        _record(unit_of_work, shop_id, claim, "unknown", error=type(lost).__name__)
    else:
        _record(unit_of_work, shop_id, claim, "done", transaction=transaction)


def _settle(unit_of_work: UnitOfWork, shop_id: ShopId, client: AdminClient, claim: _Claim) -> None:
    """Look for the credit in the customer's account."""
    variables = {"id": claim.gid, "accounts": f"currency_code:{claim.currency}"}
    customer = client.execute("store_credit_transactions", variables).data.get("customer")
    found = _credits(customer or {}, claim)
    with unit_of_work() as session:
        taken = repository.settled_gids(session, shop_id, found)
    free = [gid for gid in found if gid not in taken]
    if free:
        _record(unit_of_work, shop_id, claim, "done", transaction=free[0])
    elif customer is None:
        _record(unit_of_work, shop_id, claim, "refused", error="The customer is gone.")
    else:
        _record(unit_of_work, shop_id, claim, "planned")


def _credits(customer: dict[str, Any], claim: _Claim) -> list[str]:
    """The credits that may be the claimed one, oldest first."""
    found = [
        (datetime.fromisoformat(each["createdAt"]), str(each["id"]))
        for account in customer.get("storeCreditAccounts", {}).get("nodes", ())
        for each in account["transactions"]["nodes"]
        if each.get("event") == "ADJUSTMENT"
        and each["amount"]["currencyCode"] == claim.currency
        and to_minor(each["amount"]["amount"], claim.currency) == claim.amount_minor
    ]
    return [gid for at, gid in sorted(found) if at >= claim.sent_at - SKEW]


def _record(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    claim: _Claim,
    state: Literal["planned", "unknown", "done", "refused"],
    *,
    transaction: str | None = None,
    error: str | None = None,
) -> None:
    """Note what became of the claim, unless it has passed to somebody else."""
    with unit_of_work() as session:
        entry = repository.lock(session, shop_id, claim.entry_id)
        if entry is None or entry.sent_at != claim.sent_at or entry.state in ("done", "refused"):
            return
        if state == "planned" and claim.step == "settle" and entry.tries >= MAX_TRIES:
            state, error = "refused", "Shopify did not carry it out."
        entry.transaction_gid = transaction
        _end(entry, state, error=error)


def _end(entry: StoreCreditEntry, state: str, *, error: str | None) -> None:
    entry.state, entry.error = state, error
    if state in ("done", "refused"):
        entry.settled_at = utcnow()


def _go_on(session: Session, shop_id: ShopId, customer_id: int) -> None:
    entry, _gid = repository.lock_oldest_open(session, shop_id, customer_id)
    if entry is not None:
        outbox.add(session, shop_id, GiveStoreCredit(customer_id), run_at=_settled_from(entry) or utcnow())
