"""Rules of a shop's life: installed, kept up to date, uninstalled."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.shopify.oauth import Grant
from storecast.shopify.shop import ShopProfile
from storecast.shops import availability, features, own, repository, tokens
from storecast.shops.errors import GrantAwaited, ShopUnknown
from storecast.shops.features import Feature
from storecast.shops.jobs import CheckPixel
from storecast.shops.models import Shop
from storecast.worker import outbox

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Installation:
    """The outcome of an install; ``fresh`` for exactly one of several that race."""

    shop: Shop
    fresh: bool


def find(session: Session, domain: str) -> Shop | None:
    """The shop of a domain, installed or not."""
    return repository.find_by_domain(session, domain)


def get(session: Session, shop_id: ShopId) -> Shop:
    """The shop; raises ShopUnknown."""
    shop = repository.find(session, shop_id)
    if shop is None:
        raise ShopUnknown
    return shop


def get_currency(session: Session, shop_id: ShopId) -> str:
    """The shop's currency, as of ISO 4217; raises ShopUnknown."""
    known = own.find(session)
    if known is not None and known.id == shop_id:
        return known.currency
    row = repository.find_currency(session, shop_id)
    if row is None:
        raise ShopUnknown
    return str(row.currency)


def domains(session: Session, shop_ids: Collection[int]) -> dict[int, str]:
    """The domains of shops by id, as far as the session may see them."""
    known = own.find(session)
    if known is not None and set(shop_ids) <= {known.id}:
        return dict.fromkeys(shop_ids, known.domain)
    return repository.domains(session, shop_ids)


def list_present(session: Session, shop_ids: Collection[int]) -> list[Shop]:
    """Those of the shops that have the app, by name."""
    return repository.present(session, shop_ids)


def domains_like(session: Session, part: str, *, limit: int) -> list[str]:
    """Domains that hold the text, as far as the session may see them; those that begin with it first."""
    return repository.domains_like(session, part, limit)


def installed_ids(session: Session) -> list[ShopId]:
    """Every installed shop that the session may see."""
    return [ShopId(shop_id) for shop_id in repository.installed_ids(session)]


def list_unavailable(session: Session) -> list[ShopId]:
    """Every frozen or closed shop that the session may see."""
    return [ShopId(shop_id) for shop_id in repository.unavailable_ids(session)]


def install(session: Session, domain: str, profile: ShopProfile, grant: Grant) -> Installation:
    """Record an installation or a renewed grant. Needs a session that sees all shops; safe to repeat."""
    values = {"public_id": public_id("shp"), "pixel_key": secrets.token_urlsafe(18), "state": "uninstalled"}
    shop = repository.lock_or_create(session, domain, values)
    # A frozen or closed shop has the app all along.
    fresh = shop.state == "uninstalled"
    if fresh:
        shop.state = "installed"
        shop.installed_at = utcnow()
        shop.uninstalled_at = None
    availability.record_available(session, shop)
    _apply_profile(shop, profile)
    session.flush()  # the token row refers to the shop
    tokens.store(session, ShopId(shop.id), grant)
    _apply_scopes(session, shop, profile.scopes or grant.scopes)
    if fresh:
        log.info("shop_installed", shop_id=shop.id)
    return Installation(shop, fresh)


def refresh_profile(session: Session, shop_id: ShopId, profile: ShopProfile) -> None:
    """Take over what Shopify says about the shop now. Of one that has left meanwhile nothing is kept."""
    shop = repository.lock(session, shop_id)
    if shop.state == "uninstalled":
        return
    availability.record_available(session, shop)
    _apply_profile(shop, profile)
    if profile.scopes:
        _apply_scopes(session, shop, profile.scopes)


def change_scopes(session: Session, shop_id: ShopId, scopes: Collection[str], *, at: datetime) -> None:
    """Take over the scopes that Shopify granted at an instant of its clock; older news are passed over."""
    shop = repository.lock(session, shop_id)
    if shop.state == "uninstalled" or (shop.scopes_changed_at and at < shop.scopes_changed_at):
        return
    shop.scopes_changed_at = at
    _apply_scopes(session, shop, scopes)


def was_here_after(session: Session, shop_id: ShopId, at: datetime) -> bool:
    """Whether the shop's tokens were granted or renewed later: an uninstall before that is history.

    Within a second it is not: an instant in whole seconds lies before what happened in the same one.
    """
    shop = get(session, shop_id)
    token = repository.find_token(session, shop_id)
    since = [shop.installed_at, token.refreshed_at if token else None]
    return any(instant is not None and instant > at + timedelta(seconds=1) for instant in since)


