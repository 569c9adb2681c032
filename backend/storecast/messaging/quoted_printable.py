"""Quoted-printable pieces (RFC 2045 §6.7) that may be joined in any order.

Every piece starts at column 0 and can be followed by a soft line break, so that ready pieces and values known
only later make one body whose lines stay within 76 columns.
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
    return encoded.replace(b"\n", b"\r\n")


def encode_ready(text: str) -> bytes:
    """As `encode`, for a piece that many messages share: where there is room, a leading dot is written as ``=2E``,
    so that SMTP need not double it in each of them."""
    piece = encode(text)
    first_line = piece.partition(b"\r\n")[0]
    if piece[:1] == b"." and len(first_line) <= _MAX_PIECE_LINE - 2:
        return b"=2E" + piece[1:]
    return piece


def encode_value(text: str) -> bytes:
    """As `encode`, with a short way for the values that most holes get: a plain word or two."""
    if len(text) <= _MAX_PIECE_LINE and text.isascii() and "=" not in text and text.isprintable():
        return text.encode()
    return encode(text)
