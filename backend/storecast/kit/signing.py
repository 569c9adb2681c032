"""Short message authentication codes, each purpose under a key of its own."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive_key(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869): a MAC of one purpose is worthless for another."""
    return HKDF(hashes.SHA256(), length=32, salt=None, info=b"storecast:" + purpose.encode()).derive(secret)


class Signer:
    """Signs and verifies bytes with HMAC-SHA256, truncated to ``length`` bytes (≥ 10: 80 bits)."""

    def __init__(self, secret: bytes, purpose: str, *, length: int = 10) -> None:
        if length < 10:
            raise ValueError("a MAC under 80 bits can be guessed")
        # HMAC by its definition (RFC 2104): the key is hashed once, and copied for each code. `hmac` does so too, in
        # more than twice the time, and a message has one code at least.
        key = derive_key(secret, purpose).ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self._length = length

    def sign(self, data: bytes) -> bytes:
        """The code for ``data``."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()[: self._length]

    def verify(self, data: bytes, code: bytes) -> bool:
        """Whether ``code`` is the code for ``data``, in constant time."""
        return hmac.compare_digest(self.sign(data), code)
