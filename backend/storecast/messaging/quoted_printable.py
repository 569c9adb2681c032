"""Quoted-printable pieces (RFC 2045 §6.7) that may be joined in any order.

Every piece starts at column 0 and can be followed by a soft line break, so that ready pieces and values known
only later make one body whose lines stay within 76 columns. No line starts with a dot, so that SMTP need not double
any: to look for one would cost as much as the rest of a hand-over.
"""

import binascii

SOFT_BREAK = b"=\r\n"
_MAX_PIECE_LINE = 75
"""One less than the limit: the soft break that follows a piece needs a column for its ``=``."""


def encode(text: str) -> bytes:
    """A piece, with CRLF for each line end in whatever form it came."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(text.encode("utf-8", "replace"))
    start = encoded.rfind(b"\n") + 1
    if len(encoded) - start > _MAX_PIECE_LINE:
        # The last line fills all 76 columns: its last unit goes to a line of its own.
        cut = len(encoded) - (3 if encoded[-3:-2] == b"=" else 1)
        encoded = encoded[:cut] + b"=\n" + encoded[cut:]
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = b"\n".join(map(_without_leading_dot, encoded.split(b"\n")))
    return encoded.replace(b"\n", b"\r\n")


def _without_leading_dot(line: bytes) -> bytes:
    if not line.startswith(b"."):
        return line
    if len(line) + 2 <= _MAX_PIECE_LINE:
        return b"=2E" + line[1:]
    return b"=2E=\n" + _without_leading_dot(line[1:])


def encode_value(text: str) -> bytes:
    """As `encode`, with a short way for the values that most holes get: a plain word or two."""
    if not text.isascii() or len(text) > _MAX_PIECE_LINE:
        return encode(text)
    plain = text.isalnum() or ("=" not in text and text.isprintable() and text[:1] != ".")
    return text.encode() if plain else encode(text)
