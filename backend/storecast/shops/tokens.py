"""A shop's offline token: encrypted at rest, renewed before it expires, by one process at a time.

The ciphertext holds the shop's id, so that a row copied to another shop does not open. Renewal is claim, call,
record: a lease on the row (not a lock over the network call) keeps others out, and both new tokens are written in
one commit. A process that dies between call and record loses nothing: Shopify keeps the previous refresh token
valid until its replacement has been used (since 2026-08-28), and the lease ends by itself.

Tokens without end are of apps from before 2026-04-01, and Shopify refuses them from 2027-01-01 on: they are migrated
day by day. That has no way back, so a crash in the middle of it costs the merchant one opening of the app. Custom apps
keep theirs: a migration that Shopify refuses changes nothing while the token still works.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy.orm import Session

from storecast.config.settings import Settings, get_settings
from storecast.kit.clock import utcnow
from storecast.kit.sealing import SealBroken, Sealer
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import GrantRefused
from storecast.shopify.oauth import Grant, TokenEndpoint
from storecast.shops import availability, repository
from storecast.shops.errors import ClientRefused, ReauthorizationNeeded, ShopUnknown, TokenBusy
from storecast.shops.models import ShopToken
from storecast.shops.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

REFRESH_EARLY = timedelta(minutes=5)
"""Before the end of a token's hour: longer than any single call, so that a token in hand does not die in use."""

LEASE = timedelta(seconds=30)
"""Longer than the token endpoint's time-outs with their retries."""

BUSY_RETRY_S = 2.0

IDLE = timedelta(days=30)
"""A third of a refresh token's ninety days: two more months of daily tries before the merchant has to come back."""


class Sealed:
    """Encrypts tokens with the shop's id inside."""

    def __init__(self, secrets: list[str]) -> None:
        self._sealer = Sealer(secrets, ShopToken.sealed.purpose)

    def seal(self, shop_id: ShopId, token: str) -> bytes:
        """The ciphertext under the newest key."""
        return self._sealer.seal(shop_id, token)

    def open(self, shop_id: ShopId, ciphertext: bytes) -> str:
        """The token; raises ReauthorizationNeeded when it was sealed for another shop or under a lost key."""
        try:
            return self._sealer.open(shop_id, ciphertext)
        except SealBroken as error:
            raise ReauthorizationNeeded(f"the stored token is no use: {error}") from error

    def rotate(self, ciphertext: bytes) -> bytes:
        """The same plaintext under the newest key."""
        return self._sealer.rotate(ciphertext)


@lru_cache(maxsize=4)
def _sealed(*secrets: str) -> Sealed:
    return Sealed(list(secrets))


def sealed(settings: Settings | None = None) -> Sealed:
    """The encryption of this installation: the current APP_SECRET_KEY, then the one before it."""
    settings = settings or get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return _sealed(*[key.get_secret_value() for key in keys if key is not None])


def store(session: Session, shop_id: ShopId, grant: Grant) -> None:
    """Replace the shop's tokens by those of a grant."""
    repository.put_token(session, shop_id, _columns(shop_id, grant))


def is_usable(session: Session, shop_id: ShopId) -> bool:
    """Whether the stored token works now or can be renewed without the merchant."""
    token = repository.find_token(session, shop_id)
    if token is None or token.state != "valid":
        return False
    now = utcnow()
    if token.expires_at is None or token.expires_at > now:
        return True
    return token.refresh_token is not None and (
        token.refresh_expires_at is None or token.refresh_expires_at > now
    )


def access_token(unit_of_work: UnitOfWork, shop_id: ShopId, *, rejected: str | None = None) -> str:
    """A token that is good for the next minutes; call it outside any transaction, since it may renew.

    ``rejected`` is a token that Shopify has just refused: it counts as expired.
    """
    with unit_of_work() as session:
        current = _current(_valid(repository.find_token(session, shop_id)), shop_id, rejected)
        if current is not None:
            return current
        # Read again under the row's lock: whoever renewed it in between has given us a token, not a refresh token
        # to spend a second time.
        token = _valid(repository.lock_token(session, shop_id))
        current = _current(token, shop_id, rejected)
        if current is not None:
            return current
        current = sealed().open(shop_id, token.access_token)
        lease_id = uuid4()
        now = utcnow()
        refresh_token = sealed().open(shop_id, token.refresh_token) if token.refresh_token else None
        still_good = current != rejected and (token.expires_at is None or token.expires_at > now)
        leased = refresh_token is not None and repository.lease_token(
            session, shop_id, lease_id, now=now, until=now + LEASE
        )
        domain = _domain(session, shop_id)
    if refresh_token is None:
        if current == rejected and migrate(unit_of_work, shop_id):
            return access_token(unit_of_work, shop_id)
        return _without_refresh(unit_of_work, shop_id, current if still_good else None)
    if leased:
        return _renew(unit_of_work, shop_id, domain, lease_id, refresh_token)
    if still_good:
        return current
    raise TokenBusy(retry_after=BUSY_RETRY_S)


def admin_client(unit_of_work: UnitOfWork, shop_id: ShopId, *, probing: bool = False) -> AdminClient:
    """A client for the shop's Admin API with a fresh token, which it renews when Shopify refuses it in use.

    Call it, and use the client, outside any transaction. Raises ShopPaused for a frozen or closed shop unless
    ``probing``.
    """
    with unit_of_work() as session:
        shop = repository.find(session, shop_id)
        if shop is None:
            raise ShopUnknown
        if availability.is_paused(shop) and not probing:
            raise availability.paused(shop)
        domain = shop.domain
    token = access_token(unit_of_work, shop_id)

    def renew(rejected: str) -> str:
        return access_token(unit_of_work, shop_id, rejected=rejected)

    return availability.ShopClient(unit_of_work, shop_id, get_settings().shopify, domain, token, renew=renew)


