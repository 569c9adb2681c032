"""Segments through the API."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, text

from storecast.customers.models import Customer, CustomerFacts
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.segments import service
from storecast.segments.errors import SegmentTooSlow
from storecast.segments.models import Segment
from storecast.shops.models import Shop

DRIFTING = {
    "op": "and",
    "rules": [
        {"field": "orders_count", "operator": "gte", "value": 2},
        {"field": "last_order_at", "operator": "not_in_last_days", "value": 90},
        {"field": "email_subscription", "operator": "is", "value": "subscribed"},
    ],
}


def add_customer(shop_id: int, number: int, *, orders: int, last_order_days: int, state: str) -> None:
    with tenant_session(ShopId(shop_id)) as session:
        customer_id = session.scalars(
            insert(Customer)
            .values(
                shop_id=shop_id,
                public_id=f"cus_{shop_id}_{number}",
                gid=f"gid://shopify/Customer/{number}",
                first_name="Ada",
                last_name=str(number),
                email=f"c{number}@example.com",
                email_state=state,
                shopify_updated_at=utcnow(),
            )
            .returning(Customer.id)
        ).one()
        session.execute(
            insert(CustomerFacts).values(
                shop_id=shop_id,
                customer_id=customer_id,
                orders_count=orders,
                last_order_at=utcnow() - timedelta(days=last_order_days),
            )
        )


@pytest.fixture
def people(shop: Shop, other_shop: Shop) -> None:
    for number, (orders, days, state) in enumerate(
        [
            (2, 120, "subscribed"),
            # Not 91: a day counts by the shop's clock, which is an hour off across a change of summer time.
            (5, 92, "subscribed"),
            (1, 200, "subscribed"),
            (3, 10, "subscribed"),
            (4, 300, "unsubscribed"),
        ]
    ):
        add_customer(shop.id, number, orders=orders, last_order_days=days, state=state)
    add_customer(other_shop.id, 0, orders=9, last_order_days=400, state="subscribed")


@pytest.mark.usefixtures("people")
def test_a_preview_counts_the_shops_own_members_and_shows_some(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    answer = client.post("/api/v1/segments/preview", json={"rules": DRIFTING}, headers=signed_in)
    assert answer.status_code == 200
    preview = answer.json()
    assert (preview["count"], preview["total"]) == (2, 5)
    assert [row["name"] for row in preview["sample"]] == ["Ada 1", "Ada 0"]
    assert preview["took_ms"] >= 0


@pytest.mark.usefixtures("people")
def test_a_segment_lives(client: TestClient, signed_in: dict[str, str]) -> None:
    made = client.post("/api/v1/segments", json={"name": "  Drifting ", "rules": DRIFTING}, headers=signed_in)
    assert made.status_code == 201
    segment = made.json()
    assert (segment["name"], segment["member_count"], segment["version"]) == ("Drifting", 2, 1)
    assert segment["rules"] == DRIFTING
    address = f"/api/v1/segments/{segment['id']}"
    assert client.get(address, headers=signed_in).json() == segment

    everyone = {"op": "and", "rules": []}
    changed = client.put(
        address, json={"name": "All", "rules": everyone, "version": 1}, headers=signed_in
    ).json()
    assert (changed["name"], changed["member_count"], changed["version"]) == ("All", 5, 2)

    stale = client.put(address, json={"name": "Mine", "rules": DRIFTING, "version": 1}, headers=signed_in)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    assert client.get(address, headers=signed_in).json() == changed

    assert client.delete(address, headers=signed_in).status_code == 204
    gone = client.get(address, headers=signed_in)
    assert (gone.status_code, gone.json()["code"]) == (404, "segment_unknown")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/segments/preview", {}),
        ("POST", "/segments", {"name": "Bad"}),
    ],
)
def test_rules_that_do_not_parse_are_refused_with_a_pointer(
    client: TestClient, signed_in: dict[str, str], method: str, path: str, body: dict[str, Any]
) -> None:
    tree = {
        "op": "and",
        "rules": [{"op": "not", "rule": {"field": "shoe_size", "operator": "is", "value": 1}}],
    }
    answer = client.request(method, f"/api/v1{path}", json={**body, "rules": tree}, headers=signed_in)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rules_invalid"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/rules/rules/0/rule/field"]
    assert client.get("/api/v1/segments", headers=signed_in).json()["items"] == []


def test_a_name_is_taken_once_whatever_its_case(client: TestClient, signed_in: dict[str, str]) -> None:
    body = {"name": "Loyal", "rules": DRIFTING}
    assert client.post("/api/v1/segments", json=body, headers=signed_in).status_code == 201
    again = client.post("/api/v1/segments", json={**body, "name": "LOYAL"}, headers=signed_in)
    assert (again.status_code, again.json()["code"]) == (409, "segment_name_taken")
    blank = client.post("/api/v1/segments", json={**body, "name": "   "}, headers=signed_in)
    assert blank.status_code == 422


def test_the_list_is_paged_newest_first(client: TestClient, signed_in: dict[str, str], shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        for number in range(service.PAGE_SIZE + 3):
            service.create(session, ShopId(shop.id), name=f"s{number:03}", tree={"op": "and", "rules": []})
    first = client.get("/api/v1/segments", headers=signed_in).json()
    second = client.get("/api/v1/segments", params={"cursor": first["next_cursor"]}, headers=signed_in).json()
    names = [item["name"] for item in first["items"] + second["items"]]
    assert names == sorted(names, reverse=True)
    assert len(names) == service.PAGE_SIZE + 3
    assert second["next_cursor"] is None
    bad = client.get("/api/v1/segments", params={"cursor": "nonsense"}, headers=signed_in)
    assert bad.status_code == 422


def test_the_catalogue_names_every_operator(client: TestClient, signed_in: dict[str, str]) -> None:
    groups = client.get("/api/v1/segments/fields", headers=signed_in).json()["groups"]
    by_key = {field["key"]: field for group in groups for field in group["fields"]}
    assert len(by_key) == 33
    assert by_key["email_subscription"]["options"] == [
        "subscribed", "not_subscribed", "unsubscribed", "pending", "invalid",
    ]  # fmt: skip
    assert by_key["last_order_at"]["operators"] == [
        "before",
        "after",
        "in_last_days",
        "not_in_last_days",
        "more_than_days_ago",
        "is_set",
        "not_set",
    ]
    assert (by_key["viewed"]["operators"], by_key["viewed"]["subjects"]) == (
        ["did", "did_not"],
        ["product", "collection"],
    )  # fmt: skip


@pytest.mark.usefixtures("people")
def test_a_recount_brings_the_list_up_to_date(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        segment = service.create(session, shop_id, name="Drifting", tree=DRIFTING)
    add_customer(shop.id, 99, orders=7, last_order_days=500, state="subscribed")
    with tenant_session(shop_id) as session:
        assert service.recount(session, shop_id) == 1
    with tenant_session(shop_id) as session:
        counted = session.get(Segment, segment.id)
        assert counted is not None
        assert counted.member_count == 3
        members = service.members(session, shop_id, segment.id)
        assert len(session.execute(members).all()) == 3


@pytest.mark.usefixtures("people")
def test_a_count_that_takes_too_long_is_an_error_and_the_session_lives_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        saved = service.create(session, shop_id, name="Drifting", tree=DRIFTING)
    monkeypatch.setattr(service, "COUNT_TIMEOUT_MS", 50)
    with tenant_session(shop_id) as session:
        slow = service.members(session, shop_id, saved.id).where(text("pg_sleep(1) IS NOT NULL"))
        with pytest.raises(SegmentTooSlow):
            service.count_members(session, slow)
        assert session.scalar(text("SHOW statement_timeout")) == "1min"


def test_the_segments_of_a_customer_are_those_whose_rules_they_fit(
    people: None, shop: Shop, other_shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    def save(name: str, rules: dict[str, Any]) -> str:
        body = {"name": name, "rules": rules}
        return str(client.post("/api/v1/segments", json=body, headers=signed_in).json()["id"])

    def names(customer: str) -> list[str]:
        answer = client.get(f"/api/v1/segments/of-customer/{customer}", headers=signed_in)
        return [segment["name"] for segment in answer.json()]

    save("Drifting", DRIFTING)
    save("Buyers", {"field": "orders_count", "operator": "gte", "value": 1})
    save("Many orders", {"field": "orders_count", "operator": "gte", "value": 100})

    assert names(f"cus_{shop.id}_0") == ["Buyers", "Drifting"]
    theirs = client.get(f"/api/v1/segments/of-customer/cus_{other_shop.id}_0", headers=signed_in)
    assert (theirs.status_code, theirs.json()["code"]) == (404, "customer_unknown")
