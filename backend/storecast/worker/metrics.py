"""Prometheus metrics of the job machinery."""

from prometheus_client import Counter, Histogram

JOB_RUNS = Counter("storecast_job_runs_total", "Attempts by job and outcome", ["job", "outcome"])
JOB_SECONDS = Histogram("storecast_job_seconds", "Run time of one attempt", ["job"])
PUBLISHED = Counter("storecast_relay_published_total", "Jobs handed to the broker", ["queue"])
RECONCILED = Counter("storecast_relay_reconciled_total", "Jobs whose lease ran out")
