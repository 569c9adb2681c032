"""The simulator as a real process, and a worker without a broker: what tests of the integration stand on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import psycopg

from storecast.worker.ledger import Ledger
from storecast.worker.task import Runner
from tests import warm_simulator
from tests.conftest import ENVIRONMENT, environment

BACKEND = Path(__file__).parents[1]
SHOP = "cdnow.myshopify.com"
NOWHERE = "http://127.0.0.1:1/webhooks"

# Every simulator is a process of its own, forked from one that has imported everything and built Shopify's schema:
# a start from nothing takes a second of CPU, and some hundred tests begin with one.
_processes = get_context("forkserver")
_processes.set_forkserver_preload([warm_simulator.__name__])


@dataclass(frozen=True, slots=True)
class SimulatedShopify:
    """A running simulator."""

    origin: str

    def control(self, path: str, **body: Any) -> Any:
        """Use one of the simulator's switches."""
        answer = httpx.post(f"{self.origin}/control/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def state(self) -> dict[str, Any]:
        """What the simulator says about its first shop."""
        shops: list[dict[str, Any]] = httpx.get(f"{self.origin}/control/state", timeout=10).json()["shops"]
        return shops[0]

    def id_token(self) -> str:
        """A fresh ID token of the shop's first user."""
        return str(self.control("id_token", shop=SHOP)["id_token"])


@contextmanager
def running(
    state: Path,
    *,
    client_id: str,
    client_secret: str,
    app_url: str,
    customers: int = 40,
    webhook_url: str = NOWHERE,
) -> Iterator[SimulatedShopify]:
    """A simulator with a small generated store; it ends with the block."""
    arguments = [
        *("--port", "0", "--state", str(state), "--seed", "generated"),
        *("--customers", str(customers), "--client-id", client_id, "--client-secret", client_secret),
        *("--app-url", app_url, "--webhook-url", webhook_url),
        *("--app-toml", str(BACKEND.parent / "shopify.app.toml")),
    ]
    said, says = _processes.Pipe(duplex=False)
    process = _processes.Process(target=warm_simulator.serve, args=(arguments, says))
    process.start()
    says.close()
    try:
        with open(said.fileno(), closefd=False) as lines:
            word, _, origin = lines.readline().strip().partition(" ")
        assert word == "ready", "the simulator did not start; its own output says why"
        yield SimulatedShopify(origin)
    finally:
        said.close()
        process.terminate()
        process.join(timeout=10)
        process.close()


@contextmanager
def simulated_world(
    state: Path, *, webhook_url: str = NOWHERE, customers: int = 40
) -> Iterator[SimulatedShopify]:
    """A simulator on whose store the app is installed, with the settings pointing at it."""
    with (
        running(
            state,
            client_id=ENVIRONMENT["SHOPIFY_API_KEY"],
            client_secret=ENVIRONMENT["SHOPIFY_API_SECRET"],
            app_url=ENVIRONMENT["SHOPIFY_APP_URL"],
            customers=customers,
            webhook_url=webhook_url,
        ) as simulator,
        environment({**os.environ, "SHOPIFY_SHOP_ORIGIN": simulator.origin + "/{shop}"}),
    ):
        simulator.control("install", shop=SHOP)
        yield simulator


class Worker:
    """Runs the jobs of a test's database in this process, in the order in which they fall due."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        # Two connections, as a worker has: a thread of the runner's own uses the second.
        self._ledgers = Ledger(database_url, "test-worker"), Ledger(database_url, "test-worker")
        self._runner = Runner(*self._ledgers)

    def run_until_idle(self, *, timeout_s: float = 60.0) -> None:
        """Run jobs, those that follow them too, until none is left; fails when that takes too long."""
        deadline = time.monotonic() + timeout_s
        with psycopg.connect(self._url, autocommit=True) as connection:
            while connection.execute("SELECT 1 FROM outbox LIMIT 1").fetchone():
                assert time.monotonic() < deadline, "jobs are still waiting"
                due = connection.execute(
                    "UPDATE outbox SET state = 'queued' WHERE state IN ('scheduled', 'staged') AND run_at <= now()"
                    " RETURNING id"
                ).fetchall()
                if due:
                    self._runner.run([row[0] for row in sorted(due)])
                else:
                    connection.execute(
                        "SELECT pg_sleep(least(0.2, greatest(0.01,"
                        " extract(epoch FROM min(run_at) - now())))) FROM outbox"
                    )

    def run_due(self) -> None:
        """Run the jobs that are due, and those that follow at once; what waits goes on waiting."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            while due := connection.execute(
                "UPDATE outbox SET state = 'queued' WHERE state IN ('scheduled', 'staged') AND run_at <= now()"
                " RETURNING id"
            ).fetchall():
                self._runner.run([row[0] for row in sorted(due)])

    def outcomes(self) -> list[tuple[str, str]]:
        """Name and end of every job that is over, in the order of their ends."""
        with psycopg.connect(self._url) as connection:
            return connection.execute("SELECT name, state FROM job_runs ORDER BY finished_at").fetchall()

    def close(self) -> None:
        for ledger in self._ledgers:
            ledger.close()
