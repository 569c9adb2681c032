"""Double opt-in: who is asked, that only the button subscribes, and links that are old, forged or used."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.customers.jobs import WriteConsent
from storecast.customers.models import Customer
from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import confirmations
from storecast.messaging import service as messaging
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.confirmation_tokens import VALID_FOR, ConfirmationTokens
from storecast.messaging.delivery import through
from storecast.messaging.jobs import AskToConfirm
from storecast.messaging.models import OptInRequest
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.customers.test_contacts import IMPORTS, MAPPING, TITLES, upload
from tests.factories.story import Story

UnitOfWork = Callable[[], AbstractContextManager[Session]]


@pytest.fixture
def channel() -> Iterator[CaptureChannel]:
    channel = CaptureChannel()
    with through(channel):
        yield channel


@pytest.fixture
def uow(shop: Shop) -> UnitOfWork:
    return partial(tenant_session, ShopId(shop.id))


def set_up_sender(shop_id: ShopId) -> None:
    with platform_session() as session:
        values = {"sender_name": "Acme", "sender_email": "news@acme.example", "double_opt_in": True}
        session.execute(update(Shop).where(Shop.id == shop_id).values(values))


@pytest.fixture
def asked(session: Session, shop: Shop) -> Customer:
    """Somebody who waits to be asked."""
    set_up_sender(ShopId(shop.id))
    customer = Story(session, shop).customer(email="Ada@example.com", email_state="pending", locale="de-AT")
    session.add(OptInRequest(shop_id=shop.id, customer_id=customer.id, due_at=utcnow()))
    session.commit()
    return customer


def link_in(channel: CaptureChannel) -> str:
    found = re.search(r"/confirm/([\w-]{52})", channel.messages[-1].data.decode().replace("=\r\n", ""))
    assert found is not None
    return f"/confirm/{found.group(1)}"


def state_of(uow: UnitOfWork, customer: Customer) -> tuple[str, str | None]:
    with uow() as session:
        row = session.execute(
            select(Customer.email_state, Customer.email_opt_in_level).where(Customer.id == customer.id)
        ).one()
        return row[0], row[1]


def writes(uow: UnitOfWork) -> int:
    with uow() as session:
        return len(list(outbox.pending(session, WriteConsent)))


def test_only_the_button_subscribes_once_and_a_later_word_stands(
    uow: UnitOfWork, shop: Shop, asked: Customer, channel: CaptureChannel, client: TestClient
) -> None:
    assert confirmations.ask(uow, ShopId(shop.id), 0) == 1
    assert confirmations.ask(uow, ShopId(shop.id), 0) == 0
    (sent,) = channel.messages
    mail = message_from_bytes(sent.data, policy=policy.default)
    assert (sent.rcpt_to, mail["From"], mail["Auto-Submitted"]) == (
        "Ada@example.com", "Acme <news@acme.example>", "auto-generated",
    )  # fmt: skip
    assert mail["Subject"] == "Bitte bestätigen Sie Ihre Anmeldung bei Acme"
    link = link_in(channel)
    for method in ("GET", "HEAD", "GET"):
        shown = client.request(method, link)
        assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store, max-age=0")
    assert 'value="confirm"' in shown.text
    assert "script-src 'none'" in shown.headers["content-security-policy"]
    for body in ({}, {"do": "unsubscribe"}, {"do": "resend"}):
        client.post(link, data=body)
    assert client.post(link, json={"do": "confirm"}).status_code == 200
    assert (state_of(uow, asked), writes(uow)) == (("pending", None), 0)

    assert "Sie sind angemeldet" in client.post(link, data={"do": "confirm"}).text
    assert (state_of(uow, asked), writes(uow)) == (("subscribed", "confirmed_opt_in"), 1)
    assert "Sie sind angemeldet" in client.post(link, data={"do": "confirm"}).text
    assert writes(uow) == 1
    # The link was used; it does not undo what is said later.
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=False), uow() as session:
        messaging.unsubscribe(
            session, ShopId(shop.id), email="ada@example.com", customer_gid=asked.gid, source="a test", at=utcnow()
        )  # fmt: skip
    with time_machine.travel(utcnow() + timedelta(hours=2), tick=False):
        assert "nichts mehr zu bestätigen" in client.post(link, data={"do": "confirm"}).text
    assert state_of(uow, asked)[0] == "unsubscribed"


def test_a_link_that_is_forged_or_for_another_address_leads_nowhere_and_an_old_one_to_a_new_one_seldom(
    uow: UnitOfWork, shop: Shop, asked: Customer, channel: CaptureChannel, client: TestClient
) -> None:
    shop_id, start = ShopId(shop.id), utcnow()
    confirmations.ask(uow, shop_id, 0)
    link = link_in(channel)
    other = ConfirmationTokens(b"another secret of another installation")
    swapped = link[:-1] + ("A" if link[-1] != "A" else "B")
    neighbour = confirmations.tokens().mint(shop.id + 1, asked.id, "ada@example.com", start)
    for wrong in (
        f"/confirm/{other.mint(shop.id, asked.id, 'ada@example.com', start)}",
        swapped,
        f"/confirm/{neighbour}",
        f"/confirm/{confirmations.tokens().mint(shop.id, asked.id, 'eve@example.com', start)}",
        "/confirm/x",
    ):
        answer = client.post(wrong, data={"do": "confirm"})
        assert (answer.status_code, "Acme" in answer.text) == (404, False)
    assert state_of(uow, asked)[0] == "pending"

    sends = 1
    for age in (VALID_FOR, 2 * VALID_FOR, 3 * VALID_FOR):
        with time_machine.travel(start + age + timedelta(hours=1), tick=False):
            client.post(link, data={"do": "confirm"})
            assert state_of(uow, asked)[0] == "pending"
            again = client.post(link, data={"do": "resend"})
            client.post(link, data={"do": "resend"})
            with uow() as session:
                assert len(list(outbox.pending(session, AskToConfirm))) <= 1
            sends = min(sends + 1, confirmations.MAX_SENDS)
            assert ("unterwegs" in again.text) == (age < 3 * VALID_FOR)
            confirmations.ask(uow, shop_id, 0)
            client.post(link, data={"do": "resend"})
            confirmations.ask(uow, shop_id, 0)
            assert len(channel.messages) == sends
    fresh = link_in(channel)
    with time_machine.travel(start + 2 * VALID_FOR + timedelta(hours=2), tick=False):
        client.post(fresh, data={"do": "confirm"})
    assert state_of(uow, asked) == ("subscribed", "confirmed_opt_in")


def test_a_server_that_is_away_is_asked_later_and_who_does_not_wait_any_more_never(
    uow: UnitOfWork, session: Session, shop: Shop, asked: Customer, channel: CaptureChannel
) -> None:
    shop_id, start = ShopId(shop.id), utcnow()
    story = Story(session, shop)
    for email, state in (
        ("out@example.com", "pending"),
        ("in@example.com", "subscribed"),
        ("no address", "pending"),
    ):
        customer = story.customer(email=email, email_state=state)
        session.add(OptInRequest(shop_id=shop.id, customer_id=customer.id, due_at=start))
    messaging.suppress(session, shop_id, ["out@example.com"], reason="complaint", source="a test")
    session.commit()
    channel.available = False
    assert confirmations.ask(uow, shop_id, 0) == 0
    channel.available = True
    assert confirmations.ask(uow, shop_id, 0) == 0
    with time_machine.travel(start + confirmations.AGAIN + timedelta(minutes=1), tick=False):
        assert confirmations.ask(uow, shop_id, 0) == 1
        assert confirmations.ask(uow, shop_id, 0) == 0
    assert [message.rcpt_to for message in channel.messages] == ["Ada@example.com"]
    with uow() as session:
        rows = session.execute(select(OptInRequest.due_at, OptInRequest.sends)).all()
    assert sorted((due is None, sends) for due, sends in rows) == [(True, 0), (True, 0), (True, 0), (True, 1)]


def test_it_is_off_until_a_shop_with_a_sender_turns_it_on(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    client.headers.update(signed_in)
    assert client.get("/api/v1/settings").json()["double_opt_in"] is False
    refused = client.put("/api/v1/settings/double-opt-in", json={"enabled": True})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "sender_missing")
    with platform_session() as session:
        scopes = {"scopes": ["read_customers", "write_customers"]}
        session.execute(update(Shop).where(Shop.id == shop.id).values(scopes))
    seen = upload(client, {}, f"{TITLES}\nada@example.com".encode()).json()
    body = MAPPING | {"confirm": True}
    path = f"{IMPORTS}/{seen['id']}"
    start = client.post(f"{path}/start", json=body)
    assert (start.status_code, start.json()["errors"][0]["code"]) == (422, "double_opt_in_off")
    assert client.get(path).json()["state"] == "uploaded"
    client.put("/api/v1/settings/sender", json={"name": "Acme", "email": "news@acme.example"})
    on = client.put("/api/v1/settings/double-opt-in", json={"enabled": True})
    assert (on.status_code, on.json()["double_opt_in"]) == (200, True)
    assert client.post(f"{path}/start", json=body).status_code == 202
