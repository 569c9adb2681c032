"""From the edge's addresses to the tables and back: pixel, opens, clicks and unsubscribes on a real database."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from storecast.analytics import service as analytics
from storecast.analytics.models import Attribution
from storecast.campaigns.models import MessageDelivery
from storecast.config.settings import Settings
from storecast.db.session import tenant_session
from storecast.edge.app import create_app
from storecast.entrypoints.modules import register_jobs
from storecast.events import service as events
from storecast.events.jobs import ProcessEvents, UnsubscribeRequested
from storecast.events.models import MessageEvent, PixelEvent
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.tokens import Tokens
from storecast.shops.models import Shop
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.factories.story import BROWSER, Story


@pytest.fixture
def tokens(settings: Settings) -> Tokens:
    return Tokens(settings.app_secret_key.get_secret_value().encode())


@pytest.fixture
def edge(settings: Settings, tokens: Tokens) -> Iterator[TestClient]:
    app = create_app(settings, tokens.open, tokens.open_address)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def sent(shop: Shop) -> MessageDelivery:
    """A delivery of a campaign with one link."""
    with tenant_session(ShopId(shop.id)) as session:
        story = Story(session, shop)
        now = utcnow()
        campaign = story.campaign(links=1, started_at=now, frozen_at=now)
        return story.delivery(campaign, story.customer(), accepted_at=None)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "name": "page_viewed",
        "at": utcnow().isoformat(),
        "client_id": "browser",
        "seq": 0,
        "url": "https://acme.example/",
        "consent": {"analytics": True, "marketing": True},
        **changes,
    }


def post(edge: TestClient, key: str, *batch: dict[str, Any]) -> Any:
    return edge.post("/pixel/v1/events", content=json.dumps({"v": 1, "key": key, "events": list(batch)}))


def test_a_batch_is_on_disk_once_whatever_the_retries(
    edge: TestClient, shop: Shop, platform: Session
) -> None:
    batch = [event(value="12.50", currency="USD"), event(name="nope")]
    for _ in range(3):
        answer = post(edge, shop.pixel_key, *batch)
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    with tenant_session(ShopId(shop.id)) as session:
        (row,) = session.scalars(select(PixelEvent))
        assert (str(row.event_id), row.value_minor, row.consent) == (
            batch[0]["id"],
            1250,
            {"analytics": True, "marketing": True},
        )
    (job,) = platform.scalars(select(OutboxJob))
    assert (job.shop_id, job.name, job.unique_key) == (shop.id, ProcessEvents.name, "process")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (json.dumps({"v": 1, "key": "pk_nobody", "events": [event()]}).encode(), 404, "unknown_key"),
        (b"{", 422, "malformed_json"),
        (b" " * 70_000, 413, "too_large"),
    ],
)
def test_a_refusal_is_a_problem_document_that_the_pixel_may_read(
    edge: TestClient, shop: Shop, platform: Session, content: bytes, status: int, code: str
) -> None:
    answer = edge.post("/pixel/v1/events", content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalars(select(PixelEvent)).all() == []
    assert platform.scalars(select(OutboxJob)).all() == []


def test_a_click_goes_to_the_stored_link_and_is_recorded(
    edge: TestClient, shop: Shop, sent: MessageDelivery, tokens: Tokens
) -> None:
    token = tokens.mint(shop.id, sent.campaign_id, sent.id)
    answer = edge.get(f"/c/{token}/1", headers={"User-Agent": BROWSER})
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        f"https://acme.example/1?sc_click={token}",
    )
    assert edge.get(f"/c/{token}/2").status_code == 404
    edge.head(f"/o/{token}.gif")
    with tenant_session(ShopId(shop.id)) as session:
        events.process_message_events(session, ShopId(shop.id), now=utcnow())
    with tenant_session(ShopId(shop.id)) as session:
        rows = session.scalars(select(MessageEvent).order_by(MessageEvent.occurred_at)).all()
        assert [(row.kind, row.link_number, row.verdict) for row in rows] == [
            ("click", 1, "human"),
            ("open", None, "machine"),
        ]


def test_another_shops_token_reaches_nothing(
    edge: TestClient, other_shop: Shop, sent: MessageDelivery, tokens: Tokens
) -> None:
    token = tokens.mint(other_shop.id, sent.campaign_id, sent.id)
    assert edge.get(f"/c/{token}/1").status_code == 404


def test_an_unsubscribe_is_on_disk_before_it_is_confirmed(
    edge: TestClient, shop: Shop, sent: MessageDelivery, tokens: Tokens
) -> None:
    address = f"/u/{tokens.mint(shop.id, sent.campaign_id, sent.id)}"
    shown = edge.get(address)
    assert shop.name in shown.text
    assert edge.post(address, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with tenant_session(ShopId(shop.id)) as session:
        assert [row.kind for row in session.scalars(select(MessageEvent))] == ["unsubscribe"]
        events.process_message_events(session, ShopId(shop.id), now=utcnow())
        (job,) = outbox.pending(session, UnsubscribeRequested)
        assert (job.campaign_id, job.delivery_id) == (sent.campaign_id, sent.id)


def test_a_message_leads_to_an_attributed_order(
    edge: TestClient, shop: Shop, sent: MessageDelivery, tokens: Tokens
) -> None:
    register_jobs()
    shop_id = ShopId(shop.id)
    token = tokens.mint(shop.id, sent.campaign_id, sent.id)
    landing = edge.get(f"/c/{token}/1", headers={"User-Agent": BROWSER}).headers["location"]
    carried = landing.partition("sc_click=")[2]
    post(edge, shop.pixel_key, event(click=carried), event(name="product_viewed", click=carried))
    post(
        edge,
        shop.pixel_key,
        event(name="checkout_completed", order_gid="gid://shopify/Order/77", click=carried),
    )
    with tenant_session(shop_id) as session:
        order = Story(session, shop).order(
            None, timedelta(0), gid="gid://shopify/Order/77", placed_at=utcnow()
        )
        events.process_message_events(session, shop_id, now=utcnow())
        events.process_pixel_events(session, shop_id, now=utcnow())
    with tenant_session(shop_id) as session:
        analytics.attribute_after_touches(
            session, shop_id, customer_ids=[], client_ids=["browser"], now=utcnow()
        )
        (credit,) = session.scalars(select(Attribution))
        assert (credit.order_id, credit.campaign_id, credit.delivery_id, credit.amount_minor) == (
            order.id,
            sent.campaign_id,
            sent.id,
            1000,
        )
