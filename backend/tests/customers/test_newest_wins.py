"""Consent of both channels and tags: the newest word stands, whatever the order in which the words arrive."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.customers import consent, service, tags
from storecast.customers.handlers import drop_tags, take_consent, take_profile, take_sms_consent, take_tags
from storecast.customers.jobs import WriteConsent
from storecast.customers.models import Customer
from storecast.customers.records import CustomerRecord
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.sync.shapes import read_customer
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox

GID = "gid://shopify/Customer/77"
START = datetime(2026, 5, 1, tzinfo=UTC)
STATES = ("subscribed", "not_subscribed", "unsubscribed", "pending")


@pytest.fixture
def shop_id(shop: Shop) -> ShopId:
    return ShopId(shop.id)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def delivery(topic: str, payload: dict[str, Any]) -> Delivery:
    return Delivery(topic, "w", None, None, payload)


def snapshot(second: int, **changes: Any) -> CustomerRecord:
    """The customer as a sync read them."""
    return CustomerRecord(
        public_id=f"cus_{second}", gid=GID, email="c77@example.com", phone="+15550100", first_name=f"v{second}",
        last_name=None, locale="en", country=None, province=None, city=None, tags=changes.pop("tags", []),
        email_state=changes.pop("email", None), email_opt_in_level=None, email_consent_at=changes.pop("email_at", None),
        sms_state=changes.pop("sms", None), open_tracking=True, shopify_created_at=START,
        shopify_updated_at=at(second), sms_consent_at=changes.pop("sms_at", None),
    )  # fmt: skip


def tell(session: Session, shop_id: ShopId, word: tuple[Any, ...]) -> None:
    kind, second, *rest = word
    if kind == "email":
        body = {"state": rest[0], "opt_in_level": rest[1], "consent_updated_at": at(second).isoformat()}
        payload = {"customer_id": 77, "email_marketing_consent": body}
        take_consent(session, shop_id, delivery("customers_email_marketing_consent/update", payload))
    elif kind == "sms":
        body = {"state": rest[0], "opt_in_level": rest[1], "consent_updated_at": at(second).isoformat()}
        payload = {"id": 77, "sms_marketing_consent": body}
        take_sms_consent(session, shop_id, delivery("customers_marketing_consent/update", payload))
    elif kind == "profile":
        payload = {"id": 77, "email": "c77@example.com", "first_name": f"v{second}"}
        payload["updated_at"] = at(second).isoformat()
        take_profile(session, shop_id, delivery("customers/update", payload))
    elif kind == "sync":
        service.import_records(session, shop_id, [snapshot(second, **rest[0])])
    else:
        payload = {"customerId": GID, "tags": [rest[0]], "occurredAt": at(second).isoformat()}
        handler = take_tags if kind == "add" else drop_tags
        handler(session, shop_id, delivery("customer.tags", payload))


def told(session: Session, shop_id: ShopId, words: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """What is stored after a new customer's words have arrived in this order."""
    session.execute(text("DELETE FROM customers"))
    tell(session, shop_id, ("profile", 0))
    for word in words:
        tell(session, shop_id, word)
    session.flush()
    session.expire_all()
    row = session.scalars(select(Customer)).one()
    email = (row.email_state, row.email_opt_in_level, row.email_consent_at)
    sms = (row.sms_state, row.sms_opt_in_level, row.sms_consent_at)
    return row.first_name, email, sms, sorted(tag.lower() for tag in row.tags)


LEVELS = st.sampled_from([None, "single_opt_in", "confirmed_opt_in"])
CONSENTS = st.tuples(st.sampled_from(["email", "sms"]), st.integers(1, 4), st.sampled_from(STATES), LEVELS)


