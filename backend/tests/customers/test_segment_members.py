"""Who is in a segment of Shopify's is read when one of ours asks for it, and follows what Shopify says."""

from fastapi.testclient import TestClient
from sqlalchemy import select, text

from storecast.customers import shopify_segments
from storecast.customers.models import Customer, ShopifySegment, ShopifySegmentMember
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from tests.simulated_shopify import SimulatedShopify, Worker

SUBSCRIBERS = "email_subscription_status = 'SUBSCRIBED'"


def members(installed: ShopId) -> set[int]:
    with tenant_session(installed) as session:
        return set(session.scalars(select(ShopifySegmentMember.customer_id)))


def test_members_are_read_when_a_segment_asks_for_them(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, client: TestClient
) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        segments = session.scalars(select(ShopifySegment)).all()
        gid = next(segment.gid for segment in segments if SUBSCRIBERS in segment.query)
        subscribed = set(session.scalars(select(Customer.id).where(Customer.email_state == "subscribed")))
        everybody = set(session.scalars(select(Customer.id)))
    assert subscribed < everybody
    assert subscribed
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    rules = {"field": "shopify_segment", "operator": "member", "value": gid}

    preview = client.post("/api/v1/segments/preview", json={"rules": rules}, headers=headers).json()
    assert (preview["count"], preview["unread"]) == (0, [gid])
    made = client.post("/api/v1/segments", json={"name": "Theirs", "rules": rules}, headers=headers).json()
    worker.run_until_idle()
    assert members(installed) == subscribed
    preview = client.post("/api/v1/segments/preview", json={"rules": rules}, headers=headers).json()
    assert (preview["count"], preview["unread"]) == (len(subscribed), [])

    # Somebody left and somebody joined since: what is read takes the place of what was.
    stranger, gone = next(iter(everybody - subscribed)), next(iter(subscribed))
    with tenant_session(installed) as session:
        session.execute(
            text("UPDATE shopify_segment_members SET customer_id = :stranger WHERE customer_id = :gone"),
            {"stranger": stranger, "gone": gone},
        )
        session.execute(text("UPDATE shopify_segments SET members_at = now() - interval '7 hours'"))
    client.put(f"/api/v1/segments/{made['id']}", json={"name": "Theirs", "rules": rules}, headers=headers)
    worker.run_until_idle()
    assert members(installed) == subscribed


def test_members_are_read_page_by_page(worker: Worker, installed: ShopId) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        gid = session.scalars(
            select(ShopifySegment.gid).where(ShopifySegment.query.contains(SUBSCRIBERS))
        ).first()
        subscribed = set(session.scalars(select(Customer.id).where(Customer.email_state == "subscribed")))
    assert gid is not None
    page, shopify_segments.PAGE = shopify_segments.PAGE, 2
    try:
        count = shopify_segments.read_members(lambda: tenant_session(installed), installed, gid)
    finally:
        shopify_segments.PAGE = page
    assert count == len(subscribed) > 2
    assert members(installed) == subscribed
    assert shopify_segments.read_members(lambda: tenant_session(installed), installed, gid) == count
