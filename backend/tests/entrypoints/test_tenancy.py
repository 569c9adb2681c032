"""Shops and roles try to cross: every route with an id is called by the neighbour, every route by those who may not.

The routes come from the application itself: a new one with an id in its path fails here until it is named below.
"""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from storecast.ai.models import MicroSegment
from storecast.auth.models import ApiKey, ShopMember
from storecast.campaigns.models import Campaign, DiscountSet
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.api import create_app
from storecast.entrypoints.modules import routers
from storecast.entrypoints.openapi import DOCUMENT_SETTINGS
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.privacy import service as privacy
from storecast.privacy.models import PrivacyRequest
from storecast.products.models import Product
from storecast.shops.access import _GRANTS, Permission, Role
from storecast.shops.models import Shop
from storecast.webhooks.models import InboxEntry
from tests.conftest import OWNER_ID, id_token
from tests.factories.story import Story
from tests.jobs.console import FINGERPRINT, add_finished

DOCUMENT = create_app(DOCUMENT_SETTINGS).openapi()
OPERATIONS = [
    (path, method)
    for path, item in sorted(DOCUMENT["paths"].items())
    for method in sorted(item)
    if item[method]["security"]
]
WITH_ID = [(path, method) for path, method in OPERATIONS if "{" in path]
RULES = {"field": "orders_count", "operator": "gte", "value": 1}
RELAY = {"kind": "smtp", "title": "Relay", "config": {"host": "smtp.acme.example"}}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("/api/v1/segments/{segment_id}", "put"): {"name": "Taken", "rules": RULES},
    ("/api/v1/micro-segments/{micro_segment_id}/adopt", "post"): {"name": "Taken"},
    ("/api/v1/campaigns/{campaign_id}", "patch"): {"version": 1, "name": "Taken"},
    ("/api/v1/campaigns/{campaign_id}/priority", "put"): {"version": 1, "priority": "transactional"},
    ("/api/v1/campaigns/{campaign_id}/variants", "put"): {"version": 1, "test": None},
    ("/api/v1/campaigns/{campaign_id}/languages", "put"): {"version": 1, "languages": []},
    ("/api/v1/campaigns/{campaign_id}/winner", "post"): {"number": 1},
    ("/api/v1/campaigns/{campaign_id}/follow-up", "post"): {"kind": "rest"},
    ("/api/v1/discounts/{discount_id}/codes", "post"): {"codes": 1},
    ("/api/v1/customers/imports/{import_id}/preview", "post"): {"columns": {"0": "email"}},
    ("/api/v1/customers/imports/{import_id}/start", "post"): {"columns": {"0": "email"}},
    ("/api/v1/templates/saved/{template_id}", "patch"): {"version": 1, "name": "Taken"},
    ("/api/v1/campaigns/{campaign_id}/test", "post"): {"email": "thief@example.com"},
    ("/api/v1/jobs/{job_id}/discard", "post"): {"reason": "theft"},
    ("/api/v1/dead-letters/{fingerprint}/replay", "post"): {"reason": "theft"},
    ("/api/v1/dead-letters/{fingerprint}/discard", "post"): {"reason": "theft"},
    ("/api/v1/dead-letters/{fingerprint}/notes", "post"): {"body": "theft"},
    ("/api/v1/alerts/rules/{rule_id}/mute", "post"): {"until": None},
    ("/api/v1/sending/channels/{sending_channel_id}", "put"): RELAY,
    ("/api/v1/members/{member_id}", "patch"): {"role": "viewer"},
    ("/api/v1/customers/{customer_id}/store-credit", "post"): {"amount_minor": 1000, "reason": "theft"},
}
"""What a request needs to get as far as looking for the thing; the others take an empty object."""

OPERATORS_ONLY = ("/api/v1/circuits/", "/api/v1/limits/", "/api/v1/queues/", "/api/v1/workers/")
"""What is the whole installation's: an owner of a shop is told that it is not theirs, whosever shop it is."""


def refusal(path: str) -> int:
    """How somebody else's thing is refused."""
    return 403 if path.startswith(OPERATORS_ONLY) else 404


MEMBERS: dict[Role, str] = {
    "owner": OWNER_ID,
    "admin": "8",
    "marketer": "9",
    "operator": "10",
    "viewer": "11",
}


