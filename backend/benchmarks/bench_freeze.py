"""The audience of a campaign, drawn into its ledger, beside an INSERT of as many rows with nothing around it.

`make bench-freeze` (N=1000000 customers). The freeze asks of each customer for consent, suppression and the hold-out,
and keeps the indexes of the ledger; the reference writes the same columns of the same customers into a table that has
none.
"""

import os
import time

import psycopg

from benchmarks import bench_send
from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.stage import Stage, stage

N = int(os.environ.get("N", "1000000"))
HOLDOUT_PERCENT = 5
GOAL_S = 30.0

_TABLE = (
    "CREATE TABLE frozen (shop_id bigint, campaign_id bigint, customer_id bigint, frozen_at timestamptz, email text, "
    "state text, reason text, attempts smallint)"
)
_COPY = (
    "INSERT INTO frozen SELECT shop_id, 1, id, now(), email, 'pending', NULL, 0 FROM customers "
    "WHERE shop_id = %s ORDER BY id"
)


def freeze(at: Stage, campaign_id: int) -> tuple[float, dict[str, int]]:
    """Seconds of the job's one transaction, and what the ledger holds."""
    from storecast.campaigns import service
    from storecast.db.session import tenant_session
    from storecast.kit.types import ShopId

    started = time.perf_counter()
    with tenant_session(ShopId(at.shop_id)) as session:
        service.freeze(session, ShopId(at.shop_id), campaign_id)
    seconds = time.perf_counter() - started
    with psycopg.connect(at.dsn) as connection:
        counts = connection.execute("SELECT state, count(*) FROM message_deliveries GROUP BY 1").fetchall()
    return seconds, dict(counts)


def copied(at: Stage) -> float:
    """Seconds of the bare INSERT."""
    with psycopg.connect(at.dsn) as connection:
        connection.execute(_TABLE)
        connection.commit()
        started = time.perf_counter()
        connection.execute(_COPY, [at.shop_id])
        connection.commit()
        return time.perf_counter() - started


def measure(at: Stage) -> None:
    """The reference, then the freeze."""
    print(f"  {N:,} customers are made", flush=True)
    bench_send.seed(at, N)
    bare_s = copied(at)
    print(f"  bare INSERT {bare_s:.1f} s", flush=True)
    campaign_id, public_id = bench_send.draft(at, N)
    with psycopg.connect(at.dsn) as connection:
        connection.execute("UPDATE campaigns SET holdout_percent = %s", [HOLDOUT_PERCENT])
    bench_send.release(at, public_id, round(N * (1 - HOLDOUT_PERCENT / 100)))
    meter = Meter({"storecast": [os.getpid()], "postgres": own_postgres()})
    before_s = meter.cpu_s()["postgres"]
    seconds, counts = freeze(at, campaign_id)
    meter.look()
    held_out = counts.get("excluded", 0)
    finish(
        "freeze",
        value=seconds,
        unit=f"s for {N:,} customers",
        reference="INSERT … SELECT of as many rows without an index or a check, s",
        reference_value=bare_s,
        peak_mib=meter.peak_mib,
        marks=[
            Mark("freeze_s", seconds, GOAL_S, "<="),
            Mark("postgres_cpu_s", meter.cpu_s()["postgres"] - before_s, sense="<="),
            Mark("customers_per_s", N / seconds),
            Mark("held_out_percent", held_out / N * 100),
            Mark("rows_missing", N - sum(counts.values()), 0, "<="),
            Mark("largest_process_mib", meter.peak_mib, sense="<="),
        ],
    )


def main() -> None:
    """Start the world, measure, take it down."""
    with stage() as at:
        measure(at)


if __name__ == "__main__":
    main()
