"""A production process with a weak secret does not start."""

import pytest
from pydantic import ValidationError

from storecast.config.settings import Settings
from tests.conftest import ENVIRONMENT

STRONG = {
    **ENVIRONMENT,
    "SHOPIFY_SHOP_ORIGIN": "https://{shop}",
    "STORECAST_ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://db/storecast",
    "REDIS_URL": "redis://cache",
    "CELERY_BROKER_URL": "amqp://broker",
    "APP_SECRET_KEY": "4f" * 32,
    "SESSION_SECRET_KEY": "9c" * 32,
    "SHOPIFY_API_SECRET": "7b" * 16,
    "SHOPIFY_APP_URL": "https://app.shop.dev/",
}


def load(monkeypatch: pytest.MonkeyPatch, **changed: str | None) -> Settings:
    for name, value in {**STRONG, **changed}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return Settings()


def test_strong_secrets_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)

    assert settings.shopify.app_url == "https://app.shop.dev"
    assert settings.shopify.origin("a.myshopify.com") == "https://a.myshopify.com"
    assert settings.shopify.secrets() == ["7b" * 16]
    assert settings.secure_cookies


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("APP_SECRET_KEY", "short", "APP_SECRET_KEY is too weak"),
        ("SESSION_SECRET_KEY", "change-me-" * 8, "SESSION_SECRET_KEY is too weak"),
        ("SHOPIFY_API_SECRET", "development-secret-" * 4, "SHOPIFY_API_SECRET is too weak"),
        ("SESSION_SECRET_KEY", "4f" * 32, "must differ"),
        ("SHOPIFY_APP_URL", "http://app.shop.dev", "must be https"),
        ("APP_SECRET_KEY", None, "APP_SECRET_KEY"),
        ("DATABASE_URL", None, "DATABASE_URL"),
    ],
)
def test_weak_or_missing_settings_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        load(monkeypatch, **{name: value})


def test_development_may_be_careless(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        load(monkeypatch, STORECAST_ENVIRONMENT="development", APP_SECRET_KEY="x").environment
        == "development"
    )


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "4f4f4f" not in repr(load(monkeypatch))
