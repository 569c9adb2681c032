"""Who joins and leaves a segment of Shopify's, as it happens.

Shopify sends these two topics only to subscriptions made through its API (shopify.app.toml takes every other one), so
each segment that is read is subscribed to beside: filtered to it, or of all segments where Shopify takes no filter. It
drops such a subscription after eight failed deliveries; the next read makes it again, and finds what was missed. A
report counts from the last read on, and reports that come while a segment is read outlive what was read.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.customers import repository
from storecast.customers.models import ShopifySegment, ShopifySegmentMember
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, OperationRefused, UserErrors
from storecast.webhooks import objects

log = structlog.get_logger(__name__)

JOINED, LEFT = "customer.joined_segment", "customer.left_segment"

TOPICS = {"CUSTOMER_JOINED_SEGMENT": JOINED, "CUSTOMER_LEFT_SEGMENT": LEFT}
"""By their names in Shopify's API. https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic"""

PAGE = 250


def aspect(segment_gid: str) -> str:
    """What reports about a customer and this segment compete on."""
    return f"member:{segment_gid}"


def subscribe(client: AdminClient, segment_gid: str) -> None:
    """Have Shopify tell of this segment's members; what it already tells of is left as it is.

    A segment that it does not tell of is still read every few hours, so a refusal is no failure.
    """
    uri, wanted = f"{get_settings().shopify.app_url}/webhooks", f'segment_id:"{segment_gid}"'
    have = {
        (each["topic"], each.get("filter") or "") for each in _subscriptions(client) if each["uri"] == uri
    }
    for topic in TOPICS:
        if (topic, wanted) in have or (topic, "") in have:
            continue
        # Filters look at payloads, whose name for it is segment_id; that this topic takes one is written nowhere.
        for given in ({"uri": uri, "filter": wanted}, {"uri": uri}):
            try:
                client.mutate("webhook_subscription_create", {"topic": topic, "subscription": given})
                break
            except (UserErrors, AccessDenied, OperationRefused) as refused:
                why = type(refused).__name__
                log.warning(
                    "segment_subscription_refused", topic=topic, filtered="filter" in given, error=why
                )


def _subscriptions(client: AdminClient) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        asked = {"topics": list(TOPICS), "first": PAGE, "after": after}
        connection = client.execute("webhook_subscriptions", asked).data["webhookSubscriptions"]
        yield from (edge["node"] for edge in connection["edges"])
        if not connection["pageInfo"]["hasNextPage"]:
            return
        after = connection["pageInfo"]["endCursor"]


def take(
    session: Session, shop_id: ShopId, segment_gid: str, customer_gid: str, *, joined: bool, at: datetime
) -> None:
    """Take over one report; of segments that nobody reads, and from before the last read, it changes nothing.

    The segment's row is locked until the commit: a read that ends meanwhile sees the report.
    """
    segment = session.scalar(
        select(ShopifySegment)
        .where(ShopifySegment.shop_id == shop_id, ShopifySegment.gid == segment_gid)
        .with_for_update()
    )
    if segment is None or segment.members_at is None or at < segment.members_at:
        return
    customer_id = repository.ids_by_gid(session, shop_id, [customer_gid]).get(customer_gid)
    if customer_id is None:
        return
    if joined:
        row = {"shop_id": shop_id, "segment_id": segment.id, "customer_id": customer_id}
        inserted = insert(ShopifySegmentMember).values(**row).on_conflict_do_nothing()
        changed = len(session.scalars(inserted.returning(ShopifySegmentMember.customer_id)).all())
    else:
        member = delete(ShopifySegmentMember).where(
            ShopifySegmentMember.shop_id == shop_id,
            ShopifySegmentMember.segment_id == segment.id,
            ShopifySegmentMember.customer_id == customer_id,
        )
        changed = -len(session.scalars(member.returning(ShopifySegmentMember.customer_id)).all())
    segment.member_count = max(0, (segment.member_count or 0) + changed)


def told_since(session: Session, shop_id: ShopId, segment_gid: str, since: datetime) -> list[str]:
    """The customers of whom a report came that is newer than a read that began then."""
    return objects.told_since(session, shop_id, aspect(segment_gid), since)
