"""From a campaign's row to a compiled variant, once per process and content."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from storecast.campaigns import leases, personal
from storecast.campaigns.models import Campaign, CampaignVariant
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging
from storecast.messaging.compose import Content, Origin, Variant
from storecast.messaging.delivery import tokens
from storecast.shops import service as shops
from storecast.shops.models import Shop

KEPT_VARIANTS = 32
"""A compiled variant is some hundred kilobytes; a campaign has 25 at most, and a worker seldom sends many at once."""

_variants: OrderedDict[tuple[Content, Origin, str], Variant] = OrderedDict()


def content_of(
    session: Session,
    campaign: Campaign,
    shop: Shop,
    *,
    html: str | None = None,
    version: CampaignVariant | None = None,
) -> Content:
    """What the merchant wrote, with the shop's sender where the campaign names none, and the products it shows.

    ``html`` is what stands in an editor instead of what is saved; ``version`` says what is different in it.
    """

    def written(field: str) -> str:
        own = getattr(version, field, None)
        return str(getattr(campaign, field) if own is None else own)

    html = written("html") if html is None else html
    lists = product_lists(session, campaign, shop, html=html)
    return Content(
        subject=written("subject"),
        preview_text=written("preview_text"),
        html=html,
        from_name=written("from_name") or shop.sender_name or shop.name,
        from_email=campaign.from_email or shop.sender_email or "",
        reply_to=campaign.reply_to,
        products=json.dumps(lists, sort_keys=True),
        discount_url=leases.address(campaign, messaging.shop_url(shop)),
    )


def product_lists(session: Session, campaign: Campaign, shop: Shop, *, html: str) -> Mapping[str, Any]:
    """The products of the message: of a frozen one as they were then, of a draft as they are; none if it shows none."""
    if campaign.product_lists is not None:
        return campaign.product_lists
    if "products" not in html and "bought_together" not in html:
        return {}
    return personal.product_lists(
        session, ShopId(shop.id), url=messaging.shop_url(shop), picked=campaign.product_gids, now=utcnow()
    )


def origin_of(
    session: Session, campaign: Campaign, shop: Shop, *, version: CampaignVariant | None = None
) -> Origin:
    """Which version of which mailing of which shop it is."""
    return Origin(
        shop_id=shop.id,
        shop=messaging.shop_facts(session, shop),
        campaign_id=campaign.id,
        campaign_public_id=campaign.public_id,
        campaign_name=campaign.name,
        variant=version.number if version else 0,
        language=(version and version.locale) or "",
        transactional=campaign.priority == "transactional",
    )


def compiled(
    session: Session, shop_id: ShopId, campaign: Campaign, version: CampaignVariant | None = None
) -> Variant:
    """The campaign's variant, or that of a further version; the last few are kept: compiling takes long."""
    shop = shops.get(session, shop_id)
    edge_url = get_settings().edge_url
    key = (
        content_of(session, campaign, shop, version=version),
        origin_of(session, campaign, shop, version=version),
        edge_url,
    )
    variant = _variants.get(key)
    if variant is None:
        variant = Variant(key[0], key[1], edge_url=edge_url, tokens=tokens())
        _variants[key] = variant
        if len(_variants) > KEPT_VARIANTS:
            _variants.popitem(last=False)
    else:
        _variants.move_to_end(key)
    return variant
