"""API shapes of the settings page."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from storecast.shops.features import Feature

PixelState = Literal["active", "inactive", "error"]
PixelReason = Literal["scopes_missing", "not_deployed", "refused"]
ShopState = Literal["installed", "frozen", "closed", "uninstalled"]

# One address, no display name: enough to catch a typing error; the gate of a campaign checks the domain itself.
_ADDRESS = r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+$"
_ONE_LINE = r"^[^\r\n]+$"

EmailAddress = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=_ADDRESS)]
SenderName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=_ONE_LINE)
]


class StoreSettings(BaseModel):
    """The store as Shopify describes it."""

    domain: str
    name: str
    email: str | None
    currency: str
    timezone: str
    plan: str | None
    development_store: bool
    state: ShopState
    unavailable_since: datetime | None


class ScopeSettings(BaseModel):
    """What the merchant granted, and what the app asks for beyond it."""

    granted: list[str]
    missing: list[str]


class FeatureScopes(BaseModel):
    """What one feature needs; it is off while ``missing`` is not empty."""

    feature: Feature
    scopes: list[str]
    missing: list[str]
    granted: bool
    optional: bool


class FeatureList(BaseModel):
    """Every feature with its scopes, and where in the Shopify admin the app is opened to grant them."""

    features: list[FeatureScopes]
    admin_url: str


class TokenSettings(BaseModel):
    """The life of the offline token, never the token."""

    expires_at: datetime | None
    refresh_expires_at: datetime | None
    state: Literal["valid", "reauthorize", "missing"]


class PixelSettings(BaseModel):
    """The storefront pixel."""

    state: PixelState
    # Why Shopify does not take it, for people to mend; ``error`` is in Shopify's words.
    reason: PixelReason | None = None
    error: str | None = None
    # The scopes to be granted while these are what is missing.
    missing: list[str] = []
    checked_at: datetime | None = None
    last_event_at: datetime | None = None
    # Of the extension that sent the last event; None when that one is older than versions.
    version: str | None = None
    key: str


class SenderSettings(BaseModel):
    """Who campaigns come from by default; ``verified`` once a name and an address are set."""

    name: str | None
    email: str | None
    verified: bool


class AttributionSettings(BaseModel):
    """How long after a touch an order is credited to it."""

    click_days: int
    open_days: int


class WebhookSettings(BaseModel):
    """How deliveries from Shopify are doing."""

    last_received_at: datetime | None = None
    waiting: int = 0
    dead: int = 0


class Settings(BaseModel):
    """Everything on the settings page."""

    store: StoreSettings
    scopes: ScopeSettings
    token: TokenSettings
    pixel: PixelSettings
    sender: SenderSettings
    double_opt_in: bool
    attribution: AttributionSettings
    webhooks: WebhookSettings


class DoubleOptInInput(BaseModel):
    """Whether people confirm a subscription by a link in a mail."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": True}]})

    enabled: bool


class SenderInput(BaseModel):
    """A new default sender."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "CDNOW Records", "email": "news@cdnow.example"}]},
    )

    name: SenderName
    email: EmailAddress
