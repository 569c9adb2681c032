"""What else a store of any seed has: collections over its products, checkouts left behind, and Shopify's segments."""

from __future__ import annotations

from itertools import groupby

from simulator.seeds.hashing import mix
from simulator.state.database import columns
from simulator.state.records import Customer, Product, Shop
from simulator.store import Store
from simulator.values import money_bag

CHECKOUTS_AT_MOST = 500
CUSTOMERS_PER_CHECKOUT = 8
SEGMENTS = {
    "Email subscribers": "email_subscription_status = 'SUBSCRIBED'",
    "Bought more than once": "number_of_orders > 1",
    "Has not bought yet": "number_of_orders = 0",
}


def fill(store: Store, shop: Shop) -> None:
    """Call it once the shop has its products and customers."""
    _collections(store, shop)
    _checkouts(store, shop)
    for name, query in SEGMENTS.items():
        body = {
            "name": name,
            "query": query,
            "creationDate": shop.created_at,
            "lastEditDate": shop.created_at,
        }
        store.documents.save(shop.id, "Segment", name, body)


def _collections(store: Store, shop: Shop) -> None:
    """One for every kind of product, and an empty one."""
    products = store.products.list_products(shop.id, limit=5_000)
    by_type = groupby(sorted(products, key=lambda p: p.product_type), key=lambda p: p.product_type)
    shelves: list[tuple[str, list[Product]]] = [(kind, list(of_kind)) for kind, of_kind in by_type if kind]
    for title, held in [*shelves, ("Coming soon", [])]:
        handle = title.lower().replace(" & ", "-").replace(" ", "-")
        body = {
            "title": title,
            "handle": handle,
            "updatedAt": max((product.updated_at for product in held), default=shop.created_at),
            "productIds": [product.id for product in held],
        }
        store.documents.save(shop.id, "Collection", handle, body)


def _checkouts(store: Store, shop: Shop) -> None:
    """Every eighth customer left a cart behind at the checkout."""
    rows = store.database.all(
        f"select {columns(Customer)} from customers where shop_id = ? and id % ? = 0 order by id limit ?",
        (shop.id, CUSTOMERS_PER_CHECKOUT, CHECKOUTS_AT_MOST),
    )
    for customer in (Customer(*row) for row in rows):
        amount = money_bag(900 + mix(customer.id, 71) % 9_000, shop.currency)
        key = f"{mix(customer.id, 72):016x}"
        body = {
            "name": f"#{customer.id % 1_000_000_000}",
            "customerId": customer.id,
            "updatedAt": customer.updated_at,
            "completedAt": None,
            "discountCodes": [],
            "subtotalPriceSet": amount,
            "totalPriceSet": amount,
        }
        store.documents.save(shop.id, "AbandonedCheckout", key, body)
