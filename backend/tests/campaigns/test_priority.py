"""A transactional campaign: who may declare one, whom it reaches, what does not hold it, and what it says of itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from uuid import uuid4

import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.campaigns import contact_policy, drafts, reading, sending, service
from storecast.campaigns.contact_policy_schemas import ContactPolicyInput
from storecast.campaigns.jobs import SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.schemas import CampaignChanges, PriorityInput
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import preferences_repository, returned, topics
from storecast.messaging import service as messaging
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.returned import Reply
from storecast.messaging.topics_schemas import NewTopic
from storecast.shops.models import Shop
from tests.campaigns.conftest import AddCustomers, UnitOfWork
from tests.conftest import id_token

Ledger = Callable[[], list[MessageDelivery]]
NIGHT = datetime(2027, 2, 10, 23, 0, tzinfo=UTC)


def declare(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> None:
    with uow() as session:
        version = reading.get(session, shop_id, campaign_id).version
        given = PriorityInput(version=version, priority="transactional")
        drafts.set_priority(session, shop_id, campaign_id, given, actor="user:7")


def freeze(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> Campaign:
    with uow() as session:
        campaign = service.send(
            session,
            shop_id,
            campaign_id,
            scheduled_at=None,
            confirm_recipients=None,
            may_bypass_consent=True,
            actor="user:7",
        )
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
        return reading.get(session, shop_id, campaign_id)


def send(uow: UnitOfWork, shop_id: ShopId, campaign: Campaign, channel: CaptureChannel) -> None:
    sending.send_slice(
        uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
        progress=lambda _done, _total, _note: None,
    )  # fmt: skip


def test_only_who_manages_the_shop_declares_and_sends_one(
    client: TestClient, shop: Shop, uow: UnitOfWork, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(2)
    path = f"/api/v1/campaigns/{campaign_id}"
    owner = {"Authorization": f"Bearer {id_token(shop.domain)}"}
    marketer = {"Authorization": f"Bearer {id_token(shop.domain, user_id='9')}"}
    draft = client.get(path, headers=owner).json()
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id, shopify_user_id="9", email="m@acme.example", name="M", role="marketer",
                last_seen_at=utcnow(),
            )
        )  # fmt: skip
    wanted = {"version": draft["version"], "priority": "transactional"}

    def entries() -> list[tuple[str, dict[str, object]]]:
        with uow() as session:
            rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "campaign_priority_changed"))
            return [(row.subject, row.detail) for row in rows]

    assert draft["priority"] == "campaign"
    assert client.put(f"{path}/priority", json=wanted, headers=marketer).status_code == 403
    # Nor by the way of an edit, nor with a word that only flows have.
    edit = {"version": draft["version"], "priority": "transactional"}
    assert client.patch(path, json=edit, headers=marketer).status_code == 422
    flow = client.put(f"{path}/priority", json=wanted | {"priority": "flow"}, headers=owner)
    assert (flow.status_code, [each["pointer"] for each in flow.json()["errors"]]) == (422, ["/priority"])
    old = client.put(f"{path}/priority", json=wanted | {"version": 0}, headers=owner)
    assert (old.status_code, old.json()["code"]) == (409, "version_conflict")
    assert (client.get(path, headers=owner).json(), entries()) == (draft, [])

    declared = client.put(f"{path}/priority", json=wanted, headers=owner).json()
    assert (declared["priority"], declared["version"]) == ("transactional", draft["version"] + 1)
    detail = {"priority": "transactional", "before": "campaign"}
    assert entries() == [(campaign_id, detail)]
    again = client.put(f"{path}/priority", json=wanted | {"version": declared["version"]}, headers=owner)
    assert (again.json(), entries()) == (declared, [(campaign_id, detail)])
    # What was declared may have been rewritten since: who lets it go answers for it.
    refused = client.post(f"{path}/send", json={}, headers=marketer)
    assert (refused.status_code, refused.json()["code"]) == (403, "transactional_refused")
    assert client.get(path, headers=owner).json() == declared
    copy = client.post(f"{path}/duplicate", headers=marketer).json()
    assert copy["priority"] == "campaign"
    assert client.post(f"{path}/send", json={}, headers=owner).json()["state"] == "sending"


def test_it_reaches_who_never_subscribed_and_nobody_whose_address_is_dead_or_shut_out(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    subscribed, paused, off_topic = add_customers(3)
    strangers = add_customers(1, state="not_subscribed") + add_customers(1, state="unsubscribed")
    (left,) = add_customers(1, email="left@example.com", state="unsubscribed")
    no_email = add_customers(1, email=None)
    invalid = add_customers(1, state="invalid")
    shut_out = {
        reason: add_customers(1, email=f"{reason}@example.com")
        for reason in ("hard_bounce", "soft_bounces", "complaint", "manual", "bounced_then_left", "late")
    }
    with uow() as session:
        topic = topics.add(session, shop_id, NewTopic(name="Arrivals"), actor="user:7")
        for customer_id, until, opted_out in (
            (paused, utcnow() + timedelta(days=9), []),
            (off_topic, None, [topic.id]),
        ):
            preferences_repository.put(
                session, shop_id, customer_id,
                frequency="all", paused_until=until, opted_out_topics=opted_out, at=utcnow(),
            )  # fmt: skip
        for reason in ("hard_bounce", "soft_bounces", "complaint", "manual"):
            messaging.suppress(session, shop_id, [f"{reason}@example.com"], reason=reason, source="test")
        for email in ("left@example.com", "bounced_then_left@example.com"):
            messaging.suppress(session, shop_id, [email], reason="unsubscribed", source="test")
        reply = Reply(
            1, shut_out["bounced_then_left"][0], "bounced_then_left@example.com", 550, "5.1.1", True
        )
        returned.take_replies(session, shop_id, 999, [reply], now=utcnow())
        # The person's word is the graver one on the list; that the address is dead stays known.
        assert messaging.find_suppression(session, shop_id, reply.email) == "unsubscribed"
        version = reading.get(session, shop_id, campaign_id).version
        changes = CampaignChanges(version=version, topic_id=topic.public_id, holdout_percent=50)
        drafts.change(session, shop_id, campaign_id, changes)
        contact_policy.change(
            session, shop_id, ContactPolicyInput.model_validate({"holdout_percent": 50}), actor="user:7"
        )
    declare(uow, shop_id, campaign_id)
    campaign = freeze(uow, shop_id, campaign_id)
    reached = [subscribed, paused, off_topic, *strangers, left]
    late = shut_out.pop("late")
    assert {row.customer_id: (row.state, row.reason) for row in ledger()} == {
        **dict.fromkeys([*reached, *late], ("pending", None)),
        **dict.fromkeys(no_email, ("excluded", "no_email")),
        **dict.fromkeys(invalid, ("excluded", "invalid_email")),
        **{ids[0]: ("excluded", "suppressed") for ids in shut_out.values()},
    }
    with uow() as session:
        messaging.suppress(session, shop_id, ["late@example.com"], reason="complaint", source="test")
    send(uow, shop_id, campaign, channel)
    states = {row.customer_id: (row.state, row.reason) for row in ledger()}
    assert [states[customer_id] for customer_id in reached] == [("accepted", None)] * 6
    assert states[late[0]] == ("excluded", "suppressed")
    assert len(channel.messages) == 6


def test_no_night_cap_or_limit_holds_it_and_it_uses_none_of_them_up(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, channel: CaptureChannel
) -> None:
    add_customers(3)
    with uow() as session:
        session.execute(update(Shop).where(Shop.id == shop_id).values(timezone="UTC"))
        given = {
            "frequency_cap": {"messages": 1, "days": 7},
            "quiet_hours": {"begins": "21:00", "ends": "08:00"},
            "hourly_limit": 3,
        }
        contact_policy.change(session, shop_id, ContactPolicyInput.model_validate(given), actor="user:7")

    def copy() -> str:
        with uow() as session:
            return drafts.duplicate(session, shop_id, campaign_id, actor="user:7").public_id

    with time_machine.travel(NIGHT.replace(hour=12), tick=False) as clock:
        send(uow, shop_id, freeze(uow, shop_id, copy()), channel)
        assert len(channel.messages) == 3
        with uow() as session:
            policy = contact_policy.of_shop(session, shop_id)
            marketing = reading.get(session, shop_id, campaign_id)
            assert contact_policy.resting_until(session, shop_id, marketing, policy, utcnow()) is not None
        # The hour's limit is used up, and everybody had their message of the week.
        urgent = copy()
        declare(uow, shop_id, urgent)
        campaign = freeze(uow, shop_id, urgent)
        with uow() as session:
            assert contact_policy.resting_until(session, shop_id, campaign, policy, utcnow()) is None
        send(uow, shop_id, campaign, channel)
        assert len(channel.messages) == 6
        clock.move_to(NIGHT)
        night = copy()
        declare(uow, shop_id, night)
        send(uow, shop_id, freeze(uow, shop_id, night), channel)
        assert len(channel.messages) == 9
        # None of these counts: a week after the first message the next one is free, not a week after the last.
        clock.move_to(NIGHT.replace(hour=12) + timedelta(days=7))
        send(uow, shop_id, freeze(uow, shop_id, copy()), channel)
        assert len(channel.messages) == 12


def test_it_is_no_lists_mail_and_marketing_still_is(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, channel: CaptureChannel
) -> None:
    add_customers(1)
    with uow() as session:
        plain = drafts.duplicate(session, shop_id, campaign_id, actor="user:7").public_id
    declare(uow, shop_id, campaign_id)
    for each in (campaign_id, plain):
        send(uow, shop_id, freeze(uow, shop_id, each), channel)
    urgent, marketing = (message_from_bytes(message.data) for message in channel.messages)
    of_list = ("List-Unsubscribe", "List-Unsubscribe-Post", "List-ID")
    assert [name for name in of_list if name in urgent] == []
    assert urgent["Feedback-ID"].split(":")[1] == "transactional"
    assert [name for name in of_list if name in marketing] == list(of_list)
    assert marketing["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert marketing["Feedback-ID"].split(":")[1] == "campaign"
