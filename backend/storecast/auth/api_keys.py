"""API keys: how programs come in. A secret is shown once and kept as a hash; a key can do what its scopes say.

The secret is looked up by its hash, so that neither the answer nor its time tells whether a key of some name exists.
Every refusal reads the same: unknown, over, revoked, the shop has left. Keys belong to the shop, not to who made them:
they outlive the member, and the list says whose they were.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.auth import access_tokens
from storecast.auth import api_keys_repository as repository
from storecast.auth.errors import CredentialRefused, KeyOver, KeyUnknown, ScopeAboveYou, TooManyKeys
from storecast.auth.models import ApiKey
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.shops.access import Permission, Principal
from storecast.shops.models import Shop

SECRET_PREFIX = "sck_"  # noqa: S105 - what every secret begins with, so that scanners of leaks know one
KEYS_MAX = 50
PAGE = 50

USED_EVERY = timedelta(minutes=5)
"""How stale ``last_used_at`` may be: a write per request would make every read a commit."""

MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A key that has just been made, with the secret that nobody will see again."""

    key: ApiKey
    secret: str


def create(
    session: Session,
    principal: Principal,
    *,
    name: str,
    scopes: Collection[Permission],
    expires_at: datetime | None,
) -> Made:
    """Make a key that may do no more than whoever makes it; raises ScopeAboveYou, TooManyKeys, Invalid."""
    if not set(scopes) <= principal.permissions:
        raise ScopeAboveYou(scopes=sorted(set(scopes) - principal.permissions))
    _refuse_past(expires_at)
    made = _add(
        session, principal, name=name, scopes=[*sorted(set(scopes))], expires_at=expires_at, rotated_from=None
    )
    audit.record(
        session,
        principal.shop_id,
        principal.actor,
        "api_key.created",
        made.key.public_id,
        name=name,
        scopes=made.key.scopes,
    )
    return made


def list_page(session: Session, shop_id: ShopId, cursor: str | None) -> tuple[list[ApiKey], str | None]:
    """The shop's keys, newest first, those that are over too."""
    found = repository.list_page(session, shop_id, decode_id_cursor(cursor), PAGE + 1)
    return [*found[:PAGE]], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None


def rotate(
    session: Session, principal: Principal, key_id: str, *, grace: timedelta, expires_at: datetime | None
) -> Made:
    """A new secret for the same name and scopes; the one before works until ``grace`` is over.

    Without ``expires_at`` the new key ends when the old one would have.
    """
    old = _locked(session, principal, key_id)
    now = utcnow()
    if not _works(old, now):
        raise KeyOver
    if not {Permission(scope) for scope in old.scopes} <= principal.permissions:
        raise ScopeAboveYou
    _refuse_past(expires_at)
    made = _add(
        session,
        principal,
        name=old.name,
        scopes=old.scopes,
        expires_at=expires_at or old.expires_at,
        rotated_from=old.public_id,
    )
    old.expires_at = min(now + grace, old.expires_at or datetime.max.replace(tzinfo=now.tzinfo))
    audit.record(
        session,
        principal.shop_id,
        principal.actor,
        "api_key.rotated",
        old.public_id,
        new=made.key.public_id,
        grace_s=int(grace.total_seconds()),
    )
    return made


def revoke(session: Session, principal: Principal, key_id: str) -> None:
    """End a key and its tokens with the next request. Revoking it again changes nothing."""
    key = _locked(session, principal, key_id)
    if key.revoked_at is None:
        key.revoked_at = utcnow()
        audit.record(session, principal.shop_id, principal.actor, "api_key.revoked", key.public_id)


def principal_of_secret(raw: str) -> Principal:
    """The program that shows a key's secret; raises CredentialRefused."""
    with platform_session() as session:
        key, shop = _admitted(session, _find(session, raw))
        return _principal(key, shop, {Permission(scope) for scope in key.scopes})


def principal_of_token(raw: str) -> Principal:
    """The program that shows an access token of ours; it ends with its key. Raises CredentialRefused."""
    token = access_tokens.verify(raw, now=utcnow())
    with platform_session() as session:
        key, shop = _admitted(session, repository.find_by_public_id(session, token.key_id))
        allowed = {Permission(scope) for scope in key.scopes}
        return _principal(key, shop, allowed & token.scopes)


def grant_token(client_id: str, secret: str, wanted: Collection[str]) -> access_tokens.Granted | None:
    """An access token for a key's name and secret with the wanted scopes, or all of the key's when none are named.

    None when a wanted scope is not the key's. Raises CredentialRefused.
    """
    with platform_session() as session:
        key, _shop = _admitted(session, _find(session, secret))
        if not hmac.compare_digest(key.public_id.encode(), client_id.encode()):
            raise CredentialRefused
        if not set(wanted) <= set(key.scopes):
            return None
        return access_tokens.issue(key.public_id, wanted or key.scopes, now=utcnow(), ends=key.expires_at)


def _find(session: Session, raw: str) -> ApiKey | None:
    if not raw.startswith(SECRET_PREFIX) or len(raw) > MAX_LENGTH:
        return None
    return repository.find_by_hash(session, _hash(raw))


def _admitted(session: Session, key: ApiKey | None) -> tuple[ApiKey, Shop]:
    now = utcnow()
    if key is None or not _works(key, now):
        raise CredentialRefused
    shop = shops.get(session, ShopId(key.shop_id))
    if shop.state != "installed":
        raise CredentialRefused
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        repository.note_use(session, key.id, now, every=USED_EVERY)
    return key, shop


def _works(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _locked(session: Session, principal: Principal, key_id: str) -> ApiKey:
    key = repository.lock(session, principal.shop_id, key_id)
    if key is None:
        raise KeyUnknown
    return key


def _add(
    session: Session,
    principal: Principal,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None,
    rotated_from: str | None,
) -> Made:
    if repository.count_working(session, principal.shop_id, utcnow()) >= KEYS_MAX:
        raise TooManyKeys(limit=KEYS_MAX)
    prefix = secrets.token_hex(8)
    secret = f"{SECRET_PREFIX}{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        shop_id=principal.shop_id,
        public_id=f"key_{prefix}",
        secret_hash=_hash(secret),
        name=name,
        scopes=scopes,
        created_by=principal.user_id,
        created_at=utcnow(),
        expires_at=expires_at,
        rotated_from=rotated_from,
    )
    session.add(key)
    session.flush()
    return Made(key, secret)


def _refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= utcnow():
        errors = [FieldError("/expires_at", "lies in the past", "in_the_past")]
        raise Invalid("A key ends in the future.", errors=errors)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _principal(key: ApiKey, shop: Shop, scopes: Collection[Permission]) -> Principal:
    return Principal(
        shop_id=ShopId(shop.id),
        shop_domain=shop.domain,
        user_id=key.public_id,
        name=key.name,
        email=None,
        role=None,
        door="api",
        scopes=frozenset(scopes),
        currency=shop.currency,
    )
