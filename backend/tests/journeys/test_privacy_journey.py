"""A person is planted everywhere through the public doors, erased by Shopify's webhook, and then looked for everywhere.

The search knows no table: every column of every table and partition, every key of Redis, every log of the processes.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.config.settings import get_settings
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.entrypoints.api import create_app
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.delivery import known_tokens
from storecast.messaging.returns_doors import receive_mail
from storecast.shops.models import Shop
from storecast.sync.jobs import PullChanges, ReconcileShop
from storecast.worker import outbox
from tests.factories.story import Story
from tests.journeys.conftest import Journey
from tests.messaging import notifications
from tests.processes import wait_until
from tests.simulated_shopify import SHOP

MARK = "Zyxquorvath"
OTHER = "Wibblefjord"
LATE = "Quxbandicoot"

EMAIL, OTHER_EMAIL = f"{MARK}@example.com".lower(), f"{OTHER}@example.com".lower()


@pytest.fixture
def api(journey: Journey) -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        client.headers["Authorization"] = f"Bearer {journey.shopify.id_token()}"
        yield client


def text_of_columns(journey: Journey, table: str) -> str:
    """An expression with everything that a row says, bytes as the text that they are."""
    columns = journey.rows(
        "SELECT attname AS name, atttypid = 'bytea'::regtype AS is_bytes FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        table,
    )
    shown = [
        f"encode(\"{column['name']}\", 'escape')" if column["is_bytes"] else f'"{column["name"]}"::text'
        for column in columns
    ]
    return f"concat_ws(' ', {', '.join(shown)})"


def tables_with(journey: Journey, needle: str) -> dict[str, int]:
    """Every table, each partition by itself, with its rows that hold the text in any column; row-level security off."""
    tables = journey.rows(
        "SELECT oid::regclass::text AS name FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = {}
    for table in tables:
        name = table["name"]
        said = text_of_columns(journey, name)
        row = journey.row(f"SELECT count(*) AS n FROM {name} WHERE {said} ILIKE %s", f"%{needle}%")
        if row["n"]:
            found[name] = row["n"]
    return found


def keys_with(needle: str) -> list[str]:
    """Every key of Redis whose name or dumped content holds the text."""
    with redis.Redis.from_url(get_settings().redis_url) as client:
        return [
            key.decode()
            for key in client.scan_iter()
            if needle.lower().encode() in key.lower() + content(client, key).lower()
        ]


def content(client: Any, key: bytes) -> bytes:
    readers = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"stream": lambda: client.xrange(key),
    }
    return repr(readers[client.type(key)]()).encode()


def files_with(folder: Path, needle: str) -> list[str]:
    """Every file that Storecast's processes wrote and that holds the text; the simulator is the world outside."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and "simulator" not in path.relative_to(folder).parts
        and needle.lower().encode() in path.read_bytes().lower()
    ]


def plant(journey: Journey, api: TestClient, mark: str, email: str) -> dict[str, Any]:
    """One person in every place that a public door leads to; returns their order."""
    order: dict[str, Any] = journey.shopify.control(
        "orders", customer_email=email, first_name=mark, last_name=f"{mark}son", city=mark, country_code="GB"
    )
    journey.shopify.control("customers/update", customer_email=email, note=f"Calls herself {mark}")
    journey.shopify.control("customers/tags", customer_email=email, add=[mark])
    journey.wait_until_quiet()
    gid = journey.row("SELECT gid FROM customers WHERE email = %s", email)["gid"]
    see(journey, mark, customer_gid=gid)
    made = api.post("/api/v1/segments", json={"name": f"Only {email}", "rules": SUBSCRIBED})
    assert made.status_code == 201, made.text
    write_to(journey, mark, email)
    named = api.post(f"/api/v1/segments/lists?name=Fair%20with%20{email}", content=f"email\n{email}\n")
    assert named.status_code == 201, named.text
    shut_out = api.post("/api/v1/suppressions", json={"email": email})
    assert shut_out.status_code in (200, 201), shut_out.text
    kept = api.get("/api/v1/syncs").json()["items"][0]["id"]
    for resource in ("customers", "orders"):
        page = api.get(f"/api/v1/syncs/{kept}/results?resource={resource}")
        assert mark.lower() in page.text.lower(), resource
    journey.wait_until_quiet()
    asked = api.post("/api/v1/privacy/requests", json={"kind": "data_request", "email": email})
    assert asked.status_code == 202, asked.text
    journey.wait_for("SELECT 1 FROM privacy_requests WHERE id = %s AND state = 'done'", asked.json()["id"])
    return order


