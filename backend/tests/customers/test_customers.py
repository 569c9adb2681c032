"""Customers: consent by its own clock, the API's list and detail, and facts that only move forward."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.customers import selectables, service
from storecast.customers.handlers import drop_tags, take_consent, take_profile, take_sms_consent, take_tags
from storecast.customers.models import Customer, CustomerFacts
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.webhooks.registry import Delivery

GID = "gid://shopify/Customer/77"


def deliver(payload: dict[str, Any], topic: str = "customers/update", at: datetime | None = None) -> Delivery:
    return Delivery(topic, "w1", None, at, payload)


def profile(number: int = 77, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"c{number}@example.com",
        "first_name": "Ada",
        "last_name": f"No{number}",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-05-01T00:00:00Z",
    } | changes


def consent(state: str, at: str | None) -> dict[str, Any]:
    return {
        "customer_id": 77,
        "email_address": "c77@example.com",
        "email_marketing_consent": {
            "state": state,
            "opt_in_level": "single_opt_in",
            "consent_updated_at": at,
        },
    }


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_newest_consent_wins(session: Session, shop_id: ShopId, newest_first: bool) -> None:
    take_profile(session, shop_id, deliver(profile()))
    given = [consent("subscribed", "2026-05-02T00:00:00Z"), consent("unsubscribed", "2026-05-03T00:00:00Z")]
    for payload in reversed(given) if newest_first else given:
        take_consent(session, shop_id, deliver(payload))
    session.expire_all()
    row = session.scalars(select(Customer)).one()
    assert (row.email_state, row.email_opt_in_level) == ("unsubscribed", "single_opt_in")
    assert row.email_consent_at == datetime(2026, 5, 3, tzinfo=UTC)


def test_a_newer_profile_leaves_consent_and_tags_alone(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, deliver(profile()))
    take_consent(session, shop_id, deliver(consent("subscribed", "2026-05-02T00:00:00Z")))
    take_tags(session, shop_id, deliver({"customerId": GID, "tags": ["vip", "jazz"]}, "customer.tags_added"))
    drop_tags(session, shop_id, deliver({"customerId": GID, "tags": ["jazz"]}, "customer.tags_removed"))
    session.flush()

    take_profile(session, shop_id, deliver(profile(first_name="Augusta", updated_at="2026-06-01T00:00:00Z")))

    session.expire_all()
    row = session.scalars(select(Customer)).one()
    assert (row.first_name, row.email_state, row.tags) == ("Augusta", "subscribed", ["vip"])


def test_a_consent_without_an_instant_counts_from_its_delivery(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, deliver(profile()))
    at = datetime(2026, 5, 4, tzinfo=UTC)
    take_consent(session, shop_id, deliver(consent("pending", None), at=at))
    session.expire_all()
    assert session.scalar(select(Customer.email_consent_at)) == at


@pytest.mark.parametrize("payload", [consent("perhaps", "2026-05-02T00:00:00Z"), consent("subscribed", None)])
def test_a_consent_that_says_nothing_is_refused(
    session: Session, shop_id: ShopId, payload: dict[str, Any]
) -> None:
    with pytest.raises(Permanent):
        take_consent(session, shop_id, deliver(payload))


def test_what_overtakes_the_profile_makes_the_customer_whom_it_completes(
    session: Session, shop_id: ShopId
) -> None:
    take_consent(session, shop_id, deliver(consent("subscribed", "2026-05-02T00:00:00Z")))
    take_sms_consent(
        session, shop_id, deliver({"id": 77, "sms_marketing_consent": {"state": "subscribed"}}, at=utcnow())
    )
    take_tags(session, shop_id, deliver({"customerId": GID, "tags": ["vip"]}))
    take_profile(
        session, shop_id, deliver({"id": 77, "first_name": "Ada", "updated_at": "2026-05-01T00:00:00Z"})
    )

    session.expire_all()
    stored = session.scalars(select(Customer)).one()
    assert (stored.first_name, stored.email_state, stored.sms_state, stored.tags) == (
        "Ada",
        "subscribed",
        "subscribed",
        ["vip"],
    )


def test_the_instant_of_the_last_message_only_moves_forward(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, deliver(profile()))
    customer_id = session.scalars(select(Customer.id)).one()
    late, early = datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    for instants in ({customer_id: late}, {customer_id: early, customer_id + 1: late}):
        service.record_sent(session, shop_id, instants)
    assert session.scalars(select(CustomerFacts.last_sent_at)).all() == [late]


def test_the_audience_has_every_customer_once(session: Session, shop_id: ShopId) -> None:
    for number in (1, 2, 3):
        take_profile(session, shop_id, deliver(profile(number)))
    rows = session.execute(selectables.audience(shop_id)).all()
    assert sorted(row.gid for row in rows) == [f"gid://shopify/Customer/{n}" for n in (1, 2, 3)]
    assert {row.orders_count for row in rows} == {0}


@pytest.fixture
def many(shop_id: ShopId) -> None:
    with tenant_session(shop_id) as session:
        for number in range(1, 121):
            take_profile(session, shop_id, deliver(profile(number)))


def test_pages_hold_every_customer_once_newest_first(
    many: None, client: TestClient, signed_in: dict[str, str]
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        answer = client.get(
            "/api/v1/customers", params={"cursor": cursor} if cursor else {}, headers=signed_in
        )
        page = answer.json()
        seen += [row["email"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"c{number}@example.com" for number in range(120, 0, -1)]


@pytest.mark.parametrize(
    ("search", "expected"),
    [("no77", 1), ("ADA no11", 11), ("c12@", 1), ("%", 0), ("_", 0), ("\\", 0), ("nobody", 0), ("  ", 50)],
)
def test_every_word_of_a_search_is_found(
    many: None, client: TestClient, signed_in: dict[str, str], search: str, expected: int
) -> None:
    answer = client.get("/api/v1/customers", params={"search": search}, headers=signed_in)
    assert len(answer.json()["items"]) == expected


def test_the_detail_of_a_customer(many: None, client: TestClient, signed_in: dict[str, str]) -> None:
    row = client.get("/api/v1/customers", params={"search": "no77"}, headers=signed_in).json()["items"][0]
    detail = client.get(f"/api/v1/customers/{row['id']}", headers=signed_in).json()
    assert {key: detail[key] for key in row} == row
    assert (detail["timeline"], detail["total_spent"]) == ([], {"amount_minor": 0, "currency": "USD"})
    assert (detail["shopify_id"], detail["sms_subscription"], detail["sms_consent_at"]) == (77, None, None)


def test_the_detail_tells_the_consent_of_both_channels(
    shop_id: ShopId, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(shop_id) as session:
        take_profile(session, shop_id, deliver(profile(phone="+15550177", addresses=[])))
        take_consent(session, shop_id, deliver(consent("subscribed", "2026-05-02T00:00:00Z")))
        text_message = {
            "state": "unsubscribed",
            "opt_in_level": "confirmed_opt_in",
            "consent_updated_at": "2026-05-03T00:00:00Z",
        }
        take_sms_consent(session, shop_id, deliver({"id": 77, "sms_marketing_consent": text_message}))
    (row,) = client.get("/api/v1/customers", headers=signed_in).json()["items"]

    detail = client.get(f"/api/v1/customers/{row['id']}", headers=signed_in).json()

    told = {name: detail[name] for name in detail if name.startswith(("email_", "sms_"))}
    assert told == {
        "email_subscription": "subscribed",
        "email_opt_in_level": "single_opt_in",
        "email_consent_at": "2026-05-02T00:00:00Z",
        "sms_subscription": "unsubscribed",
        "sms_opt_in_level": "confirmed_opt_in",
        "sms_consent_at": "2026-05-03T00:00:00Z",
    }
    assert detail["phone"] == "+15550177"


def test_a_look_at_a_customer_is_written_down(
    many: None, client: TestClient, signed_in: dict[str, str]
) -> None:
    row = client.get("/api/v1/customers", params={"search": "no77"}, headers=signed_in).json()["items"][0]
    client.get("/api/v1/customers/cus_none", headers=signed_in)

    client.get("/api/v1/customers", params={"search": "nobody-at-all"}, headers=signed_in)
    client.get(f"/api/v1/customers/{row['id']}", headers=signed_in)

    looks = client.get("/api/v1/privacy/access", headers=signed_in).json()["items"]
    assert [(look["view"], look["subject"], look["people"]) for look in looks] == [
        ("customer", row["id"], 1),
        ("customers", "list", 1),
    ]


@pytest.mark.parametrize("path", ["/api/v1/customers/cus_none", "/api/v1/customers/1"])
def test_an_unknown_customer_is_a_404(
    shop: Shop, client: TestClient, signed_in: dict[str, str], path: str
) -> None:
    answer = client.get(path, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyJhIl0", "IiI", "W3RydWVd", "WzFlMzBd", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd"]
)
def test_a_foreign_cursor_is_a_422(
    shop: Shop, client: TestClient, signed_in: dict[str, str], cursor: str
) -> None:
    answer = client.get("/api/v1/customers", params={"cursor": cursor}, headers=signed_in)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/cursor")


def test_a_neighbours_customer_is_not_there(
    many: None, other_shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    from tests.conftest import id_token

    public_id = client.get("/api/v1/customers", headers=signed_in).json()["items"][0]["id"]
    neighbour = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert client.get(f"/api/v1/customers/{public_id}", headers=neighbour).status_code == 404
    assert client.get("/api/v1/customers", headers=neighbour).json()["items"] == []


def test_instants_are_compared_not_texts(session: Session, shop_id: ShopId) -> None:
    take_profile(session, shop_id, deliver(profile(first_name="New", updated_at="2026-05-01T12:00:00+02:00")))
    take_profile(session, shop_id, deliver(profile(first_name="Old", updated_at="2026-05-01T09:59:59Z")))
    row = session.scalars(select(Customer)).one()
    assert (row.first_name, row.shopify_updated_at) == ("New", datetime(2026, 5, 1, 10, tzinfo=UTC))
    assert row.shopify_updated_at.utcoffset() == timedelta(0)


COPIES = """
    SELECT count(*) FILTER (WHERE ROW(facts.email_state, facts.email_consent_at, facts.sms_state, facts.sms_consent_at,
                                      facts.shopify_created_at, facts.tags, facts.country_folded, facts.province_folded,
                                      facts.city_folded, facts.locale_folded)
                 IS NOT DISTINCT FROM ROW(c.email_state, c.email_consent_at, c.sms_state, c.sms_consent_at,
                                      c.shopify_created_at, c.tags, lower(c.country), lower(c.province), lower(c.city),
                                      lower(c.locale))), count(*)
      FROM customers AS c LEFT JOIN customer_facts AS facts ON facts.customer_id = c.id
