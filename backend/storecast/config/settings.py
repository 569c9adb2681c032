"""Every setting of Storecast, typed; a weak or missing secret stops a production process at start."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIN_SECRET_LENGTH = 32
"""256 bits when written in hex would be 64; 32 is the least that a generated secret of any common form has."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
"""As browsers send it: lower case, no path, no wildcard."""

_PLACEHOLDERS = ("change", "secret", "password", "example", "development", "test")


class Shopify(BaseModel):
    """How to reach Shopify and as which app."""

    api_key: str
    api_secret: SecretStr
    api_secret_old: SecretStr | None
    app_url: str
    redirect_uri: str
    api_version: str
    shop_origin: str
    app_bridge_url: str
    admin_frame_origins: list[str]
    scopes: list[str]

    def origin(self, shop_domain: str) -> str:
        """Where the shop's Admin API is served: ``https://{shop}`` outside the simulator."""
        return self.shop_origin.replace("{shop}", shop_domain)

    def secrets(self) -> list[str]:
        """The client secret, then the one before it while a rotation lasts."""
        values = [self.api_secret, self.api_secret_old]
        return [value.get_secret_value() for value in values if value is not None]


class Settings(BaseSettings):
    """Read from the environment; names are those of `.env.example`."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", populate_by_name=True)

    environment: Literal["development", "test", "production"] = Field(
        "production", validation_alias="STORECAST_ENVIRONMENT"
    )
    app_secret_key: SecretStr = Field(validation_alias="APP_SECRET_KEY")
    app_secret_key_old: SecretStr | None = Field(None, validation_alias="APP_SECRET_KEY_OLD")
    session_secret_key: SecretStr = Field(validation_alias="SESSION_SECRET_KEY")
    session_secret_key_old: SecretStr | None = Field(None, validation_alias="SESSION_SECRET_KEY_OLD")
    database_url: str = Field(validation_alias="DATABASE_URL")
    redis_url: str = Field(validation_alias="REDIS_URL")
    celery_broker_url: str = Field(validation_alias="CELERY_BROKER_URL")
    celery_result_backend: str | None = Field(None, validation_alias="CELERY_RESULT_BACKEND")

    shopify_api_key: str = Field(validation_alias="SHOPIFY_API_KEY")
    shopify_api_secret: SecretStr = Field(validation_alias="SHOPIFY_API_SECRET")
    shopify_api_secret_old: SecretStr | None = Field(None, validation_alias="SHOPIFY_API_SECRET_OLD")
    shopify_app_url: str = Field(validation_alias="SHOPIFY_APP_URL")
    shopify_redirect_uri: str = Field(validation_alias="SHOPIFY_REDIRECT_URI")
    shopify_api_version: str = Field("2026-10", validation_alias="SHOPIFY_API_VERSION")
    shopify_shop_origin: str = Field("https://{shop}", validation_alias="SHOPIFY_SHOP_ORIGIN")
    shopify_app_bridge_url: str = Field(
        "https://cdn.shopify.com/shopifycloud/app-bridge.js", validation_alias="SHOPIFY_APP_BRIDGE_URL"
    )
    shopify_admin_frame_origins: str = Field("", validation_alias="SHOPIFY_ADMIN_FRAME_ORIGINS")
    shopify_scopes: str = Field(
        "read_customers,write_customers,read_customer_merge,read_orders,read_fulfillments,read_products,write_pixels,"
        "read_customer_events",
        validation_alias="SHOPIFY_SCOPES",
    )

    # Origins whose scripts may call the API with a key or token of their own, separated by spaces.
    cors_origins: str = Field("", validation_alias="STORECAST_CORS_ORIGINS")
    api_reads_per_minute: int = Field(1_200, ge=1, validation_alias="STORECAST_API_READS_PER_MINUTE")
    api_writes_per_minute: int = Field(300, ge=1, validation_alias="STORECAST_API_WRITES_PER_MINUTE")
    api_expensive_per_minute: int = Field(60, ge=1, validation_alias="STORECAST_API_EXPENSIVE_PER_MINUTE")

    edge_url: str = Field(validation_alias="STORECAST_EDGE_URL")
    smtp_url: str = Field(validation_alias="STORECAST_SMTP_URL")
    # What a sender's SPF record has to include, so that mail by the server above passes.
    spf_include: str | None = Field(None, validation_alias="STORECAST_SPF_INCLUDE")
    # Whether a campaign may leave from a domain that DNS does not confirm: stop, ask or off. Unset: stop in production,
    # off elsewhere, where mail goes to a catcher.
    sender_checks: Literal["stop", "ask", "off"] | None = Field(
        None, validation_alias="STORECAST_SENDER_CHECKS"
    )
    # Name servers to ask instead of the system's, host:port parted by spaces.
    dns_servers: str = Field("", validation_alias="STORECAST_DNS_SERVERS")
    # Where the mail providers' APIs are instead of their own addresses: only in front of a fake, {provider} in it.
    provider_origin: str | None = Field(None, validation_alias="STORECAST_PROVIDER_ORIGIN")
    frontend_dist: Path | None = Field(None, validation_alias="STORECAST_FRONTEND_DIST")
    otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    trace_url: str | None = Field(None, validation_alias="STORECAST_TRACE_URL")
    # A build or commit beside the version: deploys are told apart by it.
    release: str = Field("", validation_alias="STORECAST_RELEASE")

    @field_validator(
        "otlp_endpoint", "trace_url", "spf_include", "sender_checks", "provider_origin", mode="before"
    )
    @classmethod
    def _read_blank_as_unset(cls, value: object) -> object:
        # docker compose passes a variable that is not set on as an empty one.
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("trace_url")
    @classmethod
    def _take_a_template(cls, value: str | None) -> str | None:
        # The console makes a link of it.
        if value is not None and not (value.startswith(("http://", "https://")) and "{trace_id}" in value):
            raise ValueError("STORECAST_TRACE_URL must be an http(s) address with {trace_id} in it")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _take_exact_origins(cls, value: str) -> str:
        for origin in value.split():
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"STORECAST_CORS_ORIGINS: {origin} is not scheme://host, nor with a port")
        return value

    @property
    def shopify(self) -> Shopify:
        """The Shopify settings as one group."""
        return Shopify(
            api_key=self.shopify_api_key,
            api_secret=self.shopify_api_secret,
            api_secret_old=self.shopify_api_secret_old,
            app_url=self.shopify_app_url.rstrip("/"),
            redirect_uri=self.shopify_redirect_uri,
            api_version=self.shopify_api_version,
            shop_origin=self.shopify_shop_origin.rstrip("/"),
            app_bridge_url=self.shopify_app_bridge_url,
            admin_frame_origins=self.shopify_admin_frame_origins.split(),
            scopes=[scope.strip() for scope in self.shopify_scopes.split(",") if scope.strip()],
        )

    @property
    def sender_level(self) -> Literal["stop", "ask", "off"]:
        """How much the send gate minds a sender that DNS does not confirm."""
        return self.sender_checks or ("stop" if self.environment == "production" else "off")

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach the app over TLS, so that cookies may carry ``Secure`` and ``__Host-``."""
        return self.shopify_app_url.startswith("https://")

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        if self.environment != "production":
            return self
        for name in ("app_secret_key", "session_secret_key", "shopify_api_secret"):
            value = getattr(self, name).get_secret_value()
            if len(value) < MIN_SECRET_LENGTH or any(word in value.lower() for word in _PLACEHOLDERS):
                raise ValueError(f"{name.upper()} is too weak for production: generate one, see .env.example")
        if self.app_secret_key.get_secret_value() == self.session_secret_key.get_secret_value():
            raise ValueError("APP_SECRET_KEY and SESSION_SECRET_KEY must differ")
        if not self.shopify_app_url.startswith("https://"):
            raise ValueError("SHOPIFY_APP_URL must be https in production")
        return self


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
