"""Code discounts: one basic discount, and unique codes hung on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from simulator.admin_api.context import Context
from simulator.clock import now_text
from simulator.gids import number_of
from simulator.state.records import Document

KIND = "DiscountCodeNode"
CREATION = "DiscountRedeemCodeBulkCreation"
MAX_CODES = 250


def _refused(key: str, field: list[str], message: str, code: str) -> dict[str, Any]:
    return {key: None, "userErrors": [{"field": field, "message": message, "code": code, "extraInfo": None}]}


def _plain(given: dict[str, Any]) -> Any:
    """The input as JSON: what the app asked for."""
    return json.loads(json.dumps(given, default=str))


def _taken(ctx: Context, codes: list[str]) -> set[str]:
    """Codes of a shop are unique without case."""
    wanted = {code.lower() for code in codes}
    held = {
        code.lower()
        for document in ctx.store.documents.list_documents(ctx.shop.id, KIND)
        for code in document.fields()["codes"]
    }
    return wanted & held


def create_basic_discount(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["basicCodeDiscount"]
    code, title = given.get("code"), given.get("title")
    if not code:
        return _refused("codeDiscountNode", ["basicCodeDiscount", "code"], "Code can't be blank", "BLANK")
    if not title:
        return _refused("codeDiscountNode", ["basicCodeDiscount", "title"], "Title can't be blank", "BLANK")
    if _taken(ctx, [code]):
        message = "Code must be unique. Please try a different code."
        return _refused("codeDiscountNode", ["basicCodeDiscount", "code"], message, "TAKEN")
    value = (given.get("customerGets") or {}).get("value") or {}
    percentage = value.get("percentage")
    if percentage is not None and not 0 < percentage <= 1:
        field = ["basicCodeDiscount", "customerGets", "value", "percentage"]
        return _refused("codeDiscountNode", field, "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE")
    discount = {
        "__typename": "DiscountCodeBasic",
        "title": title,
        "status": "ACTIVE",
        "startsAt": given.get("startsAt") or now_text(),
        "endsAt": given.get("endsAt"),
        "createdAt": now_text(),
        "updatedAt": now_text(),
        "usageLimit": given.get("usageLimit"),
        "appliesOncePerCustomer": bool(given.get("appliesOncePerCustomer")),
        "summary": f"{round(100 * float(value.get('percentage') or 0))}% off",
    }
    body = {"codes": [code], "percentage": percentage, "given": _plain(given), "codeDiscount": discount}
    return {
        "codeDiscountNode": ctx.store.documents.save(ctx.shop.id, KIND, code.lower(), body),
        "userErrors": [],
    }


def redeem_codes(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    number = number_of(args["discountId"], KIND)
    discount = ctx.store.documents.find_by_id(ctx.shop.id, KIND, number) if number else None
    if discount is None:
        return _refused("bulkCreation", ["discountId"], "Code discount does not exist.", "INVALID")
    codes = [entry["code"] for entry in args["codes"]]
    if not codes:
        return _refused("bulkCreation", ["codes"], "Codes can't be blank", "BLANK")
    if len(codes) > MAX_CODES:
        return _refused(
            "bulkCreation", ["codes"], f"The input array size of {len(codes)} exceeds {MAX_CODES}.", "INVALID"
        )
    taken = _taken(ctx, codes)
    fresh = list(dict.fromkeys(code for code in codes if code.lower() not in taken))
    body = discount.fields()
    body["codes"] = [*body["codes"], *fresh]
    ctx.store.documents.save(ctx.shop.id, KIND, discount.key, body)
    return {"bulkCreation": _creation(ctx, discount, codes, set(fresh)), "userErrors": []}


def creation(ctx: Context, args: dict[str, Any]) -> Document | dict[str, Any] | None:
    """An addition of codes; while it is slow nothing is known of its codes."""
    number = number_of(args["id"], CREATION)
    found = ctx.store.documents.find_by_id(ctx.shop.id, CREATION, number) if number else None
    if found is None or not ctx.store.faults.bites("bulk_codes_slow"):
        return found
    waiting = {"done": False, "importedCount": 0, "failedCount": 0, "outcomes": []}
    return replace(found, body=json.dumps({**found.fields(), **waiting}))


def by_code(ctx: Context, args: dict[str, Any]) -> Document | None:
    """The discount of a code, whatever its case."""
    wanted = args["code"].lower()
    held = ctx.store.documents.list_documents(ctx.shop.id, KIND)
    return next((each for each in held if wanted in {c.lower() for c in each.fields()["codes"]}), None)


def _outcome(code: str, imported: bool) -> dict[str, Any]:
    message = "Code must be unique. Please try a different code."
    error = {"field": ["code"], "message": message, "code": "TAKEN", "extraInfo": None}
    return {"code": code, "discountRedeemCode": None, "errors": [] if imported else [error]}


def _creation(ctx: Context, discount: Document, codes: list[str], fresh: set[str]) -> Document:
    body = {
        "done": True,
        "codesCount": len(codes),
        "importedCount": len(fresh),
        "failedCount": len(codes) - len(fresh),
        "outcomes": [_outcome(code, code in fresh) for code in codes],
    }
    key = f"{discount.key}:{now_text()}:{len(ctx.store.documents.list_documents(ctx.shop.id, CREATION))}"
    return ctx.store.documents.save(ctx.shop.id, CREATION, key, body)
