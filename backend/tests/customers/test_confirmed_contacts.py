"""A file that asks for confirmation: pending at Shopify, asked by mail, subscribed by the button."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from storecast.customers import contacts_writing
from storecast.customers.models import ContactImport, Customer
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.messaging import confirmations
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.delivery import through
from tests.customers.test_contacts import IMPORTS, MAPPING, TITLES, everybody, forget_the_day_after, upload
from tests.messaging.test_confirmations import link_in, set_up_sender
from tests.simulated_shopify import SimulatedShopify, Worker


@pytest.fixture
def channel() -> Iterator[CaptureChannel]:
    channel = CaptureChannel()
    with through(channel):
        yield channel


def test_a_file_that_asks_for_confirmation_makes_nobody_a_subscriber_and_takes_nobodys_word_back(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, client: TestClient, channel: CaptureChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(contacts_writing, "POLL", timedelta(milliseconds=200))
    monkeypatch.setattr(confirmations, "CUSTOMERS_COME_WITHIN", timedelta(0))
    worker.run_until_idle()
    set_up_sender(installed)
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    now = datetime.now(UTC).replace(microsecond=0)
    with tenant_session(installed) as session:
        people = session.scalars(
            select(Customer).where(Customer.email.is_not(None)).order_by(Customer.id)
        ).all()
        states = ("not_subscribed", "subscribed", "unsubscribed")
        for person, state in zip(people, states, strict=False):
            person.email_state = state
            person.email_consent_at = None if state == "not_subscribed" else now - timedelta(days=90)
        addresses = [str(person.email) for person in people[:3]]
    told = (now - timedelta(days=10)).isoformat()
    rows = [TITLES, *(f"{email};;;;;;yes;{told};fair" for email in (*addresses, "new@example.com"))]
    seen = upload(client, headers, "\n".join(rows).encode()).json()
    client.post(f"{IMPORTS}/{seen['id']}/start", json=MAPPING | {"confirm": True}, headers=headers)
    forget_the_day_after()
    worker.run_until_idle()

    at_shopify = everybody(shopify, installed)
    for email in (addresses[0], "new@example.com"):
        assert at_shopify[email]["defaultEmailAddress"]["marketingState"] == "PENDING"
    with tenant_session(installed) as session:
        kept = dict(
            session.execute(
                select(Customer.email, Customer.email_state).where(Customer.email.in_(addresses))
            ).all()
        )
        assert (kept[addresses[1]], kept[addresses[2]]) == ("subscribed", "unsubscribed")
        session.execute(update(Customer).where(Customer.email == addresses[0]).values(email_state="pending"))
        import_id = session.scalar(select(func.max(ContactImport.id)))
    # Shopify tells of what it was told.
    assert import_id is not None
    assert confirmations.ask(partial(tenant_session, installed), installed, import_id) == 1
    assert [message.rcpt_to for message in channel.messages] == [addresses[0]]
    client.post(link_in(channel), data={"do": "confirm"})
    worker.run_until_idle()
    confirmed = everybody(shopify, installed)[addresses[0]]["defaultEmailAddress"]
    assert confirmed["marketingState"] == "SUBSCRIBED"
