"""Product webhooks: the newest report stands in whatever order they come, and a repeated one writes nothing."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.products.handlers import drop_product, take_product
from storecast.products.models import Product, ProductVariant
from storecast.shops.models import Shop
from tests import golden_webhooks
from tests.golden_webhooks import delivery

GID = "gid://shopify/Product/788032119674292922"
LP = "gid://shopify/ProductVariant/642667041472713922"
CD = "gid://shopify/ProductVariant/757650484644203962"
TAPE = "gid://shopify/ProductVariant/757650484644203999"


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def product(session: Session) -> Product:
    return session.scalars(select(Product).execution_options(populate_existing=True)).one()


def variants(session: Session) -> list[tuple[int | str | None, ...]]:
    rows = select(ProductVariant.gid, ProductVariant.title, ProductVariant.sku, ProductVariant.price_minor)
    return [tuple(row) for row in session.execute(rows.order_by(ProductVariant.price_minor.desc()))]


def test_a_new_product_arrives_with_its_variants(session: Session, shop_id: ShopId) -> None:
    take_product(session, shop_id, delivery("products/create"))

    stored = product(session)
    assert (stored.gid, stored.title, stored.handle, stored.vendor, stored.product_type, stored.status) == (
        GID,
        "Kind of Blue",
        "kind-of-blue",
        "Columbia",
        "Vinyl",
        "active",
    )
    assert (stored.tags, stored.price_minor, stored.currency) == (["jazz", "1959", "classic"], 1250, "USD")
    assert stored.image_url == "https://cdn.shopify.com/s/files/1/0001/kind-of-blue.jpg"
    assert stored.shopify_updated_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert variants(session) == [(LP, "LP", "KOB-LP", 2990), (CD, "CD", "KOB-CD", 1250)]


def test_an_update_replaces_what_it_says_and_drops_variants_that_are_gone(
    session: Session, shop_id: ShopId
) -> None:
    take_product(session, shop_id, delivery("products/create"))
    take_product(session, shop_id, delivery("products/update"))

    stored = product(session)
    assert (stored.title, stored.status, stored.tags) == ("Kind of Blue (Mono)", "draft", ["jazz"])
    assert (stored.image_url, stored.price_minor) == (None, 900)
    assert variants(session) == [(LP, "LP", "KOB-LP", 3490), (TAPE, "Tape", None, 900)]


def test_a_repeated_delivery_writes_nothing(session: Session, shop_id: ShopId) -> None:
    take_product(session, shop_id, delivery("products/create"))
    # The transaction's clock stands still: a write would put it back.
    session.execute(update(Product).values(updated_at=datetime(2026, 1, 1, tzinfo=UTC)))
    take_product(session, shop_id, delivery("products/create"))

    assert product(session).updated_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert session.scalar(select(func.count()).select_from(ProductVariant)) == 2


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_in_whatever_order_reports_arrive_the_newest_stands(
    session: Session, shop_id: ShopId, arrival: tuple[int, ...]
) -> None:
    golden = golden_webhooks.body("products/update")
    newest = {
        "updated_at": "2026-11-20T12:00:00-05:00",
        "title": "So What",
        "variants": golden["variants"][:1],
        "variant_gids": golden["variant_gids"][:1],
    }
    reports = [
        delivery("products/create"),
        delivery("products/update"),
        delivery("products/update", **newest),
    ]
    for position in arrival:
        take_product(session, shop_id, reports[position])

    assert product(session).title == "So What"
    assert [row[0] for row in variants(session)] == [LP]


def test_variants_that_a_long_list_leaves_out_stay(session: Session, shop_id: ShopId) -> None:
    """A payload describes some of a product's variants and names them all."""
    take_product(session, shop_id, delivery("products/create"))
    golden = golden_webhooks.body("products/create")
    shortened: dict[str, Any] = {
        "variants": golden["variants"][:1],
        "updated_at": "2026-11-20T12:00:00-05:00",
    }
    take_product(session, shop_id, delivery("products/update", **{**golden, **shortened}))

    assert [row[0] for row in variants(session)] == [LP, CD]


def test_a_deleted_product_goes_with_its_variants(session: Session, shop_id: ShopId) -> None:
    take_product(session, shop_id, delivery("products/create"))
    for _ in range(2):
        drop_product(session, shop_id, delivery("products/delete"))

    assert session.scalar(select(func.count()).select_from(Product)) == 0
    assert session.scalar(select(func.count()).select_from(ProductVariant)) == 0


def test_prices_are_in_the_shops_currency(session: Session, shop_id: ShopId) -> None:
    session.execute(update(Shop).values(currency="JPY"))
    session.expire_all()
    (variant,) = golden_webhooks.body("products/create")["variants"][:1]
    take_product(session, shop_id, delivery("products/create", variants=[variant | {"price": "2990"}]))

    assert (product(session).price_minor, product(session).currency) == (2990, "JPY")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None, "admin_graphql_api_id": None},
        {"updated_at": None},
        {"variants": [{"title": "no id", "price": "1.00"}]},
        {"variants": [{"id": 1, "price": "cheap"}]},
    ],
)
def test_a_payload_that_is_no_product_is_refused(
    session: Session, shop_id: ShopId, changes: dict[str, Any]
) -> None:
    with pytest.raises(Permanent):
        take_product(session, shop_id, delivery("products/create", **changes))
    assert session.scalar(select(func.count()).select_from(Product)) == 0
