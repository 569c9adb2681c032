"""Store credit: an account a customer and currency, made by its first credit, and the credits on it.

The mutation knows no idempotency: what is sent twice is credited twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from simulator.admin_api.context import Context
from simulator.clock import now_text, parse_instant
from simulator.gids import gid, number_of
from simulator.state.records import Customer, Document

ACCOUNT = "StoreCreditAccount"
CREDIT = "StoreCreditAccountCreditTransaction"
LIMIT = Decimal(100_000)


def _refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    error = {"field": field, "message": message, "code": code}
    return {"storeCreditAccountTransaction": None, "userErrors": [error]}


def credit(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["creditInput"]
    number = number_of(args["id"], "Customer")
    customer = ctx.store.customers.find(ctx.shop.id, number) if number else None
    if customer is None:
        return _refused(["id"], "Owner does not exist", "OWNER_NOT_FOUND")
    money = given["creditAmount"]
    amount, currency = _decimal(money["amount"]), money["currencyCode"]
    where = ["creditInput", "creditAmount", "amount"]
    if amount is None or amount <= 0:
        return _refused(where, "A positive amount must be used to credit", "NEGATIVE_OR_ZERO_AMOUNT")
    if given.get("expiresAt") and parse_instant(str(given["expiresAt"])) <= datetime.now(UTC):
        return _refused(["creditInput", "expiresAt"], "Expiry must be in the future", "EXPIRES_AT_IN_PAST")
    account = _account(ctx, customer, currency)
    balance = Decimal(account.fields()["balance"]["amount"]) + amount
    if balance > LIMIT:
        return _refused(where, "The operation would exceed the account's limit", "CREDIT_LIMIT_EXCEEDED")
    after = {"amount": f"{balance:.2f}", "currencyCode": currency}
    account = ctx.store.documents.save(
        ctx.shop.id, ACCOUNT, account.key, {**account.fields(), "balance": after}
    )
    number_of_credits = len(_credits(ctx, account))
    body = {
        "amount": {"amount": f"{amount:.2f}", "currencyCode": currency},
        "remainingAmount": {"amount": f"{amount:.2f}", "currencyCode": currency},
        "balanceAfterTransaction": after,
        "event": "ADJUSTMENT",
        "expiresAt": given.get("expiresAt") and str(given["expiresAt"]),
        "accountId": account.id,
        "account": {"__typename": ACCOUNT, "id": gid(ACCOUNT, account.id), "balance": after},
        "createdAt": now_text(),
    }
    saved = ctx.store.documents.save(ctx.shop.id, CREDIT, f"{account.key}:{number_of_credits}", body)
    return {"storeCreditAccountTransaction": saved, "userErrors": []}


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _account(ctx: Context, customer: Customer, currency: str) -> Document:
    key = f"{customer.id}:{currency}"
    body = {"balance": {"amount": "0.00", "currencyCode": currency}, "customerId": customer.id}
    return ctx.store.documents.find(ctx.shop.id, ACCOUNT, key) or ctx.store.documents.save(
        ctx.shop.id, ACCOUNT, key, body
    )


def accounts(customer: Customer, ctx: Context, args: Any) -> list[Document]:
    """A customer's accounts, those of a currency when the search names one."""
    held = ctx.store.documents.list_documents(ctx.shop.id, ACCOUNT)
    _name, _colon, currency = (args.get("query") or "").partition("currency_code:")
    return [
        account
        for account in held
        if account.fields()["customerId"] == customer.id and account.key.endswith(currency)
    ]


def transactions(account: Document, ctx: Context, args: Any) -> list[Document]:
    """An account's credits, oldest first; who asks reverses them."""
    return _credits(ctx, account)


def _credits(ctx: Context, account: Document) -> list[Document]:
    held = ctx.store.documents.list_documents(ctx.shop.id, CREDIT)
    return [credit for credit in held if credit.fields()["accountId"] == account.id]
