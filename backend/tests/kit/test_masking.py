"""Arguments are shown without secrets and without who somebody is, and come back whole after an edit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.kit.masking import MASK, find_mask, masked, masked_text, unmasked


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"order_id": 15551234567, "round": 3}, {"order_id": 15551234567, "round": 3}),
        ({"password": "hunter2", "accessToken": "t"}, {"password": MASK, "accessToken": MASK}),
        ({"token": None}, {"token": None}),
        ({"email": "ada@example.com"}, {"email": f"a{MASK}@example.com"}),
        ({"phone": "+1 555 123 4567"}, {"phone": f"{MASK}67"}),
        ({"first_name": "Ada"}, {"first_name": MASK}),
        ({"customer_gid": "gid://shopify/Customer/7"}, {"customer_gid": "gid://shopify/Customer/7"}),
        ({"requested_at": "2026-11-21T22:00:00+00:00"}, {"requested_at": "2026-11-21T22:00:00+00:00"}),
        ({"job": "0193a5c0-1111-7222-8333-444455556666"}, {"job": "0193a5c0-1111-7222-8333-444455556666"}),
        ({"note": "write to ada@example.com or +49 30 1234567"}, {"note": f"write to a{MASK}@example.com or {MASK}67"}),
        ({"url": "https://user:pw@host/x?token=abc&page=2"}, {"url": f"https://{MASK}@host/x?{MASK}&page=2"}),
        ({"text": "shpat_0123456789abcdef"}, {"text": MASK}),
        ({"emails": ["ada@a.example", "bob@b.example"]}, {"emails": [f"a{MASK}@a.example", f"b{MASK}@b.example"]}),
        ({"to": [{"phone": "5551234567", "id": 4}]}, {"to": [{"phone": f"{MASK}67", "id": 4}]}),
        ({"a": {"b": {"secret": {"c": 1}}}}, {"a": {"b": {"secret": MASK}}}),
        ({"email_state": "subscribed"}, {"email_state": "subscribed"}),
    ],
)  # fmt: skip
def test_what_is_shown(arguments: dict[str, Any], shown: dict[str, Any]) -> None:
    assert masked(arguments) == shown
    assert unmasked(shown, arguments) == arguments


def test_errors_lose_addresses_and_secrets() -> None:
    text = "SMTPError: 550 ada@example.com: Bearer abcdef0123456789 refused for eyJhbGciOi.eyJzdWIiOi.sig"
    shown = masked_text(text)
    assert shown == f"SMTPError: 550 a{MASK}@example.com: {MASK} refused for {MASK}"


def test_an_edit_keeps_what_was_left_masked_and_takes_what_was_written() -> None:
    stored = {"token": "old", "email": "ada@example.com", "limit": 1, "deep": {"secret": "s", "n": 1}}
    edited = {**masked(stored), "email": "bob@example.com", "limit": 2, "deep": {"secret": MASK, "n": 5}}
    assert unmasked(edited, stored) == {
        "token": "old", "email": "bob@example.com", "limit": 2, "deep": {"secret": "s", "n": 5},
    }  # fmt: skip


def test_a_mask_that_was_moved_is_found() -> None:
    moved = unmasked({"emails": [f"a{MASK}@example.com"]}, {"emails": ["ada@example.com", "bob@example.com"]})
    assert find_mask(moved, "/args") == "/args/emails/0"
    assert find_mask({"a": [1, {"b": "plain"}]}, "/args") is None


KEYS = st.sampled_from(["token", "email", "emails", "phone", "a", "items", "password", "id", "name"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_was_not_touched_comes_back(stored: dict[str, Any]) -> None:
    assert unmasked(masked(stored), stored) == stored


@given(st.text(max_size=200))
def test_any_text_can_be_masked(text: str) -> None:
    assert isinstance(masked_text(text), str)
