"""The search of customers: what begins a word is found, in one's own shop only, and by the index."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.customers import service
from storecast.customers.records import CustomerRecord, record_from_webhook
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shops.models import Shop

PEOPLE = (
    ("Maria João", "van der Berg", "maria.berg@shop.example"),
    ("Ana-Sofia", "O'Brien", "asob@mail.example"),
    ("Ana", None, None),
    (None, None, "50%off@shop.example"),
)
OLD = 250
"""More people than are looked at before the index is asked."""


def _person(number: int, first: str | None, last: str | None, email: str | None) -> CustomerRecord:
    return record_from_webhook(
        {
            "id": number,
            "first_name": first,
            "last_name": last,
            "email": email,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-05-01T00:00:00Z",
        }
    )


def _add(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        for number, (first, last, email) in enumerate(PEOPLE, start=1):
            service.record_profile(session, shop_id, _person(number, first, last, email))


def _add_crowd(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(
            text(
                "INSERT INTO customers (shop_id, public_id, gid, email, first_name, shopify_updated_at)"
                " SELECT :shop, 'cus_crowd' || n, 'gid://shopify/Customer/9' || n, 'c' || n || '@crowd.example',"
                " 'Zoe', now() FROM generate_series(1, :count) AS n"
            ),
            {"shop": shop.id, "count": OLD},
        )
        session.execute(
            text(
                "INSERT INTO customer_facts (shop_id, customer_id) SELECT shop_id, id FROM customers"
                " ON CONFLICT DO NOTHING"
            )
        )


def _found(client: TestClient, headers: dict[str, str], search: str) -> list[str | None]:
    answer = client.get("/api/v1/customers", params={"search": search}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [row["email"] for row in answer.json()["items"]]


@pytest.mark.parametrize("among_newest", [True, False])
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("maria", ["maria.berg@shop.example"]),
        ("joão van der berg", ["maria.berg@shop.example"]),
        ("BERG MAR", ["maria.berg@shop.example"]),
        ("maria.berg@shop.example", ["maria.berg@shop.example"]),
        ("shop.ex", ["50%off@shop.example", "maria.berg@shop.example"]),
        ("ana", [None, "asob@mail.example"]),
        ("ana-sofia o'brien", ["asob@mail.example"]),
        ("o'br", ["asob@mail.example"]),
        ("50%off", ["50%off@shop.example"]),
        ("50%x", []),
        ("ria", []),
        ("ana maria", []),
        ("@", []),
        ("'", []),
        ("\\", []),
        ("a\\:*", []),
    ],
)
def test_the_beginning_of_a_word_is_found(
    shop: Shop,
    client: TestClient,
    signed_in: dict[str, str],
    search: str,
    expected: list[str | None],
    among_newest: bool,
) -> None:
    _add(shop)
    if not among_newest:
        _add_crowd(shop)
    assert _found(client, signed_in, search) == expected


def test_pages_of_a_search_hold_everyone_once(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    _add_crowd(shop)
    _add(shop)
    seen: list[str] = []
    cursor = None
    while True:
        params = {"search": "zoe"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/customers", params=params, headers=signed_in).json()
        seen += [row["email"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"c{number}@crowd.example" for number in range(OLD, 0, -1)]


def test_a_search_ends_at_the_shop(
    shop: Shop, other_shop: Shop, session: Session, client: TestClient, signed_in: dict[str, str]
) -> None:
    _add(other_shop)
    assert _found(client, signed_in, "maria") == []
    find = text("SELECT find_customers(ARRAY['maria'], 9223372036854775807, 10)")
    assert session.scalar(find) == []
    with tenant_session(ShopId(other_shop.id)) as neighbour:
        assert len(neighbour.scalar(find)) == 1
    session.execute(text("SELECT set_config('storecast.shop_id', '', true)"))
    assert session.scalar(find) == []


def test_nobody_but_the_app_may_search(platform: Session) -> None:
    allowed = platform.scalars(
        text(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'storecast\\_%'"
            " AND has_function_privilege(rolname, 'find_customers(text[], bigint, integer)', 'EXECUTE')"
            " AND NOT rolsuper"
        )
    )
    assert set(allowed) == {"storecast_app"}
