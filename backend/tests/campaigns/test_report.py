"""A campaign from the send button to its report, through the doors that the world uses."""

import csv
import email
import email.policy
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from starlette.testclient import TestClient

from storecast.analytics import service as analytics
from storecast.audit.models import AuditEntry, PersonalDataAccess
from storecast.campaigns import drafts, reading, schemas, service
from storecast.campaigns.models import Campaign
from storecast.config.settings import Settings
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.edge.app import create_app
from storecast.entrypoints.modules import register_jobs
from storecast.events import service as events
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.channels.protocol import Outcome, Verdict
from storecast.messaging.compose import Prepared
from storecast.messaging.delivery import tokens
from storecast.orders.jobs import OrderRecorded
from storecast.shops.models import Shop
from storecast.webhooks import service as webhooks
from storecast.worker import outbox
from tests.campaigns.conftest import AddCustomers, UnitOfWork
from tests.campaigns.test_sending import send
from tests.conftest import id_token
from tests.edge.test_webhooks import signed
from tests.factories.story import BROWSER, Story

HTML = (
    "<html><body><p>Hi</p>"
    '<a href="https://acme.example/sale">Sale</a> <a href="https://acme.example/new">New</a> '
    "<a href=\"https://acme.example/for/{{ customer.first_name|default('you')|urlencode }}?a=1&amp;b=2\">Yours</a> "
    '<a href="mailto:{{ customer.email }}">Write</a> <a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>'
)


@pytest.fixture
def edge(settings: Settings) -> Iterator[TestClient]:
    register_jobs()
    app = create_app(settings, tokens().open, tokens().open_address)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def refuse(message: Prepared) -> Outcome | None:
    """Four of twelve addresses are refused, two of them for now."""
    number = int(re.findall(r"\d+", message.rcpt_to)[0])
    replies = {
        1: (Verdict.PERMANENT, 550, f"5.1.1 <{message.rcpt_to}> user c1 unknown, queue 4F2c91ab77"),
        2: (Verdict.PERMANENT, 550, f"5.1.1 <{message.rcpt_to}> user c2 unknown, queue 99ae01bc33"),
        3: (Verdict.TEMPORARY, 451, "4.7.1 too many from 203.0.113.9, see https://x.example/help?id=c3"),
    }
    if number not in replies:
        return None
    verdict, code, reply = replies[number]
    return Outcome(message.delivery_id, verdict, code, reply, refused_address=code == 550)


