"""What the send gate makes of a sender, and that a shop that lacks one cannot send where it matters."""

from dataclasses import replace
from typing import Any

import pytest

from storecast.campaigns import readiness, reading, service
from storecast.campaigns.errors import NotReady
from storecast.campaigns.gate import BULK_RECIPIENTS, judge
from storecast.campaigns.schemas import Audience, Level
from storecast.kit.types import ShopId
from storecast.messaging import sending_domains
from storecast.messaging.compose import Content
from storecast.messaging.sending_domains import SenderStanding
from tests.campaigns.conftest import HTML, AddCustomers, UnitOfWork
from tests.conftest import environment
from tests.messaging.fake_resolver import FakeResolver

CONTENT = Content("Hi", "Now", HTML, "Acme", "news@acme.example", "")


def finding(state: str, problem: str | None = None) -> dict[str, object]:
    return {"state": state, "name": "x", "problem": problem, "found": ()}


GOOD = SenderStanding(
    author="acme.example",
    domain="acme.example",
    state="verified",
    findings={"dkim_rsa": finding("ok"), "spf": finding("ok"), "dmarc": finding("ok")},
    aligned=True,
    dmarc_policy="none",
    checked_at=None,
)
CODES = ("sender_domain", "spf", "dkim", "dmarc", "alignment", "unsubscribe_signed")


def levels(sender: SenderStanding | None, *, recipients: int = 10, strict: bool = True) -> dict[str, Level]:
    checks = judge(
        CONTENT,
        has_segment=True,
        audience=Audience(members=recipients, recipients=recipients, exclusions=[]),
        lacking={},
        urls=[],
        sender=sender,
        strictness="stop" if strict else "ask",
    )
    return {check.code: check.level for check in checks if check.code in CODES}


def test_a_sender_in_order() -> None:
    assert levels(GOOD) == dict.fromkeys(CODES, "ok")


@pytest.mark.parametrize(
    ("changes", "recipients", "expected"),
    [
        ({"domain": None}, 10, {"sender_domain": "stop"}),
        ({"state": "unverified"}, 10, {"sender_domain": "stop"}),
        ({"findings": GOOD.findings | {"spf": finding("missing")}}, 10, {"spf": "ask"}),
        ({"findings": GOOD.findings | {"dkim_rsa": finding("missing")}}, 10, {"dkim": "stop"}),
        ({"dmarc_policy": None}, 10, {"dmarc": "ask"}),
        ({"dmarc_policy": None}, BULK_RECIPIENTS, {"dmarc": "stop"}),
        ({"aligned": False}, 10, {"alignment": "stop"}),
        # Somebody else's signature is not known here.
        (
            {"signed_by": "provider", "provider": "postmark", "findings": {"spf": finding("ok")}},
            10,
            {"unsubscribe_signed": "ask"},
        ),
    ],
)
def test_what_is_wrong_with_a_sender(
    changes: dict[str, Any], recipients: int, expected: dict[str, Level]
) -> None:
    found = levels(replace(GOOD, **changes), recipients=recipients)
    if expected == {"sender_domain": "stop"}:
        assert found == expected
    else:
        assert found == dict.fromkeys(CODES, "ok") | expected
    milder = levels(replace(GOOD, **changes), recipients=recipients, strict=False)
    assert "stop" not in milder.values()


def test_where_nobody_minds_nothing_is_said() -> None:
    assert levels(None) == {}


def test_sending_waits_for_a_confirmed_domain_where_it_is_asked_for(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(3)

    def send() -> None:
        with uow() as session:
            service.send(
                session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=3, actor="user:7"
            )

    with environment({"STORECAST_SENDER_CHECKS": "stop"}):
        with pytest.raises(NotReady) as refused:
            send()
        assert [check["code"] for check in refused.value.facts["checks"]] == ["sender_domain"]
        with uow() as session:
            assert reading.get(session, shop_id, campaign_id).state == "draft"
            row = sending_domains.add(session, shop_id, "acme.example", actor="user:7")
            records = sending_domains.records(row, sending_domains.keys(session, row))
            domain_id = row.public_id
        resolver = FakeResolver({record.name: [record.value] for record in records})
        sending_domains.check(uow, shop_id, domain_id, resolver)
        send()
    with uow() as session:
        assert reading.get(session, shop_id, campaign_id).state == "sending"


def test_a_development_machine_sends_as_it_is(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(3)
    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        codes = {check.code for check in readiness.gate(session, shop_id, campaign).checks}
    assert not codes & set(CODES)
