"""The edge process: `uvicorn storecast.entrypoints.edge:app`."""

import gc

from storecast.config.settings import get_settings
from storecast.edge.app import create_app
from storecast.messaging.tokens import Tokens
from storecast.observability import logs

logs.configure("edge")
settings = get_settings()
_secrets = [settings.app_secret_key, settings.app_secret_key_old]
_tokens = Tokens(*(secret.get_secret_value().encode() for secret in _secrets if secret is not None))

app = create_app(settings, _tokens.open, _tokens.open_address)

# What is loaded by now stays: a full collection over it would hold every delivery up for tens of milliseconds. And what
# a request makes goes by itself, unless it waits for a commit with hundreds of others: collecting early finds nothing.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
