"""A store of any size with a plausible history: most customers buy once or never, a few buy very often."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from simulator.seeds.catalogue import CD_PRICES_MINOR, stock
from simulator.seeds.hashing import fraction, mix, pick
from simulator.seeds.purchases import DAY_S, Purchase, PurchaseWriter
from simulator.state.records import Shop
from simulator.store import Store

HISTORY_DAYS = 730
MOST_ORDERS = 120
CUSTOMER_BITS = 24
"""A purchase waits to be sorted as one integer of time and customer: a tenth of the memory of a tuple."""


def fill(store: Store, shop: Shop, customers: int) -> None:
    """`customers` up to 16 million; about 2.6 orders each."""
    if not 1 <= customers < 1 << CUSTOMER_BITS:
        raise ValueError(
            f"a generated store holds 1 to {(1 << CUSTOMER_BITS) - 1:,} customers, not {customers:,}"
        )
    ends_at = int(time.time()) // DAY_S * DAY_S
    writer = PurchaseWriter(store, shop, customers, stock(store, shop))
    writer.write(_purchases(customers, ends_at), joined_at=lambda index: _joined_at(index, ends_at))


def _purchases(customers: int, ends_at: int) -> Iterator[Purchase]:
    packed = []
    for customer in range(customers):
        joined = _joined_at(customer, ends_at)
        for number in range(_order_count(customer)):
            # Squared: purchases crowd after the customer's first, as people's interest does.
            share = fraction(customer * MOST_ORDERS + number, 51) ** 2 if number else 0.0
            at = joined + int((ends_at - 1 - joined) * share)
            packed.append(at << CUSTOMER_BITS | customer)
    packed.sort()
    for number, value in enumerate(packed):
        pieces = 1 + int(-math.log(1 - fraction(number, 52)) * 1.1)
        cents = sum(pick(CD_PRICES_MINOR, number, 60 + piece) for piece in range(pieces))
        yield value >> CUSTOMER_BITS, value & (1 << CUSTOMER_BITS) - 1, pieces, cents


def _joined_at(customer: int, ends_at: int) -> int:
    return ends_at - 1 - int(fraction(customer, 53) * HISTORY_DAYS * DAY_S)


def _order_count(customer: int) -> int:
    """Pareto with shape 1.4, less the 12 % who only signed up."""
    if mix(customer, 54) % 100 < 12:
        return 0
    return min(MOST_ORDERS, int((1 - fraction(customer, 55)) ** (-1 / 1.4)))
