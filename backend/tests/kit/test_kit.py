"""The small building blocks, by their invariants."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from storecast.kit.chunks import batched
from storecast.kit.errors import Invalid
from storecast.kit.ids import first_uuid7, public_id, uuid7
from storecast.kit.money import from_minor, to_minor
from storecast.kit.pages import decode_cursor, encode_cursor
from storecast.kit.signing import Signer


@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_survives_the_way_there_and_back(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "JPY", 12),
        ("1.2345", "KWD", 1234),
        ("0.005", "USD", 0),
        ("0.015", "USD", 2),
    ],
)
def test_money_rounds_half_to_even_in_the_currency_own_unit(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "abc", "NaN", "Infinity", "1,50"])
def test_what_is_not_an_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_minor(amount, "USD")


def test_minor_units_become_decimals_with_the_currency_places() -> None:
    assert from_minor(1250, "USD") == Decimal("12.50")


@given(items=st.lists(st.integers()), size=st.integers(1, 50))
def test_batches_hold_every_item_in_order(items: list[int], size: int) -> None:
    chunks = list(batched(items, size))
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= size for chunk in chunks)


def test_batches_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        list(batched([1], 0))


def test_uuids_are_version_7_and_in_the_order_of_making() -> None:
    # More than a millisecond's counter holds.
    ids = [uuid7() for _ in range(10_000)]
    assert {(value.version, value.variant) for value in ids} == {(7, RFC_4122)}
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_uuids_go_on_when_the_clock_is_a_little_behind_and_follow_it_when_it_was_set_back() -> None:
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    ids = []
    for seconds in (0, -5, -3600):
        with time_machine.travel(noon + timedelta(seconds=seconds), tick=False):
            ids.append(uuid7())
    first, behind, set_back = ids
    assert first < behind < UUID(int=first.int + (1 << 80))
    assert set_back.int >> 80 == (first.int >> 80) - 3_600_000


def test_the_ids_of_an_instant_begin_at_its_bound() -> None:
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    with time_machine.travel(noon, tick=False):
        made = uuid7()
    assert first_uuid7(noon) <= made < first_uuid7(noon + timedelta(milliseconds=1))


def test_public_ids_carry_their_prefix() -> None:
    assert public_id("cmp").startswith("cmp_")
    assert public_id("cmp") != public_id("cmp")


@given(parts=st.lists(st.one_of(st.integers(-(2**53), 2**53), st.text(), st.none()), min_size=1, max_size=4))
def test_cursors_come_back_as_they_went(parts: list[object]) -> None:
    assert decode_cursor(encode_cursor(*parts), len(parts)) == parts


@given(junk=st.text(max_size=40))
def test_foreign_cursors_are_refused_by_name(junk: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_cursor(junk, 9)
    assert caught.value.errors[0].pointer == "/cursor"


@given(data=st.binary(max_size=64), flipped=st.integers(0, 79))
def test_a_changed_signature_never_verifies(data: bytes, flipped: int) -> None:
    signer = Signer(b"k" * 32, "tests")
    code = signer.sign(data)
    changed = (int.from_bytes(code, "big") ^ 1 << flipped).to_bytes(10, "big")

    assert signer.verify(data, code)
    assert not signer.verify(data, changed)
    assert not Signer(b"k" * 32, "other").verify(data, code)


def test_short_signatures_are_refused() -> None:
    with pytest.raises(ValueError, match="80 bits"):
        Signer(b"k" * 32, "tests", length=9)
