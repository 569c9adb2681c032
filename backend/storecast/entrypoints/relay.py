"""The relay process: `python -m storecast.entrypoints.relay`."""

import os
import signal
import threading

from prometheus_client import start_http_server

from storecast.config.settings import get_settings
from storecast.entrypoints.heart import Heart, Load
from storecast.entrypoints.modules import register_jobs
from storecast.observability import logs, tracing
from storecast.worker.broker import make_celery
from storecast.worker.relay import Relay
from storecast.worker.task import registered


def main() -> None:
    """Relay until SIGTERM or SIGINT."""
    logs.configure("relay")
    settings = get_settings()
    tracing.configure("relay")
    register_jobs()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    if port := os.environ.get("STORECAST_METRICS_PORT"):
        start_http_server(int(port), addr="127.0.0.1")
    relay = Relay(settings.database_url, make_celery(settings.celery_broker_url), registered())
    heart = Heart("relay", lambda: Load(done=relay.published))
    heart.start()
    relay.run(stopped.is_set)
    heart.stop()
    tracing.shutdown()


if __name__ == "__main__":
    main()
