"""Tokens say who is meant and cannot be made by others."""

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


def test_another_secret_does_not_open() -> None:
    assert Tokens(b"another secret of the tests, also long").open(TOKENS.mint(7, 41, 4242)) is None
