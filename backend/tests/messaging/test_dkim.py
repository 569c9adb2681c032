"""Our signatures as somebody else's program verifies them."""

import re
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storecast.messaging import headers
from storecast.messaging.dkim import (
    DkimKey,
    DkimSigner,
    from_pem,
    new_key,
    public_record,
    relaxed_body,
    to_pem,
)
from tests.messaging.test_compose import DATE, ZOE, variant

AT = 1_795_300_000


@cache
def key(algorithm: str) -> DkimKey:
    made = new_key("rsa" if algorithm == "rsa" else "ed25519")
    return DkimKey("acme.example", f"s1{algorithm}", made)


def lookup(name: bytes, timeout: int = 5) -> bytes | None:
    for algorithm in ("rsa", "ed25519"):
        each = key(algorithm)
        if name.decode().rstrip(".") == f"{each.selector}._domainkey.{each.domain}":
            return public_record(each.private).encode()
    return None


def verdicts(message: bytes) -> list[bool]:
    """What dkimpy says of every signature of the message."""
    count = len(re.findall(rb"^DKIM-Signature:", message.partition(b"\r\n\r\n")[0], re.MULTILINE))
    found = []
    for index in range(count):
        try:
            found.append(dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=lookup))
        except dkim.DKIMException:
            found.append(False)
    return found


def both() -> DkimSigner:
    return DkimSigner([key("rsa"), key("ed25519")])


def message(subject: str, name: str, body: bytes, folded: list[str]) -> bytes:
    """A message whose List-ID is folded where the test wants it."""
    return b"".join(
        (
            headers.mailbox("From", name, "news@acme.example"),
            DATE,
            b"To: zoe@example.com\r\nMessage-ID: <1@acme.example>\r\nMIME-Version: 1.0\r\n",
            headers.unstructured("Subject", subject),
            b"List-ID:" + "\r\n\t ".join(["", *folded, "<a.acme.example>"]).encode() + b"\r\n",
            b"List-Unsubscribe: <https://e.example/u/1>\r\n",
            b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            b"Feedback-ID: cmp_1:campaign:acme:storecast\r\n\r\n",
            body,
        )
    )


def h_tags(signed: bytes) -> list[list[str]]:
    tags = re.findall(rb" h=([^;]*);", signed.partition(b"\r\n\r\n")[0])
    return ["".join(tag.decode().split()).split(":") for tag in tags]


@given(
    st.text(max_size=200),
    st.text(max_size=60),
    st.text(alphabet="ab. \t\n", max_size=200).map(lambda text: text.replace("\n", "\r\n").encode()),
    st.lists(st.text(alphabet="xy ", min_size=1, max_size=20), max_size=3),
)
@example("", "", b"", [])
@example("x", "y", b"\r\n\r\n", [])
@example("x", "y", b" \t", [])
@example("x", "y", b"a \r\n \r\n", [])
@settings(max_examples=150)
def test_whatever_is_signed_verifies(subject: str, name: str, body: bytes, folded: list[str]) -> None:
    signed = both().sign(message(subject, name, body, folded), at=AT)
    # On the wire every message ends with a line end.
    assert verdicts(signed if signed.endswith(b"\r\n") else signed + b"\r\n") == [True, True]


@given(st.data())
@settings(max_examples=60)
def test_a_changed_byte_is_found(data: st.DataObject) -> None:
    whole = message("Sale", "Acme", b"one line\r\nanother\r\n", [])
    signed = both().sign(whole, at=AT)
    start = len(signed) - len(whole)
    places = [
        at
        for at in range(start, len(signed))
        # What the relaxed form does not see, and headers' letters in another case, may change.
        if signed[at : at + 1].isalnum() and not _in_header_name(signed, at)
    ]
    at = data.draw(st.sampled_from(places))
    changed = signed[:at] + (b"Z" if signed[at : at + 1] != b"Z" else b"Y") + signed[at + 1 :]
    assert verdicts(changed) == [False, False]


def _in_header_name(signed: bytes, at: int) -> bool:
    if at > signed.index(b"\r\n\r\n"):
        return False
    line = signed.rfind(b"\r\n", 0, at) + 2
    return b":" not in signed[line:at] and signed[line : line + 1] not in b" \t"


def test_a_campaigns_message_is_signed_with_both_unsubscribe_headers() -> None:
    prepared = variant().prepare(ZOE, date=DATE)
    signed = both().sign(prepared.data, at=AT)
    assert verdicts(signed) == [True, True]
    assert signed.endswith(prepared.data)
    expected = {
        "from", "to", "subject", "date", "message-id", "mime-version", "content-type",
        "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "list-id",
    }  # fmt: skip
    for tag in h_tags(signed):
        assert set(tag) == expected
        assert tag.count("from") == 2
    head = signed.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 120
    assert b"t=%d;" % AT in head
    assert b" l=" not in head


def test_a_reply_to_is_signed_and_another_from_is_found() -> None:
    signed = both().sign(variant(reply_to="help@acme.example").prepare(ZOE, date=DATE).data, at=AT)
    assert all("reply-to" in tag for tag in h_tags(signed))
    assert verdicts(signed) == [True, True]
    assert verdicts(b"From: Bank <ceo@bank.example>\r\n" + signed) == [False, False]


@pytest.mark.parametrize("header", [b"List-Unsubscribe:", b"List-Unsubscribe-Post:", b"Feedback-ID:"])
def test_a_signed_header_that_goes_missing_is_found(header: bytes) -> None:
    signed = both().sign(message("Sale", "Acme", b"hi\r\n", []), at=AT)
    head, gap, body = signed.partition(b"\r\n\r\n")
    kept = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(header))
    assert verdicts(kept + gap + body) == [False, False]


def test_headers_that_a_carrier_rewrites_can_be_left_out() -> None:
    signer = DkimSigner([key("rsa")], without=("date", "message-id"))
    signed = signer.sign(variant().prepare(ZOE, date=DATE).data, at=AT)
    assert verdicts(signed) == [True]
    rewritten = signed.replace(DATE, b"Date: Sun, 22 Nov 2026 00:00:00 +0000\r\n")
    assert rewritten != signed
    assert verdicts(rewritten) == [True]


def test_the_last_line_may_lack_its_end() -> None:
    """The channel adds it on the wire."""
    signed = both().sign(message("Sale", "Acme", b"no end", []), at=AT)
    assert verdicts(signed + b"\r\n") == [True, True]


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_a_key_survives_being_text(algorithm: str) -> None:
    made = key(algorithm).private
    assert public_record(from_pem(to_pem(made))) == public_record(made)


def test_another_kind_of_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="neither"):
        from_pem(other.decode())


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"x", b"x\r\n"),
    ],
)
def test_the_canonical_body_of_the_rfc(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical
