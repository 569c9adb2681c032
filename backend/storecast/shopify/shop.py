"""What Shopify says about the shop itself and about this installation of the app."""

from dataclasses import dataclass

from storecast.shopify.client import AdminClient


@dataclass(frozen=True, slots=True)
class ShopProfile:
    """The settings of the shop that everything else depends on."""

    name: str
    email: str | None
    currency: str
    timezone: str
    plan: str | None
    storefront_url: str | None
    scopes: tuple[str, ...]
    development_store: bool = False


def fetch_profile(client: AdminClient) -> ShopProfile:
    """Read the profile; what protected-data rules withhold is None."""
    data = client.execute("shop").data
    shop = data["shop"]
    installation = data.get("currentAppInstallation") or {}
    return ShopProfile(
        name=shop["name"],
        email=shop.get("contactEmail") or shop.get("email"),
        currency=shop["currencyCode"],
        timezone=shop["ianaTimezone"],
        storefront_url=(shop.get("primaryDomain") or {}).get("url"),
        plan=(shop.get("plan") or {}).get("publicDisplayName"),
        development_store=bool((shop.get("plan") or {}).get("partnerDevelopment")),
        scopes=tuple(scope["handle"] for scope in installation.get("accessScopes") or ()),
    )
