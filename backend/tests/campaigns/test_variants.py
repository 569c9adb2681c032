"""Versions: everybody gets one, the rest waits for a winner that is significant or wanted, and gets it once."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, column, func, literal, select
from sqlalchemy.orm import Session

from storecast.campaigns import drafts, reading, repository, sending, service, variants
from storecast.campaigns.errors import StateRefused, VariantUnknown
from storecast.campaigns.jobs import ReleaseRest, SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.campaigns.pacing import HELD_UNTIL
from storecast.campaigns.split import Split
from storecast.campaigns.variants_schemas import VariantsInput
from storecast.events.models import MessageEvent
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.worker import outbox
from tests.campaigns.conftest import HTML, AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]
OTHER_HTML = HTML.replace("Hi ", "Hello ").replace("https://acme.example/sale", "https://acme.example/other")


def set_test(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, *versions: dict[str, Any], **test: Any
) -> None:
    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        given = {"version": campaign.version, "test": {"metric": "opens"} | test, "versions": versions}
        drafts.change_variants(session, shop_id, campaign_id, VariantsInput.model_validate(given))


def freeze(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> Campaign:
    with uow() as session:
        campaign = service.send(
            session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=None, actor="user:7"
        )
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
        return reading.get(session, shop_id, campaign_id)


def send(uow: UnitOfWork, shop_id: ShopId, campaign: Campaign, channel: CaptureChannel) -> None:
    sending.send_slice(
        uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
        progress=lambda _done, _total, _note: None,
    )  # fmt: skip


def open_by_people(session: Session, campaign: Campaign, shares: dict[int, float]) -> None:
    """So many of each version's recipients open; machines open everything, which proves nothing."""
    rows = session.scalars(
        select(MessageDelivery).where(
            MessageDelivery.campaign_id == campaign.id, MessageDelivery.state == "accepted"
        )
    ).all()
    seen: Counter[int | None] = Counter()
    whole = Counter(row.variant for row in rows)
    for row in rows:
        seen[row.variant] += 1
        human = seen[row.variant] <= shares[row.variant or 0] * whole[row.variant]
        for verdict in ("machine", *(["human"] if human else [])):
            session.add(
                MessageEvent(
                    shop_id=campaign.shop_id, id=uuid4(), occurred_at=utcnow(), kind="open", campaign_id=campaign.id,
                    delivery_id=row.id, customer_id=row.customer_id, verdict=verdict, processed_at=utcnow(),
                )
            )  # fmt: skip


