"""Budgets of callers and shops: told on every answer, refused beyond, and no obstacle while Redis is away."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from fastapi.testclient import TestClient
from limits.aio.storage import MemoryStorage
from redis.exceptions import ConnectionError as RedisAway
from structlog.testing import capture_logs

from storecast.auth import rate_limits
from storecast.auth.rate_limits import Budget, RateLimits
from storecast.config.settings import Settings
from storecast.entrypoints.api import create_app
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from tests.conftest import id_token

PER_MINUTE = {Budget.READS: 100, Budget.WRITES: 3, Budget.EXPENSIVE: 1}


@pytest.fixture(autouse=True)
def one_minute() -> Iterator[None]:
    """Budgets are those of a clock minute, which must not end inside a test."""
    with time_machine.travel(utcnow(), tick=False):
        yield


class Away(MemoryStorage):
    """A storage that does not answer until it is told to."""

    asked = 0
    away = True

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        self.asked += 1
        if self.away:
            raise RedisAway("no")
        return await super().incr(key, expiry, amount)


def with_limits(settings: Settings, **values: int) -> TestClient:
    limited = Settings.model_validate({**settings.model_dump(), **values})
    return TestClient(create_app(limited), raise_server_exceptions=False)


def charge(limits: RateLimits, caller: str = "7", budget: Budget = Budget.WRITES) -> bool | None:
    standing = asyncio.run(limits.charge(budget, 1, caller))
    return None if standing is None else all(quota.left >= 0 for quota in standing.quotas)


def test_every_answer_tells_what_is_left(client: TestClient, signed_in: dict[str, str]) -> None:
    first, second = (client.get("/api/v1/session", headers=signed_in) for _ in range(2))
    refused = client.get("/api/v1/campaigns/none", headers=signed_in)

    assert first.headers["RateLimit-Policy"] == '"reads-caller";q=1200;w=60, "reads-shop";q=6000;w=60'
    assert first.headers["RateLimit"].startswith('"reads-caller";r=1199;t=')
    assert second.headers["RateLimit"].startswith('"reads-caller";r=1198;t=')
    assert refused.status_code == 404
    assert refused.headers["RateLimit"].startswith('"reads-caller";r=1197;t=')


def test_beyond_the_budget_is_refused_and_changes_nothing(settings: Settings, shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {id_token(shop.domain)}"}
    with with_limits(settings, api_writes_per_minute=2) as client:
        answers = [client.post("/api/v1/campaigns", headers=headers, json={"name": "A"}) for _ in range(3)]
        listed = client.get("/api/v1/campaigns", headers=headers)

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    refused = answers[2]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Policy"] == '"writes-caller";q=2;w=60'
    assert refused.headers["RateLimit"] == f'"writes-caller";r=0;t={refused.headers["Retry-After"]}'
    assert (listed.status_code, len(listed.json()["items"])) == (200, 2)


def test_processes_share_one_budget(settings: Settings, shop: Shop) -> None:
    with (
        with_limits(settings, api_reads_per_minute=10) as one,
        with_limits(settings, api_reads_per_minute=10) as two,
        ThreadPoolExecutor(4) as pool,
    ):
        headers = {"Authorization": f"Bearer {id_token(shop.domain)}"}
        asked = [pool.submit((one, two)[n % 2].get, "/api/v1/session", headers=headers) for n in range(30)]
        statuses = Counter(future.result().status_code for future in asked)

    assert statuses == {200: 10, 429: 20}


def test_a_caller_is_refused_alone_and_a_shop_as_a_whole() -> None:
    limits = RateLimits(MemoryStorage(), PER_MINUTE, lambda: 600.0)
    answers = {str(caller): [charge(limits, str(caller)) for _ in range(4)] for caller in range(6)}

    assert [answers[str(caller)] for caller in range(5)] == [[True, True, True, False]] * 5
    assert answers["5"] == [False] * 4


def test_no_two_processes_together_pass_a_budget() -> None:
    storage = MemoryStorage()
    processes = [RateLimits(storage, PER_MINUTE, lambda: 600.0) for _ in range(3)]
    passed = sum(charge(processes[n % 3], budget=Budget.READS) is True for n in range(150))

    assert passed == 100


def test_a_new_minute_is_a_new_budget() -> None:
    now = 600.0
    limits = RateLimits(MemoryStorage(), PER_MINUTE, lambda: now)
    assert [charge(limits) for _ in range(4)] == [True, True, True, False]
    now = 660.0
    assert charge(limits) is True


def test_while_redis_is_away_requests_pass_and_one_line_tells() -> None:
    now, storage = 600.0, Away()
    limits = RateLimits(storage, PER_MINUTE, lambda: now)
    with capture_logs() as lines:
        assert [charge(limits) for _ in range(3)] == [None, None, None]
        assert storage.asked == 1
        now += rate_limits.PAUSE_S
        assert charge(limits) is None
        now, storage.away = now + rate_limits.PAUSE_S, False
        assert charge(limits) is True

    assert [line["event"] for line in lines] == ["rate_limits_away", "rate_limits_back"]


def test_an_api_without_redis_still_answers(settings: Settings, shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {id_token(shop.domain)}"}
    with with_limits(settings, redis_url="redis://127.0.0.1:1") as client:  # type: ignore[arg-type]
        answer = client.get("/api/v1/session", headers=headers)

    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


@pytest.mark.parametrize(
    ("method", "route", "budget"),
    [
        ("GET", "list_campaigns", Budget.READS),
        ("POST", "create_campaign", Budget.WRITES),
        ("DELETE", "delete_campaign", Budget.WRITES),
        ("POST", "preview_segment", Budget.EXPENSIVE),
        ("GET", "count_audience", Budget.EXPENSIVE),
    ],
)
def test_what_a_call_is_counted_as(method: str, route: str, budget: Budget) -> None:
    assert rate_limits.budget_of(method, route) is budget
