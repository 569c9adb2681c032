"""Prometheus metrics of the job machinery."""

from prometheus_client import Counter

PUBLISHED = Counter("storecast_relay_published_total", "Jobs handed to the broker", ["queue"])
RECONCILED = Counter("storecast_relay_reconciled_total", "Jobs whose lease ran out")