@given(words=st.lists(CONSENTS, max_size=5), data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_order_of_consents_leads_elsewhere(
    session: Session, shop_id: ShopId, words: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    assert told(session, shop_id, data.draw(st.permutations(words))) == told(session, shop_id, words)


WORDS = [
    ("email", 20, "subscribed", None),
    ("email", 40, "unsubscribed", None),
    (
        "sync",
        30,
        {"email": "subscribed", "email_at": at(25), "sms": "pending", "sms_at": at(10), "tags": ["vip"]},
    ),
    ("profile", 50),
    ("remove", 35, "VIP"),
]


def test_syncs_webhooks_and_profiles_agree_in_every_order(session: Session, shop_id: ShopId) -> None:
    expected: tuple[Any, ...] = ("v50", ("unsubscribed", None, at(40)), ("pending", None, at(10)), [])
    for order in permutations(WORDS):
        assert told(session, shop_id, order) == expected, order


TAG_WORDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove"]), st.integers(1, 40), st.sampled_from(["vip", "VIP", "jazz"])
    ),
    max_size=4,
)


@given(changes=TAG_WORDS, syncs=st.dictionaries(st.integers(1, 40), st.sets(st.sampled_from(["vip", "jazz", "new"]))),
       data=st.data())  # fmt: skip
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_order_of_tags_and_syncs_leads_elsewhere(
    session: Session,
    shop_id: ShopId,
    changes: list[tuple[Any, ...]],
    syncs: dict[int, set[str]],
    data: st.DataObject,
) -> None:
    words = changes + [("sync", second, {"tags": sorted(held)}) for second, held in list(syncs.items())[:3]]
    assert told(session, shop_id, data.draw(st.permutations(words))) == told(session, shop_id, words)


def test_the_kept_changes_of_tags_are_bounded() -> None:
    held, kept = tags.change(
        [], {}, None, add=[f"t{number}" for number in range(2 * tags.MAX_CHANGES)], at=START
    )
    assert len(kept) == tags.MAX_CHANGES
    assert len(held) == 2 * tags.MAX_CHANGES


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_what_shopify_says_is_never_written_back(session: Session, shop_id: ShopId, channel: str) -> None:
    tell(session, shop_id, ("profile", 0))
    for second, state in enumerate(STATES, start=1):
        tell(session, shop_id, (channel, second, state, None))
    service.import_records(session, shop_id, [snapshot(9, email="subscribed", email_at=at(9))])
    assert outbox.pending(session, WriteConsent) == []


def test_what_a_person_decides_waits_to_be_written_once(session: Session, shop_id: ShopId) -> None:
    tell(session, shop_id, ("profile", 0))
    assert consent.change(session, shop_id, GID, state="unsubscribed", at=at(5)) is True
    assert consent.change(session, shop_id, GID, state="unsubscribed", at=at(5)) is False
    assert consent.change(session, shop_id, GID, state="subscribed", at=at(4)) is False
    assert consent.change(session, shop_id, GID, state="subscribed", at=at(6), level="single_opt_in") is True
    assert outbox.pending(session, WriteConsent) == [WriteConsent(GID, "email")]
    with pytest.raises(ValueError, match="invalid"):
        consent.change(session, shop_id, GID, state="invalid", at=at(7))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ({"smsMarketingConsent": {"state": "SUBSCRIBED", "optInLevel": "SINGLE_OPT_IN",
                                  "updatedAt": "2026-05-01T00:00:05Z"}}, ("subscribed", "single_opt_in", at(5))),
        ({"smsMarketingConsent": {"state": "NEVER_SUBSCRIBED"}}, ("not_subscribed", None, None)),
        ({"marketingState": "UNSUBSCRIBED", "marketingOptInLevel": "UNKNOWN",
          "marketingUpdatedAt": "2026-05-01T00:00:05Z"}, ("unsubscribed", "unknown", at(5))),
    ],
)  # fmt: skip
def test_consent_to_text_messages_is_read_in_both_of_its_shapes(
    number: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    import json

    line = {"id": GID, "updatedAt": "2026-05-01T00:00:09Z"}
    line["defaultPhoneNumber"] = {"phoneNumber": "+15550100", **number}  # type: ignore[assignment]
    record = read_customer(json.dumps(line).encode(), "USD")
    assert (record.sms_state, record.sms_opt_in_level, record.sms_consent_at) == expected
    read = consent.read("sms", number.get("smsMarketingConsent") or number)
    assert (read.state, read.level, read.at) == expected
