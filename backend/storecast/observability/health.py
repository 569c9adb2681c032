"""Health: alive is being able to answer; ready is being able to do the work."""

import psycopg
import redis

from storecast.config.settings import Settings

TIMEOUT_S = 2


def failing_parts(settings: Settings) -> list[str]:
    """Names of the parts that do not answer, empty when all do."""
    failing = []
    try:
        with psycopg.connect(settings.database_url, connect_timeout=TIMEOUT_S) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        failing.append("postgresql")
    try:
        with redis.Redis.from_url(
            settings.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as client:
            client.ping()
    except redis.RedisError:
        failing.append("redis")
    return failing
