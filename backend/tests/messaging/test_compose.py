"""Messages as Python's own parser reads them."""

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast.messaging import compose, headers
from storecast.messaging.compose import Content, NoAddress, Origin, Variant
from storecast.messaging.context import Recipient, ShopFacts
from storecast.messaging.gallery import TEMPLATES
from storecast.messaging.tokens import Tokens, Tracked

TOKENS = Tokens(b"a secret of the tests, 32 bytes long")
SHOP = ShopFacts("Acmé, Inc", "acme.myshopify.com", "help@acme.example", "USD", "https://acme.example")
ORIGIN = Origin(7, SHOP, 41, "cmp_1", "Sale")
DATE = compose.date_line(datetime(2026, 11, 21, 22, 0, tzinfo=UTC))
ZOE = Recipient(
    4242, 5, "zoe@example.com", "Zoë", "Q", "Bern", "CH", True, 3, 12345, datetime(2026, 5, 1, tzinfo=UTC)
)
HTML = (
    '<html><body><p>Hi {{ customer.first_name|default("you") }}</p><a href="https://acme.example/a">A</a>'
    '<a href="{{ shop.url }}/b">B</a><a href="{{ unsubscribe_url }}">off</a></body></html>'
)


def content(**changes: str) -> Content:
    values = {
        "subject": "Hi {{ customer.first_name|default('you') }}",
        "preview_text": "Soon",
        "html": HTML,
        "from_name": "Acmé, Inc",
        "from_email": "news@acme.example",
        "reply_to": "",
    }
    return Content(**{**values, **changes})


def variant(**changes: str) -> Variant:
    return Variant(content(**changes), ORIGIN, edge_url="https://e.example", tokens=TOKENS)


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    for part in message.walk():
        assert part.defects == []
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_whole_message() -> None:
    made = variant()
    prepared = made.prepare(ZOE, date=DATE)
    token = TOKENS.mint(7, 41, 4242)
    message = parsed(prepared.data)

    assert {name: str(value) for name, value in message.items() if name != "Content-Type"} == {
        "From": '"Acmé, Inc" <news@acme.example>',
        "List-ID": "<marketing.acme.acme.example>",
        "Feedback-ID": "cmp_1:campaign:acme:storecast",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Date": "Sat, 21 Nov 2026 22:00:00 +0000",
        "Message-ID": f"<{prepared.message_id}>",
        "To": "zoe@example.com",
        "List-Unsubscribe": f"<https://e.example/u/{token}>",
        "Subject": "Hi Zoë",
    }
    html = part(message, "html")
    assert "<p>Hi Zoë</p>" in html
    assert f'<a href="https://e.example/c/{token}/1">A</a>' in html
    assert f'<a href="https://e.example/c/{token}/2">B</a>' in html
    assert f'<a href="https://e.example/u/{token}">off</a>' in html
    assert html.rstrip().endswith(
        f'<img src="https://e.example/o/{token}.gif" width="1" height="1" alt="" style="display:block"></body></html>'
    )
    text = part(message, "plain")
    assert f"A (https://e.example/c/{token}/1)" in text
    assert "img" not in text
    assert made.urls == tuple(
        f"https://acme.example/{path}?utm_source=storecast&utm_medium=email&utm_campaign=cmp_1"
        for path in "ab"
    )


def test_the_return_path_names_the_delivery() -> None:
    prepared = variant().prepare(ZOE, date=DATE)
    local, domain = prepared.mail_from.split("@")
    assert (local[:2], domain, len(local) <= 64) == ("b+", "acme.example", True)
    assert TOKENS.open_raw(bytes.fromhex(local[2:].upper())) == Tracked(7, 41, 4242)


def test_the_same_delivery_gives_the_same_bytes() -> None:
    assert variant().prepare(ZOE, date=DATE) == variant().prepare(ZOE, date=DATE)
    other = variant().prepare(ZOE._replace(delivery_id=4243), date=DATE)
    assert other.message_id != variant().prepare(ZOE, date=DATE).message_id


def test_who_opted_out_of_open_tracking_gets_no_pixel() -> None:
    data = variant().prepare(ZOE._replace(open_tracking=False), date=DATE).data
    assert ".gif" not in part(parsed(data), "html")


