"""What an import writes and what it leaves alone, by which index it looks, and what it does when it is overtaken."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.customers import repository as customers_repository
from storecast.customers.models import Customer, CustomerFacts
from storecast.customers.records import STAGING as CUSTOMERS
from storecast.db.session import commit_without_waiting, tenant_session
from storecast.db.staging import Staging, probing
from storecast.kit.types import ShopId
from storecast.orders import details_repository
from storecast.orders import repository as orders_repository
from storecast.orders.models import Order
from storecast.orders.records import LINES, ORDERS
from storecast.products import collections_repository
from storecast.products import repository as products_repository
from storecast.products.records import COLLECTIONS, MEMBERSHIPS, PRODUCTS, VARIANTS
from storecast.shops.models import Shop
from storecast.sync import importer
from storecast.sync.shapes import read_customer
from tests.sync.test_importer import JULY, JUNE, MAY, customer, money, order, order_line

TABLES = ("customers", "customer_facts", "orders", "order_lines", "order_transactions")
TRIES, PAUSE_S = 600, 0.05


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def transaction(number: int) -> dict[str, object]:
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "bogus",
        "processedAt": MAY,
        "amountSet": money("20.00"),
    }


def import_all(shop_id: ShopId, *lines: bytes) -> None:
    """Each kind in a transaction of its own, as a sync does."""
    people = [line for line in lines if line.startswith(b'{"id": "gid://shopify/Customer/')]
    with tenant_session(shop_id) as session:
        importer.import_lines(session, shop_id, "customers", people)
    with tenant_session(shop_id) as session:
        importer.import_lines(session, shop_id, "orders", [line for line in lines if line not in people])


def versions(shop_id: ShopId) -> dict[str, list[tuple[str, str, str]]]:
    """Place, writer and locker of every row: none of them outlives a write or a lock."""
    with tenant_session(shop_id) as session:
        return {
            table: [
                (row.at, row.by, row.locked)
                for row in session.execute(
                    text(
                        f"SELECT ctid::text AS at, xmin::text AS by, xmax::text AS locked FROM {table} ORDER BY ctid"
                    )
                )
            ]
            for table in TABLES
        }


def test_rows_that_would_stay_as_they_are_are_neither_written_nor_locked(shop_id: ShopId) -> None:
    lines = [
        *(customer(number) for number in range(1, 4)),
        *(order(number, number, transactions=[transaction(number)]) for number in range(1, 4)),
        *(order_line(number, number) for number in range(1, 4)),
    ]
    import_all(shop_id, *lines)
    before = versions(shop_id)
    assert [len(rows) for rows in before.values()] == [3] * len(TABLES)

    import_all(shop_id, *lines)

    assert versions(shop_id) == before


def test_of_a_chunk_only_what_differs_is_written(shop_id: ShopId) -> None:
    import_all(shop_id, *(customer(number) for number in range(1, 4)))
    before = versions(shop_id)["customers"]

    with tenant_session(shop_id) as session:
        lines = [customer(1), customer(2, updated=JUNE, firstName="Eve"), customer(3), customer(4)]
        assert importer.import_lines(session, shop_id, "customers", lines).rows_written == 2

    after = versions(shop_id)["customers"]
    assert (set(before) - set(after), len(after)) == ({before[1]}, 4)


@pytest.mark.parametrize(("theirs", "stands"), [(MAY, "Ada"), (JULY, "Webhook")])
def test_a_row_that_another_inserts_meanwhile_is_met_by_the_guard(
    shop_id: ShopId, theirs: str, stands: str
) -> None:
    """The import has looked and seen nothing, and waits for the other's insert; the newer of the two stands."""
    record = read_customer(customer(2, updated=theirs, firstName="Webhook"), "USD")
    with ThreadPoolExecutor(1) as pool:
        with tenant_session(shop_id) as other:
            customers_repository.upsert_one(other, shop_id, record)
            importing = pool.submit(import_all, shop_id, customer(1, updated=JUNE), customer(2, updated=JUNE))
            wait_for_a_lock_that_is_waited_for()
        importing.result(timeout=60)

    with tenant_session(shop_id) as session:
        rows = session.scalars(select(Customer).order_by(Customer.gid)).all()
        assert [row.first_name for row in rows] == ["Ada", stands]
        facts = session.scalars(select(CustomerFacts.customer_id).order_by(CustomerFacts.customer_id)).all()
        assert list(facts) == sorted(row.id for row in rows)