def declared() -> dict[tuple[str, str], set[Permission]]:
    """The permissions of every route, as its dependencies declare them."""
    found = {}
    for prefix, router in routers():
        for route in router.routes:
            assert isinstance(route, APIRoute)
            needed = {getattr(marker.dependency, "permission", None) for marker in route.dependencies} - {
                None
            }
            for method in route.methods or ():
                found[f"{prefix}{route.path}", method.lower()] = needed
    return found  # type: ignore[return-value]  # None was taken out


DECLARED = declared()


def shown(operation: tuple[str, str]) -> str:
    """The permission that the document names."""
    path, method = operation
    return str(DOCUMENT["paths"][path][method]["x-permission"])


def headers(shop: Shop, role: Role = "owner") -> dict[str, str]:
    return {"Authorization": f"Bearer {id_token(shop.domain, user_id=MEMBERS[role])}"}


@pytest.fixture
def things(client: TestClient, shop: Shop) -> dict[str, str]:
    """One of everything that a path can name, in `shop`."""
    mine = headers(shop)
    with tenant_session(ShopId(shop.id)) as session:
        customer = Story(session, shop).customer()
        now = utcnow()
        request = PrivacyRequest(
            shop_id=shop.id, shop_domain=shop.domain, webhook_id="w", kind="data_request", received_at=now,
            due_at=now + timedelta(days=30), customer_gid=customer.gid,
        )  # fmt: skip
        suggestion = MicroSegment(
            shop_id=shop.id, public_id="mic_1", label="loyal", number=1, rules=RULES, customers=1, facts={},
            found_at=now,
        )  # fmt: skip
        delivery = InboxEntry(
            shop_id=shop.id, shop_domain=shop.domain, webhook_id="w", topic="orders/create", body=b"{}", state="dead"
        )  # fmt: skip
        discount = DiscountSet(
            shop_id=shop.id, public_id="dsc_1", title="Ten", percent_hundredths=1000, currency="USD", starts_at=now,
            once_per_customer=True, total=0,
        )  # fmt: skip
        product = Product(
            shop_id=shop.id, gid="gid://shopify/Product/9001", title="Mine", handle="mine", status="active",
            price_minor=1000, currency="USD", shopify_updated_at=now,
        )  # fmt: skip
        session.add_all([request, suggestion, delivery, discount, product])
        session.flush()
        request_id, delivery_id = str(request.id), str(delivery.id)
    privacy.handle(partial(tenant_session, ShopId(shop.id)), ShopId(shop.id), int(request_id), now=now)
    link = client.post(f"/api/v1/privacy/requests/{request_id}/link", headers=mine).json()
    tags = {"customer_ids": [customer.public_id], "add": ["vip"]}
    (write,) = client.post("/api/v1/customers/tags", headers=mine, json=tags).json()["writes"]
    segment = client.post("/api/v1/segments", headers=mine, json={"name": "Buyers", "rules": RULES}).json()
    uploaded = client.post(
        "/api/v1/segments/lists?name=Guests", headers=mine, content=f"email\n{customer.email}\n"
    ).json()
    contacts = client.post("/api/v1/customers/imports", headers=mine, json={"name": "fair.csv"}).json()
    campaign = client.post("/api/v1/campaigns", headers=mine, json={"name": "Hello"}).json()
    with tenant_session(ShopId(shop.id)) as session:
        sent = session.scalars(select(Campaign)).one()
        sent.frozen_at = now
        Story(session, shop).delivery(sent, customer, accepted_at=now)
    kept = {"name": "Letter", "html": "<p>Hello</p>"}
    template = client.post("/api/v1/templates/saved", headers=mine, json=kept).json()
    sync = client.post("/api/v1/syncs", headers=mine, json={"mode": "bulk"}).json()
    (job, *_) = client.get("/api/v1/jobs?q=name:sync.start", headers=mine).json()["items"]
    add_finished(shop, "dead")
    rhythm = {"title": "Nightly", "job_name": "sync.now", "interval_s": 86_400}
    schedule = client.post("/api/v1/schedules", headers=mine, json=rhythm).json()
    graph = {"name": "Mine", "nodes": [{"key": "only", "job": "sync.now"}]}
    workflow = client.post("/api/v1/workflows", headers=mine, json=graph).json()
    hook = {"kind": "webhook", "title": "Hook", "target": "https://hooks.example.com/storecast"}
    channel = client.post("/api/v1/alerts/channels", headers=mine, json=hook).json()
    watch = {"title": "Dead", "metric": "dead_letters", "op": "above", "threshold": 0}
    rule = client.post("/api/v1/alerts/rules", headers=mine, json=watch).json()
    domain = client.post("/api/v1/sending/domains", headers=mine, json={"domain": "acme.example"}).json()
    relay = client.post("/api/v1/sending/channels", headers=mine, json=RELAY).json()
    shut_out = client.post("/api/v1/suppressions", headers=mine, json={"email": "x@y.example"}).json()
    topic = client.post("/api/v1/topics", headers=mine, json={"name": "Arrivals"}).json()
    key = client.post("/api/v1/api-keys", headers=mine, json={"name": "Mine", "scopes": ["read"]}).json()
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id, shopify_user_id="77", email="staff@acme.example", name="Staff", role="admin",
                last_seen_at=now,
            )
        )  # fmt: skip
    return {
        "discount_id": "dsc_1",
        "import_id": contacts["id"],
        "token": link["path"].rsplit("/", 1)[-1],
        "write_id": write["id"],
        "key_id": key["id"],
        "member_id": "77",
        "channel_id": str(channel["id"]),
        "domain_id": domain["id"],
        "sending_channel_id": relay["id"],
        "suppression_id": shut_out["id"],
        "topic_id": topic["id"],
        "rule_id": str(rule["id"]),
        "host": "acme.myshopify.com",
        "kind": "queue",
        "key": "bulk",
        "name": "bulk",
        "schedule_id": schedule["id"],
        "workflow_id": workflow["id"],
        "customer_id": customer.public_id,
        "request_id": request_id,
        "delivery_id": delivery_id,
        "segment_id": segment["id"],
        "list_id": uploaded["id"],
        "micro_segment_id": "mic_1",
        "campaign_id": campaign["id"],
        "template_id": template["id"],
        "sync_id": sync["id"],
        "task_id": sync["id"],
        "shop": shop.domain,
        "job_id": job["id"],
        "fingerprint": FINGERPRINT,
    }


