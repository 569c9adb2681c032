"""Erasure and export over every table that declares personal data."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import pyzipper
from fastapi.testclient import TestClient
from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.db.base import Base
from storecast.db.roles import Role
from storecast.db.session import engine, platform_session, tenant_session
from storecast.entrypoints.metadata import load_models
from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.jobs import WriteConsent
from storecast.privacy import coverage, links, service, shop_erasure
from storecast.privacy.jobs import HandleRequest, TellMerchant
from storecast.privacy.models import PrivacyRequest
from storecast.shops.models import Shop
from storecast.webhooks import registry
from storecast.webhooks.models import InboxEntry, ObjectMark
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox
from storecast.worker.models import JobRun, OutboxJob
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
    assert set(shop_erasure.shop_tables()) | set(coverage.KEPT_WITH_THE_SHOP_GONE) == with_shop | {"shops"}
    personal = set(coverage.tables_with_personal_data())
    assert personal & set(coverage.KEPT_WITH_THE_SHOP_GONE) == {"shops", "privacy_requests"}


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
    groups = {
        "shopify_segments": {
            "gid": "gid://shopify/Segment/1", "name": "Theirs", "query": "", "shopify_updated_at": NOW,
        },
        "customer_lists": {
            "public_id": "lst_1", "name": "Ours", "row_count": 2, "member_count": 2, "refused_count": 0,
        },
    }  # fmt: skip
    group_ids = {
        name: session.scalar(
            insert(tables[name]).values(shop_id=shop.id, **values).returning(tables[name].c.id)
        )
        for name, values in groups.items()
    }
    for who, mark in ((person, MARK), (bystander, "bystander")):
        theirs: dict[str, dict[str, Any]] = {
            "customer_interests": {"kind": "viewed", "subject": f"product of {mark}", "recent_at": [NOW]},
            "shopify_segment_members": {"segment_id": group_ids["shopify_segments"]},
            "customer_list_members": {"list_id": group_ids["customer_lists"]},
            "contact_preferences": {"frequency": "weekly", "changed_at": NOW},
            "opt_in_requests": {"sent_at": NOW},
            "message_returns": {
                "event_key": mark.encode(),
                "campaign_id": campaign.id,
                "delivery_id": who.id,
                "verdict": "soft",
                "email_digest": mark.encode(),
                "reply": f"452 {mark} is full",
                "source": "smtp",
                "occurred_at": NOW,
            },
        }
        for name, values in theirs.items():
            session.execute(insert(tables[name]).values(shop_id=shop.id, customer_id=who.id, **values))
    imported = {
        "shop_id": shop.id,
        "public_id": "imp_1",
        "name": f"{MARK}@example.com.csv",
        "created_by": "user:7",
    }
    added_import = insert(tables["contact_imports"]).values(**imported)
    import_id = session.scalar(added_import.returning(tables["contact_imports"].c.id))
    session.execute(
        insert(tables["contact_import_pieces"]).values(
            shop_id=shop.id,
            import_id=import_id,
            number=0,
            content=f"email\n{MARK}@example.com\nbystander@example.com\n",
        )
    )
    for line, address in enumerate((f"{MARK}@example.com".lower(), "bystander@example.com")):
        session.execute(
            insert(tables["contact_import_rows"]).values(
                shop_id=shop.id, import_id=import_id, line=line, email=address, consent_source="fair"
            )
        )
    made = {"shop_id": shop.id, "public_id": "cwr_1", "kind": "tags_add", "total": 2}
    write = insert(tables["customer_writes"]).values(**made)
    write_id = session.scalar(write.returning(tables["customer_writes"].c.id))
    for line, (who, mark) in enumerate(((person, MARK), (bystander, "Bystander"))):
        session.execute(
            insert(tables["customer_write_targets"]).values(
                shop_id=shop.id, write_id=write_id, line=line, customer_id=who.id, error=mark
            )
        )
        session.execute(
            insert(tables["store_credit_entries"]).values(
                shop_id=shop.id, public_id=f"scr_{line}", customer_id=who.id, amount_minor=1, currency="USD",
                reason=mark, created_by="user:7",
            )
        )  # fmt: skip
        session.execute(
            insert(tables["abandoned_checkouts"]).values(
                shop_id=shop.id, gid=f"gid://shopify/AbandonedCheckout/{line}", name=mark, customer_gid=who.gid,
                recovery_url=f"https://x.example/{mark}", currency="USD", subtotal_minor=1, total_minor=1,
                begun_at=NOW, shopify_updated_at=NOW,
            )
        )  # fmt: skip
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


PASSES_MAX = 5


def handle(shop: Shop, request_id: int, now: datetime = NOW) -> PrivacyRequest:
    """Pass after pass until the request is done."""
    shop_id = ShopId(shop.id)
    for _ in range(PASSES_MAX):
        service.handle(lambda: tenant_session(shop_id), shop_id, request_id, now=now)
        with tenant_session(shop_id) as session:
            request = session.scalars(select(PrivacyRequest).where(PrivacyRequest.id == request_id)).one()
        if request.state == "done":
            return request
    raise AssertionError("passes went on finding something")


def proof(request: PrivacyRequest) -> dict[str, Any]:
    """Rows before and after, of the tables that had any."""
    assert request.result is not None
    tables: dict[str, Any] = dict(request.result["tables"])  # type: ignore[call-overload]
    return {
        name: (counts["before"], counts["after"])
        for name, counts in tables.items()
        if counts["before"] or counts["after"]
    }


def test_a_redacted_customer_is_nowhere_and_nobody_else_is_touched(shop: Shop) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        fill(session, shop)
        covered = {name for name, rule in coverage.CUSTOMER_RULES.items()}
        # Of these the rows say nothing but ids and instants.
        wordless = {
            "privacy_archives", "shopify_segment_members", "customer_list_members", "contact_preferences",
            "opt_in_requests",
        }  # fmt: skip
        assert covered - wordless <= set(places_of(session, MARK, GID))
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
    assert proof(request) == {
        "pixel_events": (2, 0), "identities": (1, 0), "message_events": (1, 0), "message_deliveries": (1, 0),
        "order_lines": (1, 0), "orders": (1, 0), "customer_facts": (1, 0), "customers": (1, 0),
        "webhook_inbox": (3, 0), "privacy_requests": (1, 0), "abandoned_checkouts": (1, 0),
        "contact_import_rows": (1, 0), "contact_imports": (1, 0), "contact_import_pieces": (1, 0),
        "customer_write_targets": (1, 0), "store_credit_entries": (1, 0), "webhook_marks": (1, 0),
        "customer_interests": (1, 0), "shopify_segment_members": (1, 0),
        "customer_list_members": (1, 0), "contact_preferences": (1, 0), "opt_in_requests": (1, 0),
        "message_returns": (1, 0),
    }  # fmt: skip


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
    with tenant_session(ShopId(shop.id)) as session:
        assert set(before) | {"privacy_requests"} == set(places_of(session, MARK))
        assert [job.request_id for job in outbox.pending(session, TellMerchant)] == [request_id]
        # The archive of a request that was handled at another time than now is looked at through its rows.
        (kept,) = session.scalars(select(PrivacyRequest).where(PrivacyRequest.id == request_id))
        kept.archive_until = utcnow() + timedelta(days=1)

    address = f"/api/v1/privacy/requests/{request_id}"
    passphrase = client.post(f"{address}/passphrase", headers=signed_in).json()["passphrase"]
    again = client.post(f"{address}/passphrase", headers=signed_in)
    assert (again.status_code, again.json()["code"]) == (409, "privacy_passphrase_shown")
    link = client.post(f"{address}/link", headers=signed_in).json()
    download = client.get(link["path"], headers=signed_in)
    assert (download.status_code, download.headers["content-type"]) == (200, "application/zip")
    assert MARK.encode() not in download.content

    files = opened(download.content, passphrase)
    data = json.loads(files["data.json"])["data"]
    assert {name: len(rows) for name, rows in data.items()} == {
        "pixel_events": 2, "identities": 1, "message_events": 1, "message_deliveries": 1,
        "order_lines": 1, "orders": 1, "customer_facts": 1, "customers": 1, "webhook_inbox": 3,
        "privacy_requests": 1, "abandoned_checkouts": 1, "customer_write_targets": 1, "store_credit_entries": 1,
        "customer_interests": 1, "shopify_segment_members": 1, "customer_list_members": 1,
        "contact_import_rows": 1, "contact_preferences": 1, "opt_in_requests": 1, "message_returns": 1,
    }  # fmt: skip
    assert data["customers"][0]["first_name"] == MARK
    assert MARK in files["data.html"]
    assert "ystander" not in files["data.json"] + files["data.html"]


def opened(archive: bytes, passphrase: str) -> dict[str, str]:
    """The files of an archive; a wrong passphrase opens none."""
    with pyzipper.AESZipFile(io.BytesIO(archive)) as folder:
        with pytest.raises(RuntimeError, match="password"):
            folder.read("data.json", pwd=b"wrong")
        return {name: folder.read(name, pwd=passphrase.encode()).decode() for name in folder.namelist()}


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
    monkeypatch.setattr(shop_erasure, "ROWS_PER_DELETE", 1)
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer(first_name="Neighbour")
    request_id = receive(gone, "shop/redact", {"shop_domain": gone.domain})
    request = handle(gone, request_id)
    assert request.state == "done"
    assert proof(request)["customers"] == (2, 0)
    assert {after for _before, after in proof(request).values()} == {0}
    with tenant_session(ShopId(gone.id)) as session:
        assert places_of(session, MARK, "bystander", "owner@example.com", "staff@example.com") == []
        for name in shop_erasure.shop_tables():
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
    assert request.result == {"refused": "the shop is installed", "passes": 1}
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


class Killed(BaseException):
    """The process dies: nothing catches this."""


@pytest.mark.parametrize("after", [1, 3, 9, 15, 22])
def test_an_erasure_that_is_killed_anywhere_goes_on_and_counts_right(shop: Shop, after: int) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        fill(session, shop)
    request_id = receive(shop, "customers/redact", {"customer": CUSTOMER, "orders_to_redact": []})
    begun = 0

    @contextmanager
    def dying() -> Iterator[Session]:
        nonlocal begun
        begun += 1
        with tenant_session(shop_id) as session:
            yield session
            if begun == after:
                raise Killed

    with pytest.raises(Killed):
        service.handle(dying, shop_id, request_id, now=NOW)
    request = handle(shop, request_id)

    with tenant_session(shop_id) as session:
        assert places_of(session, MARK, GID, f": {NUMBER},") == []
    assert request.state == "done"
    assert proof(request)["customers"] == (1, 0)
    assert proof(request)["pixel_events"] == (2, 0)


def test_jobs_logs_notes_and_deeds_forget_whom_they_quoted(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        fill(session, shop)
        audit.record(session, shop_id, "7", "job_retried", "job:1", reason=f"{MARK}@example.com called")
        audit.record(session, shop_id, "7", "job_retried", "job:2", reason="bystander@example.com called")
        outbox.add(session, shop_id, WriteConsent(GID, "2026-01-01T00:00:00Z"))
    with engine(Role.RETENTION).begin() as connection:
        connection.execute(text(HISTORY), {"shop": shop.id, "gid": GID, "email": f"{MARK}@example.com"})
    handle(shop, receive(shop, "customers/redact", {"customer": CUSTOMER}))

    with tenant_session(shop_id) as session:
        # With its end: another customer's id begins with this one's.
        assert places_of(session, MARK, f"{GID}'") == []
        assert audit.broken_at(session, shop_id) is None
        details = [entry.detail for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
        assert details == [{}, {"reason": "bystander@example.com called"}]
        run = session.scalars(select(JobRun)).one()
        assert (run.error, run.attempts, run.terms, run.args) == (
            None, [], [], {"customer_gid": "[erased]", "other": "gid://shopify/Customer/1911670", "id": 0},
        )  # fmt: skip
        (job,) = session.scalars(select(OutboxJob).where(OutboxJob.name == WriteConsent.name))
        assert (job.args["customer_gid"], job.cancel_requested_at is None) == ("[erased]", False)


HISTORY = f"""
INSERT INTO job_runs (id, shop_id, name, queue, args, terms, state, max_attempts, error, attempts, enqueued_at,
                      finished_at)
