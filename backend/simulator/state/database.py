"""The SQLite file: schema, one connection a thread, one writer at a time.

WAL lets bulk operations read for seconds while orders are placed. Writers take a process-wide lock first, so that
a busy database is a wait and never an error.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

BUSY_TIMEOUT_S = 30

SCHEMA = """
create table if not exists meta (key text primary key, value text not null);
create table if not exists shops (
  id integer primary key, domain text not null unique, name text not null, email text not null, currency text not null,
  timezone text not null, plan text not null, created_at text not null, next_order_number integer not null);
create table if not exists users (
  id integer primary key, shop_id integer not null, first_name text not null, last_name text not null,
  email text not null, account_owner integer not null, locale text not null);
create table if not exists products (
  id integer primary key, shop_id integer not null, handle text not null, title text not null, vendor text not null,
  product_type text not null, status text not null, tags text not null, description text not null,
  image_url text, created_at text not null, updated_at text not null, extra text);
create table if not exists variants (
  id integer primary key, shop_id integer not null, product_id integer not null, title text not null, sku text,
  price_minor integer not null, inventory integer not null, position integer not null);
create table if not exists customers (
  id integer primary key, shop_id integer not null, email text, phone text, first_name text, last_name text,
  locale text not null, tags text not null, note text, email_state text not null, email_opt_in_level text,
  email_consent_at text, sms_state text not null, sms_consent_at text, open_tracking text not null, address1 text,
  city text, province text, province_code text, country_code text, zip text, orders_count integer not null,
  spent_minor integer not null, last_order_id integer, created_at text not null, updated_at text not null, extra text);
create table if not exists orders (
  id integer primary key, shop_id integer not null, number integer not null, customer_id integer, email text,
  currency text not null, subtotal_minor integer not null, discount_minor integer not null,
  tax_minor integer not null, shipping_minor integer not null, total_minor integer not null,
  refunded_minor integer not null, financial_status text not null, fulfillment_status text not null,
  test integer not null, created_at text not null, updated_at text not null, cancelled_at text, lines text not null,
  discount_codes text not null, cart_token text, checkout_token text, landing_site text, referring_site text,
  accepts_marketing integer not null, extra text);
create table if not exists carts (
  token text primary key, shop_id integer not null, lines text not null, email text, customer_id integer,
  checkout_token text unique, order_id integer, landing_site text, referring_site text, client_id text,
  created_at text not null, updated_at text not null);
create table if not exists installations (
  shop_id integer primary key, id integer not null, scopes text not null, installed_at text not null,
  uninstalled_at text);
create table if not exists tokens (
  access_token text primary key, shop_id integer not null, user_id integer, scopes text not null,
  expires_at real, refresh_token text unique, refresh_expires_at real, replaced_by text, used integer not null,
  revoked integer not null, created_at real not null);
create table if not exists grants (
  code text primary key, shop_id integer not null, user_id integer not null, per_user integer not null,
  redirect_uri text not null, expires_at real not null);
create table if not exists pixels (shop_id integer primary key, id integer not null, settings text not null);
create table if not exists bulk_operations (
  id integer primary key, shop_id integer not null, status text not null, error_code text, query text not null,
  group_objects integer not null, object_count integer not null, root_object_count integer not null,
  file_size integer, path text, created_at text not null, completed_at text);
create table if not exists deliveries (
  id integer primary key, webhook_id text not null, event_id text not null, topic text not null,
  shop_domain text not null, body blob not null, triggered_at text not null, state text not null,
  attempts integer not null, next_at real not null, last_status integer, last_error text, copies integer not null);
create table if not exists documents (
  id integer primary key, shop_id integer not null, kind text not null, key text not null, body text not null,
  created_at text not null, unique (shop_id, kind, key));
create table if not exists sequences (name text primary key, value integer not null);
"""

INDEXES = """
create index if not exists products_shop on products (shop_id, id);
create unique index if not exists products_handle on products (shop_id, handle);
create index if not exists variants_product on variants (product_id, position);
create index if not exists customers_shop on customers (shop_id, id);
create index if not exists customers_email on customers (shop_id, email);
create index if not exists customers_updated on customers (shop_id, updated_at, id);
create index if not exists orders_shop on orders (shop_id, id);
create index if not exists orders_customer on orders (customer_id, id);
create index if not exists orders_updated on orders (shop_id, updated_at, id);
create index if not exists deliveries_due on deliveries (next_at) where state = 'waiting';
create index if not exists bulk_operations_shop on bulk_operations (shop_id, id);
"""
"""Made after a seed: building them once over full tables takes a third of the time of keeping them up to date."""


class Database:
    """Connections to one state file. `read` for queries, `write` for a transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._write_lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection().executescript(SCHEMA)

    def connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, cached_statements=256
        )
        connection.execute("pragma journal_mode = wal")
        # A crash of the machine may lose the last orders of a simulation; a crash of the program loses nothing.
        connection.execute("pragma synchronous = normal")
        # Every thread of the server has a connection: pages are shared through the system's cache, not held by each.
        connection.execute("pragma cache_size = -8192")
        connection.execute("pragma mmap_size = 268435456")
        self._local.connection = connection
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested calls on one thread join the outer one."""
        with self._write_lock:
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection().execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self.connection().execute(sql, parameters).fetchone()
        return row

    def scalar(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        row = self.one(sql, parameters)
        return None if row is None else row[0]

    def next_id(self, name: str, start: int) -> int:
        """The next number of a named sequence, `start` the first time."""
        with self.write() as connection:
            row = connection.execute(
                "insert into sequences (name, value) values (?, ?)"
                " on conflict (name) do update set value = value + 1 returning value",
                (name, start),
            ).fetchone()
        return int(row[0])

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows one by one, on a connection of their own.

        A thread that still reads an old snapshot cannot write: SQLite refuses to lift a stale read to a write at once.
        """
        connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            yield from connection.execute(sql, parameters)
        finally:
            connection.close()

    def close(self) -> None:
        """Close this thread's connection; the others close with their threads."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def columns(record: type[Any]) -> str:
    """The column list that a record class is read with, in its own field order."""
    return ", ".join(field.name for field in fields(record))


def placeholders(record: type[Any]) -> str:
    return ", ".join("?" for _ in fields(record))
