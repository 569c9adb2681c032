"""When each message is due, computed for a whole audience at once."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from storecast.campaigns import drafts, readiness, reading, schemas, sending, service
from storecast.campaigns.errors import NobodyLeft, StateRefused
from storecast.campaigns.jobs import Freeze, SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.pacing import Pacing, Start, draw_at, instant_in
from storecast.campaigns.places import QuietHours, known, zones_of
from storecast.customers.models import Customer
from storecast.events.models import MessageEvent
from storecast.kit.clock import utcnow
from storecast.kit.errors import Invalid
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.segments import service as segments
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.campaigns.conftest import AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]
BERLIN = ZoneInfo("Europe/Berlin")


def change(uow: UnitOfWork, shop_id: ShopId, campaign_id: str, **given: object) -> None:
    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        changes = schemas.CampaignChanges.model_validate({"version": campaign.version, **given})
        drafts.change(session, shop_id, campaign_id, changes)


def freeze(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    *,
    at: datetime | None = None,
    when: datetime | None = None,
) -> Campaign:
    with uow() as session:
        campaign = service.send(
            session, shop_id, campaign_id, scheduled_at=at, confirm_recipients=None, actor="user:7"
        )
    with time_machine.travel(when or utcnow(), tick=False):
        with uow() as session:
            service.freeze(session, shop_id, campaign.id)
        with uow() as session:
            return reading.get(session, shop_id, campaign_id)


def test_nine_oclock_is_nine_oclock_wherever_somebody_lives(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    places = [
        ("JP", None),
        ("DE", "Bayern"),
        ("US", " california "),
        ("us", "TX"),
        ("US", None),
        (None, None),
    ]
    with uow() as session:
        session.execute(update(Shop).where(Shop.id == shop_id).values(timezone="Europe/Berlin"))
    for customer_id, (country, province) in zip(add_customers(len(places)), places, strict=True):
        with uow() as session:
            values = {"country": country, "province": province}
            session.execute(update(Customer).where(Customer.id == customer_id).values(**values))
    change(uow, shop_id, campaign_id, pacing={"mode": "local_time"})
    with uow() as session, pytest.raises(Invalid) as refused:
        service.send(
            session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=None, actor="user:7"
        )
    assert [error.pointer for error in refused.value.errors] == ["/scheduled_at"]

    day = (utcnow() + timedelta(days=3)).astimezone(BERLIN).date()
    at = datetime.combine(day, time(9), BERLIN)
    first_at = datetime.combine(day, time(9), ZoneInfo("Pacific/Kiritimati"))
    campaign = freeze(uow, shop_id, campaign_id, at=at, when=first_at - timedelta(minutes=1))
    assert (campaign.state, ledger()) == ("scheduled", [])
    with uow() as session:
        assert set(outbox.pending(session, Freeze)) == {Freeze(campaign.id)}

    with time_machine.travel(first_at, tick=False), uow() as session:
        service.freeze(session, shop_id, campaign.id)
    assert [row.lease_until for row in ledger()] == [
        datetime.combine(day, time(9), zones_of(country, province, BERLIN)[0]) for country, province in places
    ]
    assert {row.reason for row in ledger()} == {"local_time"}


def test_whose_time_has_passed_gets_it_at_once_or_tomorrow() -> None:
    now = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
    at = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)  # 10:00 on the shop's clock
    for passed, tokyo in (("at_once", now), ("tomorrow", datetime(2026, 12, 2, 1, 0, tzinfo=UTC))):
        pacing = Pacing(mode="local_time", passed=passed)  # type: ignore[arg-type]
        start = Start(pacing, now, BERLIN, at)
        assert instant_in(start, (ZoneInfo("Asia/Tokyo"),)) == tokyo
        assert instant_in(start, (BERLIN,)) == at
        assert instant_in(start, (ZoneInfo("America/New_York"),)) == datetime(2026, 12, 1, 15, tzinfo=UTC)


def test_batches_are_equal_parts_and_an_hour_has_so_many(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(50)
    add_customers(3, email=None)
    now = utcnow().replace(microsecond=0)
    with uow() as session:
        hourly = drafts.duplicate(session, shop_id, campaign_id, actor="user:7").public_id
    change(uow, shop_id, campaign_id, pacing={"mode": "batches", "batches": 4, "every_minutes": 30})
    change(uow, shop_id, hourly, pacing={"mode": "hourly", "per_hour": 20})
    with pytest.raises(Invalid) as refused:
        change(uow, shop_id, hourly, pacing={"mode": "batches"})
    assert [error.pointer for error in refused.value.errors] == ["/pacing/batches", "/pacing/every_minutes"]

    first = freeze(uow, shop_id, campaign_id, when=now)
    rows = [row for row in ledger() if row.state == "pending"]
    assert Counter(row.lease_until for row in rows) == {
        now + timedelta(minutes=30 * batch): count for batch, count in enumerate((13, 12, 13, 12))
    }
    assert Counter(row.reason for row in rows) == {None: 13, "batches": 37}
    assert first.policy_until == now + timedelta(minutes=90, days=7)

    second = freeze(uow, shop_id, hourly, when=now)
    instants = [
        row.lease_until for row in ledger() if row.campaign_id == second.id and row.state == "pending"
    ]
    assert all(at is not None for at in instants)
    hours = Counter((at - now) // timedelta(hours=1) for at in instants if at is not None)
    assert hours == {0: 20, 1: 20, 2: 10}
    assert len(set(instants)) == 50, "one every three minutes"


def test_who_is_in_an_excluded_segment_gets_nothing_and_a_lost_segment_stops_the_campaign(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    ids = add_customers(4)
    with uow() as session:
        session.execute(update(Customer).where(Customer.id.in_(ids[:2])).values(country="FR"))
        tree = {"field": "country", "operator": "is", "value": "FR"}
        excluded = segments.create(session, shop_id, name="France", tree=tree).public_id
    change(uow, shop_id, campaign_id, excluded_segment_ids=[excluded])
    with uow() as session:
        counted = readiness.audience(session, shop_id, reading.get(session, shop_id, campaign_id))
        assert (counted.recipients, [each.model_dump() for each in counted.exclusions]) == (
            2, [{"reason": "excluded_segment", "count": 2}],
        )  # fmt: skip
        other = drafts.duplicate(session, shop_id, campaign_id, actor="user:7").public_id
    freeze(uow, shop_id, campaign_id)
    assert [(row.state, row.reason) for row in ledger()] == [("excluded", "excluded_segment")] * 2 + [
        ("pending", None)
    ] * 2
    with uow() as session:
        segments.remove(session, shop_id, excluded)
    stopped = freeze(uow, shop_id, other)
    assert (stopped.state, stopped.pause_reason) == ("paused", "segment_deleted")
    assert len(ledger()) == 4


def test_what_is_left_of_a_campaign_becomes_the_audience_of_another(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    add_customers(6)
    campaign = freeze(uow, shop_id, campaign_id)
    with uow() as session, pytest.raises(StateRefused):
        drafts.follow_up(session, shop_id, campaign_id, "non_openers", actor="user:7")
    with uow() as session:
        for number, row in enumerate(session.scalars(select(MessageDelivery).order_by(MessageDelivery.id))):
            if number == 0:
                row.state, row.reason = "failed", "refused"
            elif number == 1:
                row.lease_until = utcnow() + timedelta(hours=1)
    sending.send_slice(
        uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
        progress=lambda _done, _total, _note: None,
    )  # fmt: skip
    with uow() as session:
        service.cancel(session, shop_id, campaign_id, actor="user:7")
        sent = [row for row in ledger() if row.state == "accepted"]
        for row, verdict in ((sent[0], "human"), (sent[1], "machine")):
            session.add(
                MessageEvent(
                    shop_id=shop_id, id=uuid4(), occurred_at=utcnow(), kind="open", campaign_id=campaign.id,
                    delivery_id=row.id, customer_id=row.customer_id, verdict=verdict, processed_at=utcnow(),
                )
            )  # fmt: skip
    everybody = [row.customer_id for row in ledger()]
    for kind, who in (("failed", everybody[:1]), ("rest", everybody[1:2]), ("non_openers", everybody[3:])):
        with uow() as session:
            draft = drafts.follow_up(session, shop_id, campaign_id, kind, actor="user:7")
            shown = reading.shape(session, shop_id, draft)
            assert shown.origin is not None
            assert (shown.origin.kind, shown.origin.campaign_id, shown.segment_id) == (
                kind,
                campaign_id,
                None,
            )
            assert readiness.gate(session, shop_id, draft).ready
        second = freeze(uow, shop_id, draft.public_id)
        assert [row.customer_id for row in ledger() if row.campaign_id == second.id] == who
    with uow() as session:
        service.cancel(session, shop_id, draft.public_id, actor="user:7")
    with uow() as session, pytest.raises(NobodyLeft):
        drafts.follow_up(session, shop_id, draft.public_id, "failed", actor="user:7")


def test_a_follow_up_over_http(client: TestClient, signed_in: dict[str, str], frozen: Campaign) -> None:
    client.headers.update(signed_in)
    path = f"/api/v1/campaigns/{frozen.public_id}"
    assert client.post(f"{path}/follow-up", json={"kind": "rest"}).json()["code"] == "state_refused"
    assert client.post(f"{path}/follow-up", json={"kind": "everybody"}).status_code == 422
    client.post(f"{path}/cancel")
    answer = client.post(f"{path}/follow-up", json={"kind": "rest"})
    assert (answer.status_code, answer.json()["name"]) == (201, "Sale (rest)")
    assert client.get(f"/api/v1/campaigns/{answer.json()['id']}/audience").json()["recipients"] == 12


@given(
    st.integers(0, 4 * 365 * 96).map(
        lambda quarter: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
    ),
    st.integers(0, 95).map(lambda quarter: timedelta(minutes=15 * quarter)),
    st.sampled_from(known()),
    st.sampled_from(["at_once", "tomorrow"]),
    st.booleans(),
)
def test_local_times_are_never_before_the_start_nor_at_night_nor_days_late(
    at: datetime, after: timedelta, place: object, passed: str, sleeps: bool
) -> None:
    zones = place.zones  # type: ignore[attr-defined]  # sampled from known()
    pacing = Pacing(mode="local_time", passed=passed)  # type: ignore[arg-type]
    drawn_at = draw_at(pacing, at, BERLIN) + after
    quiet = QuietHours(time(21), time(8)) if sleeps else None
    due = instant_in(Start(pacing, drawn_at, BERLIN, at, quiet), zones)
    assert due >= drawn_at
    assert due - drawn_at <= timedelta(hours=26 + 24 + (13 if sleeps else 0))
    if quiet is not None:
        assert not any(quiet.holds(due, zone) for zone in zones)
    elif due > drawn_at:
        wall, local = at.astimezone(BERLIN), due.astimezone(zones[0])
        assert (local.hour, local.minute) == (wall.hour, wall.minute) or local.utcoffset() != (
            due - timedelta(hours=2)
        ).astimezone(zones[0]).utcoffset()