def migrate(unit_of_work: UnitOfWork, shop_id: ShopId) -> bool:
    """Exchange a token without end for an expiring one; False when there was none, or Shopify keeps it as it is."""
    with unit_of_work() as session:
        token = repository.lock_token(session, shop_id)
        if token is None or token.state != "valid" or not _endless(token):
            return False
        lease_id, now = uuid4(), utcnow()
        old = sealed().open(shop_id, token.access_token)
        if not repository.lease_token(session, shop_id, lease_id, now=now, until=now + LEASE):
            return False
        domain = _domain(session, shop_id)
    try:
        grant = TokenEndpoint(get_settings().shopify, domain).migrate(old)
    except GrantRefused as refused:
        log.warning("shop_token_not_migrated", shop_id=shop_id, error_code=refused.error)
        _end_lease(unit_of_work, shop_id, lease_id, {})
        return False
    except BaseException:
        _end_lease(unit_of_work, shop_id, lease_id, {})
        raise
    _end_lease(unit_of_work, shop_id, lease_id, _columns(shop_id, grant))
    log.info("shop_token_migrated", shop_id=shop_id)
    return True


def endless_shops(session: Session) -> list[ShopId]:
    """Installed shops whose token has no end and nothing to renew it with."""
    return [ShopId(shop_id) for shop_id in repository.endless_token_shops(session)]


def idle_shops(session: Session, *, now: datetime) -> list[ShopId]:
    """Installed shops whose refresh token has lain unused for `IDLE`."""
    return [ShopId(shop_id) for shop_id in repository.idle_token_shops(session, unused_since=now - IDLE)]


def _renew(unit_of_work: UnitOfWork, shop_id: ShopId, domain: str, lease_id: UUID, refresh_token: str) -> str:
    try:
        grant = TokenEndpoint(get_settings().shopify, domain).refresh(refresh_token)
    except GrantRefused as refused:
        if availability.state_of(refused.error) is not None:
            # The whole shop is refused, not the token: that will do when the shop is back.
            with unit_of_work() as session:
                repository.end_lease(session, shop_id, lease_id, {})
            raise availability.note_refusal(unit_of_work, shop_id, refused.error) from refused
        log.warning("shop_token_refused", shop_id=shop_id, error_code=refused.error)
        if refused.error == "invalid_client":
            # Our own secret, or the app is gone from the shop, of which a webhook tells. The refresh token is not to
            # blame: were it given up, one wrong deployment would send every merchant through the app once.
            _end_lease(unit_of_work, shop_id, lease_id, {})
            raise ClientRefused from refused
        _end_lease(unit_of_work, shop_id, lease_id, {"state": "reauthorize"})
        raise ReauthorizationNeeded(refused.detail) from refused
    except BaseException:
        _end_lease(unit_of_work, shop_id, lease_id, {})
        raise
    values = _columns(shop_id, grant)
    # A refresh answer without a refresh token keeps the one we have.
    if grant.refresh_token is None:
        del values["refresh_token"], values["refresh_expires_at"]
    if _end_lease(unit_of_work, shop_id, lease_id, {**values, "state": "valid"}):
        log.info("shop_token_renewed", shop_id=shop_id)
    return grant.access_token


def _end_lease(unit_of_work: UnitOfWork, shop_id: ShopId, lease_id: UUID, values: dict[str, Any]) -> bool:
    with unit_of_work() as session:
        return repository.end_lease(session, shop_id, lease_id, values)


def _without_refresh(unit_of_work: UnitOfWork, shop_id: ShopId, current: str | None) -> str:
    if current is not None:
        return current
    with unit_of_work() as session:
        _valid(repository.find_token(session, shop_id)).state = "reauthorize"
    raise ReauthorizationNeeded("the token has expired and there is none to renew it with")


def _current(token: ShopToken, shop_id: ShopId, rejected: str | None) -> str | None:
    """The stored access token, unless it was refused or is about to end."""
    current = sealed().open(shop_id, token.access_token)
    return None if current == rejected or _due(token) else current


def _valid(token: ShopToken | None) -> ShopToken:
    if token is None or token.state != "valid":
        raise ReauthorizationNeeded("the shop has no valid token")
    return token


def _domain(session: Session, shop_id: ShopId) -> str:
    shop = repository.find(session, shop_id)
    if shop is None:
        raise ShopUnknown
    return shop.domain


def _endless(token: ShopToken) -> bool:
    return token.expires_at is None and token.refresh_token is None


def _due(token: ShopToken) -> bool:
    return token.expires_at is not None and token.expires_at - REFRESH_EARLY <= utcnow()


def _columns(shop_id: ShopId, grant: Grant) -> dict[str, Any]:
    seal = sealed().seal
    now: datetime = utcnow()
    return {
        "access_token": seal(shop_id, grant.access_token),
        "refresh_token": seal(shop_id, grant.refresh_token) if grant.refresh_token else None,
        "scopes": list(grant.scopes),
        "expires_at": grant.expires_at,
        "refresh_expires_at": grant.refresh_expires_at,
        "refreshed_at": now,
    }
