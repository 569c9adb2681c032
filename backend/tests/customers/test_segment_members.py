"""Who is in a segment of Shopify's is read when one of ours asks for it, and follows what Shopify says."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from storecast.customers import shopify_segments
from storecast.customers.models import Customer, ShopifySegment, ShopifySegmentMember
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.webhooks import service as webhooks
from storecast.webhooks.models import InboxEntry
from tests.simulated_shopify import SHOP, SimulatedShopify, Worker

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


def subscriptions(shopify: SimulatedShopify) -> list[dict[str, Any]]:
    asked = {"shop": SHOP, "kind": "WebhookSubscription"}
    found = httpx.get(f"{shopify.origin}/control/documents", params=asked, timeout=10).json()
    return [{name: each[name] for name in ("topic", "uri", "filter")} for each in found]


def read(installed: ShopId, gid: str) -> None:
    shopify_segments.read_members(lambda: tenant_session(installed), installed, gid)


def hear(shop_id: ShopId, topic: str, body: dict[str, Any], at: datetime) -> str | None:
    """A delivery comes in and is drained; returns what became of it."""
    with tenant_session(shop_id) as session:
        number = len(session.scalars(select(InboxEntry.id)).all())
        entry = InboxEntry(
            shop_id=shop_id,
            shop_domain=SHOP,
            topic=topic,
            webhook_id=f"member-{number}",
            body=orjson.dumps(body),
            triggered_at=at,
        )
        session.add(entry)
        session.flush()
        entry_id = entry.id
    with tenant_session(shop_id) as session:
        webhooks.drain(session, shop_id, now=utcnow() + timedelta(seconds=1))
    with tenant_session(shop_id) as session:
        handled = session.get(InboxEntry, entry_id)
        assert handled is not None
        return handled.outcome


def test_who_joins_and_leaves_a_followed_segment_is_told_and_the_newest_report_stands(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        gids = session.execute(select(ShopifySegment.gid, ShopifySegment.query)).all()
        gid = next(each.gid for each in gids if SUBSCRIBERS in each.query)
        other = next(each.gid for each in gids if SUBSCRIBERS not in each.query)
        people = session.execute(select(Customer.id, Customer.gid, Customer.email_state)).all()
    out = next(each for each in people if each.email_state != "subscribed")
    inside = next(each for each in people if each.email_state == "subscribed")

    def move(person: Any, *, joined: bool, segment: str = gid) -> tuple[str | None, dict[str, Any]]:
        told = shopify.control("segments/members", customer_id=person.gid, segment=segment, joined=joined)
        return told["webhook_id"], told["body"]

    # Nobody asks for it yet: Shopify tells of nobody, and what it tells all the same changes nothing.
    assert subscriptions(shopify) == []
    sent, body = move(out, joined=True)
    assert sent is None
    assert hear(installed, "customer.joined_segment", body, utcnow()) == "applied"
    assert members(installed) == set()
    move(out, joined=False)

    # Followed: subscribed to once, by its filter, however often it is read.
    for _ in range(2):
        read(installed, gid)
    assert sorted(subscriptions(shopify), key=lambda each: each["topic"]) == [
        {"topic": topic, "uri": "http://testserver/webhooks", "filter": f'segment_id:"{gid}"'}
        for topic in ("CUSTOMER_JOINED_SEGMENT", "CUSTOMER_LEFT_SEGMENT")
    ]
    before = members(installed)
    assert out.id not in before
    assert inside.id in before

    def count() -> int | None:
        with tenant_session(installed) as session:
            return session.scalar(select(ShopifySegment.member_count).where(ShopifySegment.gid == gid))

    began = utcnow()
    told_of, joined = move(out, joined=True)
    assert told_of is not None
    assert move(out, joined=True, segment=other)[0] is None
    for _ in range(2):
        hear(installed, "customer.joined_segment", joined, began + timedelta(seconds=2))
    assert members(installed) == before | {out.id}
    assert count() == len(before) + 1

    # They leave; the report that they had joined comes once more, and late ones of before the read come too.
    assert hear(installed, "customer.left_segment", joined, began + timedelta(seconds=3)) == "applied"
    assert hear(installed, "customer.joined_segment", joined, began + timedelta(seconds=2)) == "stale"
    gone_before = {**joined, "customer_id": inside.gid}
    hear(installed, "customer.left_segment", gone_before, began - timedelta(hours=1))
    assert (members(installed), count()) == (before, len(before))

    # Somebody left while a read was on its way: it lists them still, and the report outlives it.
    hear(installed, "customer.left_segment", gone_before, utcnow() + timedelta(minutes=1))
    read(installed, gid)
    assert members(installed) == before - {inside.id}

    # Somebody whom nothing else is known of becomes a customer, whom the profile completes.
    stranger = {**joined, "customer_id": "gid://shopify/Customer/4711"}
    hear(installed, "customer.joined_segment", stranger, utcnow() + timedelta(minutes=1))
    with tenant_session(installed) as session:
        known = session.scalars(select(Customer.id).where(Customer.gid == stranger["customer_id"])).one()
    assert known in members(installed)


def test_where_shopify_takes_no_filter_the_subscription_is_to_all_segments(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        gids = session.scalars(select(ShopifySegment.gid).order_by(ShopifySegment.id)).all()
    assert len(gids) == 3
    shopify.control("faults", no_segment_filter=True)
    for gid in gids:
        read(installed, gid)
    assert sorted((each["topic"], each["filter"]) for each in subscriptions(shopify)) == [
        ("CUSTOMER_JOINED_SEGMENT", None),
        ("CUSTOMER_LEFT_SEGMENT", None),
    ]
