"""What the shop has of orders, of what hangs on them and of abandoned checkouts, to hand out whole."""

from storecast.db.stored import Part, Stored

_LINE = ("gid", "product_gid", "variant_gid", "title", "quantity", "price_minor")
_TRANSACTION = ("gid", "kind", "status", "gateway", "test", "amount_minor", "currency", "processed_at")
_REFUND = ("gid", "amount_minor", "currency", "refunded_at")
_FULFILLMENT = ("gid", "status", "shipment_status", "fulfilled_at", "delivered_at")

ORDERS = Stored(
    "orders",
    (
        "gid",
        "name",
        "customer_gid",
        "email",
        "currency",
        "subtotal_minor",
        "discount_minor",
        "tax_minor",
        "shipping_minor",
        "total_minor",
        "refunded_minor",
        "financial_status",
        "fulfillment_status",
        "test",
        "cancelled_at",
        "placed_at",
        "discount_codes",
        "landing_site",
        "shopify_updated_at AS updated_at",
    ),
    # Who bought without an account is told apart by the order.
    person="coalesce(customer_gid, gid)",
    parts={
        "lines": Part("order_lines", "c.order_id = t.id", _LINE),
        "transactions": Part("order_transactions", "c.order_gid = t.gid", _TRANSACTION),
        "refunds": Part("order_refunds", "c.order_gid = t.gid", _REFUND),
        "fulfillments": Part("order_fulfillments", "c.order_gid = t.gid", _FULFILLMENT),
    },
)

ORDER_LINES = Stored(
    "order_lines",
    ("gid", "order_gid", *_LINE[1:], "CAST(:currency AS text) AS currency"),
    person="order_gid",
)

TRANSACTIONS = Stored("order_transactions", ("gid", "order_gid", *_TRANSACTION[1:]))

REFUNDS = Stored("order_refunds", ("gid", "order_gid", *_REFUND[1:]))

FULFILLMENTS = Stored("order_fulfillments", ("gid", "order_gid", *_FULFILLMENT[1:]))

ABANDONED_CHECKOUTS = Stored(
    "abandoned_checkouts",
    (
        "gid",
        "name",
        "customer_gid",
        "recovery_url",
        "currency",
        "subtotal_minor",
        "total_minor",
        "discount_codes",
        "begun_at",
        "completed_at",
        "shopify_updated_at AS updated_at",
    ),
    person="coalesce(customer_gid, gid)",
)
