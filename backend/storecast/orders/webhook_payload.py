"""Reading an order and what hangs on it out of an ``orders/*`` webhook. Amounts are those in the shop's currency."""

from typing import Any

from storecast.kit.errors import Permanent
from storecast.kit.money import to_minor
from storecast.orders.records import (
    FulfillmentRecord,
    LineRecord,
    OrderDetails,
    OrderRecord,
    RefundRecord,
    TransactionRecord,
)
from storecast.shopify.ids import find_gid, find_instant, gid


def read_order(payload: dict[str, Any]) -> OrderRecord:
    """The order; raises Permanent when it lacks what makes an order."""
    order_gid, updated_at = find_gid("Order", payload), find_instant(payload.get("updated_at"))
    placed_at = find_instant(payload.get("processed_at")) or find_instant(payload.get("created_at"))
    currency = payload.get("currency")
    if order_gid is None or updated_at is None or placed_at is None or not isinstance(currency, str):
        raise Permanent("an order without id, instants or currency")
    customer = payload.get("customer")
    return OrderRecord(
        gid=order_gid,
        name=str(payload.get("name") or ""),
        customer_gid=find_gid("Customer", customer) if isinstance(customer, dict) else None,
        email=payload.get("email") or payload.get("contact_email") or None,
        currency=currency,
        subtotal_minor=_minor(payload.get("subtotal_price"), currency),
        discount_minor=_minor(payload.get("total_discounts"), currency),
        tax_minor=_minor(payload.get("total_tax"), currency),
        shipping_minor=_minor(_shop_money(payload.get("total_shipping_price_set")), currency),
        total_minor=_minor(payload.get("total_price"), currency),
        refunded_minor=_refunded_minor(payload.get("refunds"), currency),
        financial_status=_lower(payload.get("financial_status")),
        fulfillment_status=_lower(payload.get("fulfillment_status")) or "unfulfilled",
        test=bool(payload.get("test")),
        cancelled_at=find_instant(payload.get("cancelled_at")),
        placed_at=placed_at,
        discount_codes=[
            str(code["code"]) for code in payload.get("discount_codes") or [] if code.get("code")
        ],
        cart_token=payload.get("cart_token") or None,
        checkout_token=payload.get("checkout_token") or None,
        landing_site=payload.get("landing_site") or None,
        journey=None,
        shopify_updated_at=updated_at,
    )


def read_lines(payload: dict[str, Any]) -> list[LineRecord]:
    """The lines of the order; raises Permanent when one has no id."""
    order_gid, currency = find_gid("Order", payload), str(payload.get("currency"))
    lines = []
    for line in payload.get("line_items") or []:
        line_gid = find_gid("LineItem", line)
        if order_gid is None or line_gid is None:
            raise Permanent("a line without id")
        lines.append(
            LineRecord(
                order_gid=order_gid,
                gid=line_gid,
                product_gid=_reference("Product", line.get("product_id")),
                variant_gid=_reference("ProductVariant", line.get("variant_id")),
                title=str(line.get("title") or ""),
                quantity=int(line.get("quantity") or 0),
                price_minor=_minor(line.get("price"), currency),
            )
        )
    return lines


def read_details(payload: dict[str, Any], order: OrderRecord) -> OrderDetails:
    """Refunds with their transactions, and fulfilments; what has no id is left out."""
    details = OrderDetails(all_transactions=False)
    version = order.shopify_updated_at
    for refund in payload.get("refunds") or []:
        transactions = _read_transactions(refund, order)
        details.transactions += transactions
        refund_gid = find_gid("Refund", refund)
        if refund_gid is not None:
            paid_back = sum(
                t.amount_minor for t in transactions if (t.kind, t.status) == ("refund", "success")
            )
            at = find_instant(refund.get("processed_at")) or find_instant(refund.get("created_at"))
            details.refunds.append(
                RefundRecord(order.gid, refund_gid, paid_back, order.currency, at, version)
            )
    for shipment in payload.get("fulfillments") or []:
        shipment_gid = find_gid("Fulfillment", shipment)
        if shipment_gid is not None:
            details.fulfillments.append(_read_fulfillment(shipment_gid, shipment, order))
    return details


def _read_transactions(refund: dict[str, Any], order: OrderRecord) -> list[TransactionRecord]:
    found = []
    for transaction in refund.get("transactions") or []:
        gid = find_gid("OrderTransaction", transaction)
        if gid is not None:
            found.append(
                TransactionRecord(
                    order_gid=order.gid,
                    gid=gid,
                    kind=_lower(transaction.get("kind")) or "unknown",
                    status=_lower(transaction.get("status")) or "unknown",
                    gateway=transaction.get("gateway") or None,
                    test=bool(transaction.get("test")),
                    amount_minor=_minor(transaction.get("amount"), order.currency),
                    currency=order.currency,
                    processed_at=find_instant(transaction.get("processed_at")),
                    order_updated_at=order.shopify_updated_at,
                )
            )
    return found


def _read_fulfillment(gid: str, shipment: dict[str, Any], order: OrderRecord) -> FulfillmentRecord:
    """REST names the shipment's state ``shipment_status`` and says when it was delivered by its last change."""
    state = _lower(shipment.get("shipment_status"))
    return FulfillmentRecord(
        order_gid=order.gid,
        gid=gid,
        status=_lower(shipment.get("status")) or "unknown",
        shipment_status=state,
        fulfilled_at=find_instant(shipment.get("created_at")),
        delivered_at=find_instant(shipment.get("updated_at")) if state == "delivered" else None,
        order_updated_at=order.shopify_updated_at,
    )


def _refunded_minor(refunds: Any, currency: str) -> int:
    """What was paid back: the successful refund transactions."""
    return sum(
        _minor(transaction.get("amount"), currency)
        for refund in refunds or []
        for transaction in refund.get("transactions") or []
        if transaction.get("kind") == "refund" and transaction.get("status") == "success"
    )


def _minor(amount: Any, currency: str) -> int:
    try:
        return to_minor(str(amount), currency) if amount is not None else 0
    except ValueError as error:
        raise Permanent(str(error)) from error


def _shop_money(money_bag: Any) -> Any:
    return ((money_bag or {}).get("shop_money") or {}).get("amount")


def _reference(kind: str, number: Any) -> str | None:
    return gid(kind, number) if number else None


def _lower(value: Any) -> str | None:
    return str(value).lower() if value else None
