"""The search's text: any text is a filter or is refused with a pointer, and what was quoted comes back."""

import string
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.jobs.query import BARE_WORDS_MAX, LENGTH_MAX, Search, parse, quoted
from storecast.kit.errors import Invalid

ID = "0193a5c0-1111-7222-8333-444455556666"


def refused(q: str) -> str:
    with pytest.raises(Invalid) as caught:
        parse(q)
    assert [fault.pointer for fault in caught.value.errors] == ["/q"]
    return caught.value.errors[0].code


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", {}),
        ("   ", {}),
        ("shop:acme.myshopify.com", {"shop": "acme.myshopify.com"}),
        ("name:sync.import queue:sync", {"name": "sync.import", "queue": "sync"}),
        ('error:"timed out" class:ReadTimeout', {"error": "timed out", "error_class": "ReadTimeout"}),
        ("tag:nightly tag:slow", {"terms": ("nightly", "slow")}),
        ("arg.campaign_id:7", {"terms": ("campaign_id:7",)}),
        ("tag:gid://shopify/Order/1", {"terms": ("gid://shopify/Order/1",)}),
        ("import nightly", {"words": ("import", "nightly")}),
        ('"campaign_id:7"', {"words": ("campaign_id:7",)}),
        (ID, {"id": UUID(ID)}),
        (f"root:{ID} batch:{ID}", {"root": UUID(ID), "batch": UUID(ID)}),
        ("worker:bulk@host/4711", {"worker": "bulk@host/4711"}),
        ("fingerprint:0123456789abcdef", {"fingerprint": "0123456789abcdef"}),
        ("state:dead", {"state": "dead"}),
        (r'error:"a \"b\" \\ c"', {"error": r'a "b" \ c'}),
        ("queue:sync queue:sync", {"queue": "sync"}),
    ],
)
def test_words_become_a_filter(q: str, found: dict[str, Any]) -> None:
    assert parse(q) == Search(**found)


@pytest.mark.parametrize(
    ("q", "code"),
    [
        ("owner:me", "unknown_qualifier"),
        ("http://example.com", "unknown_qualifier"),
        ("shop:", "value_missing"),
        ('tag:""', "value_missing"),
        ('""', "value_missing"),
        ("id:7", "not_an_id"),
        ("root:nonsense", "not_an_id"),
        ("fingerprint:xyz", "not_a_fingerprint"),
        ("state:lost", "unknown_state"),
        ("queue:sync queue:bulk", "repeated"),
        (f"{ID} id:{ID[:-1]}7", "repeated"),
        ('error:"never ends', "bad_quote"),
        ('na"me', "bad_quote"),
        ('"a"b', "bad_quote"),
        ("arg.:7", "bad_field"),
        ("arg.a-b:7", "bad_field"),
        ("a\0b", "bad_character"),
        ("a\ud800", "bad_character"),
        ("x" * (LENGTH_MAX + 1), "too_long"),
        ("tag:a " * 13, "too_many_words"),
        ("a " * (BARE_WORDS_MAX + 1), "too_many_words"),
    ],
)
def test_what_makes_no_sense_is_refused(q: str, code: str) -> None:
    assert refused(q) == code


def pointers_of_refusal(q: str) -> list[str] | None:
    """Where the text is wrong; None for one that is a filter. Anything but a filter or `Invalid` fails the test."""
    try:
        assert isinstance(parse(q), Search)
    except Invalid as error:
        return [fault.pointer for fault in error.errors]
    return None


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(q: str) -> None:
    assert pointers_of_refusal(q) in (None, ["/q"])


PIECES = st.sampled_from(
    [
        "shop:",
        "tag:",
        "arg.",
        "error:",
        "id:",
        '"',
        "\\",
        " ",
        ":",
        "a",
        "7",
        ID,
        "fingerprint:",
        "\t",
        "ß",
        ".",
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_heap_of_pieces_is_a_filter_or_refused(q: str) -> None:
    assert pointers_of_refusal(q) in (None, ["/q"])


@given(st.text(alphabet=string.printable + "äß€", min_size=1, max_size=40))
def test_a_quoted_value_comes_back(value: str) -> None:
    assert parse(f"tag:{quoted(value)} name:x").terms == (value,)
