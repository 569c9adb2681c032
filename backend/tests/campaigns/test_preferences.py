"""The recipient's own page: what it shows, what it changes, and what that does to the next campaign."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.campaigns import (
    audience_repository,
    drafts,
    ledger_repository,
    readiness,
    reading,
    repository,
    schemas,
)
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.customers import selectables as customers
from storecast.customers.jobs import WriteConsent
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import selectables, topics
from storecast.messaging import service as messaging
from storecast.messaging.delivery import tokens
from storecast.messaging.errors import TopicUnknown
from storecast.messaging.tokens import Tokens
from storecast.messaging.topics_schemas import NewTopic, TopicChanges
from storecast.shops.models import Shop
from storecast.worker import outbox

UnitOfWork = Callable[[], AbstractContextManager[Session]]


@pytest.fixture
def row(uow: UnitOfWork, frozen: Campaign) -> MessageDelivery:
    """The delivery whose link is used."""
    with uow() as session:
        return session.scalars(select(MessageDelivery).order_by(MessageDelivery.id)).first()  # type: ignore[return-value]


@pytest.fixture
def link(row: MessageDelivery) -> str:
    return f"/p/{tokens().mint(row.shop_id, row.campaign_id, row.id)}"


@pytest.fixture
def topic_ids(uow: UnitOfWork, shop_id: ShopId) -> list[str]:
    with uow() as session:
        return [
            topics.add(session, shop_id, NewTopic(name=name, description="<b>"), actor="user:7").public_id
            for name in ("Arrivals", "Sales & more")
        ]


def chosen(uow: UnitOfWork, shop_id: ShopId) -> list[tuple[Any, ...]]:
    with uow() as session:
        return [tuple(each) for each in session.execute(selectables.preferences(shop_id))]


def state(uow: UnitOfWork, row: MessageDelivery) -> tuple[str, str | None]:
    with uow() as session:
        person = session.get_one(Customer, row.customer_id)
        found = messaging.find_suppression(session, ShopId(row.shop_id), row.email or "")
        return person.email_state, found


def test_the_page_is_theirs_in_their_language_and_changes_nothing(
    client: TestClient,
    uow: UnitOfWork,
    shop_id: ShopId,
    row: MessageDelivery,
    link: str,
    topic_ids: list[str],
) -> None:
    with uow() as session:
        topics.change(session, shop_id, topic_ids[0], TopicChanges(archived=True), actor="user:7")
    page = client.get(link, headers={"Accept-Language": "sv, nl;q=0.3, de-CH;q=0.8"})
    assert page.status_code == 200
    assert '<html lang="de">' in page.text
    assert "Sales &amp; more" in page.text
    assert "<b>" not in page.text
    assert "Arrivals" not in page.text
    # Whoever was forwarded the mail does not learn the address.
    assert "c1@example.com" not in page.text
    assert "c…@example.com" in page.text
    with uow() as session:
        session.execute(update(Customer).where(Customer.id == row.customer_id).values(locale="en-GB"))
    assert '<html lang="en">' in client.get(link, headers={"Accept-Language": "de"}).text

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert (page.headers["referrer-policy"], page.headers["x-robots-tag"]) == ("no-referrer", "noindex")
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        client.request(method, link, params={"do": "unsubscribe", "frequency": "monthly"})
    assert (chosen(uow, shop_id), state(uow, row)) == ([], ("subscribed", None))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "else"},
        {"do": "save"},
        {"do": "save", "frequency": "hourly"},
        {"do": "save", "frequency": "all", "pause": "9999"},
        {"do": ["save", "unsubscribe"], "frequency": "all"},
    ],
)
def test_a_form_that_is_not_the_pages_changes_nothing(
    client: TestClient,
    uow: UnitOfWork,
    shop_id: ShopId,
    row: MessageDelivery,
    link: str,
    form: dict[str, Any],
) -> None:
    assert client.post(link, data=form).status_code == 400
    assert client.post(link, json={"do": "unsubscribe"}).status_code == 400
    assert client.post(link, data={"do": "unsubscribe", "pad": "x" * 9000}).status_code == 413
    assert (chosen(uow, shop_id), state(uow, row)) == ([], ("subscribed", None))


def test_a_link_speaks_for_its_recipient_only(
    client: TestClient, uow: UnitOfWork, shop_id: ShopId, other_shop: Shop, row: MessageDelivery
) -> None:
    forged = Tokens(b"another secret of the tests, also long").mint(shop_id, row.campaign_id, row.id)
    elsewhere = tokens().mint(other_shop.id, row.campaign_id, row.id)
    nobody = tokens().mint(shop_id, row.campaign_id, row.id + 1_000)
    for token in (forged, elsewhere, nobody, "x", "x" * 64):
        for answer in (client.get(f"/p/{token}"), client.post(f"/p/{token}", data={"do": "unsubscribe"})):
            assert answer.status_code == 404
            assert "c…@" not in answer.text
    assert (chosen(uow, shop_id), state(uow, row)) == ([], ("subscribed", None))


def test_choices_are_kept_and_the_later_one_stands(
    client: TestClient,
    uow: UnitOfWork,
    shop_id: ShopId,
    row: MessageDelivery,
    link: str,
    topic_ids: list[str],
) -> None:
    form = {"do": "save", "frequency": "weekly", "pause": "30", "topic": [topic_ids[0]]}
    answer = client.post(link, data=form)
    assert "Saved." in answer.text
    ((customer_id, frequency, paused_until, off),) = chosen(uow, shop_id)
    assert (customer_id, frequency, len(off)) == (row.customer_id, "weekly", 1)
    assert timedelta(days=29) < paused_until - utcnow() < timedelta(days=31)
    assert f"{paused_until.day} {paused_until:%B %Y}</time>" in answer.text
    boxes = re.findall(r'value="(top_\w+)"( checked)?', answer.text)
    assert boxes == [(topic_ids[0], " checked"), (topic_ids[1], "")]
    assert '<input type="radio" name="frequency" value="weekly" checked>' in answer.text

    with time_machine.travel(utcnow() - timedelta(hours=1), tick=True):
        client.post(link, data={"do": "save", "frequency": "monthly"})
    assert chosen(uow, shop_id) == [(customer_id, "weekly", paused_until, off)]
    client.post(link, data={"do": "save", "frequency": "all", "pause": "0", "topic": topic_ids})
    assert chosen(uow, shop_id) == [(customer_id, "all", None, [])]


def test_leaving_and_coming_back_is_consent_and_goes_to_shopify(
    client: TestClient, uow: UnitOfWork, shop_id: ShopId, row: MessageDelivery, link: str
) -> None:
    answer = client.post(link, data={"do": "unsubscribe"})
    assert "You are unsubscribed." in answer.text
    assert 'value="subscribe"' in answer.text
    assert state(uow, row) == ("unsubscribed", "unsubscribed")
    with uow() as session:
        assert len(outbox.pending(session, WriteConsent)) == 1
    with time_machine.travel(utcnow() + timedelta(seconds=5), tick=True):
        assert "You are subscribed again." in client.post(link, data={"do": "subscribe"}).text
    assert state(uow, row) == ("subscribed", None)

    # Whom the merchant has shut out by hand, no link lets in again.
    with uow() as session:
        messaging.suppress(session, shop_id, [row.email or ""], reason="manual", source="user:7")
    assert 'value="subscribe"' not in client.get(link).text
    assert client.post(link, data={"do": "subscribe"}).status_code == 400
    assert state(uow, row) == ("subscribed", "manual")


def test_campaigns_leave_out_who_rests_and_who_wants_no_such_topic(
    client: TestClient,
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    topic_ids: list[str],
    ledger: Callable[[], list[MessageDelivery]],
) -> None:
    rows = ledger()
    links = [f"/p/{tokens().mint(row.shop_id, row.campaign_id, row.id)}" for row in rows]
    every = {"do": "save", "frequency": "all", "topic": topic_ids}
    client.post(links[0], data={**every, "pause": "60"})
    client.post(links[1], data={**every, "topic": topic_ids[1]})
    client.post(links[2], data=every)

    def counts(topic_id: str | None) -> dict[str | None, int]:
        with uow() as session:
            campaign = drafts.duplicate(session, shop_id, frozen.public_id, actor="user:7")
            changes = schemas.CampaignChanges(version=campaign.version, topic_id=topic_id)
            drafts.change(session, shop_id, campaign.public_id, changes)
            assert reading.shape(session, shop_id, campaign).topic_id == topic_id
            chosen = readiness.chosen(session, shop_id, campaign)
            return audience_repository.audience_counts(session, shop_id, campaign, chosen)

    assert counts(None) == {None: 11, "paused": 1}
    assert counts(topic_ids[0]) == {None: 10, "paused": 1, "topic_opted_out": 1}
    assert counts(topic_ids[1]) == {None: 11, "paused": 1}

    # Those who were frozen before they chose are looked at once more when their turn comes.
    with uow() as session:
        campaign = repository.find_by_id(session, shop_id, frozen.id)
        assert campaign is not None
        campaign.topic_id = topics.get(session, shop_id, topic_ids[0]).id
        claimed = ledger_repository.claim(
            session, campaign, ledger_repository.claiming(shop_id, campaign, customers.audience(shop_id)),
            limit=20, now=utcnow(),
        )  # fmt: skip
        assert [each.reason for each in claimed] == ["paused", "topic_opted_out"] + [None] * 10


def test_a_topic_of_the_neighbour_is_none(
    uow: UnitOfWork, shop_id: ShopId, other_shop: Shop, campaign_id: str
) -> None:
    other = ShopId(other_shop.id)
    with tenant_session(other) as session:
        theirs = topics.add(session, other, NewTopic(name="Arrivals"), actor="user:7").public_id
    with uow() as session:
        version = reading.get(session, shop_id, campaign_id).version
        changes = schemas.CampaignChanges(version=version, topic_id=theirs)
        with pytest.raises(TopicUnknown):
            drafts.change(session, shop_id, campaign_id, changes)