def test_a_test_mail_is_untracked() -> None:
    made = Variant(content(), ORIGIN, edge_url="https://e.example", tokens=TOKENS, tracked=False)
    html = part(parsed(made.prepare(ZOE, date=DATE).data), "html")
    assert 'href="https://acme.example/a"' in html
    assert ".gif" not in html
    assert made.urls == ()


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: a@b.example", "x\nBcc: y", "x\r\n\r\nbody", "a\u2028Bcc: b", "\x00\x85Bcc: c"]
)
def test_no_value_starts_a_header(evil: str) -> None:
    made = variant(from_name=evil, subject="{{ customer.first_name }}" + evil)
    prepared = made.prepare(ZOE._replace(first_name=evil), date=DATE)
    message = parsed(prepared.data)
    assert message["Bcc"] is None
    assert len(message.items()) == 11
    head = prepared.data.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith(b"bcc") for line in head.split(b"\r\n"))


@given(st.text(max_size=300), st.text(max_size=100))
@settings(max_examples=300, deadline=None)
def test_headers_of_any_text_parse_to_that_text(subject: str, name: str) -> None:
    raw = headers.unstructured("Subject", subject) + headers.mailbox("From", name, "a@b.example") + b"\r\n"
    assert max(map(len, raw.split(b"\r\n"))) <= 76
    message = email.message_from_bytes(raw, policy=email.policy.default)
    shown = headers.one_line(subject).encode("utf-8", "replace").decode()
    assert str(message["Subject"]) == shown
    (address,) = message["From"].addresses
    assert address.addr_spec == "a@b.example"
    # Python's parser leaves a space between two encoded words of a name, which RFC 2047 §6.2 has it drop.
    assert "".join(address.display_name.split()) == "".join(
        headers.one_line(name).encode("utf-8", "replace").decode().split()
    )


@pytest.mark.parametrize(
    ("given_address", "found"),
    [
        (" a.b+c@Example.com ", "a.b+c@Example.com"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@localhost", None),
        ("a b@example.com", None),
        ("a@example.com\r\nRCPT TO:<b@c.example>", None),
        ("<a@example.com>", None),
        ("a@@example.com", None),
        ('"a"@example.com', None),
        (".a@example.com", None),
        ("ä@example.com", None),
        ("", None),
        ("a@" + "x" * 64 + ".example", None),
        ("x" * 65 + "@example.com", None),
    ],
)
def test_addresses(given_address: str, found: str | None) -> None:
    assert headers.find_address(given_address) == found


def test_a_bad_address_is_refused_before_anything_is_made() -> None:
    with pytest.raises(NoAddress):
        variant().prepare(ZOE._replace(email="a@b\r\nDATA"), date=DATE)
    with pytest.raises(NoAddress):
        variant(from_email="nobody")


NOBODY = Recipient(1, 1, "a@example.com", None, None, None, None, True, 0, 0, None)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.key)
@pytest.mark.parametrize("recipient", [ZOE, NOBODY], ids=["known", "unknown"])
def test_the_gallery_is_sound(template: object, recipient: Recipient) -> None:
    from storecast.messaging.gallery import Template

    assert isinstance(template, Template)
    written = content(subject=template.subject, preview_text=template.preview_text, html=template.html)
    assert not any(compose.faults(written).values())
    assert compose.unguarded_fields(written) == []
    made = Variant(written, ORIGIN, edge_url="https://e.example", tokens=TOKENS)
    message = parsed(made.prepare(recipient, date=DATE).data)
    html, text = part(message, "html"), part(message, "plain")
    assert made.urls
    assert len(html.encode()) < 102_000
    assert "/u/" in text
    for word in ("None", "{{", "}}", "{%", "undefined"):
        assert word not in html
        assert word not in text
    assert "prefers-color-scheme: dark" in html
    pictures = re.findall(r"<img[^>]*>", template.html)
    # No picture of ours: products and logos bring theirs, and say what they show where pictures are off.
    assert all('src="{{ ' in picture and 'alt="{{ ' in picture for picture in pictures)


def test_the_gallery_has_what_a_shop_writes() -> None:
    wanted = {
        "announcement", "sale", "new-arrival", "back-in-stock", "abandoned-checkout", "welcome", "win-back",
        "review-request", "order-confirmation", "shipment", "receipt", "plain",
    }  # fmt: skip
    assert wanted <= {template.key for template in TEMPLATES}
