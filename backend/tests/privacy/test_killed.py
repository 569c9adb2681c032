"""Erasures whose worker is killed by SIGKILL in the middle of a table: the next one ends them, with exact counts."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.factories.story import Story
from tests.privacy.test_service import CUSTOMER, GID, MARK, NUMBER, fill, places_of, receive
from tests.processes import relay, wait_until, worker

BLOCKED = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND query ~ '^(DELETE FROM|UPDATE) {table}'"
)


@pytest.fixture
def other(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody else's connection, which sees and may lock everything."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def kill_in(other: psycopg.Connection[Any], folder: Path, table: str) -> None:
    """Let a worker come as far as a table that somebody else holds, and kill it and its children there."""
    with psycopg.connect(other.info.dsn) as holder, worker(folder, "critical", "default") as process:
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        wait_until(partial(is_ready, folder), "the worker")
        with relay(folder):
            wait_until(
                lambda: other.execute(BLOCKED.format(table=table)).fetchone(), f"the worker in {table}"
            )
            kill_whole(process)
    # As when the lease of what it held has run out.
    other.execute("UPDATE outbox SET lease_until = now() WHERE lease_until IS NOT NULL")


def is_ready(folder: Path) -> bool:
    return " ready." in (folder / "worker.log").read_text()


def kill_whole(process: Popen[bytes]) -> None:
    for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        os.kill(member.pid, signal.SIGKILL)
    process.wait(timeout=30)


def run_to_the_end(other: psycopg.Connection[Any], folder: Path, request_id: int) -> dict[str, Any]:
    """A new worker ends the request; its proof, of the tables that had any rows."""
    done = partial(
        other.execute, "SELECT result FROM privacy_requests WHERE id = %s AND state = 'done'", [request_id]
    )
    with worker(folder, "critical", "default"), relay(folder):
        wait_until(partial(is_ready, folder), "the worker")

        # The next pass waits a few seconds for what may be under way; nothing is.
        def is_done() -> bool:
            other.execute("UPDATE outbox SET run_at = now() WHERE state = 'scheduled'")
            return done().fetchone() is not None

        wait_until(is_done, "the end of the erasure")
    result = (done().fetchone() or [])[0]
    return {
        name: (counts["before"], counts["after"])
        for name, counts in result["tables"].items()
        if counts["before"] or counts["after"]
    }


def test_an_erasure_that_is_killed_in_two_tables_ends_with_exact_counts(
    shop: Shop, other: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        before = places_of(session, "bystander")
    request_id = receive(shop, "customers/redact", {"customer": CUSTOMER, "orders_to_redact": []})

    kill_in(other, tmp_path, "order_lines")
    state, counts = state_of(other, request_id)
    assert (state, counts["pixel_events"], counts.get("order_lines")) == ("received", 2, None)
    assert other.execute("SELECT title FROM order_lines ORDER BY title").fetchall() == [
        ("Bystander's record",),
        (MARK,),
    ]
    kill_in(other, tmp_path, "customers")
    state, counts = state_of(other, request_id)
    assert (state, counts["order_lines"], counts.get("customers")) == ("received", 1, None)
    assert other.execute("SELECT count(*) FROM customers").fetchone() == (2,)

    proof = run_to_the_end(other, tmp_path, request_id)
    assert {name: counts for name, counts in proof.items() if name not in ("job_runs", "outbox", "redis")} == {
        "pixel_events": (2, 0), "identities": (1, 0), "message_events": (1, 0), "message_deliveries": (1, 0),
        "order_lines": (1, 0), "orders": (1, 0), "customer_facts": (1, 0), "customers": (1, 0),
        "webhook_inbox": (3, 0), "privacy_requests": (1, 0), "abandoned_checkouts": (1, 0),
        "contact_import_rows": (1, 0), "contact_imports": (1, 0), "contact_import_pieces": (1, 0),
        "customer_write_targets": (1, 0), "store_credit_entries": (1, 0), "webhook_marks": (1, 0),
        "customer_interests": (1, 0),
        "customer_list_members": (1, 0), "shopify_segment_members": (1, 0),
        "contact_preferences": (1, 0), "opt_in_requests": (1, 0), "message_returns": (1, 0),
    }  # fmt: skip
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK, GID, f": {NUMBER},") == []
        assert places_of(session, "bystander") == before


def test_a_shops_erasure_that_is_killed_in_two_tables_ends_with_exact_counts(
    shop: Shop, other_shop: Shop, other: psycopg.Connection[Any], tmp_path: Path
) -> None:
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer(first_name="Neighbour")
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        session.execute(text("UPDATE shops SET state = 'uninstalled' WHERE id = :id"), {"id": shop.id})
        held = rows_by_table(session)
    request_id = receive(shop, "shop/redact", {"shop_domain": shop.domain})

    for table in ("order_lines", "customers"):
        kill_in(other, tmp_path, table)
        state, counts = state_of(other, request_id)
        assert (state, counts.get(table)) == ("received", None)
        assert other.execute(f"SELECT count(*) FROM {table} WHERE shop_id = %s", [shop.id]).fetchone() == (2,)

    proof = run_to_the_end(other, tmp_path, request_id)
    assert {name: proof[name] for name in held} == {name: (count, 0) for name, count in held.items()}
    assert {after for _before, after in proof.values()} == {0}
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK, GID, "bystander") == []
    with tenant_session(ShopId(other_shop.id)) as session:
        assert places_of(session, "neighbour") == ["customers"]


def rows_by_table(session: Session) -> dict[str, int]:
    """The shop's rows of the tables that nothing but the erasure touches."""
    names = ("customers", "customer_facts", "orders", "order_lines", "pixel_events", "identities",
             "message_events", "message_deliveries", "webhook_inbox", "campaigns", "customer_write_targets",
             "store_credit_entries", "abandoned_checkouts")  # fmt: skip
    return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}


def state_of(other: psycopg.Connection[Any], request_id: int) -> tuple[str, dict[str, int]]:
    """The request's state, and the rows that are gone by table."""
    ((state, result),) = other.execute(
        "SELECT state, result FROM privacy_requests WHERE id = %s", [request_id]
    )
    return state, {name: counts["before"] for name, counts in result["tables"].items()}
