"""Tokens say who is meant and cannot be made by others."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.messaging.tokens import TOKEN_LENGTH, Tokens, Tracked

TOKENS = Tokens(b"a secret of the tests, 32 bytes long")


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_token_opens_to_what_it_was_minted_for(shop_id: int, campaign_id: int, delivery_id: int) -> None:
    token = TOKENS.mint(shop_id, campaign_id, delivery_id)
    assert len(token) == TOKEN_LENGTH
    assert TOKENS.open(token) == Tracked(shop_id, campaign_id, delivery_id)


@given(st.integers(0, TOKEN_LENGTH - 1), st.sampled_from("ABCxyz019-_"))
def test_a_changed_token_does_not_open(position: int, letter: str) -> None:
    token = TOKENS.mint(7, 41, 4242)
    changed = token[:position] + letter + token[position + 1 :]
    assert TOKENS.open(changed) == (Tracked(7, 41, 4242) if changed == token else None)


@pytest.mark.parametrize(
    "token", ["", "x", "A" * TOKEN_LENGTH, "é" * TOKEN_LENGTH, "=" * TOKEN_LENGTH, "A" * 4000]
)
def test_anything_else_does_not_open(token: str) -> None:
    assert TOKENS.open(token) is None


ADDRESSES = st.text(st.characters(codec="utf-8"), max_size=300)


@given(ADDRESSES, st.integers(1, 10_000))
def test_a_sealed_address_opens_for_its_link_of_its_delivery_alone(address: str, number: int) -> None:
    token, other = TOKENS.mint(7, 41, 4242), TOKENS.mint(7, 41, 4243)
    sealed = TOKENS.seal_address(token, number, address)
    assert sealed == TOKENS.seal_address(token, number, address)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", sealed)
    assert TOKENS.open_address(token, number, sealed) == address
    assert TOKENS.open_address(token, number + 1, sealed) is None
    assert TOKENS.open_address(other, number, sealed) is None
    rotated = Tokens(b"another secret of the tests, also long", b"a secret of the tests, 32 bytes long")
    assert rotated.open_address(token, number, sealed) == address
    assert Tokens(b"another secret of the tests, also long").open_address(token, number, sealed) is None


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_what_was_not_sealed_here_opens_to_nothing(sealed: str) -> None:
    assert TOKENS.open_address(TOKENS.mint(7, 41, 4242), 1, sealed) is None


def test_another_secret_does_not_open() -> None:
    assert Tokens(b"another secret of the tests, also long").open(TOKENS.mint(7, 41, 4242)) is None
