"""Tracking tokens: which shop, campaign and delivery an open, a click or an unsubscribe belongs to.

Pure: no database and no framework, because the edge verifies a token on every request. One code per recipient
serves all of its links, as ``{token}/{link number}``.
"""

import base64
import binascii
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from storecast.kit.signing import Signer, derive_key

PURPOSE = "tracking"
ADDRESS_PURPOSE = "tracked-addresses"

MAX_SEALED_LENGTH = 2_100
"""Characters of a sealed address; `personal_links` seals none that gets longer."""

_FIELDS = struct.Struct(">IQQ")
_MAC_BYTES = 10
TOKEN_LENGTH = (_FIELDS.size + _MAC_BYTES) * 4 // 3
"""40 characters: thirty bytes are a multiple of three, so base64url needs no padding."""


class Tracked(NamedTuple):
    """What a genuine token says."""

    shop_id: int
    campaign_id: int
    delivery_id: int


class Tokens:
    """Mints tokens under the installation's secret, and opens those of the secret before it too.

    Links in messages that were sent before a rotation work on, the one to unsubscribe above all.
    """

    def __init__(self, secret: bytes, *previous: bytes) -> None:
        self._signer, *self._previous = (
            Signer(key, PURPOSE, length=_MAC_BYTES) for key in (secret, *previous)
        )
        self._ciphers = [AESSIV(derive_key(key, ADDRESS_PURPOSE)) for key in (secret, *previous)]

    def mint(self, shop_id: int, campaign_id: int, delivery_id: int) -> str:
        """The token of one delivery; the same every time."""
        return self.encode(self.raw(shop_id, campaign_id, delivery_id))

    @staticmethod
    def encode(raw: bytes) -> str:
        """The token of raw bytes."""
        return base64.urlsafe_b64encode(raw).decode()

    def raw(self, shop_id: int, campaign_id: int, delivery_id: int) -> bytes:
        """The token's bytes, for encodings other than base64url (a return path keeps no upper case)."""
        fields = _FIELDS.pack(shop_id, campaign_id, delivery_id)
        return fields + self._signer.sign(fields)

    def open(self, token: str) -> Tracked | None:
        """What the token says; None when it was not minted here."""
        if len(token) != TOKEN_LENGTH:
            return None
        try:
            return self.open_raw(base64.b64decode(token, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            return None

    def open_raw(self, raw: bytes) -> Tracked | None:
        """As `open`, for the bytes of a token."""
        if len(raw) != _FIELDS.size + _MAC_BYTES:
            return None
        fields, code = raw[: _FIELDS.size], raw[_FIELDS.size :]
        if not any(signer.verify(fields, code) for signer in (self._signer, *self._previous)):
            return None
        return Tracked(*_FIELDS.unpack(fields))

    def seal_address(self, token: str, number: int, address: str) -> str:
        """The address of one recipient's link, for that link alone: base64url without padding.

        AES-SIV (RFC 5297) needs no nonce, so that the same delivery gives the same bytes at every attempt.
        """
        sealed = self._ciphers[0].encrypt(address.encode(), _place(token, number))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open_address(self, token: str, number: int, sealed: str) -> str | None:
        """The address that was sealed for this link of this delivery; None for anything else."""
        if len(sealed) > MAX_SEALED_LENGTH:
            return None
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw, _place(token, number)).decode()
            except (InvalidTag, ValueError):
                continue
        return None


def _place(token: str, number: int) -> list[bytes]:
    return [token.encode(), str(number).encode()]
