"""A shop with customers, a segment of everybody, and a campaign that is ready to go."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storecast.campaigns import claims_repository, drafts, reading, schemas, service
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.customers.models import Customer, CustomerFacts
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.delivery import through
from storecast.segments import service as segments
from storecast.shops.models import Shop

UnitOfWork = Callable[[], AbstractContextManager[Session]]

HTML = (
    '<html><body><p>Hi {{ customer.first_name|default("you") }}</p>'
    '<a href="https://acme.example/sale">Sale</a>'
    '<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>'
)
EVERYBODY = {"op": "and", "rules": [{"field": "orders_count", "operator": "gte", "value": 0}]}


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


@pytest.fixture
def uow(shop_id: ShopId) -> UnitOfWork:
    """Committed transactions inside the shop, as jobs have them."""
    return partial(tenant_session, shop_id)


@pytest.fixture
def channel() -> Iterator[CaptureChannel]:
    channel = CaptureChannel()
    with through(channel):
        yield channel


AddCustomers = Callable[..., list[int]]


@pytest.fixture
def add_customers(uow: UnitOfWork, shop_id: ShopId) -> AddCustomers:
    """Adds subscribed customers c1@, c2@…; ``email`` and ``state`` apply to all that are added."""

    def add(count: int, *, email: str | None = "c{n}@example.com", state: str = "subscribed") -> list[int]:
        with uow() as session:
            start = session.query(Customer).count()
            numbers = range(start + 1, start + count + 1)
            rows = [
                {
                    "shop_id": shop_id,
                    "public_id": public_id("cus"),
                    "gid": f"gid://shopify/Customer/{n}",
                    "email": email.format(n=n) if email is not None else None,
                    "first_name": f"Name{n}" if n % 2 else None,
                    "email_state": state,
                    "shopify_updated_at": utcnow(),
                }
                for n in numbers
            ]
            ids = list(session.scalars(insert(Customer).returning(Customer.id), rows))
            session.execute(insert(CustomerFacts), [{"shop_id": shop_id, "customer_id": i} for i in ids])
        return ids

    return add


@pytest.fixture
def segment_id(uow: UnitOfWork, shop_id: ShopId) -> str:
    with uow() as session:
        return segments.create(session, shop_id, name="Everybody", tree=EVERYBODY).public_id


@pytest.fixture
def campaign_id(uow: UnitOfWork, shop_id: ShopId, segment_id: str) -> str:
    """A complete draft."""
    with uow() as session:
        campaign = drafts.create(session, shop_id, name="Sale", template_key=None, actor="user:7")
        changes = schemas.CampaignChanges(
            version=campaign.version,
            subject="Hi {{ customer.first_name|default('you') }}",
            preview_text="Now",
            html=HTML,
            from_name="Acme",
            from_email="news@acme.example",
            segment_id=segment_id,
        )
        return drafts.change(session, shop_id, campaign.public_id, changes).public_id


@pytest.fixture
def frozen(uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers) -> Campaign:
    """The campaign on its way to twelve people, dispatched."""
    add_customers(12)
    with uow() as session:
        campaign = service.send(
            session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=12, actor="user:7"
        )
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
    with uow() as session:
        service.dispatch(session, shop_id, campaign.id)
        return reading.get(session, shop_id, campaign_id)


@pytest.fixture
def ledger(uow: UnitOfWork, shop_id: ShopId) -> Callable[[], list[MessageDelivery]]:
    """Reads every row of the ledger, in order; those that are being handed over are ``claimed``."""

    def read() -> list[MessageDelivery]:
        with uow() as session:
            query = (
                select(MessageDelivery).where(MessageDelivery.shop_id == shop_id).order_by(MessageDelivery.id)
            )
            rows = list(session.scalars(query))
            claimed = set(session.scalars(claims_repository.claimed_ids_of_shop(shop_id)))
            session.expunge_all()
        for row in rows:
            if row.id in claimed:
                assert row.state == "pending"
                row.state = "claimed"
        return rows

    return read
