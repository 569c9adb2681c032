"""The mail that asks somebody to confirm their subscription: one question, one link, untracked, no marketing."""

from html import escape

from storecast.kit.clock import utcnow
from storecast.messaging import headers, quoted_printable
from storecast.messaging.brand import Brand, on
from storecast.messaging.compose import Prepared

_ENGLISH = {
    "subject": "Please confirm your subscription to {shop}",
    "ask": "{shop} was asked to send news and offers to this address. Is that right?",
    "button": "Yes, subscribe me",
    "until": "The link works for {days} days.",
    "otherwise": "If you did not ask for this, do nothing: you will get no news from {shop}.",
}
_GERMAN = {
    "subject": "Bitte bestätigen Sie Ihre Anmeldung bei {shop}",
    "ask": "{shop} wurde gebeten, Neuigkeiten und Angebote an diese Adresse zu senden. Ist das richtig?",
    "button": "Ja, anmelden",
    "until": "Der Link gilt {days} Tage.",
    "otherwise": "Wenn Sie nicht darum gebeten haben, tun Sie nichts: Sie erhalten keine Neuigkeiten von {shop}.",
}
_WORDS = {"en": _ENGLISH, "de": _GERMAN}
"""Other languages read English."""

_BOUNDARY = "=_confirmation"


def compose(
    customer_id: int,
    email: str,
    *,
    lang: str,
    shop_name: str,
    brand: Brand,
    sender: str,
    link: str,
    days: int,
    message_id: str,
) -> Prepared | None:
    """The message as bytes; None for an address that cannot be written to."""
    recipient = headers.find_address(email)
    if recipient is None:
        return None
    lang = lang if lang in _WORDS else "en"
    words = {key: text.format(shop=shop_name, days=days) for key, text in _WORDS[lang].items()}
    text = f"{words['ask']}\n\n{words['button']}:\n{link}\n\n{words['until']} {words['otherwise']}\n"
    data = b"".join(
        (
            headers.mailbox("From", shop_name, sender),
            headers.date(utcnow()),
            f"Message-ID: <{message_id}>\r\nTo: {recipient}\r\n".encode(),
            headers.unstructured("Subject", words["subject"]),
            # Nobody's absence should answer it (RFC 3834).
            b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
            f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n'.encode(),
            _part("plain", text if not brand.address else f"{text}\n{brand.address}\n"),
            _part("html", _html(words, lang, brand, link)),
            f"\r\n--{_BOUNDARY}--\r\n".encode(),
        )
    )
    return Prepared(customer_id, sender, recipient, data, message_id)


def _part(kind: str, content: str) -> bytes:
    # Quoted-printable never leaves a "=" followed by "_", so the boundary cannot occur in a part.
    head = (
        f"\r\n--{_BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + quoted_printable.encode(content)


def _html(words: dict[str, str], lang: str, brand: Brand, link: str) -> str:
    button = (
        f"display:inline-block;padding:12px 20px;border-radius:8px;background:{brand.accent};"
        f"color:{on(brand.accent)};text-decoration:none;font-weight:600"
    )
    small = "color:#5c5f62;font-size:14px"
    address = f'<p style="{small}">{escape(brand.address)}</p>' if brand.address else ""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
        '<body style="font:16px/1.5 sans-serif;margin:0;padding:24px;color:#202223">'
        f"<p>{escape(words['ask'])}</p>"
        f'<p><a href="{escape(link)}" style="{button}">{escape(words["button"])}</a></p>'
        f'<p style="{small}">{escape(words["until"])} {escape(words["otherwise"])}</p>{address}</body></html>\n'
    )
