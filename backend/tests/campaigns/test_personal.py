"""What messages show of products and of one person: the right things, to the right person, as they were."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from storecast.campaigns import content, drafts, personal, service
from storecast.campaigns.models import Campaign
from storecast.events.models import Identity
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout, Order, OrderLine
from storecast.products.models import Product
from storecast.segments import service as segments
from storecast.shops.models import Shop
from tests.campaigns.conftest import EVERYBODY, UnitOfWork
from tests.factories.story import Story

URL = "https://acme.example"
NOW = utcnow()


def gid(number: int) -> str:
    return f"gid://shopify/Product/{number}"


def product(session: Session, shop_id: ShopId, number: int, **columns: Any) -> None:
    values = {
        "shop_id": shop_id, "gid": gid(number), "title": f"Product {number}", "handle": f"p-{number}",
        "status": "active", "image_url": f"https://cdn.example/{number}.png", "price_minor": number * 100,
        "currency": "EUR", "shopify_updated_at": NOW, **columns,
    }  # fmt: skip
    session.add(Product(**values))


def order(session: Session, shop_id: ShopId, customer_id: int | None, days_ago: int, *numbers: int) -> None:
    made = Order(
        shop_id=shop_id, gid=f"gid://shopify/Order/{uuid4().int % 10**12}", name=f"#{days_ago}", test=False,
        customer_id=customer_id, currency="EUR", subtotal_minor=0, discount_minor=0, tax_minor=0,
        shipping_minor=0, total_minor=1000, refunded_minor=0, placed_at=NOW - timedelta(days=days_ago),
        shopify_updated_at=NOW,
    )  # fmt: skip
    session.add(made)
    session.flush()
    for number in numbers:
        line = OrderLine(
            shop_id=shop_id, order_id=made.id, order_gid=made.gid, product_gid=gid(number), quantity=1,
            gid=f"gid://shopify/LineItem/{uuid4().int % 10**12}", title=f"Line {number}", price_minor=250,
        )  # fmt: skip
        session.add(line)
    session.flush()


def shown(number: int) -> dict[str, Any]:
    return {
        "title": f"Product {number}", "url": f"{URL}/products/p-{number}",
        "image_url": f"https://cdn.example/{number}.png", "price": float(number),
    }  # fmt: skip


@pytest.fixture
def catalogue(uow: UnitOfWork, shop_id: ShopId) -> None:
    with uow() as session:
        for number in range(1, 6):
            product(session, shop_id, number)
        product(session, shop_id, 6, status="draft")
        product(session, shop_id, 10)


def test_lists_of_products(uow: UnitOfWork, shop_id: ShopId, catalogue: None) -> None:
    with uow() as session:
        order(session, shop_id, None, 1, 2, 3)
        order(session, shop_id, None, 2, 2, 3)
        order(session, shop_id, None, 3, 2, 6)
        order(session, shop_id, None, 100, 5)
        lists = personal.product_lists(
            session, shop_id, url=f"{URL}/", picked=[gid(4), gid(6), gid(99)], now=NOW
        )
    assert lists["picked"] == [shown(4)]
    assert lists["best_sellers"] == [shown(2), shown(3)]
    assert lists["newest"] == [shown(number) for number in (10, 5, 4, 3, 2, 1)]
    assert lists["together"] == {gid(2): [shown(3)], gid(3): [shown(2)], gid(6): [shown(2)]}


def test_what_is_a_persons_own(uow: UnitOfWork, shop: Shop, shop_id: ShopId, catalogue: None) -> None:
    with uow() as session:
        story = Story(session, shop)
        ana, bob = story.customer(), story.customer()
        for client_id, customer in (("browser-1", ana), ("browser-2", bob)):
            session.add(Identity(shop_id=shop_id, client_id=client_id, customer_id=customer.id, seen_at=NOW))
        for client_id, number, days in (
            ("browser-1", 1, 5),
            ("browser-1", 2, 2),
            ("browser-1", 1, 1),
            ("browser-2", 3, 40),
        ):
            story.visit(
                client_id, timedelta(), name="product_viewed", product_gid=gid(number),
                occurred_at=NOW - timedelta(days=days),
            )  # fmt: skip
        order(session, shop_id, ana.id, 9, 1)
        order(session, shop_id, ana.id, 3, 4, 5)
        session.add(
            AbandonedCheckout(
                shop_id=shop_id, gid="gid://shopify/AbandonedCheckout/1", name="#c", customer_gid=bob.gid,
                recovery_url=f"{URL}/recover", currency="EUR", subtotal_minor=900, total_minor=1050,
                begun_at=NOW - timedelta(days=1), shopify_updated_at=NOW,
            )
        )  # fmt: skip
        session.flush()
        found = personal.look_up(
            session,
            shop_id,
            [ana.id, bob.id],
            {"customer.recently_viewed", "customer.bought_together", "order", "checkout"},
            lists={"together": {gid(5): [shown(2), shown(3)], gid(1): [shown(3), shown(10)]}},
            url=URL,
            now=NOW,
        )
        of_ana, of_bob = found[ana.id], found[bob.id]
    assert of_ana == {
        "customer.recently_viewed": [shown(1), shown(2)],
        "customer.bought_together": [shown(2), shown(3), shown(10)],
        "order": {
            "name": "#3",
            "placed_at": (NOW - timedelta(days=3)).date().isoformat(),
            "total": 10.0,
            "lines": [
                {"title": "Line 4", "quantity": 1, "price": 2.5},
                {"title": "Line 5", "quantity": 1, "price": 2.5},
            ],
        },
    }
    started = (NOW - timedelta(days=1)).date().isoformat()
    assert of_bob == {"checkout": {"url": f"{URL}/recover", "started_at": started, "total": 10.5}}


def test_nothing_is_looked_up_that_no_template_reads(uow: UnitOfWork, shop_id: ShopId) -> None:
    with uow() as session:
        assert personal.look_up(session, shop_id, [1], set(), lists={}, url=URL, now=NOW) == {}


def test_a_frozen_message_shows_the_products_of_then_under_the_same_links(
    uow: UnitOfWork, shop: Shop, shop_id: ShopId, catalogue: None
) -> None:
    html = (
        '{% for p in products.newest %}<a href="{{ p.url }}">{{ p.title }}</a>{% endfor %}'
        '<a href="{{ unsubscribe_url }}">x</a>'
    )
    with uow() as session:
        Story(session, shop).customer()
        segment = segments.create(session, shop_id, name="All", tree=EVERYBODY)
        made = drafts.create(session, shop_id, name="x", template_key=None, actor="test")
        made.html, made.subject, made.segment_id = html, "s", segment.id
        made.from_email, made.state = "a@acme.example", "sending"
        campaign_id = made.id
    with uow() as session:
        service.freeze(session, shop_id, campaign_id)
    with uow() as session:
        product(session, shop_id, 11)
        session.execute(update(Product).where(Product.gid == gid(10)).values(title="Renamed"))
    with uow() as session:
        campaign = session.get_one(Campaign, campaign_id)
        variant = content.compiled(session, shop_id, campaign)
        plain = [url.partition("?")[0] for url in variant.urls]
        assert plain[0] == "https://acme.myshopify.com/products/p-10"
        assert len(plain) == 6
        lists: dict[str, Any] = campaign.product_lists or {}
        assert [each["title"] for each in lists["newest"]][:2] == ["Product 10", "Product 5"]
