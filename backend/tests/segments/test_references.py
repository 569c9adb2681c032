"""What rules refer to: what is missing is refused, circles are, and so is the removal of what is in use."""

from typing import Any

from fastapi.testclient import TestClient

from storecast.customers.models import ShopifySegment
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop

EVERYONE: dict[str, Any] = {"op": "and", "rules": []}


def within(segment_id: str) -> dict[str, Any]:
    return {"op": "and", "rules": [{"field": "segment", "operator": "member", "value": segment_id}]}


def create(client: TestClient, headers: dict[str, str], name: str, rules: dict[str, Any]) -> str:
    answer = client.post("/api/v1/segments", json={"name": name, "rules": rules}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def refusals(answer: Any) -> list[tuple[str, str]]:
    assert (answer.status_code, answer.json()["code"]) == (422, "rules_invalid")
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


def test_what_is_not_there_is_refused_beside_the_condition_and_nothing_is_saved(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    def rule(field: str, operator: str, value: Any) -> dict[str, Any]:
        return {"field": field, "operator": operator, "value": value}

    rules = [
        rule("segment", "member", "seg_none"),
        rule("list", "not_member", "lst_none"),
        rule("shopify_segment", "member", "gid://shopify/Segment/9"),
        rule("opened", "did", {"campaign": "cmp_none"}),
        rule("viewed", "did", {"product": "gid://shopify/Product/9"}),
        rule("ordered", "did", {"collection": "gid://shopify/Collection/9"}),
        rule("orders_count", "gte", 1),
    ]
    body = {"name": "Nobody", "rules": {"op": "or", "rules": rules}}
    wanted = [
        (f"/rules/rules/{number}/value{rest}", "unknown_reference")
        for number, rest in enumerate(["", "", "", "/campaign", "/product", "/collection"])
    ]
    assert refusals(client.post("/api/v1/segments", json=body, headers=signed_in)) == wanted
    preview = client.post("/api/v1/segments/preview", json={"rules": body["rules"]}, headers=signed_in)
    assert refusals(preview) == wanted
    assert client.get("/api/v1/segments", headers=signed_in).json()["items"] == []


def test_a_circle_is_refused_by_whatever_way_it_closes(client: TestClient, signed_in: dict[str, str]) -> None:
    first = create(client, signed_in, "First", EVERYONE)
    second = create(client, signed_in, "Second", within(first))
    third = create(client, signed_in, "Third", within(second))
    for closing in (first, second, third):
        answer = client.put(
            f"/api/v1/segments/{first}",
            json={"name": "First", "rules": {"op": "not", "rule": within(closing)}},
            headers=signed_in,
        )
        assert refusals(answer) == [("/rules/rule/rules/0/value", "segment_cycle")]
    assert client.get(f"/api/v1/segments/{first}", headers=signed_in).json()["rules"] == EVERYONE


def test_segments_stand_in_each_other_four_deep_and_no_deeper(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    inner = create(client, signed_in, "0", EVERYONE)
    for depth in range(1, 5):
        inner = create(client, signed_in, str(depth), within(inner))
    body = {"name": "5", "rules": within(inner)}
    answer = client.post("/api/v1/segments", json=body, headers=signed_in)
    assert refusals(answer) == [("/rules/rules/0/value", "too_deep")]


def test_conditions_are_counted_with_those_of_the_segments_put_in(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    condition = {"field": "orders_count", "operator": "gte", "value": 0}
    big = create(client, signed_in, "Big", {"op": "and", "rules": [condition] * 50})
    rules = {"op": "and", "rules": within(big)["rules"] * 4}
    answer = client.post("/api/v1/segments/preview", json={"rules": rules}, headers=signed_in)
    assert refusals(answer) == [("/rules", "too_many")]


def test_a_segment_that_another_asks_for_is_not_removed(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    inner = create(client, signed_in, "Inner", EVERYONE)
    outer = create(client, signed_in, "Outer", within(inner))
    refused = client.delete(f"/api/v1/segments/{inner}", headers=signed_in)
    assert (refused.status_code, refused.json()["code"]) == (409, "segment_in_use")
    assert refused.json()["facts"]["segments"] == ["Outer"]
    assert client.get(f"/api/v1/segments/{inner}", headers=signed_in).status_code == 200
    assert client.delete(f"/api/v1/segments/{outer}", headers=signed_in).status_code == 204
    assert client.delete(f"/api/v1/segments/{inner}", headers=signed_in).status_code == 204


def test_choices_are_found_by_words_and_by_id(
    client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop
) -> None:
    for owner, name in ((shop, "Big spenders"), (other_shop, "Big secrets")):
        with tenant_session(ShopId(owner.id)) as session:
            gid = f"gid://shopify/Segment/{owner.id}"
            session.add(
                ShopifySegment(shop_id=owner.id, gid=gid, name=name, query="", shopify_updated_at=utcnow())
            )
    segment = create(client, signed_in, "Bigger", EVERYONE)

    def found(**asked: Any) -> list[dict[str, str]]:
        answer = client.get("/api/v1/segments/choices", params=asked, headers=signed_in)
        items: list[dict[str, str]] = answer.json()["items"]
        return items

    kept = {"id": f"gid://shopify/Segment/{shop.id}", "name": "Big spenders"}
    assert found(kind="shopify_segment", search="BIG") == [kept]
    assert found(kind="shopify_segment", search="small") == []
    assert found(kind="segment") == [{"id": segment, "name": "Bigger"}]
    assert found(kind="segment", id=[segment]) == [{"id": segment, "name": "Bigger"}]
    for kind in ("list", "campaign", "product", "collection"):
        assert found(kind=kind) == []
