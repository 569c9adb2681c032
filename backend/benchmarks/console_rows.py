"""A month of job history for the console's benchmark: made by PostgreSQL itself, the same for the same N."""

import time
from datetime import timedelta

import psycopg

from storecast.db import partitions
from storecast.db.roles import Role
from storecast.db.session import make_engine
from storecast.kit.clock import utcnow

DAYS = 30
SHOPS = 200
FINGERPRINTS = 40

KINDS = (
    ("sync.pull_orders", "sync"), ("sync.pull_customers", "sync"), ("sync.pull_products", "sync"),
    ("sync.bulk_import", "sync"), ("sync.reconcile", "sync"), ("orders.apply_order", "default"),
    ("orders.rescore_shop", "bulk"), ("customers.apply_customer", "default"), ("products.apply_product", "default"),
    ("segments.recount_segment", "bulk"), ("segments.recount_everywhere", "bulk"), ("campaigns.dispatch", "bulk"),
    ("campaigns.send_batch", "bulk"), ("campaigns.finish", "default"), ("messaging.apply_bounces", "default"),
    ("events.stitch", "default"), ("events.roll_up", "bulk"), ("webhooks.drain", "critical"),
    ("webhooks.forget_deliveries", "default"), ("shops.renew_idle_tokens", "default"),
    ("privacy.redact_customer", "critical"), ("jobs.roll_up", "default"), ("ai.draft_copy", "ai"),
    ("ai.enrich_products", "ai"),
)  # fmt: skip

_NAMES = "ARRAY[" + ",".join(f"'{name}'" for name, _queue in KINDS) + "]"
_QUEUES = "ARRAY[" + ",".join(f"'{queue}'" for _name, queue in KINDS) + "]"

# Version 7 ids in the order of time: 48 bits of milliseconds, then bits that tell rows of one millisecond apart.
_ID = (
    "(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8' "
    "|| substr(md5(n::text), 1, 15))::uuid"
)

# A few kinds make most of the jobs, and a few shops have most of them.
_FACTS = f"""
SELECT n, at, {_ID} AS id, 1 + (power(r, 3) * {SHOPS})::int %% {SHOPS} AS place,
       1 + (power(q, 2) * {len(KINDS)})::int %% {len(KINDS)} AS kind,
       CASE WHEN n %% 100 = 7 THEN 'dead' WHEN n %% 100 = 8 THEN 'cancelled' ELSE 'succeeded' END AS state,
       1 + (n / 100) %% {FINGERPRINTS} AS cause
  FROM (SELECT n, %(since)s::timestamptz + n * %(step)s::interval AS at,
               hashint8(n) / 4294967296.0 + 0.5 AS r, hashint8(n + 1000000007) / 4294967296.0 + 0.5 AS q
          FROM generate_series(1, %(count)s) AS n) AS made
"""

RUNS = f"""
INSERT INTO job_runs (id, shop_id, name, queue, priority, args, tags, terms, state, attempt, max_attempts, worker,
                      error, attempts, root_id, batch_id, request_id, run_at, enqueued_at, started_at, finished_at,
                      error_class, fingerprint, retried_as, discarded_at)
SELECT id, (%(shops)s::bigint[])[place], ({_NAMES})[kind], ({_QUEUES})[kind], 5,
       jsonb_build_object('customer_id', n %% 100000, 'order_id', n, 'note', md5(n::text)),
       ARRAY['source:' || (ARRAY['webhook','schedule','user'])[1 + n %% 3]],
       ARRAY['source:' || (ARRAY['webhook','schedule','user'])[1 + n %% 3], 'customer_id:' || n %% 100000,
             'order_id:' || n],
       state, 1, 8, 'worker' || n %% 8 || '@bench/' || 4000 + n %% 16,
       CASE WHEN state = 'dead'
            THEN 'Fault' || cause || ': the host answered ' || 500 + cause || ' for order ' || n END,
       jsonb_build_array(jsonb_build_object(
         'number', 1, 'queued_at', at, 'started_at', at + interval '1 second' * (n %% 7), 'finished_at',
         at + interval '1 second' * (n %% 7 + n %% 5), 'worker', 'worker' || n %% 8 || '@bench/4001',
         'error', CASE WHEN state = 'dead' THEN 'Fault' || cause || ': no' END,
         'traceback', CASE WHEN state = 'dead' THEN repeat('  File "x.py", line 1, in f' || chr(10), 20) END)),
       CASE WHEN n %% 5 = 0 THEN NULLIF(id, id) WHEN n %% 25 = 1 THEN id END,
       CASE WHEN n %% 10 = 3 THEN md5((n / 1000)::text)::uuid END, md5('r' || n), at, at,
       CASE WHEN state <> 'cancelled' THEN at + interval '10 milliseconds' * (n %% 700) END,
       at + interval '10 milliseconds' * (n %% 700 + n %% 311),
       CASE WHEN state = 'dead' THEN 'Fault' || cause END,
       CASE WHEN state = 'dead' THEN substr(md5('f' || cause), 1, 16) END,
       CASE WHEN state = 'dead' AND n %% 3 = 0 THEN id END, CASE WHEN state = 'dead' AND n %% 3 = 1 THEN at END
  FROM ({_FACTS}) AS facts
"""

