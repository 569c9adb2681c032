"""Erasure and export over every table that declares personal data."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.orm import Session

from storecast.auth.models import ShopMember
from storecast.db.base import Base
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.metadata import load_models
from storecast.entrypoints.modules import register_jobs
from storecast.kit.types import ShopId
from storecast.privacy import coverage, service
from storecast.privacy.jobs import HandleRequest
from storecast.privacy.models import PrivacyRequest
from storecast.shops.models import Shop
from storecast.webhooks import registry
from storecast.webhooks.models import InboxEntry, ObjectMark
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.factories.story import NOW, Story

load_models()

MARK = "Persephone"
"""Stands in every personal column of one person, and nowhere else."""

NUMBER = 191_167
GID = f"gid://shopify/Customer/{NUMBER}"


def test_every_table_with_personal_data_is_covered() -> None:
    declared = set(coverage.tables_with_personal_data())
    named = set(coverage.CUSTOMER_RULES) | set(coverage.NOT_ABOUT_CUSTOMERS)
    assert declared == named


def test_every_declared_column_is_there_and_every_table_declares() -> None:
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        assert isinstance(table, Table)
        assert "personal_data" in mapper.class_.__dict__, f"{table.name} does not say what is personal"
        assert set(mapper.class_.personal_data) <= set(table.columns.keys())


def test_what_stays_when_a_shop_goes_is_named_and_exists() -> None:
    with_shop = {table.name for table in Base.metadata.sorted_tables if "shop_id" in table.c}
    assert set(service.shop_tables()) | set(coverage.KEPT_WITH_THE_SHOP_GONE) == with_shop | {"shops"}
    personal = set(coverage.tables_with_personal_data())
    emptied = {"shops", "privacy_requests"}
    assert personal & set(coverage.KEPT_WITH_THE_SHOP_GONE) == emptied | {"audit_log"}


def fill(session: Session, shop: Shop) -> Story:
    """One person in every table, their mark in every personal column that takes a text; and a bystander."""
    told = Story(session, shop)
    marked: dict[str, dict[str, Any]] = {
        "customers": {"first_name": MARK, "last_name": MARK, "phone": MARK, "city": MARK, "country": MARK,
                      "province": MARK, "locale": MARK, "tags": [MARK]},
        "orders": {"name": MARK, "email": f"{MARK}@example.com", "cart_token": MARK, "checkout_token": MARK,
                   "client_id": f"{MARK}-browser", "landing_site": f"/?who={MARK}", "journey": {"who": MARK}},
        "visits": {"url": f"https://x.example/{MARK}", "referrer": MARK, "click_token": MARK, "search": MARK,
                   "cart_token": MARK, "checkout_token": MARK},
    }  # fmt: skip
    person = told.customer(gid=GID, email=f"{MARK}@Example.com", **marked["customers"])
    bystander = told.customer(first_name="Bystander", email="bystander@example.com")
    campaign = told.campaign()
    for who, mark in ((person, MARK), (bystander, "Bystander")):
        delivery = told.delivery(campaign, who, smtp_reply=f"250 {mark}")
        told.message_event(delivery, "click", timedelta(hours=2), user_agent=mark)
        told.visit(f"{mark}-browser", timedelta(hours=2), delivery=delivery, customer_gid=who.gid)
    told.visit(f"{MARK}-browser", timedelta(hours=1), **marked["visits"])
    order = told.order(person, timedelta(hours=1), **marked["orders"])
    other = told.order(bystander, timedelta(hours=1), name="#2", email="bystander@example.com")
    tables = Base.metadata.tables
    for placed, title in ((order, MARK), (other, "Bystander's record")):
        session.execute(
            insert(tables["order_lines"]).values(
                shop_id=shop.id,
                order_id=placed.id,
                order_gid=placed.gid,
                gid=f"line of {placed.gid}",
                title=title,
                quantity=1,
                price_minor=1,
            )
        )
    for who, client in ((person, f"{MARK}-browser"), (bystander, "Bystander-browser")):
        session.execute(
            insert(tables["identities"]).values(
                shop_id=shop.id, client_id=client, customer_id=who.id, seen_at=NOW
            )
        )
    bodies = [
        {"id": NUMBER, "note": MARK},
        {"customer": {"admin_graphql_api_id": GID}, "note": MARK},
        {"email": f"{MARK}@Example.com"},
        {"id": NUMBER * 10 + 1, "email": "bystander@example.com"},
    ]
    for number, body in enumerate(bodies):
        session.add(
            InboxEntry(
                shop_id=shop.id,
                shop_domain=shop.domain,
                webhook_id=f"wh{number}",
                topic="customers/update",
                body=json.dumps(body).encode(),
                state="done",
            )
        )
    for gid, aspect in ((GID, f"tag {MARK}"), ("gid://shopify/Customer/7", "tag bystander")):
        session.add(ObjectMark(shop_id=shop.id, gid=gid, aspect=aspect, at=NOW))
    channel = {"kind": "email", "title": "Owner", "target": b"sealed", "created_by": "user:7"}
    session.execute(insert(tables["alert_channels"]).values(shop_id=shop.id, **channel))
    rule = {"title": "Dead", "metric": "dead_letters", "op": "above", "threshold": 0, "created_by": "user:7"}
    added = (
        insert(tables["alert_rules"]).values(shop_id=shop.id, **rule).returning(tables["alert_rules"].c.id)
    )
    happened = {"rule_id": session.scalar(added), "kind": "fired", "value": 1}
    session.execute(insert(tables["alert_events"]).values(shop_id=shop.id, **happened))
    session.add(
        PrivacyRequest(
            shop_id=shop.id,
            shop_domain=shop.domain,
            webhook_id="earlier",
            kind="data_request",
            customer_gid=GID,
            subject={"email": MARK},
            result={"who": MARK},
            received_at=NOW,
            due_at=NOW,
            state="done",
        )
    )
    session.flush()
    return told


def places_of(session: Session, *needles: str) -> list[str]:
    """Tables whose rows, read as text, contain any of the needles."""
    found = []
    for table in Base.metadata.sorted_tables:
        if table.name in ("shop_tokens", "fleet_processes", "sync_resources"):
            continue
        # The platform's own tables name no shop and no customer; a shop's session may not even look at them.
        if not session.scalar(select(func.has_table_privilege(table.name, "SELECT"))):
            assert "shop_id" not in table.c
            continue
        for row in session.execute(select(table)):
            shown = " ".join(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row
            ).lower()
            if any(needle.lower() in shown for needle in needles):
                found.append(table.name)
    return sorted(set(found))


def delivery(topic: str, payload: dict[str, Any], webhook_id: str = "wh-privacy") -> Delivery:
    return Delivery(topic=topic, webhook_id=webhook_id, event_id=None, triggered_at=None, payload=payload)


CUSTOMER = {"id": NUMBER, "email": f"{MARK}@example.com", "phone": "555"}


def receive(shop: Shop, topic: str, payload: dict[str, Any]) -> int:
    register_jobs()
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        for handler in registry.handlers(topic):
            handler(session, shop_id, delivery(topic, payload))
        (job,) = outbox.pending(session, HandleRequest)
    return job.request_id


def handle(shop: Shop, request_id: int, now: datetime = NOW) -> PrivacyRequest:
    shop_id = ShopId(shop.id)
    service.handle(lambda: tenant_session(shop_id), shop_id, request_id, now=now)
    with tenant_session(shop_id) as session:
        request = session.get(PrivacyRequest, request_id)
        assert request is not None
        return request


def test_a_redacted_customer_is_nowhere_and_nobody_else_is_touched(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        covered = {name for name, rule in coverage.CUSTOMER_RULES.items()}
        assert covered - {"customer_facts"} <= set(places_of(session, MARK, GID))
        before = places_of(session, "bystander")
    request_id = receive(shop, "customers/redact", {"customer": CUSTOMER, "orders_to_redact": []})
    request = handle(shop, request_id)
    assert (request.state, request.done_at, request.subject, request.customer_gid) == (
        "done",
        NOW,
        None,
        None,
    )
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK, GID, f": {NUMBER},") == []
        assert places_of(session, "bystander") == before
        orders = session.execute(select(Base.metadata.tables["orders"])).mappings().all()
        assert sorted(row["total_minor"] for row in orders) == [1000, 1000]
        assert sum(row["customer_id"] is None for row in orders) == 1
    assert request.result is not None
    assert request.result["customers"] == 1
    assert request.result["webhook_inbox"] == 3


def test_a_customer_of_whom_only_the_address_is_known_is_found(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
    request_id = receive(shop, "customers/redact", {"customer": {"email": f"{MARK}@EXAMPLE.com"}})
    handle(shop, request_id)
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK, GID) == []


def test_an_order_that_the_request_names_is_redacted_even_without_a_customer(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        Story(session, shop).order(None, timedelta(hours=1), gid="gid://shopify/Order/299938", email=MARK)
    payload = {"customer": {"id": NUMBER}, "orders_to_redact": [299938]}
    handle(shop, receive(shop, "customers/redact", payload))
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK) == []


def test_a_data_request_exports_the_person_and_nobody_else(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        before = places_of(session, MARK)
    request_id = receive(shop, "customers/data_request", {"customer": CUSTOMER, "orders_requested": []})
    request = handle(shop, request_id)
    assert request.due_at - request.received_at == timedelta(days=30)
    bundle: dict[str, Any] = dict(request.result or {})
    assert {name: len(rows) for name, rows in bundle.items()} == {
        "pixel_events": 2, "identities": 1, "message_events": 1, "message_deliveries": 1,
        "order_lines": 1, "orders": 1, "customer_facts": 1, "customers": 1,
    }  # fmt: skip
    assert MARK in json.dumps(bundle)
    assert "ystander" not in json.dumps(bundle)
    with tenant_session(ShopId(shop.id)) as session:
        assert set(before) == set(places_of(session, MARK))
    shown = client.get(f"/api/v1/privacy/requests/{request_id}", headers=signed_in)
    assert shown.status_code == 200
    assert shown.json()["result"]["customers"][0]["first_name"] == MARK
    listed = client.get("/api/v1/privacy/requests", headers=signed_in).json()["items"]
    assert [item["kind"] for item in listed] == ["data_request", "data_request"]
    assert client.get("/api/v1/privacy/requests/999999", headers=signed_in).status_code == 404


def test_a_repeated_delivery_is_one_request_and_a_done_one_stays(shop: Shop) -> None:
    request_id = receive(shop, "customers/redact", {"customer": CUSTOMER})
    assert receive(shop, "customers/redact", {"customer": CUSTOMER}) == request_id
    handle(shop, request_id)
    later = handle(shop, request_id, now=NOW + timedelta(days=1))
    assert later.done_at == NOW
    with tenant_session(ShopId(shop.id)) as session:
        assert len(session.scalars(select(PrivacyRequest)).all()) == 1


@pytest.fixture
def gone(shop: Shop) -> Shop:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        row = session.get(Shop, shop.id)
        assert row is not None
        row.state = "uninstalled"
        row.email, row.sender_name, row.sender_email = "owner@example.com", MARK, "news@example.com"
        session.add(
            ShopMember(
                shop_id=shop.id,
                shopify_user_id="88",
                email="staff@example.com",
                name=MARK,
                role="owner",
                last_seen_at=NOW,
            )
        )
    return shop


def test_a_shop_that_left_loses_everything_and_its_neighbour_nothing(
    gone: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ROWS_PER_DELETE", 1)
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer(first_name="Neighbour")
    request_id = receive(gone, "shop/redact", {"shop_domain": gone.domain})
    request = handle(gone, request_id)
    assert request.state == "done"
    assert request.result is not None
    assert request.result["customers"] == 2
    with tenant_session(ShopId(gone.id)) as session:
        assert places_of(session, MARK, "bystander", "owner@example.com", "staff@example.com") == []
        for name in service.shop_tables():
            assert session.execute(select(Base.metadata.tables[name])).all() == [], name
        row = session.get(Shop, gone.id)
        assert row is not None
        assert (row.domain, row.email, row.sender_name, row.sender_email) == (gone.domain, None, None, None)
    with tenant_session(ShopId(other_shop.id)) as session:
        assert places_of(session, "neighbour") == ["customers"]


def test_a_shop_that_came_back_is_left_alone(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
    request = handle(shop, receive(shop, "shop/redact", {"shop_domain": shop.domain}))
    assert request.result == {"refused": "the shop is installed"}
    with tenant_session(ShopId(shop.id)) as session:
        assert "customers" in places_of(session, MARK)


def test_an_erasure_that_was_interrupted_goes_on(gone: Shop) -> None:
    request_id = receive(gone, "shop/redact", {})
    with tenant_session(ShopId(gone.id)) as session:
        session.execute(delete(Base.metadata.tables["order_lines"]))
        session.execute(text("DELETE FROM orders"))
    assert handle(gone, request_id).state == "done"
    with tenant_session(ShopId(gone.id)) as session:
        assert places_of(session, MARK) == []


def test_the_running_job_survives_its_own_erasure(gone: Shop) -> None:
    request_id = receive(gone, "shop/redact", {})
    handle(gone, request_id)
    with platform_session() as session:
        assert [job.args for job in session.scalars(select(OutboxJob))] == [{"request_id": request_id}]
