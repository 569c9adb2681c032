"""Consent given here reaches Shopify, and its echo comes back to nobody."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from storecast.auth import id_tokens
from storecast.auth import service as auth
from storecast.config.settings import get_settings
from storecast.customers import consent
from storecast.customers.handlers import take_consent, take_sms_consent
from storecast.customers.jobs import WriteConsent
from storecast.customers.models import Customer
from storecast.customers.repository import Channel
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.sync.handlers import take_scopes
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.simulated_shopify import SHOP, SimulatedShopify, Worker

TOPICS: dict[Channel, str] = {
    "email": "customers_email_marketing_consent/update",
    "sms": "customers_marketing_consent/update",
}


@pytest.fixture
def customer(shopify: SimulatedShopify, worker: Worker, installed: ShopId) -> Customer:
    """Somebody with an address and a telephone, of whom everything is known."""
    worker.run_until_idle()
    with tenant_session(installed) as session:
        gid = session.scalars(
            select(Customer.gid).where(Customer.email.is_not(None)).order_by(Customer.id)
        ).first()
    number = str(gid).rpartition("/")[2]
    shopify.control("customers/update", customer_id=int(number), phone="+15550100")
    with tenant_session(installed) as session:
        session.execute(text("UPDATE customers SET phone = '+15550100' WHERE gid = :gid"), {"gid": gid})
        return session.scalars(select(Customer).where(Customer.gid == gid)).one()


def echoes(shopify: SimulatedShopify, channel: Channel) -> list[dict[str, Any]]:
    sent = httpx.get(
        f"{shopify.origin}/control/webhooks", params={"limit": 500, "bodies": 1}, timeout=10
    ).json()
    return [each["body"] for each in sent if each["topic"] == TOPICS[channel]]


def hear(installed: ShopId, channel: Channel, payload: dict[str, Any]) -> None:
    take = take_consent if channel == "email" else take_sms_consent
    with tenant_session(installed) as session:
        take(session, installed, Delivery(TOPICS[channel], "w", None, None, payload))


def stored(installed: ShopId, customer: Customer, channel: Channel) -> tuple[str, datetime]:
    with tenant_session(installed) as session:
        row = session.scalars(select(Customer).where(Customer.id == customer.id)).one()
        return getattr(row, f"{channel}_state"), getattr(row, f"{channel}_consent_at")


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("state", ["unsubscribed", "subscribed"])
def test_a_decision_reaches_shopify_once_and_its_echo_changes_nothing(
    shopify: SimulatedShopify,
    worker: Worker,
    installed: ShopId,
    customer: Customer,
    channel: Channel,
    state: str,
) -> None:
    other = "subscribed" if state == "unsubscribed" else "unsubscribed"
    number = int(customer.gid.rpartition("/")[2])
    shopify.control(
        "customers/consent", customer_id=number, state=other, channel=channel, at="2026-01-01T00:00:00Z"
    )
    before = len(echoes(shopify, channel))
    decided_at = utcnow()
    with tenant_session(installed) as session:
        assert consent.change(
            session,
            installed,
            customer.gid,
            state=state,
            at=decided_at,
            channel=channel,
            level="single_opt_in",
        )
    worker.run_until_idle()

    (echo,) = echoes(shopify, channel)[: len(echoes(shopify, channel)) - before]
    told = echo[f"{channel}_marketing_consent"]
    assert told["state"] == state
    assert datetime.fromisoformat(told["consent_updated_at"]) == decided_at.replace(microsecond=0)

    after = stored(installed, customer, channel)
    for _ in range(3):
        hear(installed, channel, echo)
    assert stored(installed, customer, channel) == after == (state, decided_at.replace(microsecond=0))
    with tenant_session(installed) as session:
        assert outbox.pending(session, WriteConsent) == []
    worker.run_until_idle()
    assert len(echoes(shopify, channel)) == before + 1


def test_what_shopify_has_already_is_not_sent(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, customer: Customer
) -> None:
    number = int(customer.gid.rpartition("/")[2])
    shopify.control("customers/consent", customer_id=number, state="unsubscribed", at="2026-01-01T00:00:00Z")
    before = len(echoes(shopify, "email"))
    with tenant_session(installed) as session:
        consent.change(session, installed, customer.gid, state="unsubscribed", at=utcnow())
    worker.run_until_idle()
    assert len(echoes(shopify, "email")) == before


def test_a_newer_consent_at_shopify_stands_on_both_sides(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, customer: Customer
) -> None:
    number = int(customer.gid.rpartition("/")[2])
    decided_at = utcnow().replace(microsecond=0) - timedelta(hours=2)
    with tenant_session(installed) as session:
        session.execute(text("UPDATE customers SET email_state = 'not_subscribed', email_consent_at = NULL"))
        consent.change(session, installed, customer.gid, state="unsubscribed", at=decided_at)
    newer = decided_at + timedelta(hours=1)
    shopify.control("customers/consent", customer_id=number, state="subscribed", at=newer.isoformat())
    before = len(echoes(shopify, "email"))
    worker.run_until_idle()
    assert stored(installed, customer, "email") == ("subscribed", newer)
    assert len(echoes(shopify, "email")) == before


READ_ONLY = ["read_customers", "read_orders", "read_products"]


def lack_the_scope(shopify: SimulatedShopify, installed: ShopId) -> None:
    shopify.control("scopes", shop=SHOP, scopes=READ_ONLY)
    tell_scopes(installed, READ_ONLY)


def be_denied(shopify: SimulatedShopify, _installed: ShopId) -> None:
    """The merchant took the scope away, and the news of it is still on its way."""
    shopify.control("scopes", shop=SHOP, scopes=READ_ONLY)


def lose_the_tokens(shopify: SimulatedShopify, installed: ShopId) -> None:
    with tenant_session(installed) as session:
        session.execute(text("UPDATE shop_tokens SET state = 'reauthorize'"))


def tell_scopes(installed: ShopId, scopes: list[str]) -> None:
    payload = {"current": scopes, "updated_at": utcnow().isoformat()}
    with tenant_session(installed) as session:
        take_scopes(session, installed, Delivery("app/scopes_update", "w", None, None, payload))


def grant_again(shopify: SimulatedShopify, installed: ShopId) -> None:
    scopes = get_settings().shopify_scopes.split(",")
    shopify.control("scopes", shop=SHOP, scopes=scopes)
    tell_scopes(installed, scopes)


def open_the_app(shopify: SimulatedShopify, _installed: ShopId) -> None:
    raw = shopify.id_token()
    auth.embedded_principal(id_tokens.verify(raw, get_settings().shopify, now=utcnow()), raw)


@pytest.mark.parametrize(
    ("hinder", "allow", "reason"),
    [
        (lack_the_scope, grant_again, "write_customers"),
        (be_denied, grant_again, "shopify_access_denied"),
        (lose_the_tokens, open_the_app, "reauthorization_needed"),
    ],
)
def test_what_the_store_does_not_allow_yet_waits_and_is_sent_when_it_does(
    shopify: SimulatedShopify,
    worker: Worker,
    installed: ShopId,
    customer: Customer,
    hinder: Callable[[SimulatedShopify, ShopId], None],
    allow: Callable[[SimulatedShopify, ShopId], None],
    reason: str,
) -> None:
    number = int(customer.gid.rpartition("/")[2])
    shopify.control("customers/consent", customer_id=number, state="subscribed", at="2026-01-01T00:00:00Z")
    before = len(echoes(shopify, "email"))
    hinder(shopify, installed)
    worker.run_due()
    with tenant_session(installed) as session:
        assert consent.change(session, installed, customer.gid, state="unsubscribed", at=utcnow())
    worker.run_due()
    with tenant_session(installed) as session:
        (waiting,) = session.scalars(select(OutboxJob).where(OutboxJob.name == WriteConsent.name))
        assert waiting.state == "scheduled"
        assert str(waiting.error).startswith("GrantAwaited:")
        assert reason in str(waiting.error)
        assert waiting.run_at > utcnow() + timedelta(hours=23)
    assert len(echoes(shopify, "email")) == before
    assert stored(installed, customer, "email")[0] == "unsubscribed"

    allow(shopify, installed)
    worker.run_until_idle()
    (echo,) = echoes(shopify, "email")[: len(echoes(shopify, "email")) - before]
    assert echo["email_marketing_consent"]["state"] == "unsubscribed"


def test_a_customer_that_is_gone_ends_the_write(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, customer: Customer
) -> None:
    with tenant_session(installed) as session:
        consent.change(session, installed, customer.gid, state="unsubscribed", at=utcnow())
    shopify.control("customers/delete", customer_id=int(customer.gid.rpartition("/")[2]))
    worker.run_until_idle()
    assert worker.outcomes()[-1] == ("customers.write_consent", "succeeded")