"""


@pytest.mark.parametrize("given", [True, False])
def test_facts_copy_what_segments_ask_whoever_writes_the_customer(
    session: Session, shop_id: ShopId, given: bool
) -> None:
    """The copies are given with the row (as customers arrive) or looked up; every later change is followed."""
    address = {"country_code": "DE", "city": "Köln", "province_code": "NW"}
    take_profile(session, shop_id, deliver(profile() | {"default_address": address}))
    if not given:
        session.execute(text("DELETE FROM customer_facts"))
        session.execute(
            text("INSERT INTO customer_facts (shop_id, customer_id) SELECT shop_id, id FROM customers")
        )
    assert session.execute(text(COPIES)).one() == (1, 1)
    assert session.execute(text("SELECT country_folded, city_folded FROM customer_facts")).one() == (
        "de",
        "köln",
    )
    changes = {
        "email_state": "'pending'", "email_consent_at": "now()", "sms_state": "'subscribed'",
        "sms_consent_at": "now()", "shopify_created_at": "NULL", "tags": "ARRAY['Vip']", "country": "'FR'",
        "province": "NULL", "city": "'Paris'", "locale": "'fr-FR'",
    }  # fmt: skip
    for column, value in changes.items():
        session.execute(text(f"UPDATE customers SET {column} = {value}"))
        assert session.execute(text(COPIES)).one() == (1, 1), column
    assert session.scalar(text("SELECT locale_folded FROM customer_facts")) == "fr-fr"
