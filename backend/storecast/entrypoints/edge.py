"""The edge process: `uvicorn storecast.entrypoints.edge:app`."""

from storecast.config.settings import get_settings
from storecast.edge.app import create_app
from storecast.messaging.tokens import Tokens
from storecast.observability import logs

logs.configure("edge")
settings = get_settings()
_secrets = [settings.app_secret_key, settings.app_secret_key_old]
_tokens = Tokens(*(secret.get_secret_value().encode() for secret in _secrets if secret is not None))

app = create_app(settings, _tokens.open)
