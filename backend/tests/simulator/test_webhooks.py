"""Webhooks: signed, complete, retried under the same id, and as unruly as they are told to be."""

import base64
import hashlib
import hmac

from tests.simulator.harness import CLIENT_SECRET, SHOP, Platform, Recorder, wait_until


def signed_right(body: bytes, signature: str, secret: str = CLIENT_SECRET) -> bool:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode() == signature


def test_order_arrives_signed_with_every_header(platform: Platform, recorder: Recorder) -> None:
    order = platform.control(
        "orders", customer_email="new@example.com", first_name="New", accepts_marketing=True,
        landing_site="/?utm_source=storecast&utm_medium=email&utm_campaign=cmp_1",
    )  # fmt: skip
    delivery = recorder.wait_for("orders/create")[0]
    assert signed_right(delivery.body, delivery.headers["x-shopify-hmac-sha256"])
    assert delivery.headers["x-shopify-shop-domain"] == SHOP
    assert delivery.headers["x-shopify-api-version"] == "2026-10"
    assert delivery.headers["x-shopify-triggered-at"]
    body = delivery.json
    assert body["admin_graphql_api_id"] == order["id"]
    assert body["email"] == body["customer"]["email"] == "new@example.com"
    assert body["checkout_token"] == order["checkout_token"]
    assert body["landing_site"].endswith("utm_campaign=cmp_1")
    lines = sum(float(line["price"]) * line["quantity"] for line in body["line_items"])
    shipping = float(body["total_shipping_price_set"]["shop_money"]["amount"])
    assert round(float(body["total_price"]), 2) == round(lines + shipping, 2)
    made = recorder.wait_for("customers/create")[0]
    consent = recorder.wait_for("customers_email_marketing_consent/update")[0].json
    assert consent["email_marketing_consent"]["state"] == "subscribed"
    assert made.headers["x-shopify-event-id"] == delivery.headers["x-shopify-event-id"]
    assert made.headers["x-shopify-webhook-id"] != delivery.headers["x-shopify-webhook-id"]
    assert "orders_count" not in made.json


def test_placed_order_is_counted_and_attributed(platform: Platform, token: str) -> None:
    platform.control(
        "orders", customer_email="buyer@example.com", landing_site="/?utm_source=a&utm_medium=email"
    )
    query = """{ customers(first: 1, query: "email:buyer@example.com") { nodes { numberOfOrders lastOrder { name
      customerJourneySummary { ready lastVisit { utmParameters { source medium campaign } } } } } } }"""
    customer = platform.ask(token, query)["customers"]["nodes"][0]
    assert customer["numberOfOrders"] == "1"
    journey = customer["lastOrder"]["customerJourneySummary"]
    assert journey["lastVisit"]["utmParameters"] == {"source": "a", "medium": "email", "campaign": None}


def test_refused_delivery_is_retried_with_the_same_id(platform: Platform, recorder: Recorder) -> None:
    recorder.statuses[:] = [500, 302]
    platform.control("webhooks/send", topic="products/update")
    deliveries = recorder.wait_for("products/update", 3)
    assert len({delivery.headers["x-shopify-webhook-id"] for delivery in deliveries}) == 1
    assert len({delivery.body for delivery in deliveries}) == 1
    wait_until(lambda: platform.state()["webhooks"]["waiting"] == 0)
    assert len(recorder.of("products/update")) == 3


def test_delivery_is_given_up_after_the_last_retry(platform: Platform, recorder: Recorder) -> None:
    failed = platform.state()["webhooks"]["failed"]
    recorder.statuses[:] = [500] * 4
    platform.control("webhooks/send", topic="products/update")
    wait_until(lambda: platform.state()["webhooks"]["failed"] == failed + 1)
    assert len(recorder.of("products/update")) == 4


def test_duplicate_switch_sends_the_same_id_twice(platform: Platform, recorder: Recorder) -> None:
    platform.control("faults", duplicate=1)
    platform.control("webhooks/send", topic="products/update")
    first, second = recorder.wait_for("products/update", 2)
    assert first.headers["x-shopify-webhook-id"] == second.headers["x-shopify-webhook-id"]


