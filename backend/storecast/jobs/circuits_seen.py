"""Which external hosts are left alone at present, for the health strip."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from storecast.config.settings import get_settings
from storecast.resilience import circuit

TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class Circuits:
    """Hosts whose circuit is not closed; None when Redis did not say."""

    open_hosts: Sequence[str] | None


def read() -> Circuits:
    """The circuits now."""
    no_retry = Retry(NoBackoff(), 0)
    try:
        with redis.Redis.from_url(
            get_settings().redis_url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=no_retry,
        ) as client:
            found = circuit.Circuits(client).list_all()
    except redis.RedisError:
        return Circuits(None)
    return Circuits([each.host for each in found if each.state != "closed"])
