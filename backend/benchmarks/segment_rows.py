"""A shop of N customers with ten events each, for the benchmark of segments: made by PostgreSQL itself, set by set.

Rows are drawn from hashes of their numbers, so that the same N is the same shop. Activity is spread unevenly, as it
is: the customer of an event is drawn by the square of a random number, so a tenth of them does about a third of
everything. The roll-ups are computed from the events by the same meaning that processing gives them.
"""

import time

import psycopg

PRODUCTS = 500
COLLECTIONS = 25
CAMPAIGNS = 40
DAYS = 390

_R = "((hashint8extended({0}, {1}) & 9007199254740991) / 9007199254740992.0)"
"""A number in [0, 1) that follows from a row's number and a seed."""

_CUSTOMERS = f"""
INSERT INTO customers (id, shop_id, public_id, gid, email, first_name, last_name, locale, country, city, tags,
                       email_state, email_consent_at, sms_state, shopify_created_at, shopify_updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, %(shop)s, 'cus_' || n, 'gid://shopify/Customer/' || n, 'c' || n || '@bench.example', 'Ada', 'No ' || n, 'en',
       (ARRAY['US','US','US','DE','GB','FR','CA','AU'])[1 + floor({_R.format("n", 1)} * 8)::int],
       'City ' || floor({_R.format("n", 2)} * 300)::int,
       CASE WHEN {_R.format("n", 3)} < 0.05 THEN ARRAY['vip'] WHEN n %% 3 = 0 THEN ARRAY['newsletter'] ELSE '{{}}' END,
       CASE WHEN {_R.format("n", 4)} < 0.6 THEN 'subscribed' WHEN n %% 9 = 0 THEN 'unsubscribed'
            ELSE 'not_subscribed' END,
       now() - interval '1 day' * {DAYS} * {_R.format("n", 5)}, NULL,
       now() - interval '1 day' * 900 * {_R.format("n", 6)}, now()
  FROM generate_series(1, %(n)s) AS n
"""

_ORDERS = f"""
INSERT INTO orders (id, shop_id, gid, name, customer_id, currency, subtotal_minor, discount_minor, tax_minor,
                    shipping_minor, total_minor, refunded_minor, test, placed_at, shopify_updated_at)
OVERRIDING SYSTEM VALUE
SELECT n, %(shop)s, 'gid://shopify/Order/' || n, '#' || n,
       1 + floor(power({_R.format("n", 11)}, 2) * %(n)s)::bigint, 'USD', total, 0, 0, 0, total, 0, false,
       now() - interval '1 day' * {DAYS} * {_R.format("n", 12)}, now()
  FROM (SELECT n, 500 + floor({_R.format("n", 13)} * 20000)::bigint AS total
          FROM generate_series(1, %(n)s) AS n) AS made
"""

_LINES = f"""
INSERT INTO order_lines (shop_id, order_id, order_gid, gid, product_gid, title, quantity, price_minor)
SELECT %(shop)s, o.id, o.gid, 'gid://shopify/LineItem/' || 2 * o.id + k,
       'gid://shopify/Product/' || 1 + floor(power({_R.format("2 * o.id + k", 14)}, 2) * {PRODUCTS})::int,
       'Thing', 1, 100
  FROM orders AS o, generate_series(0, 1) AS k
"""

_FACTS = """
INSERT INTO customer_facts (shop_id, customer_id, orders_count, total_spent_minor, average_order_minor,
                            first_order_at, last_order_at, ordered_at, rfm_recency, rfm_frequency, rfm_monetary,
                            last_sent_at, last_opened_at, last_clicked_at, opened_at, clicked_at, viewed_at,
                            added_to_cart_at, email_state, email_consent_at, sms_state, sms_consent_at,
                            shopify_created_at, tags, country_folded, province_folded, city_folded, locale_folded)
SELECT %(shop)s, c.id, coalesce(o.orders, 0), coalesce(o.spent, 0), coalesce(o.spent / o.orders, 0), o.first_at,
       o.last_at, o.ordered_at, CASE WHEN o.orders > 0 THEN 1 + c.id %% 5 END,
       CASE WHEN o.orders > 0 THEN least(o.orders, 5) END, CASE WHEN o.orders > 0 THEN 1 + c.id %% 5 END,
       now() - interval '3 days', b.opened_at[1], b.clicked_at[1], b.opened_at, b.clicked_at, b.viewed_at,
       b.added_to_cart_at, c.email_state, c.email_consent_at, c.sms_state, c.sms_consent_at, c.shopify_created_at,
       c.tags, lower(c.country), lower(c.province), lower(c.city), lower(c.locale)
  FROM customers AS c
  LEFT JOIN (
    SELECT customer_id,
           (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'opened'))[1:20] AS opened_at,
           (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'clicked'))[1:20] AS clicked_at,
           (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'viewed'))[1:20] AS viewed_at,
           (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'added_to_cart'))[1:20] AS added_to_cart_at
      FROM made GROUP BY customer_id) AS b ON b.customer_id = c.id
  LEFT JOIN (
    SELECT customer_id, count(*) AS orders, sum(total_minor)::bigint AS spent, min(placed_at) AS first_at,
           max(placed_at) AS last_at, (array_agg(placed_at ORDER BY placed_at DESC))[1:20] AS ordered_at
      FROM orders GROUP BY customer_id) AS o ON o.customer_id = c.id
 ORDER BY c.id
"""

