"""Tokens of download links: one shop, one request, one purpose, an end; worth nothing to who is not signed in."""

import base64
import binascii
import hmac
from datetime import datetime

from storecast.config.settings import get_settings
from storecast.kit.signing import derive_key
from storecast.kit.types import ShopId

_PURPOSE = "privacy-archive-link"
_MAC_BYTES = 32


def make(shop_id: ShopId, request_id: int, until: datetime) -> str:
    """A token that opens the archive of the request until then."""
    said = f"{shop_id}.{request_id}.{int(until.timestamp())}".encode()
    return base64.urlsafe_b64encode(_macs(said)[0] + said).rstrip(b"=").decode()


def read(token: str, shop_id: ShopId, now: datetime) -> int | None:
    """The request of a token that was made here for this shop and is not over; None for any other."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not any(hmac.compare_digest(mac, good) for good in _macs(said)):
        return None
    owner, request_id, until = (int(part) for part in said.split(b"."))
    return request_id if owner == shop_id and now.timestamp() < until else None


def _macs(said: bytes) -> list[bytes]:
    """The code under the newest key, then under the one before it."""
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    secrets = [key.get_secret_value().encode() for key in keys if key is not None]
    return [hmac.digest(derive_key(secret, _PURPOSE), said, "sha256") for secret in secrets]