def wait_for_a_lock_that_is_waited_for() -> None:
    with psycopg.connect(get_settings().database_url, autocommit=True) as connection:
        for _ in range(TRIES):
            waiting = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if waiting and waiting[0]:
                return
            time.sleep(PAUSE_S)
    raise AssertionError("nobody waits")


STATEMENTS: list[tuple[TextClause, str, list[Staging]]] = [
    (customers_repository._UPSERT_STAGED, "customers", [CUSTOMERS]),
    (orders_repository._UPSERT_STAGED, "orders", [ORDERS]),
    (orders_repository._UPSERT_LINES, "order_lines", [LINES]),
    (products_repository._UPSERT_STAGED, "products", [PRODUCTS]),
    (products_repository._UPSERT_VARIANTS, "product_variants", [VARIANTS]),
    (collections_repository._UPSERT, "collections", [COLLECTIONS]),
    (collections_repository._UPSERT_MEMBERS, "collection_products", [MEMBERSHIPS]),
    *(
        (upsert, model.__tablename__, [ORDERS, staging])
        for (staging, model), (upsert, _) in zip(
            details_repository._TABLES, details_repository._STAGED, strict=True
        )
    ),
]


@pytest.mark.parametrize(("statement", "table", "stagings"), STATEMENTS, ids=[case[1] for case in STATEMENTS])
def test_what_is_stored_is_looked_up_by_its_own_index_however_few_rows_a_shop_seems_to_have(
    session: Session, shop_id: ShopId, statement: TextClause, table: str, stagings: list[Staging]
) -> None:
    """In an empty table every index over shops looks as good to the planner, and all but one read the whole shop."""
    for staging in stagings:
        staging.fill(session, [])
    with probing(session):
        values = {"shop_id": shop_id, "as_of": None, "seen_at": datetime.fromisoformat(MAY)}
        explain = text(f"EXPLAIN {statement.text}")
        plan = "\n".join(session.scalars(explain, {name: values[name] for name in explain._bindparams}).all())

    used = [line for line in plan.splitlines() if "Index" in line and "Scan" in line]
    assert any(f"uq_{table}_" in line for line in used), plan
    assert all(" using uq_" in line for line in used), plan


class Row(NamedTuple):
    gid: str
    version: int
    place: int


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_rows_with_one_key_the_newest_is_kept_and_of_equally_new_ones_the_last(
    session: Session, told: list[tuple[str, int]]
) -> None:
    rows = [Row(gid, version, place) for place, (gid, version) in enumerate(told)]
    staging = Staging(
        "staged", {"gid": "text", "version": "bigint", "n": "bigint"}, key=("gid",), version="version"
    )
    expected = {max((row for row in rows if row.gid == gid), key=lambda row: row[1:]) for gid, _ in told}

    assert staging.fill(session, rows) == len(expected)

    assert set(map(tuple, session.execute(text("SELECT * FROM staged")))) == expected


def test_settings_for_a_chunk_end_with_it(session: Session, shop_id: ShopId) -> None:
    names = ("enable_seqscan", "enable_sort", "work_mem")

    def shown() -> list[str]:
        return [session.execute(text(f"SHOW {name}")).scalar_one() for name in names]

    before = shown()
    importer.import_lines(session, shop_id, "customers", [customer(1)])
    assert shown() == before


def test_a_commit_that_does_not_wait_says_so_for_its_own_transaction_only(shop_id: ShopId) -> None:
    with tenant_session(shop_id) as session:
        usual = session.execute(text("SHOW synchronous_commit")).scalar_one()
        commit_without_waiting(session)
        assert session.execute(text("SHOW synchronous_commit")).scalar_one() == "off"
    with tenant_session(shop_id) as session:
        assert session.execute(text("SHOW synchronous_commit")).scalar_one() == usual


def test_chunks_that_share_an_order_leave_its_lines_linked(shop_id: ShopId) -> None:
    """A line may be committed before its order, which stands in the chunk ahead."""
    import_all(shop_id, order_line(1, 7))
    import_all(shop_id, order(7, None))
    with tenant_session(shop_id) as session:
        importer.finish(session, shop_id, "orders")
        order_id = session.scalar(select(Order.id))
        assert session.scalar(text("SELECT order_id FROM order_lines")) == order_id
