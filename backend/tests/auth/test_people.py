"""Names of those who acted: a shop's people know each other, operators everybody."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from storecast.auth import service
from storecast.auth.models import ShopMember
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from tests.conftest import OWNER_ID


def add_member(shop: Shop, user_id: str, name: str, *, minutes_ago: int) -> None:
    seen = utcnow() - timedelta(minutes=minutes_ago)
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id,
                shopify_user_id=user_id,
                name=name,
                email=f"{user_id}@x",
                role="admin",
                last_seen_at=seen,
            )
        )


def people(client: TestClient, headers: dict[str, str]) -> list[tuple[str, str]]:
    answer = client.get("/api/v1/people", headers=headers)
    assert answer.status_code == 200
    assert all(set(item) == {"id", "name"} for item in answer.json()["items"])
    return [(item["id"], item["name"]) for item in answer.json()["items"]]


@pytest.fixture
def met(client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop) -> None:
    """The owner has been here, and others of this shop and of another."""
    client.get("/api/v1/session", headers=signed_in)
    with platform_session() as session:
        session.execute(update(ShopMember).values(name="Olu Owner"))
    add_member(shop, "21", "Ada Admin", minutes_ago=5)
    add_member(shop, "22", "", minutes_ago=5)
    add_member(other_shop, "21", "Ada as she was", minutes_ago=9)
    add_member(other_shop, "31", "Nia Neighbour", minutes_ago=7)


def test_a_shops_people_know_each_other_and_nobody_else(
    client: TestClient, signed_in: dict[str, str], met: None
) -> None:
    assert people(client, signed_in) == [(OWNER_ID, "Olu Owner"), ("21", "Ada Admin")]


def test_an_operator_knows_everybody_once(
    client: TestClient, signed_in: dict[str, str], met: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with platform_session() as session:
        session.execute(
            update(ShopMember).where(ShopMember.shopify_user_id == OWNER_ID).values(role="operator")
        )
    everybody = [(OWNER_ID, "Olu Owner"), ("21", "Ada Admin"), ("31", "Nia Neighbour")]
    assert people(client, signed_in) == everybody
    monkeypatch.setattr(service, "PEOPLE_MAX", 2)
    assert people(client, signed_in) == everybody[:2]


def test_names_are_for_those_who_are_signed_in(client: TestClient, met: None) -> None:
    assert client.get("/api/v1/people").status_code == 401
