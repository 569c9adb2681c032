"""Every message has a discount code of its own: never two people one, never one lost."""

import email.policy
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email import message_from_bytes
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from storecast.campaigns import (
    claims_repository,
    drafts,
    leases,
    ledger_repository,
    reading,
    schemas,
    sending,
    service,
)
from storecast.campaigns.jobs import SendBatch
from storecast.campaigns.ledger_repository import Claimed
from storecast.campaigns.models import Campaign, CampaignLink, DiscountCode, DiscountSet, MessageDelivery
from storecast.customers import selectables
from storecast.customers.models import Customer
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.channels.protocol import Outcome, Verdict
from storecast.messaging.compose import Prepared
from tests.campaigns.conftest import HTML, AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]

CODED = HTML.replace(
    "</body>",
    '<p>Use {{ discount_code }}</p><a href="{{ discount_url }}">Shop</a><p>{{ discount_url }}</p></body>',
)


@pytest.fixture
def coded(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> str:
    """The draft, with a set of twenty live codes and one that is none yet."""
    with uow() as session:
        discount = DiscountSet(
            shop_id=shop_id, public_id=public_id("dsc"), title="Ten off", percent_hundredths=1000, currency="USD",
            starts_at=utcnow() - timedelta(days=1), once_per_customer=True, prefix="HI-", total=21, state="done",
        )  # fmt: skip
        session.add(discount)
        session.flush()
        rows = [
            {
                "shop_id": shop_id, "discount_set_id": discount.id, "line": line, "code": f"HI-{line:04}",
                "state": "live" if line else "staged",
            }
            for line in range(21)
        ]  # fmt: skip
        session.execute(insert(DiscountCode), rows)
        campaign = reading.get(session, shop_id, campaign_id)
        changes = schemas.CampaignChanges(
            version=campaign.version,
            html=CODED,
            discount_id=discount.public_id,
            discount_path="/collections/sale?sort=new",
        )
        return drafts.change(session, shop_id, campaign_id, changes).public_id


@pytest.fixture
def going(uow: UnitOfWork, shop_id: ShopId, coded: str, add_customers: AddCustomers) -> Campaign:
    """The campaign on its way to twelve people."""
    add_customers(12)
    with uow() as session:
        campaign = service.send(
            session, shop_id, coded, scheduled_at=None, confirm_recipients=12, actor="user:7"
        )
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
        return reading.get(session, shop_id, coded)


def held(uow: UnitOfWork) -> dict[int, str]:
    """The code of each row of the ledger that has one."""
    with uow() as session:
        query = select(DiscountCode.delivery_id, DiscountCode.code).where(
            DiscountCode.delivery_id.is_not(None)
        )
        return {row.delivery_id: row.code for row in session.execute(query) if row.delivery_id is not None}


def send(
    uow: UnitOfWork, shop_id: ShopId, campaign: Campaign, channel: CaptureChannel, **given: object
) -> None:
    sending.send_slice(
        uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
        progress=lambda _done, _total, _note: None,
    )  # fmt: skip


def body_of(message: Prepared, kind: str = "html") -> str:
    part = message_from_bytes(message.data, policy=email.policy.default).get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_each_message_carries_a_code_of_its_own_and_a_link_that_applies_it(
    uow: UnitOfWork, shop_id: ShopId, going: Campaign, ledger: Ledger
) -> None:
    channel = CaptureChannel()
    send(uow, shop_id, going, channel)

    codes = held(uow)
    assert sorted(codes.values()) == [f"HI-{line:04}" for line in range(1, 13)]
    with uow() as session:
        links = dict(session.execute(select(CampaignLink.number, CampaignLink.url)).all())
        shop = session.scalar(text("SELECT domain FROM shops"))
    (number,) = (number for number, url in links.items() if "/discount/" in url)
    assert links[number] == (
        f"https://{shop}/discount/{{code}}?redirect=%2Fcollections%2Fsale%3Fsort%3Dnew"
        f"&utm_source=storecast&utm_medium=email&utm_campaign={going.public_id}"
    )
    for message in channel.messages:
        code = codes[message.delivery_id]
        html = body_of(message)
        assert re.findall(r"Use (HI-\d+)", html) == [code]
        assert re.search(rf'href="[^"]+/c/[\w-]+/{number}\?code={code}"', html)
        address = f"https://{shop}/discount/{code}?redirect=%2Fcollections%2Fsale%3Fsort%3Dnew"
        assert address in html
        assert address in body_of(message, "plain")
    with uow() as session:
        report = reading.delivery_report(session, shop_id, going.public_id).codes
    assert report is not None
    assert (report.title, report.sent) == ("Ten off", 12)


def test_codes_are_kept_and_given_back_by_what_became_of_the_message(
    uow: UnitOfWork, shop_id: ShopId, going: Campaign, ledger: Ledger
) -> None:
    """Row by row: excluded and never handed over give theirs back; retried, refused and doubtful keep theirs."""
    rows = ledger()
    with uow() as session:
        session.execute(
            update(Customer).where(Customer.id == rows[0].customer_id).values(email_state="unsubscribed")
        )
        session.execute(
            update(MessageDelivery).where(MessageDelivery.id == rows[1].id).values(email="broken")
        )
    verdicts = {
        rows[2].id: Outcome(rows[2].id, Verdict.TEMPORARY, 451, "later"),
        rows[3].id: Outcome(rows[3].id, Verdict.PERMANENT, 550, "no", refused_address=True),
        rows[4].id: Outcome(rows[4].id, Verdict.UNKNOWN, 0, "connection lost"),
    }
    first = CaptureChannel(refuse=lambda message: verdicts.get(message.delivery_id))
    send(uow, shop_id, going, first)

    states = {row.id: row.state for row in ledger()}
    assert [states[row.id] for row in rows[:5]] == ["excluded", "excluded", "pending", "failed", "unknown"]
    before = held(uow)
    assert sorted(before) == sorted(row.id for row in rows[2:])

    with uow() as session:
        session.execute(
            update(MessageDelivery).where(MessageDelivery.id == rows[2].id).values(lease_until=utcnow())
        )
    second = CaptureChannel()
    send(uow, shop_id, going, second)
    (retried,) = second.messages
    assert f"Use {before[rows[2].id]}<" in body_of(retried)
    assert held(uow) == before


def test_a_cancelled_campaign_gives_back_what_was_not_sent(
    uow: UnitOfWork, shop_id: ShopId, going: Campaign, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    monkeypatch.setattr(service, "CHUNK", 4)
    rows = ledger()
    later = {row.id: Outcome(row.id, Verdict.TEMPORARY, 451, "later") for row in rows[4:]}
    send(uow, shop_id, going, CaptureChannel(refuse=lambda message: later.get(message.delivery_id)))
    assert len(held(uow)) == 12
    with uow() as session:
        service.cancel(session, shop_id, going.public_id, actor="user:7")
    assert sorted(held(uow)) == [row.id for row in rows[:4]]


def test_without_codes_left_the_campaign_waits_and_nobody_gets_a_message_without(
    uow: UnitOfWork, shop_id: ShopId, going: Campaign, ledger: Ledger
) -> None:
    with uow() as session:
        session.execute(update(DiscountCode).where(DiscountCode.line > 5).values(state="refused"))
    channel = CaptureChannel()
    send(uow, shop_id, going, channel)
    assert len(channel.messages) == 5
    assert Counter(row.state for row in ledger()) == {"accepted": 5, "pending": 7}
    with uow() as session:
        campaign = reading.get(session, shop_id, going.public_id)
        assert (campaign.state, campaign.pause_reason) == ("paused", "codes_exhausted")
        session.execute(update(DiscountCode).where(DiscountCode.line > 5).values(state="live"))
        service.resume(session, shop_id, going.public_id, actor="user:7")
        session.execute(update(MessageDelivery).values(lease_until=utcnow()))
    send(uow, shop_id, going, channel)
    assert Counter(row.state for row in ledger()) == {"accepted": 12}
    assert len(set(held(uow).values())) == 12


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), st.integers(1, 9)),
        st.tuples(st.just("record"), st.sampled_from(["accepted", "later", "refused", "broken", "excluded"])),
        st.tuples(st.just("lost"), st.just(0)),
        st.tuples(st.just("retry_failed"), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_code_is_in_two_rows_and_none_is_lost(
    uow: UnitOfWork, shop_id: ShopId, going: Campaign, steps: list[tuple[str, int | str]]
) -> None:
    """Whatever is claimed, recorded, lost, tried again and cancelled: a code that was ever shown stays its row's,
    and every code is either its row's or free."""

    class Undone(Exception):
        pass

    with suppress(Undone), uow() as session:
        shown: dict[str, set[int]] = {}
        claims: list[tuple[UUID, list[Claimed]]] = []
        final: dict[str, tuple[str, str | None, bool]] = {
            "accepted": ("accepted", None, True),
            "later": ("pending", None, True),
            "refused": ("failed", "refused", True),
            "broken": ("failed", "render_failed", False),
            "excluded": ("excluded", "suppressed", False),
        }
        for step, given_ in steps:
            campaign = reading.get(session, shop_id, going.public_id)
            now = utcnow()
            if step == "claim":
                job = uuid4()
                rows = list(claim(session, shop_id, campaign, job, int(given_), now))
                leased = leases.add_codes(session, shop_id, campaign, rows, {}, pattern="{code}", now=now)
                assert not leased.without
                assert all(leased.own[row.customer_id]["discount_url"] for row in rows)
                claims.append((job, rows))
            elif step == "record" and claims:
                job, rows = claims.pop(0)
                state, reason, left = final[str(given_)]
                for row in rows if left else ():
                    code = session.scalar(select(DiscountCode.code).where(DiscountCode.delivery_id == row.id))
                    shown.setdefault(str(code), set()).add(row.id)
                outcomes = [
                    ledger_repository.Outcome(
                        row.id, state, reason, now if state == "pending" else None, None, None, None, True
                    )
                    for row in rows
                ]
                ledger_repository.record(
                    session, shop_id, campaign, [], outcomes, claim_id=job, claimed_by=job, now=now
                )
                leases.reclaim(session, shop_id, campaign, [row.id for row in rows] if not left else [])
            elif step == "lost" and claims:
                job, rows = claims.pop(0)
                for row in rows:
                    code = session.scalar(select(DiscountCode.code).where(DiscountCode.delivery_id == row.id))
                    shown.setdefault(str(code), set()).add(row.id)
                ledger_repository.settle_claims_of(session, shop_id, campaign, [job], now=now)
            elif step == "retry_failed":
                session.execute(
                    update(MessageDelivery)
                    .where(MessageDelivery.state == "failed")
                    .values(state="pending", lease_until=utcnow())
                )
            elif step == "cancel" and campaign.state == "sending":
                service.cancel(session, shop_id, campaign.public_id, actor="user:7")
        leases.reclaim(session, shop_id, reading.get(session, shop_id, going.public_id))

        codes = session.execute(select(DiscountCode.code, DiscountCode.delivery_id, DiscountCode.state)).all()
        assert len(codes) == 21
        holders = [row.delivery_id for row in codes if row.delivery_id is not None]
        assert len(holders) == len(set(holders))
        assert all(len(rows_) == 1 for rows_ in shown.values())
        states = dict(session.execute(select(MessageDelivery.id, MessageDelivery.state)).all())
        owners = {row.code: row.delivery_id for row in codes}
        for code, (row_id,) in shown.items():
            assert owners[code] == row_id or states[row_id] == "excluded"
        for row_id, state in states.items():
            assert (row_id in holders) if state in ("accepted", "unknown") else True
        raise Undone


def claim(
    session: Session, shop_id: ShopId, campaign: Campaign, job: UUID, limit: int, now: datetime
) -> list[Claimed]:
    claiming = ledger_repository.claiming(shop_id, campaign, selectables.audience(shop_id))
    rows = ledger_repository.claim(session, campaign, claiming, limit=limit, now=now)
    claims_repository.add(
        session, shop_id, campaign.id, [row.id for row in rows],
        claim_id=job, claimed_by=job, lease_until=now + timedelta(minutes=3),
    )  # fmt: skip
    return rows


def check(api: TestClient, headers: dict[str, str], campaign_id: str) -> dict[str, object] | None:
    checks = api.get(f"/api/v1/campaigns/{campaign_id}/gate", headers=headers).json()["checks"]
    return next(
        ({"level": c["level"], "problem": c["facts"].get("problem")} for c in checks if c["code"] == "codes"),
        None,
    )


def test_the_gate_says_whether_codes_are_there_enough_and_in_time(
    client: TestClient, signed_in: dict[str, str], uow: UnitOfWork, coded: str, add_customers: AddCustomers
) -> None:
    def change(**columns: object) -> None:
        with uow() as session:
            session.execute(update(DiscountSet).values(**columns))

    add_customers(12)
    assert check(client, signed_in, coded) == {"level": "ok", "problem": None}
    change(exported_at=utcnow())
    assert check(client, signed_in, coded) == {"level": "ask", "problem": "exported"}
    change(ends_at=utcnow() + timedelta(hours=5))
    assert check(client, signed_in, coded) == {"level": "ask", "problem": "ends_soon"}
    change(ends_at=utcnow() - timedelta(hours=5))
    assert check(client, signed_in, coded) == {"level": "stop", "problem": "ended"}
    change(ends_at=None, exported_at=None)
    add_customers(8)
    assert check(client, signed_in, coded) == {"level": "ask", "problem": "few_left"}
    add_customers(1)
    assert check(client, signed_in, coded) == {"level": "stop", "problem": "too_few"}
    refused = client.post(f"/api/v1/campaigns/{coded}/send", headers=signed_in, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_not_ready")
    change(state="running")
    assert check(client, signed_in, coded) == {"level": "stop", "problem": "being_made"}


def test_previews_show_a_code_that_is_none_and_lease_none(
    client: TestClient, signed_in: dict[str, str], uow: UnitOfWork, coded: str, add_customers: AddCustomers
) -> None:
    add_customers(1)
    preview = client.post(f"/api/v1/campaigns/{coded}/preview", headers=signed_in, json={}).json()
    assert "Use HI-SAMPLE<" in preview["html"]
    assert "/discount/HI-SAMPLE?redirect=" in preview["html"]
    assert preview["missing"] == []
    assert held(uow) == {}


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/a b"])
def test_the_link_leads_to_the_shop_alone(
    client: TestClient, signed_in: dict[str, str], uow: UnitOfWork, coded: str, path: str
) -> None:
    made = client.get(f"/api/v1/campaigns/{coded}", headers=signed_in).json()
    answer = client.patch(
        f"/api/v1/campaigns/{coded}",
        headers=signed_in,
        json={"version": made["version"], "discount_path": path},
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/discount_path")
    assert client.get(f"/api/v1/campaigns/{coded}", headers=signed_in).json() == made


def test_without_a_set_a_message_that_shows_a_code_cannot_go(
    client: TestClient, signed_in: dict[str, str], coded: str, add_customers: AddCustomers
) -> None:
    add_customers(1)
    path = f"/api/v1/campaigns/{coded}"
    made = client.get(path, headers=signed_in).json()
    unknown = client.patch(
        path, headers=signed_in, json={"version": made["version"], "discount_id": "dsc_no"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "discount_unknown")
    client.patch(path, headers=signed_in, json={"version": made["version"], "discount_id": None})
    assert check(client, signed_in, coded) == {"level": "stop", "problem": "no_set"}
