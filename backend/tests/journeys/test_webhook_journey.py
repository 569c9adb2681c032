"""The life of a webhook, with every process in it: store → signed delivery → edge → inbox → worker → rows.

The tests tell one story in their order; the last one ends the installation.
"""

from typing import Any

from tests.journeys.conftest import Journey
from tests.simulated_shopify import SHOP

ADA = "ada@example.com"


def place_order(journey: Journey, **options: Any) -> dict[str, Any]:
    order: dict[str, Any] = journey.shopify.control("orders", customer_email=ADA, **options)
    return order


def facts(journey: Journey) -> tuple[int, int]:
    row = journey.row(
        "SELECT orders_count, total_spent_minor FROM customer_facts JOIN customers ON customers.id = customer_id"
        " WHERE email = %s",
        ADA,
    )
    return row["orders_count"], row["total_spent_minor"]


def ask_for_privacy(journey: Journey, path: str, kind: str, **body: Any) -> dict[str, Any]:
    """Send a privacy topic and return the request when it is done."""
    journey.shopify.control(path, shop=SHOP, **body)
    journey.wait_for("SELECT 1 FROM privacy_requests WHERE kind = %s AND state = 'done'", kind)
    journey.wait_until_quiet()
    return journey.row("SELECT * FROM privacy_requests WHERE kind = %s", kind)


def test_an_order_in_the_store_becomes_an_order_with_its_customer(journey: Journey) -> None:
    order = place_order(journey, first_name="Ada", last_name="Byron", city="London", country_code="GB")
    journey.wait_until_quiet()

    stored = journey.row("SELECT * FROM orders WHERE gid = %s", order["id"])
    assert (stored["name"], stored["email"], stored["total_minor"], stored["financial_status"]) == (
        order["name"],
        ADA,
        order["total_minor"],
        "paid",
    )
    customer = journey.row("SELECT * FROM customers WHERE email = %s", ADA)
    assert (customer["id"], customer["first_name"], customer["country"]) == (
        stored["customer_id"],
        "Ada",
        "GB",
    )
    assert facts(journey) == (1, order["total_minor"])
    assert journey.rows("SELECT topic, error FROM webhook_inbox WHERE state <> 'done'") == []
    assert journey.rows("SELECT name, error FROM job_runs WHERE state <> 'succeeded'") == []


def test_copies_and_a_mixed_up_order_of_deliveries_make_one_order_in_its_last_state(journey: Journey) -> None:
    before = facts(journey)
    journey.shopify.control("faults", duplicate=2, reorder=True)
    order = place_order(journey)
    journey.shopify.control("orders/update", order_id=order["id"], fulfillment_status="FULFILLED")
    journey.shopify.control("orders/update", order_id=order["id"], refunded_minor=100)
    journey.wait_until_quiet()
    journey.shopify.control("faults", duplicate=0, reorder=False)

    stored = journey.row("SELECT * FROM orders WHERE gid = %s", order["id"])
    assert (stored["fulfillment_status"], stored["refunded_minor"]) == ("fulfilled", 100)
    assert len(journey.rows("SELECT 1 FROM order_lines WHERE order_gid = %s", order["id"])) == 1
    assert facts(journey) == (before[0] + 1, before[1] + order["total_minor"] - 100)
    ids = journey.rows("SELECT webhook_id FROM webhook_inbox")
    assert len(ids) == len({row["webhook_id"] for row in ids})


def test_a_forged_delivery_leaves_no_trace_and_the_real_one_still_arrives(journey: Journey) -> None:
    journey.shopify.control("faults", webhook_bad_hmac=1)
    sent = journey.shopify.control("webhooks/send", topic="shop/update", payload={"name": "Stolen"})
    journey.wait_until_quiet()

    assert journey.row("SELECT state FROM webhook_inbox WHERE webhook_id = %s", sent["webhook_id"]) == {
        "state": "done"
    }
    assert journey.row("SELECT name FROM shops") == {"name": "CDNOW Records"}


def test_a_change_of_consent_in_the_admin_arrives(journey: Journey) -> None:
    for state in ("SUBSCRIBED", "UNSUBSCRIBED"):
        journey.shopify.control("customers/consent", customer_email=ADA, state=state)
        journey.wait_for("SELECT 1 FROM customers WHERE email = %s AND email_state = %s", ADA, state.lower())
    journey.wait_until_quiet()


def test_a_change_of_scopes_in_the_admin_arrives(journey: Journey) -> None:
    scopes = ["read_customers", "read_orders", "read_products"]
    journey.shopify.control("scopes", scopes=scopes)
    journey.wait_for("SELECT 1 FROM shops WHERE scopes @> %s AND scopes <@ %s", scopes, scopes)


def test_a_person_is_shown_what_is_known_of_them_and_then_forgotten(journey: Journey) -> None:
    body = {"topic": "customers/data_request", "customer_email": ADA}
    request = ask_for_privacy(journey, "webhooks/send", "data_request", **body)
    counts = request["result"]["tables"]
    assert (counts["customers"]["before"], counts["orders"]["before"]) == (1, 2)
    assert len(journey.rows("SELECT 1 FROM privacy_archives")) == 1
    gid = journey.row("SELECT gid FROM customers WHERE email = %s", ADA)["gid"]

    done = ask_for_privacy(journey, "customers/redact", "customer_redact", customer_email=ADA)

    assert (done["customer_gid"], done["subject"]) == (None, None)
    assert journey.rows("SELECT 1 FROM customers WHERE email = %s OR gid = %s", ADA, gid) == []
    assert journey.rows("SELECT 1 FROM orders WHERE email = %s OR customer_gid = %s", ADA, gid) == []
    assert (
        journey.rows("SELECT 1 FROM webhook_inbox WHERE position(%s::bytea IN body) > 0", ADA.encode()) == []
    )
    assert journey.rows("SELECT 1 FROM privacy_archives") == []
    told = journey.row("SELECT customer_gid, subject FROM privacy_requests WHERE kind = 'data_request'")
    assert told == {"customer_gid": None, "subject": None}


def test_an_uninstall_takes_the_tokens_and_the_redaction_all_the_rest(journey: Journey) -> None:
    shop = journey.row("SELECT * FROM shops")
    journey.shopify.control("uninstall")
    journey.wait_for("SELECT 1 FROM shops WHERE state = 'uninstalled'")
    assert journey.rows("SELECT 1 FROM shop_tokens") == []
    assert len(journey.rows("SELECT 1 FROM customers")) > 0

    ask_for_privacy(journey, "webhooks/send", "shop_redact", topic="shop/redact")

    for table in ("customers", "customer_facts", "orders", "order_lines", "products", "webhook_inbox"):
        assert journey.rows(f"SELECT 1 FROM {table}") == [], table
    left = journey.row("SELECT * FROM shops")
    assert (left["id"], left["domain"], left["state"]) == (shop["id"], SHOP, "uninstalled")
    assert (left["email"], left["sender_email"]) == (None, None)