def test_everybody_gets_exactly_one_version_with_its_own_words_sender_and_links(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    add_customers(60)
    versions = ({"subject": "Second", "from_name": "Ada of Acme"}, {"html": OTHER_HTML})
    set_test(uow, shop_id, campaign_id, *versions, share_percent=100)
    campaign = freeze(uow, shop_id, campaign_id)
    send(uow, shop_id, campaign, channel)

    rows = {f"c{n}@example.com": row for n, row in enumerate(ledger(), 1)}
    assert sorted(message.rcpt_to for message in channel.messages) == sorted(rows)
    assert set(Counter(row.variant for row in rows.values())) == {0, 1, 2}
    for message in channel.messages:
        text, variant = message.data.decode(), rows[message.rcpt_to].variant
        assert ("Subject: Second\r\n" in text) == (variant == 1)
        assert ("Ada of Acme" in text) == (variant == 1)
        assert ("Hello" in text) == (variant == 2)
        numbers = set(re.findall(r"/c/[\w=\r\n-]+?/(\d+)", text.replace("=\r\n", "")))
        assert numbers == {{0: "1", 1: "2001", 2: "4001"}[variant or 0]}
    with uow() as session:
        links = {row.number: row.url for row in repository.list_links(session, shop_id, campaign.id)}
    assert sorted(links) == [1, 2001, 4001]
    assert links[4001].startswith("https://acme.example/other?")
    assert ("utm_content" in links[1], "utm_content=version-2" in links[4001]) == (False, True)


def test_the_rest_waits_gets_no_winner_without_significance_and_then_the_one_that_won_once(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
    channel: CaptureChannel,
    ledger: Ledger,
) -> None:
    add_customers(400)
    set_test(uow, shop_id, campaign_id, {"subject": "Second"}, share_percent=50, wait_hours=2)
    start = utcnow().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        campaign = freeze(uow, shop_id, campaign_id)
        held = [row for row in ledger() if row.variant is None]
        assert {(row.state, row.reason, row.lease_until) for row in held} == {("pending", "test", HELD_UNTIL)}
        assert 150 < len(held) < 250
        send(uow, shop_id, campaign, channel)
        assert len(channel.messages) == 400 - len(held)

        with uow() as session:
            open_by_people(session, campaign, {0: 0.30, 1: 0.34})
        clock.move_to(start + timedelta(hours=2))
        with uow() as session:
            service.dispatch(session, shop_id, campaign.id)
            result = variants.result(session, shop_id, reading.get(session, shop_id, campaign_id))
            assert result is not None
            assert (result.phase, result.leader, result.significant, result.winner) == (
                "undecided",
                1,
                False,
                None,
            )
            assert result.waiting == len(held)
            assert result.more_needed is not None
            assert result.more_needed > 1000
            assert result.judged_at == start + timedelta(hours=4)
            assert outbox.pending(session, ReleaseRest) == []

        with uow() as session:
            open_by_people(session, campaign, {0: 0.30, 1: 0.80})
        clock.move_to(start + timedelta(hours=3))
        with uow() as session:
            service.dispatch(session, shop_id, campaign.id)
            assert reading.get(session, shop_id, campaign_id).winner is None, "it is not looked at in between"
        clock.move_to(start + timedelta(hours=4))
        with uow() as session:
            service.dispatch(session, shop_id, campaign.id)
            decided = reading.get(session, shop_id, campaign_id)
            assert (decided.winner, decided.winner_by) == (1, "significance")
            assert outbox.pending(session, ReleaseRest) == [ReleaseRest(campaign.id)]
        for released in (len(held), 0):
            with uow() as session:
                assert variants.release_rest(session, shop_id, campaign.id) == released
        send(uow, shop_id, campaign, channel)
        assert len({message.rcpt_to for message in channel.messages}) == len(channel.messages) == 400
        assert {row.variant for row in ledger() if row.id in {each.id for each in held}} == {1}
        with uow() as session:
            result = variants.result(session, shop_id, reading.get(session, shop_id, campaign_id))
        assert result is not None
        # The rest proves nothing about the versions: it got one.
        assert sum(arm.recipients for arm in result.arms) == 400 - len(held)


def test_a_person_may_pick_a_winner_once_and_an_old_rest_is_given_up(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(40)
    set_test(uow, shop_id, campaign_id, {"subject": "Second"}, share_percent=50)
    with uow() as session:
        other = drafts.duplicate(session, shop_id, campaign_id, actor="user:7")
        assert variants.read(session, shop_id, other).versions[0].subject == "Second"
    campaign = freeze(uow, shop_id, campaign_id)
    with uow() as session, pytest.raises(VariantUnknown):
        service.pick_winner(session, shop_id, campaign_id, 3, actor="user:7")
    with uow() as session:
        service.pick_winner(session, shop_id, campaign_id, 0, actor="user:7")
    with uow() as session, pytest.raises(StateRefused):
        service.pick_winner(session, shop_id, campaign_id, 1, actor="user:7")
    with uow() as session:
        assert variants.release_rest(session, shop_id, campaign.id) > 0
    assert {row.lease_until == HELD_UNTIL for row in ledger()} == {False}

    second = freeze(uow, shop_id, other.public_id)
    with time_machine.travel(utcnow() + timedelta(days=31), tick=False), uow() as session:
        service.dispatch(session, shop_id, second.id)
        rows = session.scalars(select(MessageDelivery).where(MessageDelivery.campaign_id == second.id)).all()
        assert Counter(row.reason for row in rows if row.state == "excluded").keys() == {"test_undecided"}
        assert all(row.variant is not None for row in rows)


def test_versions_by_time_go_out_later_and_the_rest_at_the_hour_that_won(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers, ledger: Ledger
) -> None:
    add_customers(60)
    set_test(uow, shop_id, campaign_id, {"delay_minutes": 90}, share_percent=50, wait_hours=1)
    start = utcnow().replace(microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        campaign = freeze(uow, shop_id, campaign_id)
        due = {row.variant: (row.lease_until, row.reason) for row in ledger()}
        assert due == {
            0: (start, None),
            1: (start + timedelta(minutes=90), "send_time"),
            None: (HELD_UNTIL, "test"),
        }
        assert campaign.judged_at == start + timedelta(minutes=150)
        clock.move_to(start + timedelta(hours=6))
        with uow() as session:
            service.pick_winner(session, shop_id, campaign_id, 1, actor="user:7")
            variants.release_rest(session, shop_id, campaign.id)
        tomorrow = start + timedelta(days=1, minutes=90)
        assert {
            row.lease_until
            for row in ledger()
            if row.lease_until and row.lease_until > start + timedelta(hours=6)
        } == {tomorrow}


def test_versions_over_http(client: TestClient, signed_in: dict[str, str], campaign_id: str) -> None:
    client.headers.update(signed_in)
    path = f"/api/v1/campaigns/{campaign_id}"
    before = client.get(path).json()
    test = {"metric": "clicks", "share_percent": 20, "wait_hours": 4, "weight": 1}
    for wrong, pointer in (
        ({"test": test, "versions": []}, "/versions"),
        ({"test": None, "versions": [{"subject": "B"}]}, "/test"),
        ({"test": test, "versions": [{"weight": 2}]}, "/versions/0"),
        ({"test": test, "versions": [{"subject": "B"}, {"subject": "{{ customer."}]}, "/versions/1/subject"),
        ({"test": test | {"share_percent": 1}, "versions": [{"subject": "B"}]}, "/test/share_percent"),
        ({"test": test, "versions": [{"subject": f"{n}"} for n in range(5)]}, "/versions"),
    ):
        answer = client.put(f"{path}/variants", json={"version": before["version"], **wrong})
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
            422,
            [pointer],
        )
    assert client.get(path).json() == before
    given = {"version": before["version"], "test": test, "versions": [{"subject": "B", "weight": 3}]}
    changed = client.put(f"{path}/variants", json=given)
    assert (changed.status_code, changed.json()["tested"]) == (200, True)
    assert client.put(f"{path}/variants", json=given).json()["code"] == "version_conflict"
    (version,) = client.get(f"{path}/variants").json()["versions"]
    assert (version["number"], version["subject"], version["html"], version["weight"]) == (1, "B", None, 3)
    assert [
        check["level"]
        for check in client.get(f"{path}/gate").json()["checks"]
        if check["code"] == "test_size"
    ] == ["ask"]
    result = client.get(f"{path}/test-result").json()
    assert (result["phase"], result["leader"], result["waiting"], result["arms"]) == ("running", None, 0, [])
    assert client.post(f"{path}/winner", json={"number": 1}).json()["code"] == "state_refused"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(5, 100), st.integers(1, 1 << 40))
def test_shares_converge_to_the_weights_and_everybody_has_one_version_or_none(
    session: Session, weights: list[int], share: int, campaign_id: int
) -> None:
    people = (
        func.generate_series(1, 4000).table_valued(column("id", BigInteger), name="people").render_derived()
    )
    version = (
        Split(tuple(weights), share).version_of(people.c.id, campaign_id, literal("de")).label("version")
    )
    drawn = select(version).select_from(people).subquery()
    found = session.execute(select(drawn.c.version, func.count()).group_by(drawn.c.version)).all()
    counts: dict[int | None, int] = {row[0]: row[1] for row in found}
    assert sum(counts.values()) == 4000
    tested = 4000 - counts.pop(None, 0)
    # Five standard deviations.
    assert abs(tested - 40 * share) <= 5 * (4000 * share / 100 * (1 - share / 100)) ** 0.5
    assert set(counts) <= set(range(len(weights)))
    for number, weight in enumerate(weights):
        part = weight / sum(weights)
        assert abs(counts.get(number, 0) - tested * part) <= 5 * (tested * part * (1 - part)) ** 0.5 + 1
