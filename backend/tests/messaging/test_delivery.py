"""Which way a shop's mail goes: its own channels in their order, or the installation's servers; kept, and renewed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.kit.errors import Invalid
from storecast.kit.sealing import Sealer
from storecast.kit.types import ShopId
from storecast.messaging import delivery, sending_channels, sending_domains
from storecast.messaging.channels.protocol import ChannelUnavailable, Verdict
from storecast.messaging.errors import TooManySendingChannels
from storecast.messaging.models import SendingChannel
from storecast.messaging.sending_channels_schemas import ChannelInput
from storecast.shops.models import Shop
from tests.conftest import environment
from tests.contracts.provider_servers import MAILGUN_DOMAIN, SECRET, ProviderServer, providing
from tests.contracts.smtp_server import SmtpServer, serving
from tests.messaging.fake_resolver import FakeResolver
from tests.messaging.test_compose import DATE, ZOE, variant

UnitOfWork = Callable[[], AbstractContextManager[Session]]
RELAY = {"kind": "smtp", "title": "Relay", "config": {"host": "smtp.acme.example"}}


@pytest.fixture
def shop_id(shop: Shop) -> Iterator[ShopId]:
    yield ShopId(shop.id)
    delivery.close_all()


@pytest.fixture
def uow(shop_id: ShopId) -> UnitOfWork:
    return partial(tenant_session, shop_id)


def add(uow: UnitOfWork, shop_id: ShopId, **given: Any) -> str:
    with uow() as session:
        row = sending_channels.add(session, shop_id, ChannelInput.model_validate(given), actor="user:7")
        return row.public_id


def local(port: int, title: str = "Relay", **more: Any) -> dict[str, Any]:
    config = {"host": "127.0.0.1", "port": port, "security": "none"}
    return {"kind": "smtp", "title": title, "config": config, "connections": 1, **more}


def send(uow: UnitOfWork, shop_id: ShopId) -> Verdict:
    message = variant().prepare(ZOE, date=DATE)
    (outcome,) = delivery.channel(uow, shop_id).send([message])
    return outcome.verdict


def test_without_channels_the_installation_carries_it(uow: UnitOfWork, shop_id: ShopId) -> None:
    with (
        serving(SmtpServer()) as server,
        environment({"STORECAST_SMTP_URL": f"{server.url}?per_second=1000"}),
    ):
        assert send(uow, shop_id) is Verdict.ACCEPTED
        kept = delivery.channel(uow, shop_id)
        assert delivery.channel(uow, shop_id) is kept
        delivery.close_all()
    assert len(server.messages) == 1


def test_a_shop_sends_through_its_own_and_fails_over(uow: UnitOfWork, shop_id: ShopId) -> None:
    with serving(SmtpServer()) as first, serving(SmtpServer()) as second:
        add(uow, shop_id, **local(first.port, "First"))
        channel = delivery.channel(uow, shop_id)
        assert send(uow, shop_id) is Verdict.ACCEPTED
        assert (len(first.messages), first.connections) == (1, 1)

        add(uow, shop_id, **local(second.port, "Second"))
        assert delivery.channel(uow, shop_id) is not channel
        first.script = lambda verb, _line: "421 4.3.2 closing" if verb in {"GREETING", "MAIL"} else None
        assert send(uow, shop_id) in {Verdict.ACCEPTED, Verdict.TEMPORARY}
        assert send(uow, shop_id) is Verdict.ACCEPTED
        assert second.messages
        delivery.close_all()
    # The neighbour's mail never goes there: they have the installation's.


def test_mail_is_signed_from_the_moment_that_the_keys_are_found(uow: UnitOfWork, shop_id: ShopId) -> None:
    with serving(SmtpServer()) as server:
        add(uow, shop_id, **local(server.port))
        assert send(uow, shop_id) is Verdict.ACCEPTED
        with uow() as session:
            row = sending_domains.add(session, shop_id, "acme.example", actor="user:7")
            records = sending_domains.records(row, sending_domains.keys(session, row))
        resolver = FakeResolver({record.name: [record.value] for record in records})
        sending_domains.check(uow, shop_id, row.public_id, resolver)
        assert send(uow, shop_id) is Verdict.ACCEPTED
        delivery.close_all()
    unsigned, signed = (message.data for message in server.messages)
    assert unsigned.count(b"DKIM-Signature") == 0
    assert signed.count(b"DKIM-Signature: v=1; ") == 2


@pytest.mark.parametrize(
    ("kind", "config"), [("mailgun", {"domain": MAILGUN_DOMAIN}), ("sendgrid", {}), ("postmark", {})]
)
def test_a_provider_is_reached_with_the_sealed_key(
    uow: UnitOfWork, shop_id: ShopId, kind: str, config: dict[str, str]
) -> None:
    with providing(ProviderServer(kind)) as server, environment({"STORECAST_PROVIDER_ORIGIN": server.url}):
        add(uow, shop_id, kind=kind, title="Provider", config=config, secret=SECRET)
        assert send(uow, shop_id) is Verdict.ACCEPTED
        delivery.close_all()
    assert [taken.rcpt_to for taken in server.messages] == ["zoe@example.com"]


def test_credentials_that_do_not_open_send_nothing(uow: UnitOfWork, shop_id: ShopId) -> None:
    with serving(SmtpServer()) as installation, environment({"STORECAST_SMTP_URL": installation.url}):
        channel_id = add(uow, shop_id, kind="postmark", title="Postmark", secret=SECRET)
        with uow() as session:
            row = sending_channels.get(session, shop_id, channel_id)
            row.secret = Sealer(["a key that is gone"], SendingChannel.sealed.purpose).seal(shop_id, SECRET)
        with pytest.raises(ChannelUnavailable, match="do not open"):
            send(uow, shop_id)
    assert installation.messages == []


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({"kind": "smtp", "config": {"host": "no host"}}, ["/config/host"]),
        ({"kind": "smtp", "config": {"host": "a.example", "username": "u"}}, ["/secret"]),
        ({"kind": "ses", "config": {"region": "moon"}, "secret": "x"}, ["/config/username", "/config/region"]),
        ({"kind": "mailgun", "config": {"domain": "x"}}, ["/secret", "/config/domain"]),
        ({"kind": "mailgun", "config": {"domain": "a.example", "region": "x"}, "secret": "x"}, ["/config/region"]),
        ({"kind": "sendgrid"}, ["/secret"]),
        ({"kind": "postmark", "config": {"stream": "No!"}, "secret": "x"}, ["/config/stream"]),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_by_field(
    uow: UnitOfWork, shop_id: ShopId, given: dict[str, Any], pointers: list[str]
) -> None:
    with uow() as session, pytest.raises(Invalid) as refused:
        sending_channels.add(
            session, shop_id, ChannelInput.model_validate({"title": "x", **given}), actor="user:7"
        )
    assert [error.pointer for error in refused.value.errors] == pointers
    with uow() as session:
        assert sending_channels.list_all(session, shop_id) == []


def test_in_production_a_server_is_a_public_one_and_a_password_needs_tls(
    uow: UnitOfWork, shop_id: ShopId
) -> None:
    config = {"host": "127.0.0.1", "username": "u", "security": "none"}
    given = {"kind": "smtp", "title": "x", "secret": "p", "config": config}
    production = {
        "STORECAST_ENVIRONMENT": "production",
        "APP_SECRET_KEY": "k" * 40,
        "SESSION_SECRET_KEY": "s" * 40,
        "SHOPIFY_API_SECRET": "a" * 40,
        "SHOPIFY_APP_URL": "https://app.example",
    }
    with environment(production), uow() as session, pytest.raises(Invalid) as refused:
        sending_channels.add(session, shop_id, ChannelInput.model_validate(given), actor="user:7")
    assert [error.code for error in refused.value.errors] == ["host_invalid", "password_needs_tls"]


def test_a_stored_password_is_never_sent_to_another_server(uow: UnitOfWork, shop_id: ShopId) -> None:
    given = {**RELAY, "config": {"host": "smtp.acme.example", "username": "news"}}
    channel_id = add(uow, shop_id, **given, secret="p")
    moved = ChannelInput.model_validate({**given, "config": {"host": "evil.example", "username": "news"}})
    with uow() as session, pytest.raises(Invalid) as refused:
        sending_channels.replace(session, shop_id, channel_id, moved, actor="user:7")
    assert [error.code for error in refused.value.errors] == ["secret_needed"]
    renamed = ChannelInput.model_validate({**given, "title": "New name"})
    with uow() as session:
        row = sending_channels.replace(session, shop_id, channel_id, renamed, actor="user:7")
        assert (row.title, delivery.outlet(shop_id, row).secret) == ("New name", "p")


def test_the_number_of_channels_is_limited(uow: UnitOfWork, shop_id: ShopId) -> None:
    for number in range(sending_channels.MAX_CHANNELS):
        add(uow, shop_id, **RELAY | {"title": str(number)})
    with uow() as session, pytest.raises(TooManySendingChannels):
        sending_channels.add(session, shop_id, ChannelInput.model_validate(RELAY), actor="user:7")


def test_the_api_keeps_secrets_orders_and_tests(
    client: TestClient, signed_in: dict[str, str], uow: UnitOfWork, shop_id: ShopId
) -> None:
    client.headers.update(signed_in)
    path = "/api/v1/sending/channels"
    assert client.get(path).json() == {"channels": [], "installation_servers": 1, "in_use": "installation"}
    first = client.post(path, json={"kind": "postmark", "title": "P", "secret": SECRET}).json()
    second = client.post(path, json=local(1, "Dead")).json()
    assert SECRET not in client.get(path).text
    assert (first["has_secret"], first["signs_itself"], second["has_secret"]) == (True, True, False)

    assert client.put(f"{path}/order", json={"ids": [second["id"]]}).status_code == 422
    ordered = client.put(f"{path}/order", json={"ids": [second["id"], first["id"]]}).json()
    assert [each["id"] for each in ordered["channels"]] == [second["id"], first["id"]]

    with (
        providing(ProviderServer("postmark")) as server,
        environment({"STORECAST_PROVIDER_ORIGIN": server.url}),
    ):
        tested = client.post(f"{path}/{first['id']}/test").json()
        assert (tested["error"], server.messages) == (None, [])
        assert tested["tested_at"]
    assert "cannot be reached" in client.post(f"{path}/{second['id']}/test").json()["error"]
    assert client.delete(f"{path}/{second['id']}").status_code == 204
    with uow() as session:
        (row,) = session.scalars(select(SendingChannel))
        assert row.secret is not None
        assert SECRET.encode() not in row.secret
