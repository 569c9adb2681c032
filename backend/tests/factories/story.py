"""Rows of the story that reports tell: customers get messages, open, click, browse and order."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign, CampaignLink, MessageDelivery
from storecast.customers.models import Customer, CustomerFacts
from storecast.events.models import MessageEvent, PixelEvent
from storecast.kit.types import ShopId
from storecast.orders.models import Order
from storecast.shops.models import Shop

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"

_numbers = count(1)


class Story:
    """Writes rows of one shop; instants are told as a distance before `NOW`."""

    def __init__(self, session: Session, shop: Shop) -> None:
        self.session = session
        self.shop_id = ShopId(shop.id)

    def customer(self, **columns: Any) -> Customer:
        number = next(_numbers)
        customer = Customer(
            **{
                "shop_id": self.shop_id,
                "public_id": f"cus_{number}",
                "gid": f"gid://shopify/Customer/{number}",
                "email": f"c{number}@example.com",
                "first_name": "Ada",
                "last_name": str(number),
                "email_state": "subscribed",
                "shopify_created_at": NOW - timedelta(days=400),
                "shopify_updated_at": NOW,
                **columns,
            }
        )
        self._add(customer)
        self._add(CustomerFacts(shop_id=self.shop_id, customer_id=customer.id))
        return customer

    def campaign(self, *, links: int = 0, **columns: Any) -> Campaign:
        number = next(_numbers)
        campaign = Campaign(
            **{
                "shop_id": self.shop_id,
                "public_id": f"cmp_{number}",
                "name": f"Campaign {number}",
                "state": "sent",
                "started_at": NOW - timedelta(days=3),
                "frozen_at": NOW - timedelta(days=3),
                **columns,
            }
        )
        self._add(campaign)
        for link in range(1, links + 1):
            url = f"https://acme.example/{link}"
            self._add(CampaignLink(shop_id=self.shop_id, campaign_id=campaign.id, number=link, url=url))
        return campaign

    def delivery(self, campaign: Campaign, customer: Customer, **columns: Any) -> MessageDelivery:
        delivery = MessageDelivery(
            **{
                "shop_id": self.shop_id,
                "campaign_id": campaign.id,
                "customer_id": customer.id,
                "frozen_at": campaign.frozen_at,
                "email": customer.email,
                "state": "accepted",
                "accepted_at": campaign.started_at,
                **columns,
            }
        )
        self._add(delivery)
        return delivery

    def message_event(
        self,
        delivery: MessageDelivery,
        kind: str,
        before: timedelta,
        *,
        processed: bool = True,
        **columns: Any,
    ) -> MessageEvent:
        event = MessageEvent(
            **{
                "shop_id": self.shop_id,
                "id": uuid4(),
                "occurred_at": NOW - before,
                "kind": kind,
                "campaign_id": delivery.campaign_id,
                "delivery_id": delivery.id,
                "customer_id": delivery.customer_id if processed else None,
                "verdict": "human" if processed else "unknown",
                "user_agent": BROWSER,
                "processed_at": NOW if processed else None,
                **columns,
            }
        )
        self._add(event)
        return event

    def visit(
        self,
        client_id: str,
        before: timedelta,
        *,
        name: str = "page_viewed",
        delivery: MessageDelivery | None = None,
        **columns: Any,
    ) -> PixelEvent:
        event = PixelEvent(
            **{
                "shop_id": self.shop_id,
                "event_id": uuid4(),
                "occurred_at": NOW - before,
                "received_at": NOW - before + timedelta(seconds=1),
                "name": name,
                "client_id": client_id,
                "seq": 0,
                "campaign_id": delivery.campaign_id if delivery else None,
                "delivery_id": delivery.id if delivery else None,
                "consent": {"analytics": True, "marketing": True},
                **columns,
            }
        )
        self._add(event)
        return event

    def order(self, customer: Customer | None, before: timedelta, **columns: Any) -> Order:
        number = next(_numbers)
        order = Order(
            **{
                "shop_id": self.shop_id,
                "gid": f"gid://shopify/Order/{number}",
                "name": f"#{number}",
                "customer_id": customer.id if customer else None,
                "customer_gid": customer.gid if customer else None,
                "currency": "USD",
                "subtotal_minor": 0,
                "discount_minor": 0,
                "tax_minor": 0,
                "shipping_minor": 0,
                "total_minor": 1000,
                "refunded_minor": 0,
                "test": False,
                "placed_at": NOW - before,
                "shopify_updated_at": NOW - before,
                **columns,
            }
        )
        self._add(order)
        return order

    def _add(self, row: Any) -> None:
        self.session.add(row)
        self.session.flush()
