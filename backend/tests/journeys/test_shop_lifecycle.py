"""A shop's life with every process in it: frozen and back, scopes lost and granted, gone, back, forgotten, back again.

The tests tell one story in their order.
"""

from collections.abc import Iterator

import psycopg
import pytest
from fastapi.testclient import TestClient

from storecast.db.session import platform_session
from storecast.entrypoints.api import create_app
from storecast.shops.jobs import ProbeShops
from storecast.worker import outbox
from tests.journeys.conftest import Journey
from tests.processes import wait_until
from tests.simulated_shopify import SHOP

REQUIRED = [
    "read_customers",
    "write_customers",
    "read_orders",
    "read_products",
    "write_pixels",
    "read_customer_events",
]


@pytest.fixture(scope="module")
def api(journey: Journey) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def headers(journey: Journey) -> dict[str, str]:
    return {"Authorization": f"Bearer {journey.shopify.id_token()}"}


def the_shop(journey: Journey) -> dict[str, object]:
    return journey.row("SELECT * FROM shops")


def feature(journey: Journey, api: TestClient, name: str) -> dict[str, object]:
    listed = api.get("/api/v1/settings/scopes", headers=headers(journey)).json()["features"]
    found: dict[str, object] = next(row for row in listed if row["feature"] == name)
    return found


def dead_jobs(journey: Journey) -> list[dict[str, object]]:
    """Those that died of anything but a token that an uninstall had taken away under them."""
    return journey.rows(
        "SELECT name, error FROM job_runs WHERE state = 'dead' AND error NOT LIKE 'ReauthorizationNeeded:%%'"
    )


def visit(journey: Journey, api: TestClient) -> None:
    answer = api.get("/api/v1/session", headers=headers(journey))
    assert answer.status_code == 200, answer.text


def test_a_frozen_shop_waits_and_goes_on_by_itself(journey: Journey, api: TestClient) -> None:
    journey.shopify.control("shops/status", shop=SHOP, status=402)
    answer = api.post("/api/v1/syncs", json={}, headers=headers(journey))
    assert answer.status_code < 300, answer.text
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'frozen' AND unavailable_since IS NOT NULL")
    journey.wait_for(
        "SELECT 1 FROM outbox WHERE name = 'sync.start' AND state = 'scheduled' AND attempt = 0"
        " AND error LIKE 'ShopPaused:%%' AND run_at > now() + interval '30 s'"
    )
    assert dead_jobs(journey) == []
    assert journey.rows("SELECT 1 FROM sync_runs WHERE state = 'failed'") == []

    # Its people may look; the page says why nothing moves.
    session = api.get("/api/v1/session", headers=headers(journey))
    assert (session.status_code, session.json()["shop"]["state"]) == (200, "frozen")
    refused = api.post("/api/v1/settings/pixel/activate", headers=headers(journey))
    assert (refused.status_code, refused.json()["code"]) == (503, "shop_paused")

    journey.shopify.control("shops/status", shop=SHOP, status=200)
    with platform_session() as session_:
        outbox.add(session_, None, ProbeShops())
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'installed' AND unavailable_since IS NULL")
    wait_until(
        lambda: not journey.rows("SELECT 1 FROM sync_runs WHERE state <> 'done'"), "the sync that waited"
    )
    assert dead_jobs(journey) == []


def test_a_closed_shop_is_noticed_to_be_back_by_a_visit(journey: Journey, api: TestClient) -> None:
    journey.shopify.control("shops/status", shop=SHOP, status=404)
    api.post("/api/v1/settings/scopes/refresh", headers=headers(journey))
    assert the_shop(journey)["state"] == "closed"
    journey.shopify.control("shops/status", shop=SHOP, status=200)

    visit(journey, api)
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'installed'")


def test_a_locked_shop_is_noticed_to_be_back_by_a_webhook(journey: Journey, api: TestClient) -> None:
    journey.shopify.control("shops/status", shop=SHOP, status=423)
    api.post("/api/v1/settings/scopes/refresh", headers=headers(journey))
    assert the_shop(journey)["state"] == "closed"
    journey.shopify.control("shops/status", shop=SHOP, status=200)

    journey.shopify.control("orders", customer_email="ada@example.com")
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'installed'")
    journey.wait_until_quiet()


def test_lost_scopes_switch_features_off_and_granted_ones_on(journey: Journey, api: TestClient) -> None:
    assert feature(journey, api, "pixel")["granted"] is True
    assert feature(journey, api, "discounts") == {
        "feature": "discounts",
        "scopes": ["write_discounts"],
        "missing": ["write_discounts"],
        "granted": False,
        "optional": True,
    }
    journey.shopify.control("scopes", scopes=["read_customers", "read_orders", "read_products"])
    journey.wait_for("SELECT 1 FROM shops WHERE pixel_state = 'error' AND pixel_reason = 'scopes_missing'")
    journey.wait_until_quiet()
    assert feature(journey, api, "consent")["missing"] == ["write_customers"]
    assert sorted(journey.row("SELECT scopes FROM shop_tokens")["scopes"]) == [
        "read_customers",
        "read_orders",
        "read_products",
    ]
    # Nothing sends the browser anywhere: the page opens and says what is off.
    assert api.get("/api/v1/session", headers=headers(journey)).status_code == 200

    journey.shopify.control("scopes", scopes=[*REQUIRED, "write_discounts"])
    journey.wait_for("SELECT 1 FROM shops WHERE pixel_state = 'active' AND pixel_reason IS NULL")
    journey.wait_until_quiet()
    assert feature(journey, api, "discounts")["granted"] is True
    assert dead_jobs(journey) == []