@pytest.fixture
def sent(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> tuple[Campaign, CaptureChannel]:
    """A campaign to twelve people at two domains, sent once."""
    add_customers(6)
    add_customers(6, email="c{n}@Mail.example")
    add_customers(1, state="unsubscribed")
    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        changes = schemas.CampaignChanges(version=campaign.version, html=HTML)
        drafts.change(session, shop_id, campaign_id, changes)
        service.send(session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=12, actor="user:7")
    with uow() as session:
        service.freeze(session, shop_id, campaign.id)
    channel = CaptureChannel(refuse=refuse)
    send(uow, shop_id, campaign.id, channel)
    with uow() as session:
        return reading.get(session, shop_id, campaign_id), channel


def links_of(channel: CaptureChannel, to: str) -> dict[str, str]:
    """Where the links of one person's message lead, by their words, without the edge's origin."""
    (message,) = (each for each in channel.messages if each.rcpt_to == to)
    parsed = email.message_from_bytes(message.data, policy=email.policy.default)
    part = parsed.get_body(("html",))
    assert part is not None
    html = part.get_content()
    found = {
        words: re.sub(r"^https?://[^/]+", "", href)
        for href, words in re.findall(r'<a href="([^"]+)">([^<]+)<', html)
    }
    (pixel,) = re.findall(r'src="https?://[^/]+(/o/[^"]+)"', html)
    return {**found, "pixel": pixel}


def process(shop: Shop, shop_id: ShopId) -> None:
    """What the workers do with what the edge took."""
    with tenant_session(shop_id) as session:
        events.process_message_events(session, shop_id, now=utcnow())
        webhooks.drain(session, shop_id, now=utcnow())
        orders = [job.order_id for job in outbox.pending(session, OrderRecorded)]
        analytics.attribute(session, shop_id, orders)


def order_of(customer: Customer) -> bytes:
    now = utcnow().isoformat()
    return json.dumps(
        {
            "id": 1001,
            "admin_graphql_api_id": "gid://shopify/Order/1001",
            "name": "#1001",
            "currency": "USD",
            "subtotal_price": "42.00",
            "total_price": "42.00",
            "financial_status": "paid",
            "test": False,
            "created_at": now,
            "processed_at": now,
            "updated_at": now,
            "customer": {
                "id": int(customer.gid.rpartition("/")[2]),
                "email": customer.email,
                "updated_at": now,
                "created_at": now,
            },
            "line_items": [],
        }
    ).encode()


@pytest.fixture
def told(
    edge: TestClient, shop: Shop, shop_id: ShopId, sent: tuple[Campaign, CaptureChannel]
) -> Iterator[tuple[Campaign, dict[str, str]]]:
    """The campaign ten minutes later, when people and machines have been at its messages and one ordered."""
    campaign, channel = sent
    person = {"User-Agent": BROWSER}
    with time_machine.travel(utcnow() + timedelta(minutes=10)) as clock:
        buyer = links_of(channel, "c4@example.com")
        for path in (buyer["pixel"], buyer["pixel"], buyer["Sale"], buyer["Sale"], buyer["Yours"]):
            assert edge.get(path, headers=person).status_code in (200, 302)
            clock.shift(30)
        assert edge.get(links_of(channel, "c7@Mail.example")["pixel"], headers=person).status_code == 200
        apple = links_of(channel, "c8@Mail.example")["pixel"]
        assert edge.get(apple, headers={"User-Agent": "Mozilla/5.0"}).status_code == 200
        scanned = links_of(channel, "c9@Mail.example")
        for words in ("Sale", "New", "Yours"):
            assert edge.get(scanned[words], headers=person).status_code == 302
        leaver = links_of(channel, "c10@Mail.example")["Unsubscribe"]
        assert edge.post(leaver, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        with tenant_session(shop_id) as session:
            customer = session.scalars(select(Customer).where(Customer.email == "c4@example.com")).one()
        body = order_of(customer)
        assert edge.post("/webhooks", content=body, headers=signed(body, shop.domain)).status_code == 200
        process(shop, shop_id)
        clock.shift(60)
        yield campaign, {"Authorization": f"Bearer {id_token(shop.domain)}"}


Get = Callable[..., Any]


@pytest.fixture
def get(client: TestClient, told: tuple[Campaign, dict[str, str]]) -> Get:
    campaign, headers = told

    def read(path: str, **params: str) -> Any:
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}{path}", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer

    return read


def test_the_report_tells_what_happened_at_the_doors(get: Get, client: TestClient) -> None:
    report = get("/report")
    assert report["counts"] == {
        "audience": 13, "pending": 1, "accepted": 9, "failed": 2, "unknown": 0, "excluded": 1,
    }  # fmt: skip
    assert {step["step"]: step["people"] for step in report["funnel"]} == {
        "sent": 9, "delivered": 9, "opened": 2, "clicked": 1, "ordered": 1,
    }  # fmt: skip
    assert report["opens"] == {"human": 3, "machine": 1, "unknown": 0, "machine_only": 1}
    assert report["clicks"] == {"human": 3, "machine": 3, "unknown": 0, "machine_only": 1}
    assert (report["bounced"], report["complained"], report["unsubscribed"]) == (0, 0, 1)
    assert (report["orders"], report["revenue"]["amount_minor"]) == (1, 4200)
    assert report["exclusions"] == [{"reason": "not_subscribed", "count": 1}]
    links = [
        (link["personal"], link["clicks"], link["people"], link["machine_clicks"]) for link in report["links"]
    ]
    assert links == [(False, 2, 1, 1), (False, 0, 0, 1), (True, 1, 1, 1)]
    assert report["links"][2]["url"].startswith("https://acme.example/for/{{ customer.first_name")

    delivered = get("/report/deliverability")
    assert [tuple(row.values()) for row in delivered["domains"]] == [
        # domain, recipients, accepted, deferred, refused, bounced, opened, clicked, complained
        ("example.com", 6, 3, 1, 2, 0, 1, 1, 0),
        ("mail.example", 6, 6, 0, 0, 0, 1, 0, 0),
    ]  # fmt: skip
    assert [tuple(row.values()) for row in delivered["errors"]] == [
        ("failed", "hard_bounce", 550, "5.1.1", "<address> user <address> unknown, queue <id>", 2),
        ("pending", None, 451, "4.7.1", "too many from <ip>, see https://x.example/help", 1),
    ]


def test_the_message_shows_each_link_by_its_number(get: Get) -> None:
    message = get("/report/message")
    assert re.findall(r'href="([^"]+)"', message["html"])[:4] == [
        "#link-1", "#link-2", "#link-3", "mailto:c1@example.com",
    ]  # fmt: skip
    assert message["subject"] == "Hi Name1"


def test_a_recipient_has_a_story_from_the_freeze_to_the_order(get: Get) -> None:
    (buyer,) = get("/recipients", q="c4@example.com")["items"]
    story = get(f"/recipients/{buyer['customer']['id']}")
    assert story["segment_name"] == "Everybody"
    assert [(step["kind"], step["verdict"]) for step in story["steps"]] == [
        ("frozen", None), ("accepted", None), ("open", "human"), ("open", "human"), ("click", "human"),
        ("click", "human"), ("click", "human"), ("order", None),
    ]  # fmt: skip
    accepted, ordered = story["steps"][1], story["steps"][-1]
    assert (accepted["reply"], accepted["attempts"]) == ("250 2.0.0 kept", 1)
    assert (ordered["order"]["name"], ordered["credited_by"]) == ("#1001", "click")
    assert story["steps"][6]["url"].startswith("https://acme.example/for/")
    instants = [step["at"] for step in story["steps"]]
    assert instants == sorted(instants)

    (waiting,) = get("/recipients", q="c3@")["items"]
    steps = get(f"/recipients/{waiting['customer']['id']}")["steps"]
    assert [(step["kind"], step["attempts"]) for step in steps] == [("frozen", None), ("deferred", 1)]
    assert steps[1]["until"] > steps[0]["at"]
    (refused,) = get("/recipients", q="c2@example")["items"]
    steps = get(f"/recipients/{refused['customer']['id']}")["steps"]
    assert [(step["kind"], step["reason"]) for step in steps] == [("frozen", None), ("failed", "hard_bounce")]
    (left_out,) = get("/recipients", state="excluded")["items"]
    steps = get(f"/recipients/{left_out['customer']['id']}")["steps"]
    assert [(step["kind"], step["reason"]) for step in steps] == [
        ("frozen", None), ("excluded", "not_subscribed"),
    ]  # fmt: skip
    assert get("/recipients", q="nobody@nowhere.example")["items"] == []


def test_an_address_at_the_freeze_is_found_when_its_owner_has_another_now(get: Get, uow: UnitOfWork) -> None:
    with uow() as session:
        moved = session.scalars(select(Customer).where(Customer.email == "c5@example.com")).one()
        moved.email = "new@elsewhere.example"
    (found,) = get("/recipients", q="C5@example.com")["items"]
    assert found["customer"]["email"] == "new@elsewhere.example"
    (same,) = get("/recipients", q="new@elsewhere.example")["items"]
    assert same["customer"]["id"] == found["customer"]["id"]


def test_recipients_leave_as_a_file_that_runs_nothing_and_is_logged(
    get: Get, uow: UnitOfWork, told: tuple[Campaign, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storecast.analytics.report_export.CHUNK", 5)
    with uow() as session:
        named = session.scalars(select(Customer).where(Customer.email == "c4@example.com")).one()
        named.first_name, named.last_name = '=HYPERLINK("https://evil.example")', None
    answer = get("/recipients/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 13
    (buyer,) = (row for row in rows if row["email"] == "c4@example.com")
    assert buyer["name"] == '\'=HYPERLINK("https://evil.example")'
    assert (buyer["opens"], buyer["clicks"], buyer["revenue"], buyer["order"]) == ("2", "3", "42.0", "#1001")
    (apple,) = (row for row in rows if row["email"] == "c8@Mail.example")
    assert (apple["opens"], apple["machine_events"], apple["first_opened_at"]) == ("0", "1", "")
    campaign, _headers = told
    with uow() as session:
        noted = session.scalars(select(PersonalDataAccess).where(PersonalDataAccess.view == "export")).one()
        assert (noted.subject, noted.people, noted.actor) == (campaign.public_id, 13, "user:7")
        actions = session.scalars(select(AuditEntry.action)).all()
        assert "campaign_recipients_exported" in actions


def test_the_figures_leave_as_a_file_without_a_person_in_it(get: Get) -> None:
    text = get("/report/export").text
    rows = {tuple(row[:3]): row[3] for row in csv.reader(io.StringIO(text))}
    assert rows["funnel", "", "clicked"] == "1"
    assert rows["domain", "mail.example", "recipients"] == "6"
    assert rows["revenue", "USD", "amount"] == "42.0"
    assert rows["error", "550 5.1.1 <address> user <address> unknown, queue <id>", "failed"] == "2"
    assert not re.search(r"c\d+@", text)


def test_campaigns_stand_side_by_side_and_in_the_order_of_a_figure(
    get: Get, client: TestClient, told: tuple[Campaign, dict[str, str]], shop: Shop, uow: UnitOfWork
) -> None:
    campaign, headers = told
    with uow() as session:
        story = Story(session, shop)
        now = utcnow()
        other = story.campaign(
            name="Other", started_at=now - timedelta(hours=1), frozen_at=now - timedelta(hours=1)
        )
        people = [story.customer(gid=f"gid://shopify/Customer/{900 + n}") for n in range(4)]
        deliveries = [story.delivery(other, person) for person in people]
        for delivery in deliveries[:2]:
            story.message_event(delivery, "open", timedelta(0), occurred_at=now)
        story.message_event(deliveries[3], "bounce", timedelta(0), occurred_at=now, verdict="unknown")
        story.message_event(deliveries[2], "complaint", timedelta(0), occurred_at=now, verdict="unknown")
    compare = partial(client.get, "/api/v1/campaign-comparison", headers=headers)
    answer = compare(params={"campaign_id": [other.public_id, campaign.public_id]})
    assert answer.status_code == 200, answer.text
    columns = answer.json()["campaigns"]
    names = (
        "name",
        "sent",
        "delivered",
        "opened",
        "clicked",
        "ordered",
        "bounced",
        "complained",
        "unsubscribed",
    )
    assert [tuple(column[name] for name in names) for column in columns] == [
        ("Other", 4, 3, 2, 0, 0, 1, 1, 0),
        ("Sale", 9, 9, 2, 1, 1, 0, 0, 1),
    ]
    for wrong in ([campaign.public_id], [campaign.public_id] * 2, [f"cmp_{n}" for n in range(6)]):
        assert compare(params={"campaign_id": wrong}).status_code == 422
    assert compare(params={"campaign_id": [campaign.public_id, "cmp_none"]}).status_code == 404

    def order_by(sort: str) -> list[str]:
        listed = client.get("/api/v1/campaigns", params={"sort": sort}, headers=headers).json()
        return [row["name"] for row in listed["items"]]

    assert order_by("open_rate") == ["Other", "Sale"]
    assert order_by("click_rate") == order_by("revenue") == order_by("sent") == ["Sale", "Other"]


def test_another_shop_learns_nothing(
    client: TestClient, told: tuple[Campaign, dict[str, str]], other_shop: Shop
) -> None:
    campaign, _headers = told
    thief = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    for path in ("report", "report/deliverability", "report/message", "report/export", "recipients/export"):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/{path}", headers=thief)
        assert (answer.status_code, answer.json()["code"]) == (404, "campaign_unknown")
    params = {"campaign_id": [campaign.public_id, "cmp_none"]}
    assert client.get("/api/v1/campaign-comparison", params=params, headers=thief).status_code == 404


def test_a_personal_link_leads_where_its_message_said_and_nowhere_else(
    edge: TestClient, sent: tuple[Campaign, CaptureChannel], shop: Shop
) -> None:
    campaign, channel = sent
    mine, theirs = (links_of(channel, address) for address in ("c5@example.com", "c7@Mail.example"))
    target = edge.get(mine["Yours"]).headers["location"]
    utm = f"utm_source=storecast&utm_medium=email&utm_campaign={campaign.public_id}"
    _, _, token, number, sealed = mine["Yours"].split("/")
    assert target == f"https://acme.example/for/Name5?a=1&b=2&{utm}&sc_click={token}"
    assert "acme.example" not in mine["Yours"]
    assert mine["Write"] == "mailto:c5@example.com"
    other_token = theirs["Yours"].split("/")[2]
    for path in (
        f"/c/{token}/{number}",
        f"/c/{token}/1/{sealed}",
        f"/c/{other_token}/{number}/{sealed}",
        f"/c/{token}/{number}/{sealed[:-2]}",
        f"/c/{token}/{number}/aHR0cHM6Ly9ldmlsLmV4YW1wbGU",
        f"/c/{token}/{number}/{'A' * 4000}",
    ):
        answer = edge.get(path)
        assert (answer.status_code, "location" in answer.headers) == (404, False), path
