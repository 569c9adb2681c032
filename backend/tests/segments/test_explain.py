"""Why a customer is in a segment, and how large it was on which day."""

from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient

from storecast.customers.models import CustomerFacts
from storecast.db.session import tenant_session
from storecast.events import behaviour
from storecast.events.behaviour import Moment
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.segments.models import Segment, SegmentSize
from storecast.shops.models import Shop
from tests.factories.story import Story


def test_every_condition_says_what_it_saw(
    client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop
) -> None:
    now = utcnow()
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        customer = Story(session, shop).customer(city=None, tags=["vip"])
        facts = session.get_one(CustomerFacts, customer.id)
        facts.total_spent_minor, facts.last_order_at = 12_50, now - timedelta(days=9)
        behaviour.record(
            session,
            shop_id,
            [Moment(customer.id, "opened", now - timedelta(days=days), "1") for days in (1, 2, 300)],
        )
    rules = {
        "op": "and",
        "rules": [
            {"field": "total_spent", "operator": "gte", "value": "10.00"},
            {"op": "not", "rule": {"field": "city", "operator": "is", "value": "Bonn"}},
            {"field": "tags", "operator": "has", "value": "vip"},
            {"field": "opened", "operator": "did", "value": {"times": 2, "days": 30}},
            {
                "op": "or",
                "rules": [
                    {"field": "opened", "operator": "did", "value": {"times": 4}},
                    {"field": "ordered", "operator": "did_not", "value": {}},
                    {"field": "last_order_at", "operator": "in_last_days", "value": 5},
                ],
            },
        ],
    }
    body = {"rules": rules, "customer_id": customer.public_id}
    told: dict[str, Any] = client.post("/api/v1/segments/explain", json=body, headers=signed_in).json()
    assert told["member"] is True
    assert [(each["pointer"], each["holds"], each["seen"]) for each in told["conditions"]] == [
        ("/rules/rules/0", True, 12_50),
        ("/rules/rules/1/rule", False, None),
        ("/rules/rules/2", True, ["vip"]),
        ("/rules/rules/3", True, 2),
        ("/rules/rules/4/rules/0", False, 3),
        ("/rules/rules/4/rules/1", True, 0),
        ("/rules/rules/4/rules/2", False, (now - timedelta(days=9)).isoformat()),
    ]
    with tenant_session(ShopId(other_shop.id)) as session:
        stranger = Story(session, other_shop).customer().public_id
    answer = client.post(
        "/api/v1/segments/explain", json={**body, "customer_id": stranger}, headers=signed_in
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_unknown")


def test_the_last_count_of_a_day_is_its_size(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    made = client.post(
        "/api/v1/segments", json={"name": "All", "rules": {"op": "and", "rules": []}}, headers=signed_in
    ).json()
    today = utcnow().date()
    with tenant_session(ShopId(shop.id)) as session:
        Story(session, shop).customer()
        segment = session.query(Segment).one()
        for days, members in ((2, 7), (100, 9)):
            row = {"segment_id": segment.id, "day": today - timedelta(days=days), "member_count": members}
            session.add(SegmentSize(shop_id=shop.id, **row))
    body = {"name": "All", "rules": {"op": "and", "rules": []}}
    client.put(f"/api/v1/segments/{made['id']}", json=body, headers=signed_in)
    sizes = client.get(f"/api/v1/segments/{made['id']}/sizes", headers=signed_in).json()["items"]
    assert [size["member_count"] for size in sizes] == [7, 1]
    longer = client.get(
        f"/api/v1/segments/{made['id']}/sizes", params={"days": 200}, headers=signed_in
    ).json()
    assert [size["member_count"] for size in longer["items"]] == [9, 7, 1]