VALUES (gen_random_uuid(), :shop, 'x', 'default',
        jsonb_build_object('customer_gid', CAST(:gid AS text), 'other', :gid || '0', 'id', {NUMBER}),
        ARRAY['customer_gid:' || :gid], 'dead', 1, 'Failed for ' || :email,
        jsonb_build_array(jsonb_build_object('traceback', 'line\n' || :email)), now(), now())
"""


def test_an_entry_that_was_tampered_with_shows_and_an_erased_one_stays_erased(shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        for number in range(3):
            audit.record(session, shop_id, "7", "deed", f"thing:{number}", note="x")
    forge = (
        "UPDATE audit_log SET subject = 'erased', detail = '{\"planted\": 1}', salt = NULL"
        " WHERE subject = 'thing:1'"
    )
    with engine(Role.RETENTION).begin() as connection:
        connection.execute(text(forge))
    with tenant_session(shop_id) as session:
        second = session.scalars(select(AuditEntry.id).order_by(AuditEntry.id)).all()[1]
        assert audit.broken_at(session, shop_id) == second


def test_requests_for_domains_that_nobody_knows_are_answered_and_forgotten(database: str) -> None:
    body = json.dumps({"customer": {"id": NUMBER, "email": f"{MARK}@example.com"}}).encode()
    with engine(Role.EDGE).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO webhook_inbox (shop_domain, webhook_id, topic, body)"
                " VALUES ('nobody.myshopify.com', 'wh-x', 'customers/redact', :body)"
            ),
            {"body": body},
        )
    with platform_session() as session:
        assert service.answer_strangers(session, now=NOW) == 1
    with platform_session() as session:
        assert service.answer_strangers(session, now=NOW) == 0
        (request,) = session.scalars(select(PrivacyRequest))
        assert (request.shop_id, request.shop_domain, request.kind, request.state) == (
            None, "nobody.myshopify.com", "customer_redact", "done",
        )  # fmt: skip
        (entry,) = session.scalars(select(InboxEntry))
        assert (entry.state, entry.body) == ("done", b"{}")


def test_a_link_is_for_one_shop_and_one_time(shop: Shop, other_shop: Shop) -> None:
    token = links.make(ShopId(shop.id), 5, NOW + timedelta(days=7))
    assert links.read(token, ShopId(shop.id), NOW) == 5
    assert links.read(token, ShopId(other_shop.id), NOW) is None
    assert links.read(token, ShopId(shop.id), NOW + timedelta(days=7)) is None
    for forged in (token[:-2], "A" + token[1:], "", "é", "A" * 60):
        assert links.read(forged, ShopId(shop.id), NOW) is None


def test_the_merchant_asks_and_is_refused_what_names_nobody(
    shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    refused = client.post("/api/v1/privacy/requests", headers=signed_in, json={"kind": "customer_redact"})
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (
        422,
        ["/email"],
    )
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalars(select(PrivacyRequest)).all() == []
    asked = {"kind": "customer_redact", "email": f"{MARK}@example.com"}
    made = client.post("/api/v1/privacy/requests", headers=signed_in, json=asked)
    assert (made.status_code, made.json()["asked_by"], made.json()["state"]) == (202, "merchant", "received")
    handle(shop, made.json()["id"])
    with tenant_session(ShopId(shop.id)) as session:
        assert places_of(session, MARK) == []
        assert [entry.action for entry in session.scalars(select(AuditEntry))] == [
            "privacy_customer_redact_asked"
        ]
    again = client.post(f"/api/v1/privacy/requests/{made.json()['id']}/rerun", headers=signed_in)
    assert (again.status_code, again.json()["code"]) == (409, "privacy_request_not_repeatable")
