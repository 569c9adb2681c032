"""Orders, and the carts and checkouts that become them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable

from simulator.clock import now_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns, placeholders
from simulator.state.records import Cart, Line, Order, lines_json


class Orders:
    def __init__(self, database: Database) -> None:
        self._db = database

    def list_orders(self, shop_id: int, *, limit: int = 50, offset: int = 0) -> list[Order]:
        """Newest first."""
        rows = self._db.all(
            f"select {columns(Order)} from orders where shop_id = ? order by id desc limit ? offset ?",
            (shop_id, limit, offset),
        )
        return [Order(*row) for row in rows]

    def list_of_customer(self, customer_id: int, *, limit: int = 250) -> list[Order]:
        rows = self._db.all(
            f"select {columns(Order)} from orders where customer_id = ? order by id limit ?",
            (customer_id, limit),
        )
        return [Order(*row) for row in rows]

    def count(self, shop_id: int) -> int:
        return int(self._db.scalar("select count(*) from orders where shop_id = ?", (shop_id,)))

    def revenue_minor(self, shop_id: int) -> int:
        return int(
            self._db.scalar("select coalesce(sum(total_minor), 0) from orders where shop_id = ?", (shop_id,))
        )

    def find(self, shop_id: int, order_id: int) -> Order | None:
        row = self._db.one(
            f"select {columns(Order)} from orders where id = ? and shop_id = ?", (order_id, shop_id)
        )
        return Order(*row) if row else None

    def get(self, shop_id: int, order_id: int) -> Order:
        order = self.find(shop_id, order_id)
        if order is None:
            raise LookupError(f"no order {order_id}")
        return order

    def find_by_checkout_token(self, shop_id: int, checkout_token: str) -> Order | None:
        row = self._db.one(
            f"select {columns(Order)} from orders where shop_id = ? and checkout_token = ? and id >= ?",
            (shop_id, checkout_token, self._first_placed(shop_id)),
        )
        return Order(*row) if row else None

    def next_id(self) -> int:
        return self._db.next_id("Order", FIRST_ID["Order"])

    def insert_many(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Rows in the record's field order."""
        with self._db.write() as connection:
            connection.executemany(f"insert into orders values ({placeholders(Order)})", rows)

    def insert(self, order: Order) -> None:
        self.insert_many([tuple(getattr(order, name) for name in Order.__dataclass_fields__)])

    def set_status(
        self, order_id: int, *, financial: str | None = None, fulfillment: str | None = None,
        refunded_minor: int | None = None, cancelled_at: str | None = None,
    ) -> None:  # fmt: skip
        with self._db.write() as connection:
            connection.execute(
                "update orders set financial_status = coalesce(?, financial_status),"
                " fulfillment_status = coalesce(?, fulfillment_status), refunded_minor = coalesce(?, refunded_minor),"
                " cancelled_at = coalesce(?, cancelled_at), updated_at = ? where id = ?",
                (financial, fulfillment, refunded_minor, cancelled_at, now_text(), order_id),
            )

    def _first_placed(self, shop_id: int) -> int:
        # Seeded orders carry no checkout token; skipping them saves an index on a column that is nearly all null.
        value = self._db.scalar("select value from meta where key = ?", (f"first_placed_order:{shop_id}",))
        return int(value) if value is not None else 0


class Carts:
    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        shop_id: int,
        *,
        landing_site: str | None = None,
        referring_site: str | None = None,
        client_id: str | None = None,
    ) -> Cart:
        now = now_text()
        cart = Cart(
            secrets.token_hex(16),
            shop_id,
            "[]",
            None,
            None,
            None,
            None,
            landing_site,
            referring_site,
            client_id,
            now,
            now,
        )
        with self._db.write() as connection:
            connection.execute(f"insert into carts values ({placeholders(Cart)})", tuple(vars(cart).values()))
        return cart

    def get(self, shop_id: int, token: str) -> Cart:
        cart = self.find(shop_id, token)
        if cart is None:
            raise LookupError(f"no cart {token}")
        return cart

    def find(self, shop_id: int, token: str) -> Cart | None:
        row = self._db.one(
            f"select {columns(Cart)} from carts where token = ? and shop_id = ?", (token, shop_id)
        )
        return Cart(*row) if row else None

    def find_by_checkout_token(self, shop_id: int, checkout_token: str) -> Cart | None:
        row = self._db.one(
            f"select {columns(Cart)} from carts where checkout_token = ? and shop_id = ?",
            (checkout_token, shop_id),
        )
        return Cart(*row) if row else None

    def set_quantity(self, cart: Cart, variant_id: int, quantity: int, unit_price_minor: int) -> Cart:
        """The line of this variant becomes `quantity`; zero removes it."""
        lines = [line for line in cart.line_items if line.variant_id != variant_id]
        if quantity > 0:
            lines.append(Line(variant_id, quantity, unit_price_minor))
        return self._save(cart, lines=lines_json(lines))

    def add(self, cart: Cart, variant_id: int, quantity: int, unit_price_minor: int) -> Cart:
        held = sum(line.quantity for line in cart.line_items if line.variant_id == variant_id)
        return self.set_quantity(cart, variant_id, held + quantity, unit_price_minor)

    def start_checkout(self, cart: Cart) -> Cart:
        """Give the cart a checkout token, once."""
        return cart if cart.checkout_token else self._save(cart, checkout_token=secrets.token_hex(16))

    def identify(self, cart: Cart, *, email: str | None = None, customer_id: int | None = None) -> Cart:
        return self._save(cart, email=email or cart.email, customer_id=customer_id or cart.customer_id)

    def complete(self, cart: Cart, order_id: int) -> Cart:
        return self._save(cart, order_id=order_id)

    def _save(self, cart: Cart, **changes: object) -> Cart:
        changes["updated_at"] = now_text()
        assignments = ", ".join(f"{name} = ?" for name in changes)
        with self._db.write() as connection:
            connection.execute(
                f"update carts set {assignments} where token = ?",
                (*changes.values(), cart.token),
            )
        return self.get(cart.shop_id, cart.token)


def discount_code_list(order: Order) -> list[str]:
    return list(json.loads(order.discount_codes))
