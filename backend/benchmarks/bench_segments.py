"""Counting segments of five rules over a large shop: p95 of a count.

`N=1000000 make bench-segments` (N customers with ten events each, ROUNDS=15 counts of each segment). The counts are
those of the API: rules are parsed, what they refer to is looked up, and PostgreSQL counts as the app role under
row-level security, one at a time. Beside them, in turn: a bare `count(*)` over `customer_facts` on the same
connection. The CPU of PostgreSQL's processes says how much of the time was work.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.segment_rows import fill
from benchmarks.stage import Stage, stage

N = int(os.environ.get("N", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "15" if N >= 100_000 else "2"))
GOAL_MS = 500.0


def rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    """One condition."""
    return {"field": field, "operator": operator, **({} if value is None else {"value": value})}


SUBSCRIBED = rule("email_subscription", "is", "subscribed")
PRODUCT, COLLECTION = "gid://shopify/Product/7", "gid://shopify/Collection/7"

SEGMENTS: dict[str, list[dict[str, Any]]] = {
    "lapsing readers": [
        SUBSCRIBED, rule("country", "is", "US"), rule("orders_count", "gte", 2),
        rule("last_order_at", "not_in_last_days", 60), rule("opened", "did", {"times": 3, "days": 90}),
    ],
    "browsed and did not buy": [
        SUBSCRIBED, rule("viewed", "did", {"times": 2, "days": 30}), rule("added_to_cart", "did", {"days": 60}),
        rule("ordered", "did_not", {"days": 30}), rule("total_spent", "gte", "20.00"),
    ],
    "buyers of a product": [
        SUBSCRIBED, rule("ordered", "did", {"days": 365, "product": PRODUCT}), rule("tags", "has_not", "vip"),
        rule("clicked", "did", {"times": 1, "days": 180}), rule("rfm_frequency", "gte", 1),
    ],
    "fond of a collection": [
        rule("viewed", "did", {"times": 2, "days": 180, "collection": COLLECTION}), SUBSCRIBED,
        rule("country", "is_not", "AU"), rule("opened", "did", {"days": 365}),
        rule("average_order", "lt", "150.00"),
    ],
    "almost everybody": [
        rule("opened", "did_not", {"times": 20, "days": 7}), rule("orders_count", "gte", 0),
        rule("email_subscription", "is_not", "invalid"), rule("created_at", "more_than_days_ago", 1),
        rule("viewed", "did_not", {"days": 1}),
    ],
    "bought often of late": [
        SUBSCRIBED, rule("ordered", "did", {"times": 2, "days": 120}), rule("city", "is_set"),
        rule("viewed", "did", {"days": 90}), rule("clicked", "did_not", {"days": 10}),
    ],
}  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Seconds of every count by segment, of the reference, and what PostgreSQL worked meanwhile."""

    counts: dict[str, list[float]]
    reference: list[float]
    members: dict[str, int]
    cpu_s: float


def p95_ms(samples: list[float]) -> float:
    """Of seconds, by nearest rank."""
    ordered = sorted(samples)
    return 1000 * ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def measure(at: Stage) -> Figures:
    """Counts in rounds, so that a slow moment of the machine meets all of them."""
    os.environ.update(at.environment)
    from sqlalchemy import text

    from storecast.db.session import close_engines, tenant_session
    from storecast.kit.types import ShopId
    from storecast.segments import service

    shop_id = ShopId(at.shop_id)
    figures = Figures({name: [] for name in SEGMENTS}, [], {}, 0.0)
    for round_number in range(ROUNDS + 1):
        meter = Meter({"postgres": own_postgres()})
        for name, rules in SEGMENTS.items():
            with tenant_session(shop_id) as session:
                started = time.perf_counter()
                found = service.count_rules(session, shop_id, {"op": "and", "rules": rules})
                seconds = time.perf_counter() - started
            # The first round loads code and fills caches, of which a running process has both.
            if round_number:
                figures.counts[name].append(seconds)
                figures.members[name] = found
        if round_number:
            figures.cpu_s += meter.cpu_s()["postgres"]
        with tenant_session(shop_id) as session:
            started = time.perf_counter()
            session.execute(text("SELECT count(*) FROM customer_facts")).one()
            if round_number:
                figures.reference.append(time.perf_counter() - started)
    close_engines()
    return figures


def main() -> None:
    """Fill, measure, report."""
    with stage() as at:
        fill(at.dsn, at.shop_id, N)
        with psycopg.connect(at.dsn) as connection:
            (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        figures = measure(at)
        peak = psutil.Process().memory_info().rss / 2**20
    counts = [seconds for samples in figures.counts.values() for seconds in samples]
    finish(
        "segments",
        value=p95_ms(counts),
        unit="ms p95 of a count",
        reference="count(*) over customer_facts on the same connection, p95 in ms",
        reference_value=p95_ms(figures.reference),
        peak_mib=peak,
        marks=[
            Mark("count_p95_ms", p95_ms(counts), GOAL_MS, "<="),
            *(
                Mark(f"{name}_p95_ms", p95_ms(samples), GOAL_MS, "<=")
                for name, samples in figures.counts.items()
            ),
            *(Mark(f"{name}_members", members) for name, members in figures.members.items()),
            Mark("postgres_cpu_ms_per_count", 1000 * figures.cpu_s / len(counts)),
            Mark("customers", N),
            Mark("events", 10 * N),
            Mark("database_mib", float(size) / 2**20),
        ],
    )


if __name__ == "__main__":
    main()
