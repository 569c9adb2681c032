"""What the send gate makes of a sender, and that a shop that lacks one cannot send where it matters."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.campaigns import contact_policy, drafts, readiness, reading, sending, service
from storecast.campaigns.contact_policy_schemas import ContactPolicyInput
from storecast.campaigns.errors import NotReady
from storecast.campaigns.gate import BULK_RECIPIENTS, exclusions, judge, returns
from storecast.campaigns.jobs import SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.return_rates import Returned
from storecast.campaigns.schemas import Audience, Exclusion, Level
from storecast.customers.models import Customer
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import preferences_repository, sending_domains
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.compose import Content
from storecast.messaging.models import MessageReturn
from storecast.messaging.sending_domains import SenderStanding
from storecast.shops.models import Shop
from tests.campaigns.conftest import HTML, AddCustomers, UnitOfWork
from tests.conftest import environment, id_token
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


# What became of the last mail, and who is left out or has to wait.


def rates(accepted: int, bounced: int, complained: int, **options: bool) -> list[tuple[str, Level]]:
    found = returns(
        Returned(accepted, bounced, complained), transactional=options.get("transactional", False)
    )
    return [(check.code, check.level) for check in found]


@pytest.mark.parametrize(
    ("accepted", "bounced", "complained", "expected"),
    [
        # Up to half of 0.3 % and 5 % nobody minds, up to the whole it is asked about, above it the sending waits.
        (2_000, 50, 3, ("ok", "ok")),
        (1_999, 50, 3, ("ask", "ask")),
        (1_000, 50, 3, ("ask", "ask")),
        (999, 50, 3, ("stop", "stop")),
        # Two complaints or nineteen bounces say nothing, however few messages there were.
        (10, 19, 2, ("ok", "ok")),
        (0, 20, 3, ("stop", "stop")),
    ],
)
def test_what_came_back_lately(
    accepted: int, bounced: int, complained: int, expected: tuple[Level, Level]
) -> None:
    codes = ("complaint_rate", "bounce_rate")
    assert rates(accepted, bounced, complained) == list(zip(codes, expected, strict=True))
    milder = ["ask" if level == "stop" else level for level in expected]
    urgent = rates(accepted, bounced, complained, transactional=True)
    assert urgent == list(zip(codes, milder, strict=True))


def test_the_rate_says_what_it_is_of() -> None:
    complaints, bounces = returns(Returned(3_000, 5, 10), transactional=False)
    assert complaints.facts == {
        "returned": 10, "window_days": 30, "messages": 3_000, "percent": 0.33, "limit_percent": 0.3,
    }  # fmt: skip
    assert bounces.facts == {"returned": 5, "window_days": 30}


@pytest.mark.parametrize(("excluded", "level"), [(0, "ok"), (4, "ok"), (5, "ask")])
def test_more_than_a_third_left_out_is_asked_about(excluded: int, level: Level) -> None:
    told = [Exclusion(reason="not_subscribed", count=excluded)] if excluded else []
    check = exclusions(Audience(members=12, recipients=12 - excluded, exclusions=told))
    reasons = {"not_subscribed": excluded} if excluded else {}
    percent = {0: 0, 4: 33, 5: 42}[excluded]
    assert (check.level, check.facts) == (
        level, {"members": 12, "excluded": excluded, "percent": percent, "reasons": reasons},
    )  # fmt: skip


def test_the_gate_counts_what_came_back_of_the_last_thirty_days(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, frozen: Campaign
) -> None:
    def returned(session: Session) -> dict[str, Level]:
        checks = readiness.gate(session, shop_id, reading.get(session, shop_id, campaign_id)).checks
        return {check.code: check.level for check in checks if check.code.endswith("_rate")}

    with uow() as session:
        session.execute(update(MessageDelivery).values(state="accepted", accepted_at=utcnow()))
        rows = list(session.scalars(select(MessageDelivery).order_by(MessageDelivery.id)))
        for number, row in enumerate(rows[:2]):
            session.add(came_back(row, "complaint", number))
        # The same person's second complaint about the same message is no third one.
        session.add(came_back(rows[0], "complaint", 90))
        session.flush()
        assert returned(session) == {"complaint_rate": "ok", "bounce_rate": "ok"}
        session.add(came_back(rows[2], "complaint", 3))
        session.flush()
        assert returned(session) == {"complaint_rate": "stop", "bounce_rate": "ok"}
        draft = drafts.duplicate(session, shop_id, campaign_id, actor="user:7").public_id
    with pytest.raises(NotReady) as refused, uow() as session:
        service.send(session, shop_id, draft, scheduled_at=None, confirm_recipients=None, actor="user:7")
    (check,) = refused.value.facts["checks"]
    assert (check["code"], check["facts"]["returned"], check["facts"]["messages"]) == (
        "complaint_rate",
        3,
        12,
    )
    with time_machine.travel(utcnow() + timedelta(days=31)), uow() as session:
        assert returned(session) == {"complaint_rate": "ok", "bounce_rate": "ok"}


def came_back(row: MessageDelivery, verdict: str, number: int) -> MessageReturn:
    return MessageReturn(
        shop_id=row.shop_id, event_key=str(number).encode(), campaign_id=row.campaign_id, delivery_id=row.id,
        customer_id=row.customer_id, email_digest=b"x", verdict=verdict, reply="", source="mail",
        occurred_at=utcnow(),
    )  # fmt: skip


def test_who_would_have_to_wait_is_counted_as_the_claim_would(
    client: TestClient,
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
) -> None:
    """Twelve people: three asleep, four who had enough, two of their own choosing, one for longer than it waits."""
    people = add_customers(12)
    now = datetime(2027, 2, 10, 12, 0, tzinfo=UTC)
    url = f"/api/v1/campaigns/{campaign_id}/gate/live"

    def waiting() -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {id_token('acme.myshopify.com')}"}
        checks = client.get(url, headers=headers).json()
        return next(({**each} for each in checks if each["code"] == "waits"), None)

    with time_machine.travel(now, tick=False):
        assert waiting() is None
        with uow() as session:
            session.execute(update(Shop).where(Shop.id == shop_id).values(timezone="UTC"))
            session.execute(update(Customer).where(Customer.id.in_(people[:3])).values(country="JP"))
            other = drafts.duplicate(session, shop_id, campaign_id, actor="user:7")
            urgent = drafts.duplicate(session, shop_id, campaign_id, actor="user:7")
            urgent.priority = "transactional"
            for customer_id, days_ago, campaign in (
                # The first is asleep as well: the cap is the longer wait, and comes first at the claim too.
                *((customer_id, 1, other) for customer_id in (people[0], *people[3:6])),
                (people[6], 8, other),
                (people[7], 1, urgent),
                (people[8], 5, other),
                (people[9], 20, other),
                (people[10], 25, other),
            ):
                at = now - timedelta(days=days_ago)
                session.add(
                    MessageDelivery(
                        shop_id=shop_id, campaign_id=campaign.id, customer_id=customer_id, frozen_at=at,
                        email="x@example.com", state="accepted", accepted_at=at,
                    )
                )  # fmt: skip
            for customer_id, frequency in (
                (people[8], "weekly"),
                (people[9], "monthly"),
                (people[10], "monthly"),
            ):
                preferences_repository.put(
                    session, shop_id, customer_id,
                    frequency=frequency, paused_until=None, opted_out_topics=[], at=now,
                )  # fmt: skip
            session.flush()
        # Without a policy of the shop only what people chose for themselves counts.
        assert waiting() == {
            "code": "waits",
            "level": "ok",
            "facts": {
                "recipients": 12, "waiting": 3, "reasons": {"own_frequency": 2, "policy_expired": 1},
            },
        }  # fmt: skip
        with uow() as session:
            given = {
                "frequency_cap": {"messages": 1, "days": 2},
                "quiet_hours": {"begins": "21:00", "ends": "08:00"},
            }
            contact_policy.change(session, shop_id, ContactPolicyInput.model_validate(given), actor="user:7")
        assert waiting() == {
            "code": "waits",
            "level": "ask",
            "facts": {
                "recipients": 12,
                "waiting": 9,
                "reasons": {
                    "frequency_cap": 4, "own_frequency": 2, "quiet_hours": 2, "policy_expired": 1,
                },
            },
        }  # fmt: skip
        with uow() as session:
            reading.get(session, shop_id, campaign_id).priority = "transactional"
        assert waiting() is None
        with uow() as session:
            campaign = reading.get(session, shop_id, campaign_id)
            campaign.priority = "campaign"
        # What is done is what was foretold; who is given up only time can tell, and the sleeper's cap waits its turn.
        with uow() as session:
            service.send(
                session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=None, actor="user:7"
            )
        with uow() as session:
            service.freeze(session, shop_id, campaign.id)
        sending.send_slice(
            uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=CaptureChannel(),
            progress=lambda _done, _total, _note: None,
        )  # fmt: skip
        with uow() as session:
            mine = select(MessageDelivery).where(
                MessageDelivery.campaign_id == campaign.id, MessageDelivery.state == "pending"
            )
            held = Counter(row.reason for row in session.scalars(mine))
    assert held == {"frequency_cap": 3, "own_frequency": 3, "quiet_hours": 3}
