"""A worker's parts without a broker: jobs are claimed and run in the test's own process."""

from collections.abc import Iterator

import psycopg
import pytest

from storecast.worker.ledger import Ledger, connect
from storecast.worker.task import Runner


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(database, "worker-1")
    yield ledger
    ledger.close()


@pytest.fixture
def runner(database: str, ledger: Ledger) -> Iterator[Runner]:
    leases = Ledger(database, "worker-1")
    yield Runner(ledger, leases)
    leases.close()


@pytest.fixture
def relay_connection(database: str) -> Iterator[psycopg.Connection]:
    with connect(database) as connection:
        yield connection
