"""Whatever Shopify's own validators refuse is refused here: shop domains, signed queries, who frames pages.

`hostile_inputs.json` holds inputs with the verdicts of Shopify's JavaScript library. In a query `{now}` stands for the
time of the call, `{hmac}` for the signature over the genuine parameters, `{own}` for one over the given parameters.
"""

import base64
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from storecast.shopify.domains import find_shop_domain, read_typed_domain
from storecast.shopify.errors import SignatureRefused
from storecast.shopify.hmac import verify_query, verify_webhook
from tests.conftest import ENVIRONMENT

CORPUS = json.loads((Path(__file__).parent / "hostile_inputs.json").read_text())
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SECRET = "current"
GENUINE = [("shop", "acme.myshopify.com"), ("code", "c0de"), ("state", "s"), ("timestamp", "{now}")]
ACCEPTED_BY_SHOPIFY = re.compile(
    r"[a-zA-Z0-9][a-zA-Z0-9-_]*\.(myshopify\.com|shopify\.com|myshopify\.io|shop\.dev)/*", re.ASCII
)


@pytest.mark.parametrize("case", CORPUS["shops"], ids=lambda case: repr(case["value"])[:60])
def test_a_shop_that_shopify_refuses_is_none(case: dict[str, Any]) -> None:
    found = find_shop_domain(case["value"])

    if case["accepted"]:
        assert found in {None, case["value"].lower().rstrip("/")}
    else:
        assert found is None


@given(
    st.text(max_size=60) | st.from_regex(r"[a-zA-Z0-9._/:@\-\\ ]{1,30}\.myshopify\.com[/\n]?", fullmatch=True)
)
def test_whatever_is_taken_for_a_shop_is_one_by_shopifys_rule(value: str) -> None:
    if find_shop_domain(value) is not None:
        assert ACCEPTED_BY_SHOPIFY.fullmatch(value)
    typed = read_typed_domain(value)
    assert typed is None or find_shop_domain(typed) == typed


def signature(pairs: list[tuple[str, str]], secret: str = SECRET) -> str:
    text = urlencode(sorted(pair for pair in pairs if pair[0] != "hmac"), quote_via=quote)
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def filled(pairs: list[list[str]]) -> list[tuple[str, str]]:
    now = int(NOW.timestamp())

    def in_time(value: str) -> str:
        return re.sub(r"{now([+-]\d+)?}", lambda found: str(now + int(found[1] or 0)), value)

    timed = [(name, in_time(value)) for name, value in pairs]
    signed = [(name, in_time(value)) for name, value in GENUINE]
    genuine = signature(signed + [pair for pair in timed if pair[0] == "host"])
    macs = {
        "{hmac}": genuine,
        "{HMAC}": genuine.upper(),
        "{hmac-1}": genuine[:-1],
        "{hmac64}": base64.b64encode(bytes.fromhex(genuine)).decode(),
        "{own}": signature(timed),
        "{other}": signature(timed, "another"),
    }
    return [(name, re.sub(r"{.*}", lambda found: macs[found[0]], value)) for name, value in timed]


@pytest.mark.parametrize("case", CORPUS["queries"], ids=lambda case: case["name"])
def test_a_query_that_shopify_refuses_is_refused(case: dict[str, Any]) -> None:
    pairs = filled(case["pairs"])

    if case["accepted"]:
        assert verify_query(pairs, ["current", "previous"], now=NOW) == dict(pairs)
    else:
        with pytest.raises(SignatureRefused):
            verify_query(pairs, ["current", "previous"], now=NOW)


@given(
    st.lists(st.tuples(st.text(max_size=10), st.text(max_size=20)), max_size=6),
    st.integers(0, 63),
    st.characters(codec="ascii"),
)
def test_one_changed_letter_of_a_signature_is_refused(
    more: list[tuple[str, str]], place: int, letter: str
) -> None:
    pairs = [*GENUINE[:3], ("timestamp", str(int(NOW.timestamp())))]
    pairs += [pair for pair in dict(more).items() if pair[0] not in {"hmac", "signature", *dict(pairs)}]
    mac = signature(pairs)
    assert verify_query([*pairs, ("hmac", mac)], ["current"], now=NOW)

    changed = mac[:place] + letter + mac[place + 1 :]
    if changed != mac:
        with pytest.raises(SignatureRefused):
            verify_query([*pairs, ("hmac", changed)], ["current"], now=NOW)


@given(st.binary(max_size=64), st.text(max_size=64))
def test_no_text_is_the_signature_of_a_webhook_but_its_own(body: bytes, given_signature: str) -> None:
    own = base64.b64encode(hmac.digest(b"current", body, "sha256")).decode()

    assert verify_webhook(body, given_signature, ["current"]) is (given_signature == own)


def test_no_input_chooses_who_may_frame_a_page_or_where_a_sign_in_goes(client: TestClient) -> None:
    for value in (case["value"] for case in (*CORPUS["shops"], *CORPUS["hosts"])):
        query = {"shop": value, "host": value, "embedded": "1"}
        domain, typed = find_shop_domain(value), read_typed_domain(value)
        page = client.get("/", params=query)
        bounce = client.get("/auth/bounce", params=query)
        login = client.get("/auth/login", params={"shop": value})

        framed = f"https://{domain} https://admin.shopify.com" if domain else "'none'"
        for answer in (bounce, *([] if page.status_code == 302 else [page])):
            assert f"frame-ancestors {framed};" in answer.headers["content-security-policy"], value
        assert page.status_code != 302 or page.headers["location"].startswith("/auth/bounce?"), value
        if typed is None:
            assert (login.status_code, login.json()["code"]) == (422, "invalid"), value
        else:
            origin = ENVIRONMENT["SHOPIFY_SHOP_ORIGIN"].replace("{shop}", typed)
            assert login.headers["location"].startswith(f"{origin}/admin/oauth/authorize?"), value


def test_no_state_but_the_browsers_own_ends_a_sign_in(client: TestClient) -> None:
    stamp = str(int(datetime.now(UTC).timestamp()))
    for state in ("", "null", "None", "0", "*", "s\x00", "ſ", "a" * 5000, "%00", "[]", "{own}x", "{own} "):
        begun = client.get("/auth/login", params={"shop": "acme"})
        own = dict(parse_qsl(begun.headers["location"].partition("?")[2]))["state"]
        forged = state.replace("{own}", own)
        pairs = [("shop", "acme.myshopify.com"), ("code", "c"), ("state", forged), ("timestamp", stamp)]
        mac = signature(pairs, ENVIRONMENT["SHOPIFY_API_SECRET"])
        answer = client.get("/auth/callback", params=[*pairs, ("hmac", mac)])

        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_abandoned"), state
