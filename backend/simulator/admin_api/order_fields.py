"""Orders and their lines, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from simulator.admin_api.context import Context
from simulator.admin_api.customer_fields import address
from simulator.gids import gid
from simulator.state.records import LINES_PER_ORDER, Customer, Line, Order, Product, Variant
from simulator.values import decimal_text, money_bag, money_v2


class LineItem(NamedTuple):
    """A line with what it needs to speak for itself."""

    id: int
    line: Line
    currency: str
    variant: Variant | None
    product: Product | None

    @property
    def title(self) -> str:
        return self.line.title or (self.product.title if self.product else "")

    @property
    def gross_minor(self) -> int:
        return self.line.quantity * self.line.unit_price_minor

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.line.discount_minor


def line_items(order: Order, ctx: Context, args: Mapping[str, Any]) -> list[LineItem]:
    products = ctx.store.products
    return [
        LineItem(
            line.line_id or order.id * LINES_PER_ORDER + index,
            line,
            order.currency,
            products.variant(line.variant_id),
            products.product_of(line.variant_id),
        )
        for index, line in enumerate(order.line_items)
    ]


def _customer(order: Order, ctx: Context) -> Customer | None:
    return ctx.store.customers.find(ctx.shop.id, order.customer_id) if order.customer_id else None


def _address(order: Order, ctx: Context) -> dict[str, Any] | None:
    customer = _customer(order, ctx)
    return address(customer, ctx) if customer else None


def _transactions(order: Order, ctx: Context) -> list[dict[str, Any]]:
    sale = {
        "id": gid("OrderTransaction", order.id),
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "bogus",
        "formattedGateway": "Bogus",
        "test": bool(order.test),
        "createdAt": order.created_at,
        "processedAt": order.created_at,
        "amountSet": money_bag(order.total_minor, order.currency),
        "amount": decimal_text(order.total_minor),
    }
    if not order.refunded_minor:
        return [sale]
    refund = sale | {
        "id": gid("OrderTransaction", order.refund_transaction_id),
        "kind": "REFUND",
        "createdAt": order.updated_at,
        "processedAt": order.updated_at,
        "amountSet": money_bag(order.refunded_minor, order.currency),
        "amount": decimal_text(order.refunded_minor),
    }
    return [sale, refund]


def _fulfillments(order: Order, ctx: Context) -> list[dict[str, Any]]:
    if order.fulfillment_status != "FULFILLED":
        return []
    return [
        {
            "id": gid("Fulfillment", order.id),
            "name": f"{order.name}.1",
            "status": "SUCCESS",
            "displayStatus": "DELIVERED",
            "createdAt": order.created_at,
            "updatedAt": order.updated_at,
            "deliveredAt": order.updated_at,
            "trackingInfo": [],
            "totalQuantity": sum(line.quantity for line in order.line_items),
        }
    ]


def _refunds(order: Order, ctx: Context) -> list[dict[str, Any]]:
    if not order.refunded_minor:
        return []
    return [
        {
            "id": gid("Refund", order.id),
            "legacyResourceId": str(order.id),
            "createdAt": order.updated_at,
            "processedAt": order.updated_at,
            "updatedAt": order.updated_at,
            "totalRefundedSet": money_bag(order.refunded_minor, order.currency),
            "totalRefunded": money_v2(order.refunded_minor, order.currency),
        }
    ]


NO_JOURNEY: dict[str, Any] = {
    "ready": True,
    "firstVisit": None,
    "lastVisit": None,
    "customerOrderIndex": None,
    "daysToConversion": None,
    "momentsCount": {"count": 0, "precision": "EXACT"},
}


def _journey(order: Order, ctx: Context) -> dict[str, Any]:
    """Seeded orders came from nowhere; placed ones from where their cart landed."""
    if not order.landing_site:
        return NO_JOURNEY
    query = {name: values[-1] for name, values in parse_qs(urlsplit(order.landing_site).query).items()}
    utm = {part: query.get(f"utm_{part}") for part in ("source", "medium", "campaign", "content", "term")}
    visit = {
        "__typename": "CustomerVisit",
        "id": gid("CustomerVisit", order.id),
        "landingPage": _landing_page(order, ctx),
        "referrerUrl": order.referring_site,
        "occurredAt": order.created_at,
        "source": utm["source"] or "direct",
        "sourceDescription": None,
        "sourceType": "NEWSLETTER" if utm["medium"] == "email" else None,
        "utmParameters": utm if any(utm.values()) else None,
    }
    moments = {"count": 1, "precision": "EXACT"}
    return NO_JOURNEY | {
        "firstVisit": visit,
        "lastVisit": visit,
        "daysToConversion": 0,
        "momentsCount": moments,
    }


def _landing_page(order: Order, ctx: Context) -> str | None:
    """Carts remember the path; the Admin API answers the whole address."""
    site = order.landing_site
    return f"https://{ctx.shop.domain}{site}" if site and site.startswith("/") else site


def _codes(order: Order) -> list[str]:
    return [] if order.discount_codes == "[]" else list(json.loads(order.discount_codes))


def _twins(amounts: Mapping[str, Callable[[Any], int]]) -> dict[str, Callable[[Any, Context], Any]]:
    """Each amount is a money bag under its name with `Set`, and a plain decimal, deprecated, under its name."""

    def bag(minor: Callable[[Any], int]) -> Callable[[Any, Context], Any]:
        return lambda source, ctx: money_bag(minor(source), source.currency)

    def plain(minor: Callable[[Any], int]) -> Callable[[Any, Context], Any]:
        return lambda source, ctx: decimal_text(minor(source))

    bags = {f"{name}Set": bag(minor) for name, minor in amounts.items()}
    return bags | {name: plain(minor) for name, minor in amounts.items()}


ORDER_AMOUNTS: dict[str, Callable[[Order], int]] = {
    "totalPrice": lambda o: o.total_minor,
    "currentTotalPrice": lambda o: o.total_minor - o.refunded_minor,
    "originalTotalPrice": lambda o: o.total_minor,
    "subtotalPrice": lambda o: o.subtotal_minor,
    "currentSubtotalPrice": lambda o: o.subtotal_minor,
    "totalDiscounts": lambda o: o.discount_minor,
    "currentTotalDiscounts": lambda o: o.discount_minor,
    "cartDiscountAmount": lambda o: o.discount_minor,
    "totalTax": lambda o: o.tax_minor,
    "currentTotalTax": lambda o: o.tax_minor,
    "totalShippingPrice": lambda o: o.shipping_minor,
    "currentShippingPrice": lambda o: o.shipping_minor,
    "totalRefunded": lambda o: o.refunded_minor,
    "totalReceived": lambda o: o.total_minor,
    "netPayment": lambda o: o.total_minor - o.refunded_minor,
    "totalOutstanding": lambda o: 0,
    "totalCapturable": lambda o: 0,
    "totalTipReceived": lambda o: 0,
    "refundDiscrepancy": lambda o: 0,
    "totalRefundedShipping": lambda o: 0,
}

ORDER: dict[str, Callable[[Any, Context], Any]] = {
    "id": lambda o, ctx: gid("Order", o.id),
    "legacyResourceId": lambda o, ctx: str(o.id),
    "name": lambda o, ctx: o.name,
    "number": lambda o, ctx: o.number,
    "email": lambda o, ctx: o.email,
    "currencyCode": lambda o, ctx: o.currency,
    "presentmentCurrencyCode": lambda o, ctx: o.currency,
    "displayFinancialStatus": lambda o, ctx: o.financial_status,
    "displayFulfillmentStatus": lambda o, ctx: o.fulfillment_status,
    "returnStatus": lambda o, ctx: "NO_RETURN",
    "fullyPaid": lambda o, ctx: o.financial_status == "PAID",
    "unpaid": lambda o, ctx: o.financial_status == "PENDING",
    "confirmed": lambda o, ctx: True,
    "closed": lambda o, ctx: False,
    "test": lambda o, ctx: bool(o.test),
    "createdAt": lambda o, ctx: o.created_at,
    "processedAt": lambda o, ctx: o.created_at,
    "updatedAt": lambda o, ctx: o.updated_at,
    "cancelledAt": lambda o, ctx: o.cancelled_at,
    "cancelReason": lambda o, ctx: "CUSTOMER" if o.cancelled_at else None,
    "customer": _customer,
    "customerAcceptsMarketing": lambda o, ctx: bool(o.accepts_marketing),
    "customerJourneySummary": _journey,
    "discountCode": lambda o, ctx: next(iter(_codes(o)), None),
    "discountCodes": lambda o, ctx: _codes(o),
    "cartToken": lambda o, ctx: o.cart_token,
    "checkoutToken": lambda o, ctx: o.checkout_token,
    "landingPageUrl": _landing_page,
    "referrerUrl": lambda o, ctx: o.referring_site,
    "sourceName": lambda o, ctx: "web",
    "statusPageUrl": lambda o, ctx: f"https://{ctx.shop.domain}/orders/{o.checkout_token or o.id}",
    "subtotalLineItemsQuantity": lambda o, ctx: sum(line.quantity for line in o.line_items),
    "currentSubtotalLineItemsQuantity": lambda o, ctx: sum(line.quantity for line in o.line_items),
    "paymentGatewayNames": lambda o, ctx: ["bogus"],
    "transactions": _transactions,
    "refunds": _refunds,
    "fulfillments": _fulfillments,
    "billingAddress": _address,
    "shippingAddress": _address,
}
ORDER.update(_twins(ORDER_AMOUNTS))
# The one plain twin that is an object.
ORDER["totalTipReceived"] = lambda o, ctx: money_v2(0, o.currency)

ORDER_CONNECTIONS: dict[str, Callable[[Any, Context, Mapping[str, Any]], list[Any]]] = {
    "lineItems": line_items,
    "nonFulfillableLineItems": lambda o, ctx, args: [],
}
LINE_ITEM_CONNECTIONS: dict[str, Callable[[Any, Context, Mapping[str, Any]], list[Any]]] = {}

LINE_AMOUNTS: dict[str, Callable[[LineItem], int]] = {
    "originalUnitPrice": lambda i: i.line.unit_price_minor,
    "originalTotal": lambda i: i.gross_minor,
    "discountedTotal": lambda i: i.net_minor,
    "discountedUnitPrice": lambda i: i.net_minor // i.line.quantity,
    "discountedUnitPriceAfterAllDiscounts": lambda i: i.net_minor // i.line.quantity,
    "totalDiscount": lambda i: i.line.discount_minor,
}
AMOUNTS: dict[str, dict[str, Callable[[Any], int]]] = {"Order": ORDER_AMOUNTS, "LineItem": LINE_AMOUNTS}
"""Type → field without `Set` → minor units, for who wants the number and not its object."""

LINE_ITEM: dict[str, Callable[[Any, Context], Any]] = {
    "id": lambda i, ctx: gid("LineItem", i.id),
    "title": lambda i, ctx: i.title,
    "name": lambda i, ctx: f"{i.title} - {i.variant.title}" if i.variant else i.title,
    "variantTitle": lambda i, ctx: i.variant.title if i.variant else None,
    "sku": lambda i, ctx: i.variant.sku if i.variant else None,
    "vendor": lambda i, ctx: i.product.vendor if i.product else None,
    "quantity": lambda i, ctx: i.line.quantity,
    "currentQuantity": lambda i, ctx: i.line.quantity,
    "refundableQuantity": lambda i, ctx: i.line.quantity,
    "variant": lambda i, ctx: i.variant,
    "product": lambda i, ctx: i.product,
    "requiresShipping": lambda i, ctx: True,
    "taxable": lambda i, ctx: True,
    "image": lambda i, ctx: None,
}
LINE_ITEM.update(_twins(LINE_AMOUNTS))
