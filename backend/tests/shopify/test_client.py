"""The GraphQL client's decisions, against a transport that answers what the test says."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from storecast.config.settings import Shopify
from storecast.resilience.guard import Guard
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import (
    AccessDenied,
    OperationRefused,
    ShopifyUnreachable,
    ShopUnavailable,
    Throttled,
    TokenRefused,
    UserErrors,
)
from storecast.shopify.throttle import CostThrottle

SHOPIFY = Shopify(
    api_key="key",
    api_secret=SecretStr("secret"),
    api_secret_old=None,
    app_url="https://app.example",
    redirect_uri="https://app.example/auth/callback",
    api_version="2026-10",
    shop_origin="https://{shop}",
    app_bridge_url="",
    admin_frame_origins=[],
    scopes=[],
)

Answers = Iterator[httpx.Response | Exception]


class Shop:
    """Answers one after the other and remembers what was asked and how long the client slept."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []
        self.client = AdminClient(
            SHOPIFY,
            "acme.myshopify.com",
            "shpat_1",
            http=httpx.Client(transport=httpx.MockTransport(self._answer)),
            throttle=CostThrottle(clock=lambda: sum(self.slept)),
            guard=Guard(None, None),
            sleep=self.slept.append,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(data: dict[str, Any] | None = None, **body: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": data if data is not None else {"shop": {"id": "1"}}, **body})


def throttled(requested: int, available: int, rate: int) -> httpx.Response:
    status = {"maximumAvailable": 1000, "currentlyAvailable": available, "restoreRate": rate}
    return httpx.Response(
        200,
        json={
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {
                "cost": {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
            },
        },
    )


def test_the_request_goes_to_the_shop_with_its_own_token() -> None:
    shop = Shop(ok())
    assert shop.client.execute("shop").data == {"shop": {"id": "1"}}
    (request,) = shop.requests
    assert str(request.url) == "https://acme.myshopify.com/admin/api/2026-10/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "shpat_1"


def test_throttled_waits_as_long_as_its_cost_says() -> None:
    shop = Shop(throttled(requested=300, available=100, rate=50), ok())
    shop.client.execute("shop")
    assert shop.slept == [4.0]


def test_a_budget_that_needs_too_long_is_left_to_the_job() -> None:
    shop = Shop(throttled(requested=1000, available=0, rate=10))
    with pytest.raises(Throttled) as raised:
        shop.client.execute("shop")
    assert raised.value.retry_after == 100.0
    assert shop.slept == []


def test_a_known_cost_is_waited_for_before_the_call() -> None:
    status = {"maximumAvailable": 100, "currentlyAvailable": 10, "restoreRate": 20}
    cost = {"cost": {"requestedQueryCost": 50, "actualQueryCost": 50, "throttleStatus": status}}
    shop = Shop(ok(extensions=cost), ok())
    shop.client.execute("shop")
    shop.client.execute("shop")
    assert shop.slept == [2.0]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept_to(status: int) -> None:
    shop = Shop(httpx.Response(status, headers={"Retry-After": "7"}), ok())
    shop.client.execute("shop")
    assert shop.slept == [7.0]


@pytest.mark.parametrize(
    "failure", [httpx.Response(502), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")]
)
def test_a_query_is_sent_again_after_a_failure(failure: httpx.Response | Exception) -> None:
    shop = Shop(failure, ok())
    shop.client.execute("shop")
    assert len(shop.requests) == 2


def test_retries_end() -> None:
    shop = Shop(*[httpx.Response(500)] * 4)
    with pytest.raises(ShopifyUnreachable):
        shop.client.execute("shop")
    assert len(shop.requests) == 4
    assert shop.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("failure", [httpx.Response(502), httpx.ReadTimeout("slow")])
def test_a_mutation_that_may_have_happened_is_not_sent_twice(failure: httpx.Response | Exception) -> None:
    shop = Shop(failure, ok())
    with pytest.raises(ShopifyUnreachable):
        shop.client.mutate("web_pixel_create", {"settings": {}})
    assert len(shop.requests) == 1


@pytest.mark.parametrize("failure", [httpx.Response(503), httpx.ConnectError("refused")])
def test_a_mutation_that_did_not_happen_is_sent_again(failure: httpx.Response | Exception) -> None:
    shop = Shop(failure, ok({"webPixelCreate": {"webPixel": {"id": "1"}, "userErrors": []}}))
    assert shop.client.mutate("web_pixel_create", {"settings": {}})["webPixel"] == {"id": "1"}


def test_user_errors_are_raised_with_their_codes() -> None:
    errors = [{"code": "TAKEN", "field": None, "message": "already there"}]
    shop = Shop(ok({"webPixelCreate": {"webPixel": None, "userErrors": errors}}))
    with pytest.raises(UserErrors) as raised:
        shop.client.mutate("web_pixel_create", {"settings": {}})
    assert raised.value.codes == {"TAKEN"}


def test_partial_data_is_kept_with_its_errors() -> None:
    errors = [{"message": "not approved to access the Customer object", "path": ["customer"]}]
    shop = Shop(ok({"shop": {"id": "1"}, "customer": None}, errors=errors))
    answer = shop.client.execute("shop")
    assert answer.data["shop"] == {"id": "1"}
    assert answer.errors == errors


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), TokenRefused),
        (httpx.Response(402), ShopUnavailable),
        (httpx.Response(403), AccessDenied),
        (httpx.Response(404), ShopUnavailable),
        (httpx.Response(423), ShopUnavailable),
        (httpx.Response(400), OperationRefused),
        (httpx.Response(200, text="<html>"), ShopifyUnreachable),
        (httpx.Response(200, json={"errors": "[API] no such field"}), OperationRefused),
        (
            httpx.Response(200, json={"errors": [{"message": "x", "extensions": {"code": "ACCESS_DENIED"}}]}),
            AccessDenied,
        ),
    ],
)
def test_what_no_retry_helps_is_raised_as_what_it_is(answer: httpx.Response, error: type[Exception]) -> None:
    shop = Shop(answer)
    with pytest.raises(error):
        shop.client.execute("shop")
    assert len(shop.requests) == 1


def test_errors_never_carry_the_token() -> None:
    fail: Callable[[], Any] = lambda: Shop(httpx.Response(401)).client.execute("shop")  # noqa: E731
    with pytest.raises(TokenRefused) as raised:
        fail()
    assert "shpat_1" not in repr(raised.value)
