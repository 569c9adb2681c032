"""Turns bare purchases (when, who, how many, how much) into orders with lines, and sums them up for each customer.

The lines of an order add up to its total exactly: the total is spread over the pieces to the cent.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from simulator.gids import FIRST_ID
from simulator.seeds import people
from simulator.seeds.hashing import mix
from simulator.state.records import Shop
from simulator.store import Store

DAY_S = 86_400

Purchase = tuple[int, int, int, int]
"""(unix seconds, customer index, pieces, cents), in order of time."""


class PurchaseWriter:
    """Writes orders first and customers after, because a customer's row holds sums over the orders."""

    def __init__(self, store: Store, shop: Shop, customers: int, draw_table: Sequence[int]) -> None:
        self._store = store
        self._shop = shop
        self._customers = customers
        self._draw_table = draw_table
        held = int(store.database.scalar("select coalesce(max(id), 0) from customers"))
        self._customer_base = max(FIRST_ID["Customer"], held + 1)
        held = int(store.database.scalar("select coalesce(max(id), 0) from orders"))
        self._order_base = max(FIRST_ID["Order"], held + 1)
        self._counts = array("q", bytes(8 * customers))
        self._spent = array("q", bytes(8 * customers))
        self._last_order = array("q", bytes(8 * customers))
        self._first_at = array("q", bytes(8 * customers))
        self._last_at = array("q", bytes(8 * customers))
        self._instant = instant_formatter()

    def write(self, purchases: Iterable[Purchase], *, joined_at: Callable[[int], int]) -> None:
        """`joined_at` gives the time for a customer who never bought."""
        self._store.orders.insert_many(self._order_rows(purchases))
        self._store.customers.insert_many(self._customer_rows(joined_at))
        orders = sum(self._counts)
        with self._store.database.write() as connection:
            connection.execute(
                "update shops set next_order_number = next_order_number + ? where id = ?",
                (orders, self._shop.id),
            )
            for name, value in (
                ("Order", self._order_base + orders - 1),
                ("Customer", self._customer_base + self._customers - 1),
            ):
                connection.execute("insert or replace into sequences values (?, ?)", (name, value))

    def _order_rows(self, purchases: Iterable[Purchase]) -> Iterator[tuple[object, ...]]:
        shop_id, currency, instant = self._shop.id, self._shop.currency, self._instant
        counts, spent, last_order = self._counts, self._spent, self._last_order
        first_at, last_at = self._first_at, self._last_at
        emails = [people.email(index) for index in range(self._customers)]
        accepts = [int(people.email_state(index) == "SUBSCRIBED") for index in range(self._customers)]
        order_id, number = self._order_base, self._shop.next_order_number
        for at, customer, pieces, cents in purchases:
            counts[customer] += 1
            spent[customer] += cents
            last_order[customer] = order_id
            last_at[customer] = at
            if not first_at[customer]:
                first_at[customer] = at
            at_text = instant(at)
            yield (
                order_id, shop_id, number, self._customer_base + customer, emails[customer], currency, cents, 0, 0, 0,
                cents, 0, "PAID", "FULFILLED", 0, at_text, at_text, None, self._lines(order_id, pieces, cents), "[]",
                None, None, None, None, accepts[customer], None,
            )  # fmt: skip
            order_id += 1
            number += 1

    def _lines(self, order_id: int, pieces: int, cents: int) -> str:
        table = self._draw_table
        bits = mix(order_id, 31)
        size = len(table)
        first = table[bits % size]
        price, left_over = divmod(cents, pieces)
        if pieces == 1:
            return f"[[{first},1,{price},0]]"
        second = table[(bits >> 16) % size]
        if left_over:
            # One cent more on as many pieces as the division left over.
            return f"[[{first},{pieces - left_over},{price},0],[{second},{left_over},{price + 1},0]]"
        half = pieces // 2
        return f"[[{first},{pieces - half},{price},0],[{second},{half},{price},0]]"

    def _customer_rows(self, joined_at: Callable[[int], int]) -> Iterator[tuple[object, ...]]:
        instant = self._instant
        for index in range(self._customers):
            created = self._first_at[index] or joined_at(index)
            yield people.customer_row(
                index,
                self._customer_base + index,
                self._shop.id,
                orders_count=self._counts[index],
                spent_minor=self._spent[index],
                last_order_id=self._last_order[index] or None,
                created_at=instant(created),
                updated_at=instant(self._last_at[index] or created),
            )


def instant_formatter() -> Callable[[int], str]:
    """Unix seconds to ISO 8601 text, with the days remembered: four times as fast as strftime over a history."""
    days: dict[int, str] = {}

    def text(at: int) -> str:
        day, second = divmod(at, DAY_S)
        date = days.get(day)
        if date is None:
            date = days[day] = datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%dT")
        return f"{date}{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"

    return text
