"""Signed webhooks as Shopify sends them: orders of about 2 KB, each delivery with an id of its own."""

import base64
import hmac
import itertools
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson

from benchmarks.http_load import post
from benchmarks.stage import SECRET, SHOP

BODY_BYTES = 2048


def order(number: int, *, customer: int, price: str, updated_at: str) -> dict[str, Any]:
    """An order of one line as in a webhook; ``price`` is in the shop's currency."""
    money = {"shop_money": {"amount": price, "currency_code": "USD"}}
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "currency": "USD",
        "created_at": "2026-11-01T10:00:00-05:00",
        "processed_at": "2026-11-01T10:00:00-05:00",
        "updated_at": updated_at,
        "cancelled_at": None,
        "test": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "total_price": price,
        "total_price_set": money,
        "subtotal_price": price,
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "discount_codes": [],
        "tags": "",
        "customer": {
            "id": customer,
            "admin_graphql_api_id": f"gid://shopify/Customer/{customer}",
            "email": f"customer{customer}@example.com",
            "first_name": "Some",
            "last_name": "Body",
        },
        "line_items": [
            {
                "id": number * 10 + 1,
                "admin_graphql_api_id": f"gid://shopify/LineItem/{number * 10 + 1}",
                "product_id": number % 100 + 1,
                "variant_id": number % 100 + 1,
                "title": "A thing",
                "quantity": 1,
                "price": price,
                "price_set": money,
                "total_discount": "0.00",
                "sku": f"THING-{number % 100}",
            }
        ],
        "refunds": [],
    }


def padded(payload: dict[str, Any], size_bytes: int = BODY_BYTES) -> bytes:
    """The body, filled up with properties as shops give their orders."""
    payload["note_attributes"] = []
    while (missing := size_bytes - len(orjson.dumps(payload))) > 40:
        value = "x" * min(60, missing - 30)
        payload["note_attributes"].append({"name": "property", "value": value})
    return orjson.dumps(payload)


def headers(body: bytes, webhook_id: str, topic: str = "orders/updated", shop: str = SHOP) -> dict[str, str]:
    """What Shopify puts on a delivery."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode(),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Triggered-At": "2026-11-21T22:00:00.123456789Z",
        "X-Shopify-Event-Id": str(uuid4()),
    }


def maker(distinct: int = 200) -> Callable[[], bytes]:
    """Requests to send; the bodies repeat, the delivery ids never do."""
    parts = []
    for number in range(1, distinct + 1):
        body = padded(order(number, customer=number, price="10.00", updated_at="2026-11-01T10:00:00-05:00"))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers(body, "{id}").items())
        head, _, tail = post("/webhooks", lines, body).partition(b"{id}")
        parts.append((head, tail))
    around = itertools.cycle(parts)
    stem, numbers = uuid4().hex[:16].encode(), itertools.count()

    def make() -> bytes:
        head, tail = next(around)
        return b"%b%b-%012x%b" % (head, stem, next(numbers), tail)

    return make