def write_to(journey: Journey, mark: str, email: str) -> None:
    """A campaign has written to the person, who opens and clicks; their server sends the mail back and quotes them."""
    shop_id, now = ShopId(journey.row("SELECT id FROM shops")["id"]), utcnow()
    with tenant_session(shop_id) as session:
        story = Story(session, session.scalars(select(Shop).where(Shop.id == shop_id)).one())
        person = session.scalars(select(Customer).where(Customer.email == email)).one()
        campaign = story.campaign(links=1, public_id=f"cmp_{person.public_id}", started_at=now, frozen_at=now)
        delivery = story.delivery(campaign, person)
        tracked = (int(shop_id), campaign.id, delivery.id)
    token = known_tokens().mint(*tracked)
    browser = {"User-Agent": f"{mark}s phone"}
    for path in (f"/o/{token}.gif", f"/c/{token}/1"):
        httpx.get(f"{get_settings().edge_url}{path}", headers=browser, timeout=10)
    mail = notifications.POSTFIX_UNKNOWN.replace("zoe@example.com", email).replace(
        "User unknown", f"{mark} left"
    )
    came_back = notifications.filled(
        mail, path=f"b+{known_tokens().raw(*tracked).hex()}@acme.example", link=f"https://e.example/u/{token}"
    )
    taken = receive_mail(lambda shop: partial(tenant_session, shop), came_back, envelope_to="", now=utcnow())
    assert taken.recorded == 1
    journey.wait_for("SELECT 1 FROM message_events WHERE user_agent LIKE %s", f"{mark}%")


def see(journey: Journey, mark: str, **facts: Any) -> None:
    """The storefront pixel reports a visit of the person's browser."""
    event = {
        "id": str(uuid4()),
        "name": "page_viewed",
        "at": utcnow().isoformat(),
        "client_id": f"{mark}-browser",
        "seq": 1,
        "url": f"https://store.example/?utm_campaign={mark}",
        "referrer": f"https://{mark.lower()}.example/",
        "search": mark,
        "consent": {"analytics": True, "marketing": True},
        **facts,
    }
    key = journey.row("SELECT pixel_key FROM shops")["pixel_key"]
    seen = httpx.post(
        f"{get_settings().edge_url}/pixel/v1/events", json={"v": 1, "key": key, "events": [event]}, timeout=10
    )
    assert seen.status_code < 300, seen.text


SUBSCRIBED = {
    "op": "and",
    "rules": [{"field": "email_subscription", "operator": "is", "value": "subscribed"}],
}


def test_the_search_finds_a_table_that_nobody_told_it_of(journey: Journey) -> None:
    journey.database.execute("CREATE TABLE forgotten (id int, said text, raw bytea, doc jsonb)")
    journey.database.execute("INSERT INTO forgotten VALUES (1, 'x Findable y', NULL, NULL)")
    journey.database.execute("INSERT INTO forgotten VALUES (2, NULL, 'findable'::bytea, NULL)")
    journey.database.execute("""INSERT INTO forgotten VALUES (3, NULL, NULL, '{"a": ["FINDABLE"]}')""")
    assert tables_with(journey, "findable") == {"forgotten": 3}
    journey.database.execute("DROP TABLE forgotten")


