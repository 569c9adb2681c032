"""Rules of a shop's life: installed, kept up to date, uninstalled."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.shopify.oauth import Grant
from storecast.shopify.shop import ShopProfile
from storecast.shops import repository, tokens
from storecast.shops.errors import ShopUnknown
from storecast.shops.models import Shop

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


def domains(session: Session, shop_ids: Collection[int]) -> dict[int, str]:
    """The domains of shops by id, as far as the session may see them."""
    return repository.domains(session, shop_ids)


def domains_like(session: Session, part: str, *, limit: int) -> list[str]:
    """Domains that hold the text, as far as the session may see them; those that begin with it first."""
    return repository.domains_like(session, part, limit)


def installed_ids(session: Session) -> list[ShopId]:
    """Every installed shop that the session may see."""
    return [ShopId(shop_id) for shop_id in repository.installed_ids(session)]


def install(session: Session, domain: str, profile: ShopProfile, grant: Grant) -> Installation:
    """Record an installation or a renewed grant. Needs a session that sees all shops; safe to repeat."""
    values = {"public_id": public_id("shp"), "pixel_key": secrets.token_urlsafe(18), "state": "uninstalled"}
    shop = repository.lock_or_create(session, domain, values)
    fresh = shop.state != "installed"
    if fresh:
        shop.state = "installed"
        shop.installed_at = utcnow()
        shop.uninstalled_at = None
    _apply_profile(shop, profile)
    shop.scopes = list(profile.scopes or grant.scopes)
    session.flush()  # the token row refers to the shop
    tokens.store(session, ShopId(shop.id), grant)
    if fresh:
        log.info("shop_installed", shop_id=shop.id)
    return Installation(shop, fresh)


def refresh_profile(session: Session, shop_id: ShopId, profile: ShopProfile) -> None:
    """Take over what Shopify says about the shop now."""
    shop = get(session, shop_id)
    _apply_profile(shop, profile)
    if profile.scopes:
        shop.scopes = list(profile.scopes)


def uninstall(session: Session, shop_id: ShopId) -> None:
    """Forget the tokens; the row stays for the privacy topics and for a reinstall."""
    shop = get(session, shop_id)
    repository.delete_token(session, shop_id)
    if shop.state == "uninstalled":
        return
    shop.state = "uninstalled"
    shop.uninstalled_at = utcnow()
    shop.pixel_gid = None
    shop.pixel_state = "inactive"
    log.info("shop_uninstalled", shop_id=shop_id)


def set_sender(session: Session, shop_id: ShopId, *, name: str, email: str) -> Shop:
    """Who campaigns come from unless they say otherwise."""
    shop = get(session, shop_id)
    shop.sender_name, shop.sender_email = name, email
    return shop


def record_pixel(session: Session, shop_id: ShopId, *, gid: str | None, error: str | None) -> Shop:
    """Record the outcome of an activation of the web pixel."""
    shop = get(session, shop_id)
    shop.pixel_gid = gid or shop.pixel_gid
    shop.pixel_state = "error" if error else "active"
    shop.pixel_error = error
    return shop


def _apply_profile(shop: Shop, profile: ShopProfile) -> None:
    shop.name = profile.name
    shop.email = profile.email
    shop.currency = profile.currency
    shop.timezone = profile.timezone
    shop.plan = profile.plan
    shop.storefront_url = profile.storefront_url