def test_drop_switch_sends_nothing_and_wrong_signature_is_wrong(
    platform: Platform, recorder: Recorder
) -> None:
    platform.control("faults", drop=1, webhook_bad_hmac=1)
    assert platform.control("webhooks/send", topic="products/update")["webhook_id"] is None
    platform.control("webhooks/send", topic="shop/redact")
    (delivery,) = recorder.wait_for("shop/redact")
    assert not signed_right(delivery.body, delivery.headers["x-shopify-hmac-sha256"])
    assert recorder.of("products/update") == []


def test_consent_written_by_the_app_comes_back_as_a_webhook(
    platform: Platform, token: str, recorder: Recorder
) -> None:
    customer = platform.ask(token, "{ customers(first: 1) { nodes { id email } } }")["customers"]["nodes"][0]
    update = """mutation($i: CustomerEmailMarketingConsentUpdateInput!) { customerEmailMarketingConsentUpdate(input: $i)
      { customer { defaultEmailAddress { marketingState } } userErrors { field message } } }"""
    consent = {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2026-11-20T10:00:00Z"}
    changes = {"customerId": customer["id"], "emailMarketingConsent": consent}
    answer = platform.ask(token, update, {"i": changes})["customerEmailMarketingConsentUpdate"]
    assert answer["customer"]["defaultEmailAddress"]["marketingState"] == "UNSUBSCRIBED"
    body = recorder.wait_for("customers_email_marketing_consent/update")[0].json
    assert body["email_address"] == customer["email"]
    assert body["email_marketing_consent"]["state"] == "unsubscribed"
    changes["emailMarketingConsent"] = {"marketingState": "INVALID"}
    refused = platform.ask(token, update, {"i": changes})["customerEmailMarketingConsentUpdate"]
    assert refused["customer"] is None
    assert refused["userErrors"][0]["message"] == "Cannot specify INVALID as a marketing state input"


def test_privacy_topics_have_the_published_shape(platform: Platform, recorder: Recorder) -> None:
    for topic in ("customers/data_request", "customers/redact", "shop/redact"):
        platform.control("webhooks/send", topic=topic)
    request = recorder.wait_for("customers/data_request")[0].json
    redact = recorder.wait_for("customers/redact")[0].json
    assert set(request) == {"shop_id", "shop_domain", "orders_requested", "customer", "data_request"}
    assert set(redact) == {"shop_id", "shop_domain", "customer", "orders_to_redact"}
    assert set(recorder.wait_for("shop/redact")[0].json) == {"shop_id", "shop_domain"}


def test_uninstall_is_announced_and_silences_the_rest(platform: Platform, recorder: Recorder) -> None:
    platform.control("uninstall")
    assert recorder.wait_for("app/uninstalled")[0].json["domain"] == SHOP
    platform.control("orders", customer_email="late@example.com")
    wait_until(lambda: platform.state()["webhooks"]["waiting"] == 0)
    assert recorder.of("orders/create") == []


def test_unusable_switches_change_nothing(platform: Platform) -> None:
    for path, body in (
        ("faults", {"throttle": 1, "moonshine": 1}),
        ("faults", {"throttle": "often"}),
        ("orders", {"lines": [{"handle": "nothing"}]}),
        ("webhooks/send", {}),
        ("webhooks/send", {"topic": "orders/create", "shop": "other.myshopify.com"}),
    ):
        assert platform.http.post(f"{platform.base}/control/{path}", json=body).status_code == 422, (
            path,
            body,
        )
    assert platform.state()["faults"]["throttle"] == 0


def test_tags_have_topics_of_their_own(platform: Platform, token: str, recorder: Recorder) -> None:
    gid = platform.ask(token, "{ customers(first: 1) { nodes { id } } }")["customers"]["nodes"][0]["id"]
    add = "mutation($id: ID!, $t: [String!]!) { tagsAdd(id: $id, tags: $t) { node { id } userErrors { message } } }"
    assert platform.ask(token, add, {"id": gid, "t": ["Gold", "2026"]})["tagsAdd"]["node"] == {"id": gid}
    body = recorder.wait_for("customer.tags_added")[0].json
    assert (body["customerId"], body["tags"]) == (gid, ["2026", "Gold"])
    platform.control("customers/tags", customer_id=gid, remove=["gold", "2026"])
    assert recorder.wait_for("customer.tags_removed")[0].json["tags"] == ["2026", "Gold"]
