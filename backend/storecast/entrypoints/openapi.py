"""Settings that only serve to write the API's document: nothing is connected to."""

from pydantic import SecretStr

from storecast.config.settings import Settings

DOCUMENT_SETTINGS = Settings(
    environment="test",
    app_secret_key=SecretStr("document"),
    session_secret_key=SecretStr("document"),
    database_url="postgresql:///none",
    redis_url="redis://none",
    celery_broker_url="memory://",
    shopify_api_key="document",
    shopify_api_secret=SecretStr("document"),
    shopify_app_url="https://storecast.example",
    shopify_redirect_uri="https://storecast.example/auth/callback",
    edge_url="https://storecast.example",
    smtp_url="smtp://localhost",
)
