"""DKIM signatures over prepared bytes: rsa-sha256 and ed25519-sha256, relaxed/relaxed (RFC 6376, RFC 8463).

A message gets one signature for each key, all over the same headers and one body hash. From is signed once more than
it occurs, so that nobody can add another; both List-Unsubscribe headers are signed, as RFC 8058 §4 wants. No ``l=``:
what is appended breaks the signature.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

Algorithm = Literal["rsa", "ed25519"]
PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

SIGNED_HEADERS = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "list-id",
    "reply-to",
    "auto-submitted",
)
"""Signed when they occur."""

OVERSIGNED = ("from",)

RSA_BITS = 2_048
"""RFC 8301 §3.2 asks for it; 4096 does not fit into a UDP answer and costs six times as much."""

_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_SPACE = re.compile(rb"[ \t\r\n]+")
_RUN = re.compile(rb"[ \t]{2,}|\t")
_LINE_WIDTH = 72


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key under the name by which its public half is found: ``{selector}._domainkey.{domain}``."""

    domain: str
    selector: str
    private: PrivateKey

    @property
    def algorithm(self) -> str:
        """As the ``a=`` tag names it."""
        return "rsa-sha256" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519-sha256"


class DkimSigner:
    """Signs with all of its keys. ``without`` names headers that whoever carries the message writes anew."""

    def __init__(self, keys: Sequence[DkimKey], *, without: Collection[str] = ()) -> None:
        self._keys = [(key, self._before(key)) for key in keys]
        self._names = frozenset(name.encode() for name in SIGNED_HEADERS if name not in without)
        self._lists: dict[tuple[bytes, ...], bytes] = {}

    def sign(self, data: bytes, *, at: int) -> bytes:
        """The message with its signatures on top; ``at`` is the time of signing in seconds (the ``t=`` tag)."""
        head, _gap, body = data.partition(b"\r\n\r\n")
        names, lines = self._canonical(head)
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
        signed = b"".join(lines)
        fields = [
            self._field(key, b"%b%d;%b bh=%b;" % (before, at, self._list(names), body_hash), signed)
            for key, before in self._keys
        ]
        return b"".join((*fields, data))

    @staticmethod
    def _before(key: DkimKey) -> bytes:
        tags = f"a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t="
        return b"DKIM-Signature: v=1; " + tags.encode()

    def _canonical(self, head: bytes) -> tuple[tuple[bytes, ...], list[bytes]]:
        """Names and relaxed lines (RFC 6376 §3.4.2) of what is signed, repeated fields from the bottom (§5.4.2)."""
        names, lines = [], []
        for field in reversed(_FIELD_START.split(head)):
            name, _colon, value = field.partition(b":")
            lower = name.rstrip().lower()
            if lower in self._names:
                names.append(lower)
                lines.append(b"%b:%b\r\n" % (lower, _SPACE.sub(b" ", value).strip()))
        return tuple(names), lines

    def _list(self, names: tuple[bytes, ...]) -> bytes:
        """The ``h=`` tag, folded."""
        made = self._lists.get(names)
        if made is None:
            lines, line = [], b" h="
            for name in (*names, *(each.encode() for each in OVERSIGNED)):
                if len(line) + len(name) > _LINE_WIDTH:
                    lines.append(line)
                    line = b"  "
                line += name + b":"
            made = b"\r\n" + b"\r\n".join((*lines, line.removesuffix(b":"))) + b";\r\n"
            self._lists[names] = made
        return made

    @staticmethod
    def _field(key: DkimKey, tags: bytes, signed: bytes) -> bytes:
        unsigned = tags + b"\r\n b="
        _name, _colon, value = unsigned.partition(b":")
        covered = signed + b"dkim-signature:" + _SPACE.sub(b" ", value).strip()
        if isinstance(key.private, rsa.RSAPrivateKey):
            signature = key.private.sign(covered, padding.PKCS1v15(), hashes.SHA256())
        else:
            # RFC 8463 §3: the digest is what is signed.
            signature = key.private.sign(hashlib.sha256(covered).digest())
        encoded = base64.b64encode(signature)
        folded = [encoded[at : at + _LINE_WIDTH] for at in range(0, len(encoded), _LINE_WIDTH)]
        return unsigned + b"\r\n  ".join(folded) + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """The body as RFC 6376 §3.4.4 hashes it. What is in that form already is looked through, and not rebuilt."""
    if b"  " in body or b"\t" in body:
        body = _RUN.sub(b" ", body)
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    if body.endswith(b" "):
        body = body[:-1]
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    if body in {b"", b"\r\n"}:
        return b""
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def new_key(algorithm: Algorithm) -> PrivateKey:
    """A fresh private key."""
    if algorithm == "rsa":
        return rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    return ed25519.Ed25519PrivateKey.generate()


def to_pem(key: PrivateKey) -> str:
    """The private key as text, for sealing."""
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()


def from_pem(text: str) -> PrivateKey:
    """The key of `to_pem`; raises ValueError for any other kind of key."""
    key = serialization.load_pem_private_key(text.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise ValueError("neither an RSA nor an Ed25519 key")  # the type is the value here
    return key


def public_record(key: PrivateKey) -> str:
    """What is published under the selector (RFC 6376 §3.6.1, RFC 8463 §4)."""
    if isinstance(key, rsa.RSAPrivateKey):
        kind, encoded = (
            "rsa",
            key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
    else:
        kind, encoded = (
            "ed25519",
            key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
        )
    return f"v=DKIM1; k={kind}; p={base64.b64encode(encoded).decode()}"
