"""The life of a sending domain, in front of DNS as it may be."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Invalid
from storecast.kit.types import ShopId
from storecast.messaging import sending_domains
from storecast.messaging.dkim import DkimSigner
from storecast.messaging.errors import (
    RotationUnderWay,
    SendingDomainTaken,
    SendingDomainUnknown,
    TooManySendingDomains,
)
from storecast.messaging.models import DkimKeyPair, SendingDomain
from storecast.shops.models import Shop
from tests.conftest import environment
from tests.messaging.dns_server import NameServer, naming
from tests.messaging.fake_resolver import FakeResolver

UnitOfWork = Callable[[], AbstractContextManager[Session]]
DOMAIN = "mail.acme.example"


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


@pytest.fixture
def uow(shop_id: ShopId) -> UnitOfWork:
    return partial(tenant_session, shop_id)


@pytest.fixture
def domain_id(uow: UnitOfWork, shop_id: ShopId) -> str:
    with uow() as session:
        return sending_domains.add(session, shop_id, DOMAIN, actor="user:7").public_id


def published(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str, *, numbers: set[int] | None = None
) -> FakeResolver:
    """DNS after somebody published everything that the page asked for."""
    with uow() as session:
        row = sending_domains.get(session, shop_id, domain_id)
        pairs = [
            pair for pair in sending_domains.keys(session, row) if numbers is None or pair.number in numbers
        ]
        records = sending_domains.records(row, pairs)
    return FakeResolver({record.name: [record.value] for record in records})


def read(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> tuple[SendingDomain, dict[int, str]]:
    with uow() as session:
        row = sending_domains.get(session, shop_id, domain_id)
        return row, {pair.number: pair.state for pair in sending_domains.keys(session, row)}


def findings(row: SendingDomain) -> dict[str, str]:
    return {str(each["code"]): str(each["state"]) for each in row.checks if isinstance(each, dict)}


def test_a_domain_is_verified_by_its_keys(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    row, pairs = read(uow, shop_id, domain_id)
    assert (row.state, row.checked_at, pairs) == ("unverified", None, {1: "pending"})

    sending_domains.check(uow, shop_id, domain_id, FakeResolver())
    row, pairs = read(uow, shop_id, domain_id)
    assert (row.state, pairs) == ("unverified", {1: "pending"})
    assert findings(row) == dict.fromkeys(("dkim_rsa", "dkim_ed25519", "spf", "dmarc"), "missing")
    with uow() as session:
        assert sending_domains.signing_keys(session, shop_id) == {}

    sending_domains.check(uow, shop_id, domain_id, published(uow, shop_id, domain_id))
    row, pairs = read(uow, shop_id, domain_id)
    assert (row.state, pairs, row.dmarc_policy) == ("verified", {1: "active"}, "none")
    assert findings(row) == dict.fromkeys(("dkim_rsa", "dkim_ed25519", "spf", "dmarc"), "ok")
    with uow() as session:
        keys = sending_domains.signing_keys(session, shop_id)
        assert [(key.selector, key.algorithm) for key in keys[DOMAIN]] == [
            ("sc1r", "rsa-sha256"),
            ("sc1e", "ed25519-sha256"),
        ]
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["sending_domain_added", "sending_domain_verified"]
    assert (
        DkimSigner(keys[DOMAIN]).sign(b"From: a@mail.acme.example\r\n\r\nx", at=1).count(b"d=mail.acme.") == 2
    )


def test_records_have_no_pct_and_name_the_relay(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    with environment({"STORECAST_SPF_INCLUDE": "spf.relay.example"}), uow() as session:
        row = sending_domains.get(session, shop_id, domain_id)
        records = {
            record.purpose: record
            for record in sending_domains.records(row, sending_domains.keys(session, row))
        }
    assert (records["dmarc"].name, records["dmarc"].value) == (f"_dmarc.{DOMAIN}", "v=DMARC1; p=none")
    assert records["spf"].value == "v=spf1 include:spf.relay.example ~all"
    assert records["dkim_rsa"].name == f"sc1r._domainkey.{DOMAIN}"
    assert records["dkim_rsa"].value.startswith("v=DKIM1; k=rsa; p=MII")
    assert (records["dkim_ed25519"].optional, records["dkim_rsa"].optional) == (True, False)


def test_without_the_second_key_the_first_signs_alone(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str
) -> None:
    resolver = published(uow, shop_id, domain_id)
    del resolver.texts[f"sc1e._domainkey.{DOMAIN}"]
    sending_domains.check(uow, shop_id, domain_id, resolver)
    with uow() as session:
        assert [key.selector for key in sending_domains.signing_keys(session, shop_id)[DOMAIN]] == ["sc1r"]


def test_a_key_that_vanishes_is_told_and_one_that_cannot_be_asked_for_is_not(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str
) -> None:
    resolver = published(uow, shop_id, domain_id)
    sending_domains.check(uow, shop_id, domain_id, resolver)

    resolver.failing = {*resolver.texts, "_dmarc.acme.example"}
    sending_domains.check(uow, shop_id, domain_id, resolver)
    row, _pairs = read(uow, shop_id, domain_id)
    assert (row.state, row.dmarc_policy) == ("verified", "none")
    assert set(findings(row).values()) == {"unknown"}
    with uow() as session:
        assert len(sending_domains.signing_keys(session, shop_id)[DOMAIN]) == 2

    sending_domains.check(uow, shop_id, domain_id, FakeResolver())
    row, _pairs = read(uow, shop_id, domain_id)
    assert row.state == "failing"

    resolver.failing = set()
    sending_domains.check(uow, shop_id, domain_id, resolver)
    assert read(uow, shop_id, domain_id)[0].state == "verified"


@pytest.mark.parametrize(
    ("texts", "problem"),
    [(["v=DKIM1; k=rsa; p=AAAA"], "other_key"), (["v=DKIM1; p=A", "v=DKIM1; p=B"], "several")],
)
def test_another_key_is_wrong(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str, texts: list[str], problem: str
) -> None:
    resolver = FakeResolver({f"sc1r._domainkey.{DOMAIN}": texts})
    sending_domains.check(uow, shop_id, domain_id, resolver)
    row, _pairs = read(uow, shop_id, domain_id)
    found = next(each for each in row.checks if isinstance(each, dict) and each["code"] == "dkim_rsa")
    assert (found["state"], found["problem"], found["found"]) == ("wrong", problem, texts)
    assert row.state == "unverified"


def test_new_keys_take_over_when_they_are_found(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    sending_domains.check(uow, shop_id, domain_id, published(uow, shop_id, domain_id))
    with uow() as session:
        sending_domains.rotate(session, shop_id, domain_id, actor="user:7")
    with uow() as session, pytest.raises(RotationUnderWay):
        sending_domains.rotate(session, shop_id, domain_id, actor="user:7")

    # Only the old keys are published: they sign on.
    sending_domains.check(uow, shop_id, domain_id, published(uow, shop_id, domain_id, numbers={1}))
    row, pairs = read(uow, shop_id, domain_id)
    assert (row.state, pairs) == ("verified", {2: "pending", 1: "active"})

    both = published(uow, shop_id, domain_id)
    sending_domains.check(uow, shop_id, domain_id, both)
    row, pairs = read(uow, shop_id, domain_id)
    assert (row.state, pairs) == ("verified", {2: "active", 1: "retiring"})
    with uow() as session:
        assert [key.selector for key in sending_domains.signing_keys(session, shop_id)[DOMAIN]] == [
            "sc2r",
            "sc2e",
        ]

    sending_domains.check_all(uow, shop_id, both)
    assert read(uow, shop_id, domain_id)[1] == {2: "active", 1: "retiring"}
    with time_machine.travel(utcnow() + sending_domains.OVERLAP + timedelta(minutes=1), tick=False):
        sending_domains.check_all(uow, shop_id, both)
    assert read(uow, shop_id, domain_id)[1] == {2: "active"}


@pytest.mark.parametrize(
    "name", ["", "localhost", "a b.example", "-a.example", "x" * 64 + ".example", "http://a.b", "10.0.0.1"]
)
def test_what_is_no_domain_is_refused(uow: UnitOfWork, shop_id: ShopId, name: str) -> None:
    with uow() as session, pytest.raises(Invalid) as refused:
        sending_domains.add(session, shop_id, name, actor="user:7")
    assert [(each.pointer, each.code) for each in refused.value.errors] == [("/domain", "domain_invalid")]
    with uow() as session:
        assert sending_domains.list_all(session, shop_id) == []


def test_a_domain_is_there_once_and_not_without_end(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str, other_shop: Shop
) -> None:
    with uow() as session, pytest.raises(SendingDomainTaken):
        sending_domains.add(session, shop_id, DOMAIN.upper() + ".", actor="user:7")
    # Another store may have it too, with keys of its own.
    with tenant_session(ShopId(other_shop.id)) as session:
        sending_domains.add(session, ShopId(other_shop.id), DOMAIN, actor="user:7")
        assert len(sending_domains.list_all(session, ShopId(other_shop.id))) == 1
    with uow() as session:
        session.add_all(
            SendingDomain(shop_id=shop_id, public_id=f"dom_{n}", domain=f"d{n}.example")
            for n in range(sending_domains.MAX_DOMAINS - 1)
        )
    with uow() as session, pytest.raises(TooManySendingDomains):
        sending_domains.add(session, shop_id, "one-more.example", actor="user:7")


def test_removing_forgets_the_keys(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    sending_domains.check(uow, shop_id, domain_id, published(uow, shop_id, domain_id))
    with uow() as session:
        sending_domains.remove(session, shop_id, domain_id, actor="user:7")
    with uow() as session:
        assert list(session.scalars(select(DkimKeyPair))) == []
        with pytest.raises(SendingDomainUnknown):
            sending_domains.get(session, shop_id, domain_id)


def test_private_keys_lie_sealed_for_their_shop(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    with uow() as session:
        pair = session.scalars(select(DkimKeyPair)).one()
        assert b"PRIVATE" not in pair.rsa_private + pair.ed25519_private
        assert "PRIVATE KEY" in sending_domains.sealer().open(shop_id, pair.rsa_private)
        with pytest.raises(ValueError, match="another shop"):
            sending_domains.sealer().open(shop_id + 1, pair.rsa_private)


@pytest.mark.parametrize(
    ("author", "domain", "aligned"),
    [
        (f"news@{DOMAIN}", DOMAIN, True),
        (f"news@eu.{DOMAIN}", DOMAIN, True),
        ("news@acme.example", None, False),
        (f"news@not{DOMAIN}", None, False),
    ],
)
def test_which_domain_speaks_for_an_address(
    uow: UnitOfWork, shop_id: ShopId, domain_id: str, author: str, domain: str | None, aligned: bool
) -> None:
    with uow() as session:
        standing = sending_domains.standing(session, shop_id, author)
    assert (standing.domain, standing.aligned) == (domain, aligned)


def test_a_strict_policy_lets_no_subdomain_speak(uow: UnitOfWork, shop_id: ShopId, domain_id: str) -> None:
    resolver = published(uow, shop_id, domain_id)
    resolver.texts[f"_dmarc.{DOMAIN}"] = ["v=DMARC1; p=reject; adkim=s"]
    sending_domains.check(uow, shop_id, domain_id, resolver)
    with uow() as session:
        assert sending_domains.standing(session, shop_id, f"a@{DOMAIN}").aligned
        assert not sending_domains.standing(session, shop_id, f"a@eu.{DOMAIN}").aligned


def test_the_api_from_adding_to_removing(client: TestClient, signed_in: dict[str, str]) -> None:
    client.headers.update(signed_in)
    added = client.post("/api/v1/sending/domains", json={"domain": DOMAIN})
    assert added.status_code == 201
    body = added.json()
    assert (body["state"], body["checks"], body["rotating"]) == ("unverified", [], False)
    texts = {record["name"]: [record["value"]] for record in body["records"]}
    with naming(NameServer(texts)) as server, environment({"STORECAST_DNS_SERVERS": server.address}):
        verified = client.post(f"/api/v1/sending/domains/{body['id']}/verify").json()
    assert verified["state"] == "verified"
    assert {check["code"]: check["state"] for check in verified["checks"]} == dict.fromkeys(
        ("dkim_rsa", "dkim_ed25519", "spf", "dmarc"), "ok"
    )
    rotated = client.post(f"/api/v1/sending/domains/{body['id']}/rotate").json()
    assert rotated["rotating"] is True
    assert [record["key_state"] for record in rotated["records"]] == ["pending"] * 2 + ["active"] * 2 + [
        None
    ] * 2
    assert "PRIVATE" not in client.get("/api/v1/sending/domains").text
    assert client.delete(f"/api/v1/sending/domains/{body['id']}").status_code == 204
    assert client.get("/api/v1/sending/domains").json() == []
