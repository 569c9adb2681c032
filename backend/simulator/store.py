"""All state of the simulated platform behind one object; every other part of the simulator reads and writes through it.

`store.shops.find(domain)`, `store.products.list_products(shop.id, limit=24, offset=0)`,
`store.products.find_by_handle(shop.id, handle)`, `store.customers.find_by_email(shop.id, email)`,
`store.carts.create(shop.id)`, `store.pixels.find(shop.id)`… Changes that the platform tells the app about (orders,
consent, install, uninstall) go through `simulator.world.World`, which writes here and sends the webhooks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.faults import Faults
from simulator.state.access import Access
from simulator.state.customers import Customers
from simulator.state.database import INDEXES, Database
from simulator.state.documents import Documents, Pixels
from simulator.state.operations import BulkOperations, Deliveries
from simulator.state.orders import Carts, Orders
from simulator.state.products import Products
from simulator.state.shops import Shops


class Store:
    """Open with the path of the state file; safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.shops = Shops(self.database)
        self.products = Products(self.database)
        self.customers = Customers(self.database)
        self.orders = Orders(self.database)
        self.carts = Carts(self.database)
        self.access = Access(self.database)
        self.pixels = Pixels(self.database)
        self.documents = Documents(self.database)
        self.bulk = BulkOperations(self.database)
        self.deliveries = Deliveries(self.database)
        self.faults = Faults()
        # What every call to a shop is answered while the platform does not serve it, by domain.
        self.shop_status: dict[str, int] = {}

    def meta(self, key: str) -> str | None:
        value: str | None = self.database.scalar("select value from meta where key = ?", (key,))
        return value

    def set_meta(self, key: str, value: str) -> None:
        with self.database.write() as connection:
            connection.execute("insert or replace into meta values (?, ?)", (key, value))

    def build_indexes(self) -> None:
        """After a seed."""
        self.database.connection().executescript(INDEXES)

    def totals(self, shop_id: int) -> dict[str, Any]:
        return {
            "customers": self.customers.count(shop_id),
            "products": self.products.count(shop_id),
            "orders": self.orders.count(shop_id),
            "revenue_minor": self.orders.revenue_minor(shop_id),
        }

    def close(self) -> None:
        self.database.close()
