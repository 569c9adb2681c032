"""The life of a campaign, from draft to frozen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from storecast.campaigns import drafts, readiness, reading, returns, schemas, service
from storecast.campaigns.errors import (
    AudienceChanged,
    CampaignLocked,
    CampaignUnknown,
    NotReady,
    StateRefused,
    VersionConflict,
)
from storecast.campaigns.jobs import Dispatch, Finish, Freeze, SendBatch
from storecast.campaigns.models import Campaign, CampaignLink, MessageDelivery
from storecast.campaigns.schemas import CampaignChanges
from storecast.customers.models import Customer
from storecast.kit.clock import utcnow
from storecast.kit.errors import Invalid
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging
from storecast.segments import service as segments
from storecast.shops import service as shops
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.campaigns.conftest import AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]


def read(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> schemas.Campaign:
    with uow() as session:
        return reading.shape(session, shop_id, reading.get(session, shop_id, campaign_id))


def change(uow: UnitOfWork, shop_id: ShopId, campaign_id: str, changes: CampaignChanges) -> schemas.Campaign:
    with uow() as session:
        return reading.shape(session, shop_id, drafts.change(session, shop_id, campaign_id, changes))


def send(uow: UnitOfWork, shop_id: ShopId, campaign_id: str, **options: object) -> Campaign:
    values: dict[str, object] = {"scheduled_at": None, "confirm_recipients": None, **options}
    with uow() as session:
        return service.send(session, shop_id, campaign_id, actor="user:7", **values)  # type: ignore[arg-type]


def test_a_draft_starts_from_a_template_of_the_gallery(uow: UnitOfWork, shop_id: ShopId, shop: Shop) -> None:
    with uow() as session:
        campaign = drafts.create(session, shop_id, name="A", template_key="sale", actor="user:7")
    assert (campaign.state, campaign.version, campaign.from_name) == ("draft", 1, shop.name)
    assert "THANKYOU20" in campaign.html


def test_an_unknown_template_is_refused_and_nothing_is_made(uow: UnitOfWork, shop_id: ShopId) -> None:
    with pytest.raises(Invalid) as caught, uow() as session:
        drafts.create(session, shop_id, name="A", template_key="nope", actor="user:7")
    assert [error.pointer for error in caught.value.errors] == ["/template_key"]
    with uow() as session:
        assert reading.campaign_rows(session, shop_id, [], None).items == []


def test_of_two_edits_of_one_version_the_second_is_refused(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str
) -> None:
    version = read(uow, shop_id, campaign_id).version
    first = change(uow, shop_id, campaign_id, CampaignChanges(version=version, name="First"))
    with pytest.raises(VersionConflict) as caught:
        change(uow, shop_id, campaign_id, CampaignChanges(version=version, name="Second"))
    assert caught.value.facts == {"version": first.version}
    assert read(uow, shop_id, campaign_id) == first
    assert first.name == "First"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "html",
            "<p>\n  {{ customer.first_name|attr('x') }}</p>",
            "Line 2, column 25: There is no filter attr",
        ),
        ("html", '<a href="javascript:x">', "Line 1, column 10: A link in a mail starts with"),
        ("subject", "{{ customer.frist_name }}", "Line 1, column 13: customer has no field frist_name"),
        ("preview_text", "{% if %}", "Line 1, column 1:"),
        ("from_email", "not an address", "This is not an e-mail address."),
    ],
)
def test_what_does_not_parse_is_refused_with_its_position(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, field: str, value: str, message: str
) -> None:
    before = read(uow, shop_id, campaign_id)
    changes = CampaignChanges.model_validate({"version": before.version, "name": "New", field: value})
    with pytest.raises(Invalid) as caught:
        change(uow, shop_id, campaign_id, changes)
    (error,) = caught.value.errors
    assert (error.pointer, error.message[: len(message)]) == (f"/{field}", message)
    assert read(uow, shop_id, campaign_id) == before


def test_content_is_locked_once_it_is_on_its_way(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, frozen: Campaign
) -> None:
    with pytest.raises(CampaignLocked):
        change(uow, shop_id, campaign_id, CampaignChanges(version=frozen.version, subject="Other"))
    with pytest.raises(StateRefused), uow() as session:
        drafts.remove(session, shop_id, campaign_id, actor="user:7")
    assert read(uow, shop_id, campaign_id).subject.startswith("Hi")


def test_a_neighbour_sees_no_campaign(
    uow: UnitOfWork, campaign_id: str, other_shop: Shop, shop_id: ShopId
) -> None:
    from storecast.db.session import tenant_session

    with pytest.raises(CampaignUnknown), tenant_session(ShopId(other_shop.id)) as session:
        reading.get(session, ShopId(other_shop.id), campaign_id)
    with pytest.raises(CampaignUnknown), tenant_session(ShopId(other_shop.id)) as session:
        # Not even with the right shop id in hand: the database does not show the row.
        reading.get(session, shop_id, campaign_id)


def test_the_freeze_gives_everybody_a_row_and_the_excluded_a_reason(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    recipients = add_customers(3)
    no_email = add_customers(1, email=None)
    invalid = add_customers(1, email="bad@@example.com") + add_customers(1, state="invalid")
    unsubscribed = add_customers(2, state="unsubscribed") + add_customers(1, state="not_subscribed")
    suppressed = add_customers(1, email="Gone@Example.com")
    with uow() as session:
        messaging.suppress(session, shop_id, ["gone@example.COM"], reason="manual", source="test")
        counts = readiness.audience(session, shop_id, reading.get(session, shop_id, campaign_id))
    campaign = send(uow, shop_id, campaign_id, confirm_recipients=3)
    with uow() as session:
        assert outbox.pending(session, Freeze) == [Freeze(campaign.id)]
        service.freeze(session, shop_id, campaign.id)

    rows = {row.customer_id: (row.state, row.reason) for row in ledger()}
    assert rows == {
        **dict.fromkeys(recipients, ("pending", None)),
        **dict.fromkeys(no_email, ("excluded", "no_email")),
        **dict.fromkeys(invalid, ("excluded", "invalid_email")),
        **dict.fromkeys(unsubscribed, ("excluded", "not_subscribed")),
        **dict.fromkeys(suppressed, ("excluded", "suppressed")),
    }
    assert (counts.members, counts.recipients) == (10, 3)
    assert {item.reason: item.count for item in counts.exclusions} == {
        "no_email": 1,
        "invalid_email": 2,
        "not_subscribed": 3,
        "suppressed": 1,
    }
    with uow() as session:
        frozen = reading.get(session, shop_id, campaign_id)
        assert (frozen.state, frozen.audience_size) == ("sending", 10)
        (link,) = session.query(CampaignLink).all()
        assert (link.number, link.url) == (
            1,
            f"https://acme.example/sale?utm_source=storecast&utm_medium=email&utm_campaign={campaign_id}",
        )
        assert outbox.pending(session, Dispatch) == [Dispatch(campaign.id)]


def test_a_second_freeze_changes_nothing(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(1)
    before = [row.id for row in ledger()]
    with uow() as session:
        service.freeze(session, shop_id, frozen.id)
    assert [row.id for row in ledger()] == before
    assert len(before) == 12


def test_hold_outs_are_drawn_by_hash_and_recorded(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(200)
    version = read(uow, shop_id, campaign_id).version
    change(uow, shop_id, campaign_id, CampaignChanges(version=version, holdout_percent=25))
    with uow() as session:
        counted = readiness.audience(session, shop_id, reading.get(session, shop_id, campaign_id))
    campaign = send(uow, shop_id, campaign_id)
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
    held = [row for row in ledger() if row.reason == "holdout"]
    # The draw is a hash: the count before equals the freeze, and 200 draws of 25 % fall within 20 to 80.
    assert [item.count for item in counted.exclusions] == [len(held)]
    assert 20 <= len(held) <= 80


def test_the_gate_stops_what_cannot_go(uow: UnitOfWork, shop_id: ShopId) -> None:
    with uow() as session:
        campaign = drafts.create(session, shop_id, name="Empty", template_key=None, actor="user:7")
        gate = readiness.gate(session, shop_id, campaign)
    levels = {check.code: check.level for check in gate.checks}
    assert gate.ready is False
    assert {code for code, level in levels.items() if level == "stop"} == {
        "segment",
        "subject",
        "sender",
        "content",
    }
    with pytest.raises(NotReady) as caught:
        send(uow, shop_id, campaign.public_id)
    assert {check["code"] for check in caught.value.facts["checks"]} == {
        "segment",
        "subject",
        "sender",
        "content",
    }
    with uow() as session:
        assert reading.get(session, shop_id, campaign.public_id).state == "draft"
        assert outbox.pending(session, Freeze) == []


def test_the_gate_counts_who_lacks_a_value(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(5)
    version = read(uow, shop_id, campaign_id).version
    html = "<p>{{ customer.first_name }} of {{ customer.city }}</p>"
    change(uow, shop_id, campaign_id, CampaignChanges(version=version, html=html))
    with uow() as session:
        gate = readiness.gate(session, shop_id, reading.get(session, shop_id, campaign_id))
    checks = {check.code: check for check in gate.checks}
    assert checks["merge_values"].level == "ask"
    assert checks["merge_values"].facts == {"missing": {"city": 5, "first_name": 2}}
    assert checks["unsubscribe_link"].level == "stop"


def test_an_audience_that_moved_is_asked_about_again(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(30)
    with pytest.raises(AudienceChanged) as caught:
        send(uow, shop_id, campaign_id, confirm_recipients=19)
    assert caught.value.facts == {"confirmed": 19, "recipients": 30}
    assert read(uow, shop_id, campaign_id).state == "draft"


def test_a_schedule_in_the_past_is_refused(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(1)
    with pytest.raises(Invalid) as caught:
        send(uow, shop_id, campaign_id, scheduled_at=utcnow() - timedelta(seconds=1))
    assert caught.value.errors[0].pointer == "/scheduled_at"
    assert read(uow, shop_id, campaign_id).state == "draft"


def test_a_schedule_is_kept_taken_back_and_not_fired_early(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(1)
    due = utcnow() + timedelta(days=1)
    campaign = send(uow, shop_id, campaign_id, scheduled_at=due)
    assert campaign.state == "scheduled"
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
    assert ledger() == []
    with uow() as session:
        assert service.cancel(session, shop_id, campaign_id, actor="user:7").state == "draft"
    with time_machine.travel(due + timedelta(minutes=1), tick=False), uow() as session:
        service.freeze(session, shop_id, campaign.id)
    assert ledger() == []


def test_a_schedule_missed_by_hours_waits_for_a_person(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(1)
    due = utcnow() + timedelta(hours=1)
    campaign = send(uow, shop_id, campaign_id, scheduled_at=due)
    with time_machine.travel(due + service.LATE + timedelta(minutes=1), tick=False):
        with uow() as session:
            service.freeze(session, shop_id, campaign.id)
        shown = read(uow, shop_id, campaign_id)
        assert (shown.state, shown.pause_reason) == ("paused", "schedule_missed")
        assert ledger() == []
        with uow() as session:
            service.resume(session, shop_id, campaign_id, actor="user:7")
        with uow() as session:
            service.freeze(session, shop_id, campaign.id)
    assert len(ledger()) == 1


def test_a_segment_deleted_before_the_freeze_waits_for_a_person(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    segment_id: str,
    add_customers: AddCustomers,
    ledger: Ledger,
) -> None:
    add_customers(1)
    campaign = send(uow, shop_id, campaign_id)
    with uow() as session:
        segments.remove(session, shop_id, segment_id)
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
    shown = read(uow, shop_id, campaign_id)
    assert (shown.state, shown.pause_reason) == ("paused", "segment_deleted")
    assert ledger() == []


def test_a_shop_that_uninstalled_sends_nothing_more(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, frozen: Campaign
) -> None:
    with uow() as session:
        shops.uninstall(session, shop_id)
    with uow() as session:
        assert service.may_send(session, shop_id) is False
        service.dispatch(session, shop_id, frozen.id)
    shown = read(uow, shop_id, campaign_id)
    assert (shown.state, shown.pause_reason) == ("paused", "shop_inactive")


def test_dispatch_fills_the_window_only_as_far_as_there_is_work(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign
) -> None:
    with uow() as session:
        assert outbox.pending(session, SendBatch) == [SendBatch(frozen.id, 0)]
        service.dispatch(session, shop_id, frozen.id)
        assert outbox.pending(session, SendBatch) == [SendBatch(frozen.id, 0)]
        assert outbox.pending(session, Finish) == []


def test_pause_resume_and_cancel(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, frozen: Campaign, ledger: Ledger
) -> None:
    with uow() as session:
        service.pause(session, shop_id, campaign_id, actor="user:7")
    shown = read(uow, shop_id, campaign_id)
    assert (shown.state, shown.pause_reason) == ("paused", "by_hand")
    with pytest.raises(StateRefused), uow() as session:
        service.pause(session, shop_id, campaign_id, actor="user:7")
    with uow() as session:
        service.resume(session, shop_id, campaign_id, actor="user:7")
    assert read(uow, shop_id, campaign_id).pause_reason is None
    with uow() as session:
        service.cancel(session, shop_id, campaign_id, actor="user:7")
    assert {(row.state, row.reason) for row in ledger()} == {("excluded", "cancelled")}
    assert len(ledger()) == 12
    with pytest.raises(StateRefused), uow() as session:
        service.resume(session, shop_id, campaign_id, actor="user:7")


def test_a_duplicate_is_a_draft_of_its_own(uow: UnitOfWork, shop_id: ShopId, frozen: Campaign) -> None:
    with uow() as session:
        copy = drafts.duplicate(session, shop_id, frozen.public_id, actor="user:7")
    assert (copy.state, copy.name, copy.html, copy.frozen_at) == ("draft", "Sale (copy)", frozen.html, None)
    assert copy.segment_id == frozen.segment_id


def test_an_unsubscribe_reaches_consent_and_suppression_once(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    from storecast.customers.jobs import WriteConsent

    delivery, asked_at = ledger()[0], utcnow().replace(microsecond=0) - timedelta(minutes=3)
    with uow() as session:
        assert returns.unsubscribe(session, shop_id, frozen.id, delivery.id, asked_at=asked_at) is True
    with uow() as session:
        assert returns.unsubscribe(session, shop_id, frozen.id, delivery.id, asked_at=asked_at) is False
        customer = session.get(Customer, delivery.customer_id)
        assert customer is not None
        assert (customer.email_state, customer.email_consent_at) == ("unsubscribed", asked_at)
        assert [job.customer_gid for job in outbox.pending(session, WriteConsent)] == [customer.gid]
        assert messaging.find_suppression(session, shop_id, "C1@example.com") == "unsubscribed"
        assert returns.unsubscribe(session, shop_id, frozen.id, 999_999, asked_at=asked_at) is False