def begin_anew(session: Session, shop_id: ShopId) -> bool:
    """Start the installation over when only its end was missed; False when the install itself did that already."""
    shop = repository.lock(session, shop_id)
    shop.pixel_gid, shop.pixel_state, shop.pixel_wanted = None, "inactive", True
    return shop.state != "uninstalled"


def uninstall(session: Session, shop_id: ShopId) -> None:
    """Forget the tokens; the row stays for the privacy topics and for a reinstall."""
    shop = repository.lock(session, shop_id)
    repository.delete_token(session, shop_id)
    if shop.state == "uninstalled":
        return
    shop.state = "uninstalled"
    shop.uninstalled_at = utcnow()
    shop.unavailable_since = None
    shop.pixel_gid = shop.pixel_error = shop.pixel_reason = shop.pixel_checked_at = None
    # Whoever comes back starts with everything on.
    shop.pixel_state, shop.pixel_wanted = "inactive", True
    log.info("shop_uninstalled", shop_id=shop_id)


def set_sender(session: Session, shop_id: ShopId, *, name: str, email: str) -> Shop:
    """Who campaigns come from unless they say otherwise."""
    shop = get(session, shop_id)
    shop.sender_name, shop.sender_email = name, email
    return shop


def set_double_opt_in(session: Session, shop_id: ShopId, *, on: bool) -> Shop:
    """Whether people confirm a subscription by a link; raises Invalid while the shop has no sender to ask them as."""
    shop = get(session, shop_id)
    if on and not shop.sender_email:
        fault = FieldError("/enabled", "Set a sender first: people are asked by mail.", "sender_missing")
        raise Invalid("Nobody can be asked without a sender.", errors=[fault])
    shop.double_opt_in = on
    return shop


def record_pixel(session: Session, shop_id: ShopId, *, gid: str) -> Shop:
    """The web pixel is as it should be."""
    shop = repository.lock(session, shop_id)
    if shop.state == "uninstalled":
        return shop
    shop.pixel_gid, shop.pixel_state, shop.pixel_checked_at = gid, "active", utcnow()
    shop.pixel_error = shop.pixel_reason = None
    return shop


def record_pixel_refusal(session: Session, shop_id: ShopId, reason: str, error: str) -> Shop:
    """Shopify does not take the web pixel, and why."""
    shop = repository.lock(session, shop_id)
    shop.pixel_state, shop.pixel_checked_at = "error", utcnow()
    shop.pixel_reason, shop.pixel_error = reason, error
    return shop


def record_pixel_off(session: Session, shop_id: ShopId) -> Shop:
    """Somebody has switched the web pixel off."""
    shop = repository.lock(session, shop_id)
    shop.pixel_wanted, shop.pixel_state, shop.pixel_checked_at = False, "inactive", utcnow()
    shop.pixel_gid = shop.pixel_error = shop.pixel_reason = None
    return shop


def _apply_scopes(session: Session, shop: Shop, scopes: Collection[str]) -> None:
    """Take over the granted scopes, and switch on or off what depends on them."""
    before = set(shop.scopes)
    shop.scopes = sorted(scopes)
    repository.set_token_scopes(session, ShopId(shop.id), shop.scopes)
    # News of the scopes, or a new token with the old ones: whoever still lacks something waits again.
    outbox.hurry(session, ShopId(shop.id), held_by=GrantAwaited.__name__)
    if before == set(scopes):
        return
    for feature in Feature:
        was_off, is_off = (bool(features.missing(feature, held)) for held in (before, shop.scopes))
        if before and was_off != is_off:
            event = "feature_off" if is_off else "feature_on"
            log.info(event, shop_id=shop.id, feature=feature.value)
    lacking = features.lacking(shop, Feature.PIXEL)
    if lacking and shop.pixel_wanted and shop.pixel_state != "inactive":
        shop.pixel_state, shop.pixel_reason = "error", "scopes_missing"
        shop.pixel_error = f"missing: {', '.join(lacking)}"
    elif not lacking and shop.pixel_reason == "scopes_missing":
        outbox.add(session, ShopId(shop.id), CheckPixel())


def _apply_profile(shop: Shop, profile: ShopProfile) -> None:
    shop.name = profile.name
    shop.email = profile.email
    shop.currency = profile.currency
    shop.timezone = profile.timezone
    shop.plan = profile.plan
    shop.development_store = profile.development_store
    shop.storefront_url = profile.storefront_url
