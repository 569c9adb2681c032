"""The settings page as one document, put together from the shop, its token and the panels of other modules."""

from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.shops import features, repository, schemas, service, settings_panels
from storecast.shops.features import Feature
from storecast.shops.models import Shop, ShopToken


def read(session: Session, shop_id: ShopId) -> schemas.Settings:
    """The page of a shop."""
    shop = service.get(session, shop_id)
    panels = settings_panels.collect(session, shop_id)
    wanted = get_settings().shopify.scopes
    return schemas.Settings(
        store=schemas.StoreSettings.model_validate(shop, from_attributes=True),
        scopes=schemas.ScopeSettings(
            granted=sorted(shop.scopes),
            missing=[scope for scope in wanted if not features.holds(scope, shop.scopes)],
        ),
        token=_token(repository.find_token(session, shop_id)),
        pixel=pixel(shop, **panels.get("pixel", {})),
        sender=_sender(shop),
        double_opt_in=shop.double_opt_in,
        attribution=schemas.AttributionSettings(
            click_days=shop.click_window_days, open_days=shop.open_window_days
        ),
        webhooks=schemas.WebhookSettings(**panels.get("webhooks", {})),
    )


def pixel_of(session: Session, shop_id: ShopId) -> schemas.PixelSettings:
    """The pixel's section as it is now."""
    panels = settings_panels.collect(session, shop_id)
    return pixel(service.get(session, shop_id), **panels.get("pixel", {}))


def pixel(shop: Shop, **figures: object) -> schemas.PixelSettings:
    """The pixel's section alone."""
    return schemas.PixelSettings.model_validate(
        {
            "state": shop.pixel_state,
            "reason": shop.pixel_reason,
            "error": shop.pixel_error,
            "missing": features.lacking(shop, Feature.PIXEL),
            "checked_at": shop.pixel_checked_at,
            "key": shop.pixel_key,
            **figures,
        }
    )


def feature_list(session: Session, shop_id: ShopId) -> schemas.FeatureList:
    """Which feature needs which scopes, and whether the shop has granted them."""
    shop = service.get(session, shop_id)
    shopify = get_settings().shopify
    return schemas.FeatureList(
        features=[_feature(shop, feature) for feature in Feature],
        admin_url=f"{shopify.origin(shop.domain)}/admin/apps/{shopify.api_key}",
    )


def _feature(shop: Shop, feature: Feature) -> schemas.FeatureScopes:
    missing = features.missing(feature, shop.scopes)
    return schemas.FeatureScopes(
        feature=feature,
        scopes=list(features.NEEDS[feature]),
        missing=missing,
        granted=not missing,
        optional=feature in features.OPTIONAL,
    )


def _token(token: ShopToken | None) -> schemas.TokenSettings:
    if token is None:
        return schemas.TokenSettings(expires_at=None, refresh_expires_at=None, state="missing")
    return schemas.TokenSettings.model_validate(token, from_attributes=True)


def _sender(shop: Shop) -> schemas.SenderSettings:
    return schemas.SenderSettings(
        name=shop.sender_name, email=shop.sender_email, verified=bool(shop.sender_name and shop.sender_email)
    )
