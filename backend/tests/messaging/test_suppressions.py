"""The list of addresses that nobody writes to, as people work with it."""

from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.audit.models import AuditEntry
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.messaging import service
from storecast.shops.models import Shop
from tests.conftest import id_token

PATH = "/api/v1/suppressions"


def test_an_address_is_added_found_and_lifted(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    added = client.post(PATH, headers=signed_in, json={"email": "Zoe@Example.com"})
    assert added.status_code == 201
    row = added.json()
    assert (row["reason"], row["source"]) == ("manual", "user:7")
    assert "zoe" not in added.text.lower()
    assert client.post(PATH, headers=signed_in, json={"email": "zoe@example.com"}).json() == row

    def listed(**query: str) -> list[str]:
        return [each["id"] for each in client.get(PATH, headers=signed_in, params=query).json()["items"]]

    assert listed(email=" ZOE@example.com ") == [row["id"]]
    assert listed(email="zoe@example.co") == []
    assert listed(reason="manual") == [row["id"]]
    assert listed(reason="complaint") == []

    assert client.delete(f"{PATH}/{row['id']}", headers=signed_in).status_code == 204
    assert listed() == []
    for gone in (row["id"], "zz", "00"):
        answer = client.delete(f"{PATH}/{gone}", headers=signed_in)
        assert (answer.status_code, answer.json()["code"]) == (404, "suppression_unknown")
    with tenant_session(ShopId(shop.id)) as session:
        entries = session.execute(
            select(AuditEntry.action, AuditEntry.subject, AuditEntry.actor).order_by(AuditEntry.id)
        ).all()
    assert entries == [
        ("address_suppressed", row["id"], "user:7"),
        ("suppression_lifted", row["id"], "user:7"),
    ]


def test_the_list_has_pages_and_a_shop_sees_its_own(
    client: TestClient, shop: Shop, other_shop: Shop, signed_in: dict[str, str]
) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        emails = [f"c{number}@example.com" for number in range(120)]
        service.suppress(session, shop_id, emails, reason="hard_bounce", source="mail")
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(PATH, headers=signed_in, params={"cursor": cursor} if cursor else {}).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found)) == 120
    theirs = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert client.get(PATH, headers=theirs).json()["items"] == []
    assert client.delete(f"{PATH}/{found[0]}", headers=theirs).status_code == 404
    with tenant_session(shop_id) as session:
        assert service.find_suppression(session, shop_id, "c0@example.com") == "hard_bounce"


def test_what_is_no_address_changes_nothing(client: TestClient, signed_in: dict[str, str]) -> None:
    for email in ("zoe", "a@b", "a b@example.com", "x@y.example\r\nBcc: z@z.example"):
        answer = client.post(PATH, headers=signed_in, json={"email": email})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/email"
    assert client.get(f"{PATH}?cursor=x", headers=signed_in).status_code == 422
    assert client.get(PATH, headers=signed_in).json()["items"] == []


def test_topics_are_named_once_and_archived(client: TestClient, signed_in: dict[str, str]) -> None:
    def post(name: str) -> int:
        return client.post("/api/v1/topics", headers=signed_in, json={"name": name}).status_code

    assert [post("Arrivals"), post("arrivals "), post(""), post("x" * 61), post("a\nb")] == [
        201,
        409,
        422,
        422,
        422,
    ]
    (topic,) = client.get("/api/v1/topics", headers=signed_in).json()["topics"]
    path = f"/api/v1/topics/{topic['id']}"
    assert client.patch(path, headers=signed_in, json={"name": "ARRIVALS"}).json()["name"] == "ARRIVALS"
    assert client.patch(path, headers=signed_in, json={"archived": True}).json()["archived"] is True
    assert [post(f"Topic {number}") for number in range(20)] == [201] * 19 + [409]
