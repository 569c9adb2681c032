"""The edge process: `uvicorn storecast.entrypoints.edge:app`."""

from storecast.config.settings import get_settings
from storecast.edge.app import create_app
from storecast.messaging.tokens import Tokens
from storecast.observability import logs

logs.configure("edge")
settings = get_settings()
_tokens = Tokens(settings.app_secret_key.get_secret_value().encode())

app = create_app(settings, _tokens.open)
