"""Links that confirm a subscription: signed, for one customer and one address, worthless after a while.

Pure. The code is 112 bits of an HMAC under a key of its own, so that no other link of Storecast passes for this one.
"""

import base64
import binascii
import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from storecast.kit.signing import Signer

PURPOSE = "subscription-confirmation"

VALID_FOR = timedelta(days=14)

_FIELDS = struct.Struct(">IQI8s")
_MAC_BYTES = 15
LENGTH = (_FIELDS.size + _MAC_BYTES) * 4 // 3
"""52 characters: 39 bytes are a multiple of three, so base64url needs no padding."""


class Asked(NamedTuple):
    """Who was asked, under which address, and when."""

    shop_id: int
    customer_id: int
    asked_at: datetime
    address: bytes

    def is_valid(self, now: datetime) -> bool:
        """Whether the link may still be used."""
        return now < self.asked_at + VALID_FOR

    def is_for(self, email: str) -> bool:
        """Whether it was sent to this address."""
        return self.address == _digest(email)


class ConfirmationTokens:
    """Mints under the installation's secret, and opens those of the secret before it too."""

    def __init__(self, secret: bytes, *previous: bytes) -> None:
        self._signers = [Signer(key, PURPOSE, length=_MAC_BYTES) for key in (secret, *previous)]

    def mint(self, shop_id: int, customer_id: int, email: str, at: datetime) -> str:
        """The token of a customer's address, asked at this instant."""
        fields = _FIELDS.pack(shop_id, customer_id, int(at.timestamp()), _digest(email))
        return base64.urlsafe_b64encode(fields + self._signers[0].sign(fields)).decode()

    def open(self, token: str) -> Asked | None:
        """What the token says, valid or not any more; None when it was not minted here."""
        if len(token) != LENGTH:
            return None
        try:
            raw = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        fields, code = raw[: _FIELDS.size], raw[_FIELDS.size :]
        if not any(signer.verify(fields, code) for signer in self._signers):
            return None
        shop_id, customer_id, at, address = _FIELDS.unpack(fields)
        return Asked(shop_id, customer_id, datetime.fromtimestamp(at, UTC), address)


def _digest(email: str) -> bytes:
    return hashlib.sha256(email.strip().lower().encode()).digest()[:8]
