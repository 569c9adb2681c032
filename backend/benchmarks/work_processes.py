"""The product's processes with the jobs of work.py: `python -m` this is the relay, `celery -A` this the worker."""

import benchmarks.work  # noqa: F401  # registers its jobs
from storecast.entrypoints import relay
from storecast.entrypoints.worker import app

__all__ = ["app"]

if __name__ == "__main__":
    relay.main()