def digest(database: str, shop: Shop) -> dict[str, str | None]:
    """A fingerprint of every row of a shop, table by table."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE a.attname = 'shop_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        ).fetchall()
        found = {}
        for (table,) in tables:
            row = connection.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t WHERE shop_id = %s",
                [shop.id],
            ).fetchone()
            found[table] = row[0] if row else None
        return found


def test_every_route_declares_one_permission() -> None:
    assert set(DECLARED) == set(OPERATIONS)
    assert {operation: {Permission(shown(operation))} for operation in OPERATIONS} == DECLARED
    assert {operation: needed for operation, needed in DECLARED.items() if len(needed) != 1} == {}


def test_only_looking_needs_no_more_than_the_permission_to_read() -> None:
    reading = {operation for operation, needed in DECLARED.items() if needed == {Permission.READ}}
    assert {operation for operation in reading if operation[1] != "get"} == {
        ("/api/v1/brand/picture", "post"),
        ("/api/v1/campaigns/{campaign_id}/preview", "post"),
        ("/api/v1/schedules/preview", "post"),
        ("/api/v1/session/shop", "post"),
        ("/api/v1/sessions", "delete"),
        ("/api/v1/segments/explain", "post"),
        ("/api/v1/segments/preview", "post"),
        ("/api/v1/templates/check", "post"),
    }


ASK_SHOPIFY = {"/api/v1/customers/{customer_id}/store-credit/balance"}
"""What is read there while somebody waits, and Shopify is not there; whose customer it is comes first."""


def test_the_owner_finds_what_the_neighbour_will_look_for(
    client: TestClient, shop: Shop, things: dict[str, str]
) -> None:
    reading = [
        path
        for path, method in WITH_ID
        if method == "get" and refusal(path) == 404 and path not in ASK_SHOPIFY
    ]
    answers = {path: client.get(path.format(**things), headers=headers(shop)).status_code for path in reading}
    assert answers == dict.fromkeys(reading, 200)


def test_the_neighbour_finds_nothing_and_changes_nothing(
    client: TestClient, database: str, shop: Shop, other_shop: Shop, things: dict[str, str]
) -> None:
    before = digest(database, shop)
    assert None not in (before["segments"], before["campaigns"], before["customers"], before["outbox"])
    thief = {**headers(other_shop), "Idempotency-Key": "theft"}

    answers = {}
    for path, method in WITH_ID:
        body = BODIES.get((path, method), {}) if method in ("post", "put", "patch") else None
        answer = client.request(method, path.format(**things), headers=thief, json=body)
        answers[path, method] = (answer.status_code, answer.headers["content-type"])

    assert answers == {
        (path, method): (refusal(path), "application/problem+json") for path, method in WITH_ID
    }
    assert digest(database, shop) == before


def test_lists_of_the_neighbour_are_empty(
    client: TestClient, shop: Shop, other_shop: Shop, things: dict[str, str]
) -> None:
    lists = [
        "segments",
        "segments/lists",
        "campaigns",
        "customers",
        "products",
        "syncs",
        "jobs",
        "workflows",
        "dead-letters",
        "privacy/requests",
        "webhooks/deliveries",
    ]
    for name in lists:
        assert len(client.get(f"/api/v1/{name}", headers=headers(shop)).json()["items"]) > 0
        assert client.get(f"/api/v1/{name}", headers=headers(other_shop)).json()["items"] == []


def test_the_neighbours_customer_cannot_be_previewed_as_nor_their_segment_be_sent_to(
    client: TestClient, other_shop: Shop, things: dict[str, str]
) -> None:
    thief = headers(other_shop)
    own = client.post("/api/v1/campaigns", headers=thief, json={"name": "Mine"}).json()
    path = f"/api/v1/campaigns/{own['id']}"

    preview = client.post(f"{path}/preview", headers=thief, json={"customer_id": things["customer_id"]})
    aimed = client.patch(
        path, headers=thief, json={"version": own["version"], "segment_id": things["segment_id"]}
    )

    assert (preview.status_code, aimed.status_code) == (404, 404)
    assert client.get(path, headers=thief).json()["segment_id"] is None


@pytest.mark.parametrize("role", ["marketer", "operator", "viewer"])
def test_a_role_is_refused_whatever_it_was_not_given(
    client: TestClient, database: str, shop: Shop, things: dict[str, str], role: Role
) -> None:
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id, shopify_user_id=MEMBERS[role], email=f"{role}@acme.example", name=role, role=role,
                last_seen_at=utcnow(),
            )
        )  # fmt: skip
    beyond = [operation for operation in OPERATIONS if not DECLARED[operation] <= _GRANTS[role]]
    assert any(method != "get" for _path, method in beyond)
    before = digest(database, shop)

    answers = {
        (path, method): client.request(
            method, re.sub(r"{(\w+)}", lambda name: things[name[1]], path), headers=headers(shop, role)
        ).json()["code"]
        for path, method in beyond
    }

    assert set(answers.values()) <= {"forbidden", "operators_only"}
    assert digest(database, shop) == before


def test_a_viewer_only_looks() -> None:
    allowed = {operation for operation in OPERATIONS if DECLARED[operation] <= _GRANTS["viewer"]}
    assert {DECLARED[operation] == {Permission.READ} for operation in allowed} == {True}


def test_a_key_is_refused_whatever_its_scopes_do_not_say(
    client: TestClient, database: str, shop: Shop, things: dict[str, str]
) -> None:
    """For every operation: keys with every scope but the one that it asks for, and none of a person's rights."""
    keys = {}
    for missing in Permission:
        scopes = [permission.value for permission in Permission if permission != missing]
        made = client.post(
            "/api/v1/api-keys", headers=headers(shop), json={"name": "x", "scopes": scopes}
        ).json()
        keys[missing] = {"Authorization": f"Bearer {made['secret']}"}
    with tenant_session(ShopId(shop.id)) as session:
        # The time of use is written with the first request: what is compared below is what requests change.
        session.execute(update(ApiKey).values(last_used_at=utcnow()))
    before = digest(database, shop)

    answers = {
        (path, method): client.request(
            method,
            re.sub(r"{(\w+)}", lambda name: things[name[1]], path),
            headers=keys[Permission(shown((path, method)))],
        ).json()["code"]
        for path, method in OPERATIONS
    }

    assert set(answers.values()) <= {"forbidden", "people_only", "operators_only"}
    assert digest(database, shop) == before