def test_news_of_scopes_that_come_late_do_not_undo_newer_ones(journey: Journey, api: TestClient) -> None:
    before = the_shop(journey)["scopes"]
    payload = {"previous": [], "current": ["read_orders"], "updated_at": "2020-01-01T00:00:00Z"}
    journey.shopify.control("webhooks/send", topic="app/scopes_update", payload=payload)
    journey.wait_until_quiet()
    assert the_shop(journey)["scopes"] == before


def uninstall(journey: Journey) -> None:
    journey.shopify.control("uninstall")
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'uninstalled'")
    journey.wait_until_quiet()


def test_an_uninstall_stops_everything_and_refuses_everybody(journey: Journey, api: TestClient) -> None:
    journey.shopify.control("faults", slow_ms=300)
    started = api.post("/api/v1/syncs", json={}, headers=headers(journey)).json()
    journey.wait_for("SELECT 1 FROM sync_runs WHERE public_id = %s AND state = 'running'", started["id"])
    late_token = headers(journey)
    uninstall(journey)
    journey.shopify.control("faults", slow_ms=0)

    assert journey.rows("SELECT 1 FROM shop_tokens") == []
    shop = the_shop(journey)
    assert (shop["pixel_gid"], shop["pixel_state"]) == (None, "inactive")
    run = journey.row("SELECT state FROM sync_runs WHERE public_id = %s", started["id"])
    # Tokens die before the news arrive: a call in between fails the run, and nothing else.
    assert run["state"] in ("cancelled", "failed")
    assert journey.rows("SELECT 1 FROM workflows WHERE state IN ('running', 'paused')") == []
    assert dead_jobs(journey) == []
    refused = api.get("/api/v1/settings", headers=late_token)
    assert refused.status_code in (401, 503)
    assert "shop" not in refused.json()


def test_late_webhooks_of_a_shop_that_left_are_taken_and_leave_no_trace(journey: Journey) -> None:
    people = journey.row("SELECT count(*) FROM customers")["count"]
    payload = {"id": 77, "admin_graphql_api_id": "gid://shopify/Customer/77", "email": "late@example.com",
               "updated_at": "2030-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z"}  # fmt: skip
    sent = journey.shopify.control("webhooks/send", topic="customers/create", payload=payload)
    again = journey.shopify.control("webhooks/send", topic="app/uninstalled")
    journey.wait_until_quiet()
    for webhook_id in (sent["webhook_id"], again["webhook_id"]):
        row = journey.row("SELECT state, error FROM webhook_inbox WHERE webhook_id = %s", webhook_id)
        assert row == {"state": "done", "error": None}
    assert journey.row("SELECT count(*) FROM customers")["count"] == people


def reinstall(journey: Journey, api: TestClient) -> None:
    """The merchant installs again and opens the app in several tabs."""
    jobs = "SELECT count(*) FROM job_runs WHERE name = 'auth.shop_installed'"
    before = journey.row(jobs)["count"]
    journey.shopify.control("install", shop=SHOP)
    for _tab in range(3):
        visit(journey, api)
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'installed' AND pixel_state = 'active'")
    wait_until(
        lambda: journey.row("SELECT state FROM sync_runs ORDER BY id DESC LIMIT 1")["state"] == "done",
        "the sync of the reinstall",
    )
    journey.wait_until_quiet()
    assert journey.row(jobs)["count"] == before + 1
    assert journey.shopify.state()["pixel"]["accountID"] == the_shop(journey)["pixel_key"]
    assert dead_jobs(journey) == []


def test_a_reinstall_is_the_same_shop_with_everything_anew(journey: Journey, api: TestClient) -> None:
    before = the_shop(journey)
    reinstall(journey, api)
    after = the_shop(journey)
    assert (after["id"], after["public_id"], after["pixel_key"]) == (
        before["id"],
        before["public_id"],
        before["pixel_key"],
    )
    assert after["uninstalled_at"] is None
    assert len(journey.rows("SELECT 1 FROM shop_tokens WHERE state = 'valid'")) == 1


def test_a_reinstall_before_we_heard_of_the_uninstall_renews_the_dead_token(
    journey: Journey, api: TestClient
) -> None:
    """The old token row still stands when the merchant is back; then the old news arrive."""
    journey.shopify.control("faults", drop=1)
    journey.shopify.control("uninstall")
    journey.shopify.control("install", shop=SHOP)
    syncs = journey.row("SELECT count(*) FROM sync_runs")["count"]
    # The first call finds out that the token is dead; the next visit brings a new one.
    api.post("/api/v1/settings/scopes/refresh", headers=headers(journey))
    assert journey.row("SELECT state FROM shop_tokens")["state"] == "reauthorize"
    visit(journey, api)
    assert journey.row("SELECT state FROM shop_tokens")["state"] == "valid"
    assert journey.row("SELECT count(*) FROM sync_runs")["count"] == syncs
    refreshed = api.post("/api/v1/settings/scopes/refresh", headers=headers(journey))
    assert refreshed.status_code == 200


def test_a_shop_that_left_is_forgotten_and_may_come_back(journey: Journey, api: TestClient) -> None:
    before = the_shop(journey)
    uninstall(journey)
    journey.shopify.control("webhooks/send", topic="shop/redact")
    journey.wait_for("SELECT 1 FROM privacy_requests WHERE kind = 'shop_redact' AND state = 'done'")
    journey.wait_until_quiet()
    assert journey.rows("SELECT 1 FROM customers") == []

    reinstall(journey, api)
    after = the_shop(journey)
    assert (after["id"], after["domain"]) == (before["id"], SHOP)
    assert len(journey.rows("SELECT 1 FROM customers")) > 0


def test_the_database_takes_no_state_that_nobody_knows(journey: Journey) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        journey.database.execute("UPDATE shops SET state = 'asleep'")