def test_a_person_who_was_everywhere_is_found_nowhere(
    journey: Journey, api: TestClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for mark, email in ((MARK, EMAIL), (OTHER, OTHER_EMAIL)):
        plant(journey, api, mark, email)
    journey.wait_until_quiet()
    planted = {name.rpartition("_2")[0] or name for name in tables_with(journey, MARK)}
    assert {
        "customers", "orders", "pixel_events", "webhook_inbox", "segments", "privacy_requests", "customer_lists",
        "message_deliveries", "message_events", "message_returns",
    } <= planted  # fmt: skip
    # A page of results that somebody has looked at stays in Redis for a while.
    assert keys_with(MARK) != []
    before = tables_with(journey, OTHER)
    with redis.Redis.from_url(get_settings().redis_url) as client:
        client.set("storecast:cached:answer", f'{{"email": "{EMAIL}"}}')

    journey.shopify.control("customers/redact", shop=SHOP, customer_email=EMAIL)
    journey.wait_for("SELECT 1 FROM privacy_requests WHERE kind = 'customer_redact' AND state = 'done'")
    journey.wait_until_quiet()

    assert tables_with(journey, MARK) == {}
    assert keys_with(MARK) == []
    assert files_with(folder, MARK) == []
    assert tables_with(journey, OTHER) == before
    assert api.get("/api/v1/privacy/requests").json()["items"][0]["state"] == "done"


def test_who_was_erased_stays_away_whatever_comes_afterwards(
    journey: Journey, api: TestClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    email = f"{LATE}@example.com".lower()
    order = plant(journey, api, LATE, email)
    number = int(journey.row("SELECT gid FROM customers WHERE email = %s", email)["gid"].rpartition("/")[2])
    journey.wait_until_quiet()
    # The merchant asks, so that Shopify goes on knowing the person, and telling of them.
    asked = api.post("/api/v1/privacy/requests", json={"kind": "customer_redact", "email": email})
    assert asked.status_code == 202, asked.text
    journey.wait_for("SELECT 1 FROM privacy_requests WHERE id = %s AND state = 'done'", asked.json()["id"])
    journey.wait_until_quiet()
    assert tables_with(journey, LATE) == {}
    before = journey.row("SELECT count(*) AS n, sum(total_minor) AS total FROM orders")
    people = journey.row("SELECT count(*) AS n FROM customers")["n"]

    # What they do is reported, what they were comes again: webhooks, the pixel, and every way of reading the store.
    journey.shopify.control("customers/update", customer_email=email, note=f"Still calls herself {LATE}")
    journey.shopify.control("customers/tags", customer_email=email, add=[f"{LATE}-tag"])
    journey.shopify.control("customers/consent", customer_email=email, state="unsubscribed")
    for topic in ("customers/create", "customers/enable", "customers/purchasing_summary"):
        journey.shopify.control("webhooks/send", topic=topic, shop=SHOP, customer_email=email)
    journey.shopify.control("webhooks/send", topic="orders/updated", shop=SHOP, order_id=order["id"])
    journey.shopify.control("orders", customer_email=email, first_name=LATE, city=LATE)
    see(journey, LATE, customer_gid=f"gid://shopify/Customer/{number}")
    see(journey, LATE)
    journey.wait_until_quiet()
    journey.wait_for("SELECT 1 WHERE NOT EXISTS (SELECT FROM pixel_events WHERE processed_at IS NULL)")
    assert stays_away(journey, tmp_path_factory) == []

    shop_id = ShopId(journey.row("SELECT id FROM shops")["id"])
    for mode in ("bulk", "paginated"):
        started = api.post("/api/v1/syncs", json={"mode": mode})
        assert started.status_code in (201, 202), started.text
        wait_until(partial(is_synchronised, api, started.json()["id"]), f"the {mode} synchronisation")
        journey.wait_until_quiet()
        assert stays_away(journey, tmp_path_factory) == [], mode
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, PullChanges())
    journey.wait_until_quiet()
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, ReconcileShop())
    journey.wait_for("SELECT 1 FROM sync_reconciliations WHERE resource = 'customers' AND state = 'done'")
    journey.wait_until_quiet()
    assert stays_away(journey, tmp_path_factory) == []
    drift = journey.rows("SELECT resource, state, missing, stale, surplus FROM sync_reconciliations")
    assert {(row["state"], row["missing"], row["stale"], row["surplus"]) for row in drift} == {
        ("done", 0, 0, 0)
    }

    # What they spend counts, for nobody.
    after = journey.row("SELECT count(*) AS n, sum(total_minor) AS total FROM orders")
    assert (after["n"], after["total"] > before["total"]) == (before["n"] + 1, True)
    assert journey.row("SELECT count(*) AS n FROM customers")["n"] == people

    # Made anew by Shopify they have a new id, and are somebody new to us.
    anew = {
        "id": number + 10**6, "admin_graphql_api_id": f"gid://shopify/Customer/{number + 10**6}", "email": email,
        "first_name": "Somebody", "updated_at": utcnow().isoformat(), "created_at": utcnow().isoformat(),
    }  # fmt: skip
    journey.shopify.control("webhooks/send", topic="customers/create", shop=SHOP, payload=anew)
    journey.wait_until_quiet()
    assert (
        journey.row("SELECT gid FROM customers WHERE email = %s", email)["gid"]
        == anew["admin_graphql_api_id"]
    )


def is_synchronised(api: TestClient, sync_id: str) -> bool:
    return bool(api.get(f"/api/v1/syncs/{sync_id}").json()["state"] == "done")


def stays_away(journey: Journey, folders: pytest.TempPathFactory) -> list[object]:
    """Where the person is found again."""
    return [
        *tables_with(journey, LATE).items(),
        *keys_with(LATE),
        *files_with(folders.getbasetemp(), LATE),
    ]
