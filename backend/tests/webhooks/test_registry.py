"""Topics and handlers: what Shopify is asked to send is what somebody handles."""

import tomllib
from pathlib import Path

from storecast.customers import segment_changes
from storecast.entrypoints.modules import register_jobs
from storecast.webhooks import registry
from tests import golden_webhooks

register_jobs()

MANIFEST = Path(__file__).parents[3] / "shopify.app.toml"


def subscribed() -> set[str]:
    entries = tomllib.loads(MANIFEST.read_text())["webhooks"]["subscriptions"]
    return {
        topic
        for entry in entries
        for kind in ("topics", "compliance_topics")
        for topic in entry.get(kind, ())
    }


def test_every_subscribed_topic_is_handled_and_every_handled_one_is_subscribed() -> None:
    handled = {topic for topic in registry.topics() if not topic.startswith("tests/")}
    assert handled == subscribed() | set(segment_changes.TOPICS.values())
    assert subscribed().isdisjoint(segment_changes.TOPICS.values())


def test_every_subscribed_topic_has_a_golden_body() -> None:
    assert golden_webhooks.topics() == subscribed() | set(segment_changes.TOPICS.values())


def test_handlers_of_a_topic_are_called_in_the_order_of_registration() -> None:
    calls: list[str] = []
    registry.on("tests/order", "tests/other")(lambda *_: calls.append("first"))
    registry.on("tests/order")(lambda *_: calls.append("second"))

    for handler in registry.handlers("tests/order"):
        handler(None, None, None)  # type: ignore[arg-type]  # these two look at nothing

    assert calls == ["first", "second"]
    assert len(registry.handlers("tests/other")) == 1


def test_asking_for_an_unknown_topic_does_not_make_it_one() -> None:
    assert registry.handlers("tests/unknown") == []
    assert "tests/unknown" not in registry.topics()
