"""Headers of every kind of answer, and what other origins may do."""

import pytest
from fastapi.testclient import TestClient

from storecast.config.settings import Settings
from storecast.entrypoints.answer_headers import completed
from storecast.entrypoints.api import create_app
from storecast.shops.models import Shop
from tests.conftest import id_token

PAGES = [
    "/",
    "/campaigns/cmp_1?shop=acme.myshopify.com",
    "/?shop=acme.myshopify.com&embedded=1&id_token={token}",
    "/auth/bounce?shop=acme.myshopify.com",
    "/auth/bounce",
    "/api/docs",
    "/api/redoc",
]
OTHERS = [
    "/api/v1/session",
    "/api/openapi.json",
    "/healthz",
    "/api/docs/assets/docs.css",
    "/auth/login?shop=x",
]
FRIEND = "https://friend.example"


def directives(policy: str) -> dict[str, list[str]]:
    parts = [part.split() for part in policy.split(";")]
    names = [part[0] for part in parts]
    assert len(names) == len(set(names)), policy
    return {part[0]: part[1:] for part in parts}


@pytest.mark.parametrize("path", PAGES)
def test_no_page_allows_an_inline_script(client: TestClient, shop: Shop, path: str) -> None:
    answer = client.get(path.format(token=id_token(shop.domain)))

    assert answer.headers["content-type"].startswith("text/html")
    policy = directives(answer.headers["content-security-policy"])
    assert policy["script-src"][0] == "'self'"
    assert set(policy["script-src"]) <= {"'self'", "https://cdn.shopify.com"}
    assert policy["object-src"] == ["'none'"]
    framed = "embedded=1" in path or path == "/auth/bounce?shop=acme.myshopify.com"
    assert policy["frame-ancestors"] == (
        ["https://acme.myshopify.com", "https://admin.shopify.com"] if framed else ["'none'"]
    )


def test_no_page_has_an_inline_script(client: TestClient, shop: Shop) -> None:
    text = "".join(client.get(path.format(token=id_token(shop.domain))).text for path in PAGES)

    assert all("src=" in tag.split(">")[0] for tag in text.split("<script")[1:])
    assert " onload=" not in text


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    for path in (*PAGES, *OTHERS):
        headers = client.get(path).headers

        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=()"
        assert "content-security-policy" in headers


def test_what_is_no_page_may_load_nothing(client: TestClient) -> None:
    policies = {client.get(path).headers["content-security-policy"] for path in OTHERS}
    assert policies == {"default-src 'none'; frame-ancestors 'none'"}


def test_what_a_page_says_itself_stays() -> None:
    policy = {"script-src": "'self'", "frame-ancestors": "'none'"}

    assert completed("Frame-Ancestors https://a.example;", policy) == (
        "Frame-Ancestors https://a.example; script-src 'self'"
    )


def test_without_configured_origins_nobody_is_let_in(client: TestClient) -> None:
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "GET"}
    answers = [client.get("/healthz", headers=asked), client.options("/api/v1/session", headers=asked)]

    assert not any("access-control-allow-origin" in answer.headers for answer in answers)
    assert answers[1].status_code == 405


def test_a_configured_origin_may_call_without_the_browsers_session(settings: Settings) -> None:
    let_in = Settings.model_validate({**settings.model_dump(), "cors_origins": FRIEND})
    with TestClient(create_app(let_in)) as client:
        preflight = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
        }
        asked = client.options("/api/v1/campaigns", headers={"Origin": FRIEND, **preflight})
        refused = client.options(
            "/api/v1/campaigns", headers={"Origin": "https://rival.example", **preflight}
        )
        answer = client.get("/api/v1/session", headers={"Origin": FRIEND})
        foreign = client.get("/api/v1/session", headers={"Origin": "https://rival.example"})
        plain = client.get("/api/v1/session")

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == FRIEND
    assert "idempotency-key" in asked.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-origin" not in refused.headers
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "RateLimit" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in {*asked.headers, *answer.headers}
    assert "access-control-allow-origin" not in foreign.headers
    assert all("Origin" in each.headers["vary"] for each in (asked, refused, answer, foreign, plain))


@pytest.mark.parametrize(
    "origins", ["*", "https://*.example", "https://a.example/", "null", "HTTPS://A.example"]
)
def test_an_origin_that_is_not_exact_stops_the_process(settings: Settings, origins: str) -> None:
    with pytest.raises(ValueError, match="STORECAST_CORS_ORIGINS"):
        Settings.model_validate({**settings.model_dump(), "cors_origins": origins})
