"""Header values as bytes: RFC 5322 and RFC 2047, and nothing that a value says can start a header of its own."""

import base64
import re
from datetime import UTC, datetime
from email.utils import format_datetime

MAX_SUBJECT_CHARS = 250
_MAX_LINE = 76
_ENCODED_WORD_OVERHEAD = len("=?utf-8?b??=")
_WORD_BYTES = (_MAX_LINE - 1 - _ENCODED_WORD_OVERHEAD) // 4 * 3
"""Bytes of text that one encoded word of at most 75 characters holds."""

_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_SPACES = re.compile(r" {2,}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_USUAL = re.compile(
    r"[A-Za-z0-9_+-]{1,20}(?:\.[A-Za-z0-9_+-]{1,20}){0,2}@(?:[a-z0-9]{1,20}\.){1,3}[a-z]{2,20}"
)
"""Nearly every address: one look instead of several."""

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def one_line(text: str) -> str:
    """The text without line breaks and other control characters: each run becomes one space."""
    return _SPACES.sub(" ", _BREAKS.sub(" ", text)).strip()


def find_address(email: str) -> str | None:
    """The address in the form that goes into envelopes and headers, None for what is no plain address.

    A domain in another script is written in its ASCII form; a local part in another script is refused, since it
    needs an extension (SMTPUTF8) that few servers offer.
    """
    if _USUAL.fullmatch(email):
        return email
    local, at, domain = email.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        return None
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return None
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        return None
    return f"{local}@{domain}"


def find_domain(text: str) -> str | None:
    """A domain in its ASCII form and in lower case, None for what is none."""
    domain = text.strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            return None
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253 or domain.rpartition(".")[2].isdigit():
        return None  # nor an address: no top-level domain is a number
    return domain


def unstructured(name: str, text: str) -> bytes:
    """``Subject: …`` with its CRLF; text outside ASCII as encoded words, long text folded."""
    # Nothing that `one_line` would change is printable, but for spaces.
    value = text if text.isprintable() and "  " not in text and text == text.strip() else one_line(text)
    if value.isascii() and len(name) + 2 + len(value) <= _MAX_LINE and "=?" not in value:
        return f"{name}: {value}\r\n".encode()
    return f"{name}: ".encode() + _encoded_words(value, first_room=_MAX_LINE - len(name) - 2) + b"\r\n"


def mailbox(header: str, display_name: str, address: str) -> bytes:
    """``From: "Shop" <news@shop.example>`` with its CRLF; ``address`` has been through `find_address`."""
    shown = one_line(display_name)
    if not shown:
        return f"{header}: {address}\r\n".encode()
    if not shown.isascii() or "=?" in shown or len(shown) > 60:
        words = _encoded_words(shown, first_room=_MAX_LINE - len(header) - 2)
        return f"{header}: ".encode() + words + f"\r\n <{address}>\r\n".encode()
    if not _ATOMS.fullmatch(shown):
        shown = '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{header}: {shown}\r\n <{address}>\r\n".encode()


def date(at: datetime) -> bytes:
    """``Date: …`` with its CRLF."""
    return f"Date: {format_datetime(at.astimezone(UTC))}\r\n".encode()


def _encoded_words(text: str, *, first_room: int) -> bytes:
    """Base64 encoded words; none splits a character, each on a line of its own."""
    words: list[bytes] = []
    room = max((first_room - _ENCODED_WORD_OVERHEAD) // 4 * 3, 3)
    chunk = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(chunk) + len(encoded) > room and chunk:
            words.append(chunk)
            chunk, room = b"", _WORD_BYTES - 3
        chunk += encoded
    words.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in words)
