"""What the benchmarks share: a private, migrated database with one shop, and the settings that point at it."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from demo.servers import EmbeddedPostgres, EmbeddedRedis

BACKEND = Path(__file__).parents[1]
SECRET = "benchmark-secret"
SHOP = "bench.myshopify.com"
PIXEL_KEY = "pk_benchmark"


@dataclass(frozen=True, slots=True)
class Stage:
    """A running database and Redis."""

    folder: Path
    dsn: str
    shop_id: int
    environment: dict[str, str]
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis


@contextlib.contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    """Start both servers with their real durability, migrate, and make one shop; all is gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedRedis(Path(folder)) as redis,
    ):
        environment = {
            "STORECAST_ENVIRONMENT": "development",
            "APP_SECRET_KEY": "bench",
            "SESSION_SECRET_KEY": "bench",
            "SHOPIFY_API_KEY": "bench",
            "SHOPIFY_API_SECRET": SECRET,
            "SHOPIFY_APP_URL": "http://bench",
            "SHOPIFY_REDIRECT_URI": "http://bench/auth/callback",
            "DATABASE_URL": postgres.dsn,
            "REDIS_URL": redis.redis_url,
            "CELERY_BROKER_URL": redis.celery_url,
            "STORECAST_EDGE_URL": "http://bench",
            "STORECAST_SMTP_URL": "smtp://127.0.0.1:1",
            **settings,
        }
        command = [sys.executable, "-m", "storecast", "migrate"]
        subprocess.run(command, cwd=BACKEND, env={**os.environ, **environment}, check=True)
        with psycopg.connect(postgres.dsn) as connection:
            row = connection.execute(
                "INSERT INTO shops (public_id, domain, name, pixel_key, state) "
                "VALUES ('shp_bench', %s, 'Bench', %s, 'installed') RETURNING id",
                [SHOP, PIXEL_KEY],
            ).fetchone()
        assert row is not None
        yield Stage(Path(folder), postgres.dsn, row[0], environment, postgres, redis)
