"""One running Storecast for the journeys: simulator, edge, relay and worker as processes, one installed shop."""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
import redis
from fastapi.testclient import TestClient
from psycopg.rows import dict_row

from demo.servers import EmbeddedPostgres, EmbeddedRedis
from storecast.entrypoints.api import create_app
from tests.conftest import ENVIRONMENT, environment
from tests.processes import process, relay, wait_until, worker
from tests.simulated_shopify import SimulatedShopify, simulated_world


@dataclass(frozen=True, slots=True)
class Journey:
    """The world outside, and what Storecast has made of it."""

    shopify: SimulatedShopify
    database: psycopg.Connection[dict[str, Any]]

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Rows, whatever shop they are of."""
        return self.database.execute(query, parameters).fetchall()

    def row(self, query: str, *parameters: object) -> dict[str, Any]:
        """The one row there is."""
        (row,) = self.rows(query, *parameters)
        return row

    def wait_for(self, query: str, *parameters: object) -> None:
        """Return when the query finds something."""
        wait_until(lambda: self.rows(query, *parameters), query)

    def wait_until_quiet(self) -> None:
        """Return when Shopify has delivered everything and Storecast has worked it off."""

        def quiet() -> bool:
            state = httpx.get(f"{self.shopify.origin}/control/state", timeout=10).json()
            # Nobody takes mail here: what tells the merchant goes on trying.
            left = (
                "SELECT 1 FROM webhook_inbox WHERE state = 'pending'"
                " UNION ALL SELECT 1 FROM outbox WHERE name <> 'privacy.tell_merchant'"
            )
            return state["webhooks"]["waiting"] == 0 and not self.rows(left)

        wait_until(quiet, "quiet")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def edge(folder: Any, port: int) -> AbstractContextManager[Any]:
    command = ("uvicorn", "storecast.entrypoints.edge:app", "--host", "127.0.0.1", "--port", str(port))
    return process(folder, "edge", *command)


def is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def journey(
    postgres: EmbeddedPostgres,
    template: str,
    redis_server: EmbeddedRedis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Journey]:
    """Everything runs, the shop is installed by its first visit, and its first synchronisation is through."""
    folder, port = tmp_path_factory.mktemp("journey"), free_port()
    dsn = postgres.create_database("test_journey", template=template)
    with redis.Redis.from_url(redis_server.redis_url) as client:
        client.flushall()
    values = {
        **os.environ,
        **ENVIRONMENT,
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_server.redis_url,
        "CELERY_BROKER_URL": redis_server.celery_url,
        "STORECAST_EDGE_URL": f"http://127.0.0.1:{port}",
    }
    with (
        environment(values),
        simulated_world(folder / "simulator", webhook_url=f"http://127.0.0.1:{port}/webhooks") as shopify,
        edge(folder, port),
        relay(folder),
        worker(folder, "critical", "default", "sync", "ai"),
        psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as database,
    ):
        journey = Journey(shopify, database)
        wait_until(lambda: is_up(f"http://127.0.0.1:{port}/healthz"), "the edge")
        with TestClient(create_app()) as api:
            visit = api.get("/api/v1/session", headers={"Authorization": f"Bearer {shopify.id_token()}"})
            assert visit.status_code == 200
        journey.wait_for("SELECT 1 FROM sync_runs WHERE state = 'done'")
        yield journey
    postgres.drop_database("test_journey")
