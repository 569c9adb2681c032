"""Who was erased must not come back: tombstones, asked by everything that takes in what Shopify or a browser tells.

A tombstone is the digest of an id (of a customer, their orders and checkouts, their browsers) under a key of the shop.
It is written by the commit that resolves whom an erasure is about, so that nothing slips in behind it, and stays as
long as the shop. Somebody whom Shopify makes anew has a new id, and is somebody else.
"""

import hashlib
import secrets
from collections.abc import Collection
from functools import lru_cache

from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.kit.sealing import Sealer
from storecast.kit.types import ShopId
from storecast.webhooks import erased_repository as repository
from storecast.webhooks.models import ErasureKey

KEY_BYTES = 32


def mark(session: Session, shop_id: ShopId, ids: Collection[str]) -> None:
    """Let nothing about these come back; safe to repeat."""
    if not ids:
        return
    key = _find_key(session, shop_id)
    if key is None:
        sealed = _sealer(_secrets()).seal(shop_id, secrets.token_hex(KEY_BYTES))
        repository.add_key(session, shop_id, sealed)
        key = _find_key(session, shop_id)
    if key is not None:
        repository.add(session, shop_id, [_digest(key, each) for each in ids])


def find(session: Session, shop_id: ShopId, ids: Collection[str]) -> set[str]:
    """Which of these were erased."""
    key = _find_key(session, shop_id) if ids else None
    if key is None:
        return set()
    by_digest = {_digest(key, each): each for each in ids}
    return {by_digest[digest] for digest in repository.list_known(session, shop_id, by_digest)}


def drop_staged(session: Session, shop_id: ShopId, staged: str) -> int:
    """Take what was erased out of a staging table (column ``gid``); returns how many rows."""
    key = _find_key(session, shop_id)
    return 0 if key is None else repository.drop_staged(session, shop_id, staged, key)


def list_staged(session: Session, shop_id: ShopId, staged: str, *columns: str) -> list[str]:
    """The ``gid`` of every row of a staging table that has an erased id in one of the columns."""
    key = _find_key(session, shop_id)
    return [] if key is None else repository.list_staged(session, shop_id, staged, columns, key)


def _find_key(session: Session, shop_id: ShopId) -> bytes | None:
    """The shop's key; None while nobody of the shop has ever been erased."""
    sealed = repository.find_key(session, shop_id)
    return None if sealed is None else _open(_secrets(), shop_id, sealed)


def _digest(key: bytes, each: str) -> bytes:
    # The key has one length and comes first, and PostgreSQL computes the same for a whole table.
    return hashlib.sha256(key + each.encode("utf-8", "surrogatepass")).digest()


@lru_cache(maxsize=1024)
def _open(known: tuple[str, ...], shop_id: ShopId, sealed: bytes) -> bytes:
    return bytes.fromhex(_sealer(known).open(shop_id, sealed))


@lru_cache(maxsize=2)
def _sealer(known: tuple[str, ...]) -> Sealer:
    return Sealer(known, ErasureKey.sealed.purpose)


def _secrets() -> tuple[str, ...]:
    settings = get_settings()
    known = (settings.app_secret_key, settings.app_secret_key_old)
    return tuple(secret.get_secret_value() for secret in known if secret is not None)
