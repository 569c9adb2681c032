"""From a campaign's row to a compiled variant, once per process and content."""

from collections import OrderedDict

from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign
from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.messaging.compose import Content, Origin, Variant
from storecast.messaging.context import ShopFacts
from storecast.messaging.delivery import tokens
from storecast.shops import service as shops
from storecast.shops.models import Shop

KEPT_VARIANTS = 16
"""A compiled variant is some hundred kilobytes; a worker seldom sends more campaigns than this at once."""

_variants: OrderedDict[tuple[Content, Origin, str], Variant] = OrderedDict()


def content_of(campaign: Campaign, shop: Shop) -> Content:
    """What the merchant wrote, with the shop's sender where the campaign names none."""
    return Content(
        subject=campaign.subject,
        preview_text=campaign.preview_text,
        html=campaign.html,
        from_name=campaign.from_name or shop.sender_name or shop.name,
        from_email=campaign.from_email or shop.sender_email or "",
        reply_to=campaign.reply_to,
    )


def origin_of(campaign: Campaign, shop: Shop) -> Origin:
    """Which mailing of which shop it is."""
    return Origin(
        shop_id=shop.id,
        shop=shop_facts(shop),
        campaign_id=campaign.id,
        campaign_public_id=campaign.public_id,
        campaign_name=campaign.name,
    )


def shop_facts(shop: Shop) -> ShopFacts:
    """The shop as templates see it."""
    return ShopFacts(
        shop.name, shop.domain, shop.sender_email or shop.email, shop.currency, shop.storefront_url
    )


def compiled(session: Session, shop_id: ShopId, campaign: Campaign) -> Variant:
    """The campaign's variant; compiling it takes tens of milliseconds, so the last few are kept."""
    shop = shops.get(session, shop_id)
    edge_url = get_settings().edge_url
    key = (content_of(campaign, shop), origin_of(campaign, shop), edge_url)
    variant = _variants.get(key)
    if variant is None:
        variant = Variant(key[0], key[1], edge_url=edge_url, tokens=tokens())
        _variants[key] = variant
        if len(_variants) > KEPT_VARIANTS:
            _variants.popitem(last=False)
    else:
        _variants.move_to_end(key)
    return variant
