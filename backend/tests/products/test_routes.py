"""The list of products: active ones of the shop alone, searched by title, page by page."""

import pytest
from fastapi.testclient import TestClient

from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.products.models import Product
from storecast.products.service import PAGE
from storecast.shops.models import Shop
from tests.conftest import id_token


def gid(number: int) -> str:
    return f"gid://shopify/Product/{number}"


def stock(shop: Shop, *titles: str, status: str = "active", first: int = 1) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        for number, title in enumerate(titles, first):
            session.add(
                Product(
                    shop_id=shop.id,
                    gid=gid(number),
                    title=title,
                    handle=f"p-{number}",
                    status=status,
                    price_minor=1_250,
                    currency="USD",
                    shopify_updated_at=utcnow(),
                )
            )
            session.flush()


@pytest.fixture
def products(shop: Shop) -> None:
    stock(shop, "Kind of Blue", "Blue Train", "100% Pure")
    stock(shop, "Blue Draft", status="draft", first=9)


def titles(client: TestClient, headers: dict[str, str], **params: str | list[str]) -> list[str]:
    answer = client.get("/api/v1/products", headers=headers, params=params)
    assert answer.status_code == 200
    return [row["title"] for row in answer.json()["items"]]


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["100% Pure", "Blue Train", "Kind of Blue"]),
        ("blue", ["Blue Train", "Kind of Blue"]),
        ("%", ["100% Pure"]),
        ("nothing", []),
    ],
)
def test_active_products_are_found_by_a_part_of_their_title(
    client: TestClient, signed_in: dict[str, str], search: str, found: list[str]
) -> None:
    assert titles(client, signed_in, search=search) == found


@pytest.mark.usefixtures("products")
def test_products_are_read_by_their_ids(client: TestClient, signed_in: dict[str, str]) -> None:
    answer = client.get("/api/v1/products", headers=signed_in, params={"gid": [gid(1), gid(9), gid(77)]})
    assert answer.json() == {
        "items": [
            {
                "gid": gid(1),
                "title": "Kind of Blue",
                "image_url": None,
                "price": {"amount_minor": 1_250, "currency": "USD"},
            }
        ],
        "next_cursor": None,
    }


def test_the_list_goes_on_where_its_cursor_says(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    stock(shop, *(f"Record {number}" for number in range(PAGE + 2)))
    first = client.get("/api/v1/products", headers=signed_in).json()
    assert (len(first["items"]), first["items"][0]["title"]) == (PAGE, f"Record {PAGE + 1}")
    assert titles(client, signed_in, cursor=first["next_cursor"]) == ["Record 1", "Record 0"]
    refused = client.get("/api/v1/products", headers=signed_in, params={"cursor": "made-up"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/cursor")


@pytest.mark.usefixtures("products")
def test_a_neighbour_sees_none_of_them(client: TestClient, other_shop: Shop) -> None:
    thief = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert titles(client, thief) == []
    assert titles(client, thief, gid=[gid(1)]) == []
