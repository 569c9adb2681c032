"""A shop that lives in a simulator and is installed in the test's database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storecast.auth import id_tokens, service
from storecast.config.settings import get_settings
from storecast.entrypoints.modules import register_jobs
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from tests.simulated_shopify import SimulatedShopify, Worker, simulated_world


@pytest.fixture
def shopify(database: str, tmp_path: Path) -> Iterator[SimulatedShopify]:
    """A simulator with a store on which the app is installed; settings point at it."""
    with simulated_world(tmp_path) as simulator:
        yield simulator


@pytest.fixture
def worker(shopify: SimulatedShopify, database: str) -> Iterator[Worker]:
    register_jobs()
    worker = Worker(database)
    yield worker
    worker.close()


@pytest.fixture
def installed(shopify: SimulatedShopify) -> ShopId:
    """The shop after its first authenticated request: tokens stored, first sync waiting."""
    raw = shopify.id_token()
    principal = service.embedded_principal(id_tokens.verify(raw, get_settings().shopify, now=utcnow()), raw)
    return principal.shop_id
