"""Rules of consent and suppression, and the shop's look."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, cast

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.customers import consent, contacts
from storecast.kit.types import ShopId
from storecast.messaging import (
    repository,
    returned_repository,
    schemas,
    selectables,
    templates_repository,
)
from storecast.messaging.brand import PLAIN, Brand, Font
from storecast.messaging.context import ShopFacts
from storecast.shops.models import Shop

log = structlog.get_logger(__name__)

contacts.provide_suppressed(selectables.suppressed)

Reason = Literal["unsubscribed", "hard_bounce", "soft_bounces", "complaint", "manual"]


def digest(email: str) -> bytes:
    """How a suppressed address is kept; the database computes the same in `selectables.suppressed`."""
    return hashlib.sha256(email.strip().lower().encode()).digest()


def suppress(session: Session, shop_id: ShopId, emails: Iterable[str], *, reason: Reason, source: str) -> int:
    """Never write to these addresses again; returns for how many that is news. Safe to repeat.

    What a person said outranks what a server said, and a complaint outranks all: the reason is the gravest one known.
    """
    added = repository.suppress(session, shop_id, [digest(email) for email in emails], reason, source)
    if added:
        log.info("addresses_suppressed", shop_id=shop_id, reason=reason, source=source, count=added)
    return added


def lift_suppression(session: Session, shop_id: ShopId, email: str) -> bool:
    """Allow the address again and forgive its bounces; whether it was suppressed."""
    returned_repository.forgive(session, shop_id, digest(email))
    return repository.lift(session, shop_id, digest(email))


def find_suppression(session: Session, shop_id: ShopId, email: str) -> str | None:
    """Why the address is suppressed, None when it is not."""
    return repository.find_reason(session, shop_id, digest(email))


def unsubscribe(
    session: Session,
    shop_id: ShopId,
    *,
    email: str,
    customer_gid: str | None,
    source: str,
    at: datetime,
    reason: Literal["unsubscribed", "complaint"] = "unsubscribed",
) -> bool:
    """Take somebody's word that they want no more marketing; whether that was news. Safe to repeat.

    The address is suppressed at once. The customer's consent follows, here and at Shopify, unless a newer consent is
    known: somebody who subscribed again since keeps that in their profile, and a merchant lifts the suppression.
    """
    fresh = bool(suppress(session, shop_id, [email], reason=reason, source=source))
    if customer_gid is not None and fresh:
        consent.change(session, shop_id, customer_gid, state="unsubscribed", at=at)
    return fresh


def brand_of(session: Session, shop_id: ShopId) -> Brand:
    """The shop's look, with what stands in for what nobody has set."""
    kit = templates_repository.find_brand(session, shop_id)
    if kit is None:
        return PLAIN
    return Brand(kit.accent, kit.background, cast(Font, kit.font), kit.logo_url, kit.address)


def set_brand(session: Session, shop_id: ShopId, kit: schemas.BrandKit, *, actor: str) -> None:
    """Set the whole look."""
    values = kit.model_dump()
    values["address"] = (kit.address or "").strip() or None
    templates_repository.put_brand(session, shop_id, values)
    audit.record(session, shop_id, actor, "brand_changed", "brand", **values)


def shop_facts(session: Session, shop: Shop) -> ShopFacts:
    """The shop as templates see it."""
    return ShopFacts(
        shop.name,
        shop.domain,
        shop.sender_email or shop.email,
        shop.currency,
        shop_url(shop),
        brand_of(session, ShopId(shop.id)),
    )


def shop_url(shop: Shop) -> str:
    """Where the storefront is."""
    return shop.storefront_url or f"https://{shop.domain}"