LIVE = f"""
INSERT INTO outbox (id, shop_id, name, queue, args, tags, terms, state, attempt, max_attempts, worker, run_at,
                    enqueued_at, published_at, lease_until, started_at, progress)
SELECT id, (%(shops)s::bigint[])[place], ({_NAMES})[kind], ({_QUEUES})[kind],
       jsonb_build_object('customer_id', n %% 100000), ARRAY['source:user'],
       ARRAY['source:user', 'customer_id:' || n %% 100000],
       CASE WHEN n %% 500 = 0 THEN 'running' WHEN n %% 25 = 0 THEN 'queued' WHEN n %% 6 = 0 THEN 'scheduled'
            ELSE 'staged' END,
       CASE WHEN n %% 18 = 0 OR n %% 500 = 0 THEN 1 ELSE 0 END, 8,
       CASE WHEN n %% 500 = 0 THEN 'worker1@bench/4001' END,
       CASE WHEN n %% 6 = 0 AND n %% 25 <> 0 THEN now() + interval '1 day' ELSE at END, at, at,
       now() + interval '1 day', CASE WHEN n %% 500 = 0 THEN now() END,
       CASE WHEN n %% 500 = 0 THEN '{{"done": 10, "total": 100, "note": ""}}'::jsonb END
  FROM ({_FACTS}) AS facts
"""

PROCESSES = """
INSERT INTO fleet_processes (name, kind, host, pid, queues, slots, busy, version, started_at, beat_at)
SELECT 'worker' || n || '@bench', 'worker', 'bench', 4000 + n, '{critical,default,bulk,sync,ai}'::text[], 4, 2, '1',
       now(), now() + interval '1 day' FROM generate_series(1, 8) AS n
UNION ALL SELECT kind || '@bench', kind, 'bench', 1, '{}'::text[], 0, 0, '1', now(), now() + interval '1 day'
  FROM unnest(ARRAY['relay', 'beat']) AS kind
"""


def fill(dsn: str, runs: int, live: int) -> None:
    """A month of runs and what is live now. Indexes are built after the rows, which is sooner done."""
    _make_partitions(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        shops = _make_shops(connection)
        definitions = _drop_indexes(connection)
        since = utcnow() - timedelta(days=DAYS)
        values = {"shops": shops, "since": since, "step": timedelta(days=DAYS) / runs, "count": runs}
        _timed(f"{runs:,} runs", lambda: connection.execute(RUNS, values))
        for definition in definitions:
            connection.execute(definition)
        hour = {"since": utcnow() - timedelta(hours=1), "step": timedelta(hours=1) / live, "count": live}
        _timed(f"{live:,} live jobs", lambda: connection.execute(LIVE, values | hour))
        connection.execute(PROCESSES)
        # What autovacuum does in time: a history is only ever added to, so its pages are soon all visible.
        _timed("vacuum, analyze", lambda: connection.execute("VACUUM ANALYZE job_runs, outbox"))


def _timed(what: str, act: object) -> None:
    started = time.perf_counter()
    act()  # type: ignore[operator]
    print(f"  {time.perf_counter() - started:7.1f} s   {what}", flush=True)


def _make_partitions(dsn: str) -> None:
    engine = make_engine(dsn, Role.RETENTION)
    with engine.begin() as connection:
        for days in (DAYS + 1, 0):
            partitions.ensure(connection, "job_runs", now=utcnow() - timedelta(days=days))
    engine.dispose()


def _make_shops(connection: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    connection.execute(
        "INSERT INTO shops (public_id, domain, name, pixel_key, state) SELECT 'shp_bench' || n, "
        "'shop' || n || '.myshopify.com', 'Shop ' || n, 'pk_bench' || n, 'installed' FROM generate_series(2, %s) AS n",
        [SHOPS],
    )
    return [row[0] for row in connection.execute("SELECT id FROM shops ORDER BY id").fetchall()]


def _drop_indexes(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = 'job_runs'::regclass AND NOT i.indisprimary"
    ).fetchall()
    for name, _definition in rows:
        connection.execute(f"DROP INDEX {name}")
    # As it is read, it names only the parent: built on it, it is built on every partition.
    return [str(definition).replace(" ON ONLY ", " ON ") for _name, definition in rows]
