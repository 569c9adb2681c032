"""shopify.app.toml asks for what the code uses: the same permissions, version and topics."""

import tomllib
from pathlib import Path
from typing import Any

from storecast.config.settings import Settings
from storecast.customers import segment_changes
from storecast.entrypoints import modules
from storecast.webhooks import registry

PROJECT = Path(__file__).parents[3]
APP: dict[str, Any] = tomllib.loads((PROJECT / "shopify.app.toml").read_text())
PIXEL: dict[str, Any] = tomllib.loads(
    (PROJECT / "extensions" / "web-pixel" / "shopify.extension.toml").read_text()
)
COMPLIANCE = {"customers/data_request", "customers/redact", "shop/redact"}


def subscribed() -> list[str]:
    return [
        topic
        for subscription in APP["webhooks"]["subscriptions"]
        for topic in subscription.get("topics", []) + subscription.get("compliance_topics", [])
    ]


def test_permissions_and_version_are_those_of_the_settings() -> None:
    fields = Settings.model_fields
    assert APP["access_scopes"]["scopes"] == fields["shopify_scopes"].default
    assert APP["webhooks"]["api_version"] == fields["shopify_api_version"].default


def test_every_topic_goes_to_the_edge_once() -> None:
    topics = subscribed()
    assert len(topics) == len(set(topics))
    assert {subscription["uri"] for subscription in APP["webhooks"]["subscriptions"]} == {"/webhooks"}
    declared = [s["compliance_topics"] for s in APP["webhooks"]["subscriptions"] if "compliance_topics" in s]
    assert [set(topics) for topics in declared] == [COMPLIANCE]


def test_what_is_subscribed_is_handled_and_what_is_handled_is_subscribed() -> None:
    modules.register_jobs()
    handled = {topic for topic in registry.topics() if not topic.startswith("tests/")}
    assert set(subscribed()) == handled - set(segment_changes.TOPICS.values())


def test_the_pixel_asks_for_consent_and_for_its_settings() -> None:
    assert PIXEL["type"] == "web_pixel_extension"
    assert PIXEL["runtime_context"] == "strict"
    privacy = PIXEL["customer_privacy"]
    assert (privacy["analytics"], privacy["marketing"]) == (True, True)
    assert set(PIXEL["settings"]["fields"]) == {"accountID", "endpoint"}


def test_the_commands_line_finds_the_parts() -> None:
    web = tomllib.loads((PROJECT / "backend" / "shopify.web.toml").read_text())
    assert APP["web_directories"] == ["backend"]
    assert web["webhooks_path"] == "/webhooks"
    assert APP["auth"]["redirect_urls"][0].endswith(web["auth_callback_path"])