# Of ten events four are opens, one a click, four views and one is put into the cart.
_EVENTS = f"""
CREATE TEMPORARY TABLE made AS
SELECT 1 + floor(power({_R.format("n", 21)}, 2) * %(n)s)::bigint AS customer_id,
       CASE WHEN n %% 10 < 4 THEN 'opened' WHEN n %% 10 = 4 THEN 'clicked' WHEN n %% 10 < 9 THEN 'viewed'
            ELSE 'added_to_cart' END AS kind,
       CASE WHEN n %% 10 < 5 THEN (1 + floor({_R.format("n", 22)} * {CAMPAIGNS}))::bigint::text
            ELSE 'gid://shopify/Product/' || 1 + floor(power({_R.format("n", 22)}, 2) * {PRODUCTS})::int END AS subject,
       now() - interval '1 day' * {DAYS} * {_R.format("n", 23)} AS at
  FROM generate_series(1, 10 * %(n)s) AS n
"""

_MESSAGE_EVENTS = """
INSERT INTO message_events (shop_id, id, occurred_at, kind, campaign_id, delivery_id, customer_id, verdict,
                            processed_at)
SELECT %(shop)s, gen_random_uuid(), at, CASE kind WHEN 'opened' THEN 'open' ELSE 'click' END, subject::bigint,
       customer_id, customer_id, 'human', now() FROM made WHERE kind IN ('opened', 'clicked')
"""

_PIXEL_EVENTS = """
INSERT INTO pixel_events (shop_id, event_id, occurred_at, name, client_id, product_gid, processed_at)
SELECT %(shop)s, gen_random_uuid(), at,
       CASE kind WHEN 'viewed' THEN 'product_viewed' ELSE 'product_added_to_cart' END, 'client' || customer_id, subject,
       now() FROM made WHERE kind IN ('viewed', 'added_to_cart')
"""

_INTERESTS = """
INSERT INTO customer_interests (shop_id, kind, subject, customer_id, recent_at)
SELECT %(shop)s, kind, subject, customer_id, (array_agg(at ORDER BY at DESC))[1:20]
  FROM made GROUP BY kind, subject, customer_id
"""

_CATALOGUE = f"""
INSERT INTO collection_products (shop_id, collection_gid, product_gid, seen_at)
SELECT %(shop)s, 'gid://shopify/Collection/' || 1 + n %% {COLLECTIONS}, 'gid://shopify/Product/' || n, now()
  FROM generate_series(1, {PRODUCTS}) AS n
"""

_STEPS = (
    ("customers", _CUSTOMERS),
    ("orders", _ORDERS),
    ("lines of orders", _LINES),
    ("events drawn", _EVENTS),
    ("events of messages", _MESSAGE_EVENTS),
    ("events of the storefront", _PIXEL_EVENTS),
    ("interests", _INTERESTS),
    ("facts", _FACTS),
    ("collections", _CATALOGUE),
)

_FILLED = (
    "message_events", "pixel_events", "customer_interests", "customers", "orders", "order_lines",
    "customer_facts",
)  # fmt: skip


def fill(dsn: str, shop_id: int, customers: int) -> None:
    """Make the shop. Secondary indexes and foreign keys follow the rows, which is sooner done."""
    values = {"shop": shop_id, "n": customers}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'; SET synchronous_commit = off"
        )
        definitions = [*_drop_indexes(connection), *_drop_foreign_keys(connection)]
        for what, statement in _STEPS:
            started = time.perf_counter()
            connection.execute(statement, values)
            print(f"  {time.perf_counter() - started:7.1f} s   {what}", flush=True)
        started = time.perf_counter()
        for definition in definitions:
            connection.execute(definition)
        # What autovacuum does in time.
        connection.execute("VACUUM ANALYZE")
        print(f"  {time.perf_counter() - started:7.1f} s   indexes, vacuum, analyze", flush=True)


def _drop_indexes(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique",
        [list(_FILLED)],
    ).fetchall()
    for name, _definition in rows:
        connection.execute(f"DROP INDEX {name}")
    # As it is read, it names only the parent: built on it, it is built on every partition.
    return [str(definition).replace(" ON ONLY ", " ON ") for _name, definition in rows]


def _drop_foreign_keys(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = ANY(%s::regclass[]) AND contype = 'f' AND conparentid = 0",
        [list(_FILLED)],
    ).fetchall()
    for table, name, _definition in rows:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in rows]
