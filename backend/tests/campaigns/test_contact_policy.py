"""Messages that may not go out now are put off with a reason, go out once when they may, and are given up at last."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.campaigns import contact_policy, drafts, reading, sending, service
from storecast.campaigns.contact_policy import Cap, Policy, WarmUp, verdict
from storecast.campaigns.contact_policy_repository import Recent
from storecast.campaigns.contact_policy_schemas import ContactPolicyInput
from storecast.campaigns.jobs import Dispatch, Finish, SendBatch
from storecast.campaigns.ledger_repository import Claimed
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.places import QuietHours
from storecast.customers.models import Customer
from storecast.kit.types import ShopId
from storecast.messaging import preferences_repository
from storecast.messaging.channels.capture import CaptureChannel
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.campaigns.conftest import AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]
MORNING = datetime(2027, 2, 10, 9, 0, tzinfo=UTC)
"""A Wednesday: 9:00 where the shop is (UTC), 4:00 in New York, 10:00 in Berlin, 18:00 in Tokyo."""


@pytest.fixture
def campaigns(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> Callable[[], Campaign]:
    """Sends a copy of the campaign, as far as the ledger."""

    def frozen() -> Campaign:
        with uow() as session:
            copy = drafts.duplicate(session, shop_id, campaign_id, actor="user:7")
            service.send(
                session, shop_id, copy.public_id, scheduled_at=None, confirm_recipients=None, actor="user:7"
            )
        with uow() as session:
            service.freeze(session, shop_id, copy.id)
            return reading.get(session, shop_id, copy.public_id)

    return frozen


@pytest.fixture(autouse=True)
def _clock_of_the_shop(uow: UnitOfWork, shop_id: ShopId) -> None:
    with uow() as session:
        session.execute(update(Shop).where(Shop.id == shop_id).values(timezone="UTC"))


def set_policy(uow: UnitOfWork, shop_id: ShopId, **given: object) -> None:
    with uow() as session:
        contact_policy.change(session, shop_id, ContactPolicyInput.model_validate(given), actor="user:7")


def send(uow: UnitOfWork, shop_id: ShopId, campaign: Campaign, channel: CaptureChannel) -> None:
    sending.send_slice(
        uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
        progress=lambda _done, _total, _note: None,
    )  # fmt: skip


def rows_of(session: Session, campaign: Campaign) -> Sequence[MessageDelivery]:
    query = select(MessageDelivery).where(MessageDelivery.campaign_id == campaign.id)
    return session.scalars(query.order_by(MessageDelivery.id)).all()


def live_in(uow: UnitOfWork, customer_id: int, country: str | None, province: str | None = None) -> None:
    with uow() as session:
        session.execute(
            update(Customer).where(Customer.id == customer_id).values(country=country, province=province)
        )


def test_a_night_puts_a_message_off_until_the_recipients_morning_and_no_longer(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    places = [("US", "New York"), ("DE", None), ("US", None), (None, None)]
    for customer_id, place in zip(add_customers(4), places, strict=True):
        live_in(uow, customer_id, *place)
    set_policy(uow, shop_id, quiet_hours={"begins": "21:00", "ends": "09:30"})
    with time_machine.travel(MORNING, tick=False) as clock:
        campaign = campaigns()
        home_at = datetime(2027, 2, 10, 9, 30, tzinfo=UTC)
        york_at = datetime(2027, 2, 10, 14, 30, tzinfo=UTC)
        assert [(row.state, row.reason, row.lease_until) for row in ledger()] == [
            ("pending", "quiet_hours", york_at),
            ("pending", None, MORNING),
            ("pending", "quiet_hours", home_at),
            ("pending", "quiet_hours", home_at),
        ]
        send(uow, shop_id, campaign, channel)
        assert [message.rcpt_to for message in channel.messages] == ["c2@example.com"]
        with uow() as session:
            report = reading.delivery_report(session, shop_id, campaign.public_id)
        assert [each.model_dump() for each in report.waiting] == [
            {"reason": "quiet_hours", "count": 3, "next_at": home_at}
        ]

        clock.move_to(york_at)
        send(uow, shop_id, campaign, channel)
        assert sorted(message.rcpt_to for message in channel.messages) == [
            f"c{n}@example.com" for n in range(1, 5)
        ]
        assert {(row.state, row.reason, row.attempts) for row in ledger()} == {("accepted", None, 1)}


def test_quiet_hours_that_are_set_while_a_campaign_is_sent_hold_what_is_left(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    add_customers(3)
    with time_machine.travel(MORNING, tick=False):
        campaign = campaigns()
        set_policy(uow, shop_id, quiet_hours={"begins": "08:00", "ends": "10:00"})
        send(uow, shop_id, campaign, channel)
        assert channel.messages == []
        # Claimed, looked at and given back: that was no attempt.
        assert {(row.state, row.reason, row.attempts, row.lease_until) for row in ledger()} == {
            ("pending", "quiet_hours", 0, MORNING + timedelta(hours=1))
        }
        set_policy(uow, shop_id)
        with uow() as session:
            service.dispatch(session, shop_id, campaign.id)
            # Not before it is due: the merchant was told an hour.
            assert outbox.pending(session, SendBatch) == []


def test_a_cap_puts_the_second_message_off_until_the_first_is_old_enough_and_gives_up_in_the_end(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
) -> None:
    add_customers(3)
    set_policy(uow, shop_id, frequency_cap={"messages": 1, "days": 30})
    with time_machine.travel(MORNING, tick=False) as clock:
        first = campaigns()
        send(uow, shop_id, first, channel)
        assert len(channel.messages) == 3
        clock.move_to(MORNING + timedelta(days=1))
        second = campaigns()
        patience_ends_at = MORNING + timedelta(days=8)
        send(uow, shop_id, second, channel)
        with uow() as session:
            assert {(row.state, row.reason, row.lease_until) for row in rows_of(session, second)} == {
                ("pending", "frequency_cap", patience_ends_at)
            }
        clock.move_to(patience_ends_at)
        send(uow, shop_id, second, channel)
        with uow() as session:
            assert {(row.state, row.reason) for row in rows_of(session, second)} == {
                ("excluded", "policy_expired")
            }
            service.dispatch(session, shop_id, second.id)
            assert Finish(second.id) in outbox.pending(session, Finish)
        assert len(channel.messages) == 3

        clock.move_to(MORNING + timedelta(days=31))
        send(uow, shop_id, campaigns(), channel)
        assert len(channel.messages) == 6


def test_somebody_who_wants_a_message_a_week_gets_no_second_one_in_it(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
) -> None:
    choosy, patient, *_others = add_customers(4)
    with time_machine.travel(MORNING, tick=False) as clock:
        with uow() as session:
            for customer_id, frequency in ((choosy, "weekly"), (patient, "monthly")):
                preferences_repository.put(
                    session, shop_id, customer_id,
                    frequency=frequency, paused_until=None, opted_out_topics=[], at=MORNING,
                )  # fmt: skip
        send(uow, shop_id, campaigns(), channel)
        assert len(channel.messages) == 4
        clock.move_to(MORNING + timedelta(days=1))
        second = campaigns()
        send(uow, shop_id, second, channel)
        with uow() as session:
            waiting = {
                row.customer_id: (row.state, row.reason, row.lease_until) for row in rows_of(session, second)
            }
        assert waiting.pop(choosy) == ("pending", "own_frequency", MORNING + timedelta(days=7))
        # Its patience of a week is shorter than the month.
        assert waiting.pop(patient) == ("pending", "own_frequency", MORNING + timedelta(days=8))
        assert {state for state, _reason, _until in waiting.values()} == {"accepted"}
        assert len(channel.messages) == 6
        clock.move_to(MORNING + timedelta(days=7))
        send(uow, shop_id, second, channel)
        assert len(channel.messages) == 7


def test_what_a_person_must_hear_counts_nothing_and_waits_for_nothing(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
) -> None:
    add_customers(2)
    set_policy(
        uow,
        shop_id,
        frequency_cap={"messages": 1, "days": 7},
        quiet_hours={"begins": "08:00", "ends": "09:00"},
    )
    with time_machine.travel(MORNING, tick=False) as clock:
        for priority, hour, sent in (
            ("transactional", 8, 2),
            ("campaign", 9, 4),
            ("flow", 9, 6),
            ("campaign", 9, 6),
        ):
            clock.move_to(MORNING.replace(hour=hour))
            campaign = campaigns()
            with uow() as session:
                session.execute(update(Campaign).where(Campaign.id == campaign.id).values(priority=priority))
                session.execute(update(MessageDelivery).values(lease_until=MORNING - timedelta(days=1)).where(
                    MessageDelivery.campaign_id == campaign.id))  # fmt: skip
            send(uow, shop_id, campaign, channel)
            assert len(channel.messages) == sent, priority


def test_two_campaigns_at_once_write_to_nobody_twice_under_a_cap(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 3)
    add_customers(12)
    set_policy(uow, shop_id, frequency_cap={"messages": 1, "days": 7})
    rivals = [campaigns(), campaigns()]
    channels = [CaptureChannel(), CaptureChannel()]
    start = threading.Barrier(2)

    def work(campaign: Campaign, channel: CaptureChannel) -> None:
        start.wait(10)
        send(uow, shop_id, campaign, channel)

    threads = [
        threading.Thread(target=work, args=pair, daemon=True) for pair in zip(rivals, channels, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    got = [message.rcpt_to for channel in channels for message in channel.messages]
    assert sorted(got) == sorted(f"c{n}@example.com" for n in range(1, 13))


def test_an_hourly_limit_and_a_warm_up_let_out_so_many_and_wake_up_again(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
) -> None:
    add_customers(12)
    warm_up = {"starts_on": "2027-02-10", "first_day": 7, "growth_percent": 50}
    set_policy(uow, shop_id, hourly_limit=5, warm_up=warm_up)
    with time_machine.travel(MORNING + timedelta(minutes=20), tick=False) as clock:
        campaign = campaigns()
        for at, sent, again_at in (
            (MORNING + timedelta(minutes=20), 5, MORNING + timedelta(hours=1)),
            (MORNING + timedelta(hours=1), 7, datetime(2027, 2, 11, tzinfo=UTC)),
        ):
            clock.move_to(at)
            send(uow, shop_id, campaign, channel)
            assert len(channel.messages) == sent
            with uow() as session:
                policy = contact_policy.of_shop(session, shop_id)
                assert contact_policy.resting_until(session, shop_id, campaign, policy, at) == again_at
                service.dispatch(session, shop_id, campaign.id)
                assert outbox.pending(session, SendBatch) == [], "nobody is started to find the door shut"
                assert outbox.pending(session, Dispatch) == [Dispatch(campaign.id)]
        clock.move_to(datetime(2027, 2, 11, tzinfo=UTC))
        send(uow, shop_id, campaign, channel)
        assert len(channel.messages) == 12


def test_each_sender_domain_has_an_hourly_limit_of_its_own(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaigns: Callable[[], Campaign],
    add_customers: AddCustomers,
    channel: CaptureChannel,
) -> None:
    add_customers(12)
    set_policy(uow, shop_id, domain_hourly_limit=5)
    with time_machine.travel(MORNING + timedelta(minutes=20), tick=False) as clock:
        first, second, third = campaigns(), campaigns(), campaigns()
        with uow() as session:
            elsewhere = update(Campaign).where(Campaign.id == third.id)
            session.execute(elsewhere.values(from_email="news@other.example"))
        for campaign, sent in ((first, 5), (second, 5), (third, 10)):
            send(uow, shop_id, campaign, channel)
            assert len(channel.messages) == sent
        with uow() as session:
            policy = contact_policy.of_shop(session, shop_id)
            again_at = contact_policy.resting_until(session, shop_id, second, policy, datetime.now(UTC))
            assert again_at == MORNING + timedelta(hours=1)
        clock.move_to(MORNING + timedelta(hours=1))
        send(uow, shop_id, second, channel)
        assert len(channel.messages) == 15


def test_the_same_people_are_kept_out_of_everything_all_season_and_others_the_next(
    uow: UnitOfWork, shop_id: ShopId, campaigns: Callable[[], Campaign], add_customers: AddCustomers
) -> None:
    add_customers(300)
    set_policy(uow, shop_id, holdout_percent=20)

    def held_out(at: datetime) -> set[int]:
        with time_machine.travel(at, tick=False):
            campaign = campaigns()
        with uow() as session:
            return {
                row.customer_id for row in rows_of(session, campaign) if row.reason == "holdout_everywhere"
            }

    first = held_out(MORNING)
    assert 30 < len(first) < 90
    assert held_out(MORNING + timedelta(days=40)) == first
    assert held_out(MORNING + timedelta(days=60)) != first


def test_the_policy_over_http(
    client: TestClient, signed_in: dict[str, str], uow: UnitOfWork, shop_id: ShopId
) -> None:
    client.headers.update(signed_in)
    path = "/api/v1/contact-policy"
    nothing = {
        "frequency_cap": None, "quiet_hours": None, "holdout_percent": 0, "holdout_season": "quarter",
        "hourly_limit": None, "domain_hourly_limit": None, "warm_up": None, "timezone": "UTC",
    }  # fmt: skip
    assert client.get(path).json() == nothing
    for wrong, pointer in (
        ({"quiet_hours": {"begins": "08:00", "ends": "07:00"}}, "/quiet_hours/ends"),
        ({"quiet_hours": {"begins": "08:00", "ends": "08:00"}}, "/quiet_hours/ends"),
        ({"quiet_hours": {"begins": "25:00", "ends": "08:00"}}, "/quiet_hours/begins"),
        ({"frequency_cap": {"messages": 0, "days": 7}}, "/frequency_cap/messages"),
        (
            {"warm_up": {"starts_on": "2026-12-01", "first_day": 5, "growth_percent": 0}},
            "/warm_up/growth_percent",
        ),
    ):
        answer = client.put(path, json=wrong)
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
            422,
            [pointer],
        )
    assert client.get(path).json() == nothing
    given = {
        "frequency_cap": {"messages": 2, "days": 7},
        "quiet_hours": {"begins": "21:00", "ends": "08:00"},
        "holdout_percent": 5,
        "holdout_season": "year",
        "hourly_limit": 1000,
        "domain_hourly_limit": 500,
        "warm_up": {"starts_on": "2026-12-01", "first_day": 500, "growth_percent": 50},
    }
    assert client.put(path, json=given).json() == given | {"timezone": "UTC"}
    assert client.get(path).json() == given | {"timezone": "UTC"}
    assert client.put(path, json={}).json() == nothing


def test_a_warm_up_grows_by_its_share() -> None:
    plan = WarmUp(date(2026, 12, 1), 100, 50)
    assert [plan.limit_on(date(2026, 12, day)) for day in (1, 2, 3, 4)] == [100, 150, 225, 338]
    assert plan.limit_on(date(2026, 11, 1)) == 100
    assert plan.limit_on(date(2027, 12, 1)) is None


@given(
    st.builds(Cap, st.integers(1, 4), st.integers(1, 10)),
    st.lists(
        st.integers(0, 20 * 24 * 60).map(lambda minutes: MORNING - timedelta(minutes=minutes)), max_size=12
    ),
)
def test_a_cap_holds_at_the_instant_that_it_names_and_not_a_minute_before(
    cap: Cap, got: list[datetime]
) -> None:
    policy = Policy(ZoneInfo("UTC"), cap=cap)
    found = verdict(policy, None, None, [Recent(at, False) for at in got], MORNING)

    def in_window(now: datetime) -> int:
        return sum(now - timedelta(days=cap.days) < at for at in got)

    if found is None:
        assert in_window(MORNING) < cap.messages
        return
    reason, free_at = found
    assert reason == "frequency_cap"
    assert free_at > MORNING
    assert in_window(free_at) < cap.messages
    assert in_window(free_at - timedelta(seconds=1)) >= cap.messages


@given(st.integers(0, 366 * 24 * 4), st.sampled_from(["US", "DE", "JP", "BR", None]))
def test_a_message_that_is_put_off_may_go_out_when_it_was_said_to(quarter: int, country: str | None) -> None:
    policy = Policy(ZoneInfo("America/New_York"), quiet=QuietHours(time(21), time(8)))
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    found = verdict(policy, country, None, (), now)
    if found is not None:
        assert found[0] == "quiet_hours"
        assert now < found[1] <= now + timedelta(hours=13)
        assert verdict(policy, country, None, (), found[1]) is None


def test_a_shop_without_a_policy_is_asked_nothing_at_the_claim(
    uow: UnitOfWork, shop_id: ShopId, campaigns: Callable[[], Campaign], add_customers: AddCustomers
) -> None:
    add_customers(2)
    campaign = campaigns()
    taken: list[int] = []
    row = Claimed(1, 1, "c@example.com", None, None, None, None, True, 0, 0, None, 1, 0, None, None, None)

    def take(limit: int) -> list[Any]:
        taken.append(limit)
        return [row]

    with uow() as session:
        policy = contact_policy.of_shop(session, shop_id)
        # Giving something back would fail: there is nothing to call.
        rows = contact_policy.admit(
            session,
            shop_id,
            campaign,
            policy,
            take,
            None,  # type: ignore[arg-type]
            lambda _rows: (),
            limit=500,
            now=MORNING,
        )
    assert (rows, taken) == ([row], [500])
