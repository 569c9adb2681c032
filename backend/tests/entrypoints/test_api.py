"""The API as a whole: every route asks who is there, and every failure is a problem document."""

import re

import jwt
import pytest
from fastapi.testclient import TestClient
from jsonschema_rs import Draft202012Validator

from storecast.auth import token_endpoint
from storecast.config.settings import Settings, get_settings
from storecast.entrypoints.api import create_app
from storecast.entrypoints.openapi import DOCUMENT_SETTINGS
from storecast.observability.problems import Problem
from storecast.shops.access import Permission
from storecast.shops.models import Shop
from tests.conftest import id_token

DOCUMENT = create_app(DOCUMENT_SETTINGS).openapi()
EVERY = [(path, method) for path, item in sorted(DOCUMENT["paths"].items()) for method in sorted(item)]
OPERATIONS = [(path, method) for path, method in EVERY if DOCUMENT["paths"][path][method]["security"]]
"""All that ask who is there; the document says which those are, and a test below which are not."""


def call(client: TestClient, path: str, method: str, **headers: str) -> tuple[int, str]:
    answer = client.request(method.upper(), re.sub(r"{\w+}", "x", path), headers=headers, json={})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, answer.json()["code"]


FIRST_PATHS = {
    "/api/auth/shopify/connect",
    "/api/auth/shopify/activate-extension",
    "/api/auth/shopify/update-extension",
    "/api/data/shopify/bulk-pull",
    "/api/data-pull/status/{task_id}",
    "/api/data/shopify/results/{shop}/{task_id}",
}


def test_every_documented_path_is_under_the_version_or_one_of_the_first() -> None:
    assert {path for path, _method in OPERATIONS if not path.startswith("/api/v1/")} == FIRST_PATHS


def test_only_those_who_are_about_to_get_a_credential_need_none() -> None:
    """One checks the client's own credentials, the other that this browser began the sign-in."""
    assert set(EVERY) - set(OPERATIONS) == {
        (token_endpoint.PATH, "post"),
        ("/api/auth/shopify/callback", "get"),
    }


def test_the_document_says_what_each_operation_asks_for() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    scopes = schemes["oauth2"]["flows"]["clientCredentials"]["scopes"]
    assert set(scopes) == {permission.value for permission in Permission}
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        assert operation["x-permission"] in scopes, (path, method)
        asked = {name: needed for option in operation["security"] for name, needed in option.items()}
        assert asked == {name: [] for name in schemes} | {"oauth2": [operation["x-permission"]]}, (
            path,
            method,
        )


def test_nobody_gets_in_without_a_credential(client: TestClient) -> None:
    answers = {(path, method): call(client, path, method) for path, method in OPERATIONS}

    assert set(answers.values()) == {(401, "unauthenticated")}


def test_nobody_gets_in_by_a_credential_that_is_over_or_was_never_one(client: TestClient, shop: Shop) -> None:
    """For every operation: an expired ID token, one of another app, a made-up key, a made-up access token."""
    forged = jwt.encode({"sub": "key_1", "scope": "manage"}, "x" * 40, headers={"typ": "at+jwt"})
    for raw, code in (
        (id_token(shop.domain, exp=1), "id_token_refused"),
        (id_token(shop.domain, aud="another-app"), "id_token_refused"),
        ("sck_0123456789abcdef_made-up", "credential_refused"),
        (forged, "credential_refused"),
    ):
        answers = {
            (path, method): call(client, path, method, Authorization=f"Bearer {raw}")
            for path, method in OPERATIONS
        }
        assert set(answers.values()) == {(401, code)}


def test_a_foreign_token_is_refused_with_the_retry_header(client: TestClient, shop: Shop) -> None:
    for token in (
        id_token(shop.domain, aud="another-app"),
        id_token(shop.domain, exp=1),
        id_token(shop.domain, dest="https://rival.myshopify.com"),
        "not-a-token",
    ):
        answer = client.get("/api/v1/session", headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 401
        assert answer.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"


def test_a_request_id_is_kept_when_it_is_plain(client: TestClient) -> None:
    kept = client.get("/healthz", headers={"X-Request-ID": "trace-12345678"})
    replaced = client.get("/healthz", headers={"X-Request-ID": "a b; drop"})

    assert kept.headers["x-request-id"] == "trace-12345678"
    assert len(replaced.headers["x-request-id"]) == 32


def test_unknown_fields_of_a_body_are_named(client: TestClient, signed_in: dict[str, str]) -> None:
    answer = client.put("/api/v1/settings/sender", headers=signed_in, json={"name": "x"})

    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/email", "missing")]


@pytest.mark.parametrize("body", [b"\xff\xfe{}", b'{"name": "\xc3\x28"}', b"\x0c\xf7\x00"])
def test_a_body_that_is_no_text_is_refused_and_nobodys_failure(
    client: TestClient, signed_in: dict[str, str], body: bytes
) -> None:
    headers = {**signed_in, "Content-Type": "application/json"}
    answer = client.post("/api/v1/segments", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["code"] for error in answer.json()["errors"]] == ["json_invalid"]
    assert client.get("/api/v1/segments", headers=signed_in).json()["items"] == []


def test_malformed_json_is_a_problem_of_the_body(client: TestClient, signed_in: dict[str, str]) -> None:
    headers = {**signed_in, "Content-Type": "application/json"}
    answer = client.put("/api/v1/settings/sender", headers=headers, content=b"{")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [error["code"] for error in answer.json()["errors"]] == ["json_invalid"]


def test_an_unknown_address_of_the_api_is_not_a_page(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_wrong_method_is_told_so(client: TestClient) -> None:
    answer = client.post("/healthz")

    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (
        405,
        405,
        "method_not_allowed",
    )
    assert answer.headers["allow"] == "GET"


def test_a_bug_says_nothing_of_itself(database: str) -> None:
    app = create_app()

    @app.get("/api/broken")
    def broken() -> None:
        raise RuntimeError("secret detail")

    app.router.routes.insert(0, app.router.routes.pop())
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/broken")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


def test_readiness_names_the_part_that_is_away(client: TestClient, settings: Settings) -> None:
    assert client.get("/readyz").json() == {"ready": True, "failing": []}

    away = Settings.model_validate({**settings.model_dump(), "redis_url": "redis://127.0.0.1:1"})
    with TestClient(create_app(away)) as other:
        answer = other.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["redis"]})


def test_metrics_count_by_route_and_never_by_path(client: TestClient, signed_in: dict[str, str]) -> None:
    client.get("/api/v1/segments/seg_unknown", headers=signed_in)
    text = client.get("/metrics").text

    assert 'route="/segments/{segment_id}"' in text
    assert "seg_unknown" not in text


def test_the_document_is_the_committed_one_for_everybody(client: TestClient) -> None:
    served = client.get("/api/openapi.json").json()
    assert served["paths"].keys() == DOCUMENT["paths"].keys()
    assert get_settings().environment == "test"


@pytest.mark.parametrize("page", ["/api/docs", "/api/redoc"])
def test_the_api_documents_itself(client: TestClient, page: str) -> None:
    assert client.get(page).status_code == 200


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_is_described_with_its_refusals(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    refusals = {code: answer for code, answer in operation["responses"].items() if not code.startswith("2")}

    assert operation["description"]
    assert {"401", "403", "429", "503"} <= refusals.keys()
    assert ("404" in refusals) >= ("{" in path)
    assert ("422" in refusals) >= ("requestBody" in operation)
    assert ("409" in refusals) >= (method != "get")
    for code, answer in refusals.items():
        content = answer["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content["examples"]
        for name in content["examples"]:
            example = DOCUMENT["components"]["examples"][name]["value"]
            assert (example["code"], str(example["status"])) == (name, code)
            Problem.model_validate(example)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_has_an_example_that_fits_its_schema(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    good = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
    contents = [
        content
        for body in (*good, operation.get("requestBody", {}))
        for content in body.get("content", {}).values()
    ]

    assert good
    for content in contents:
        schema = {**content.get("schema", {}), "components": DOCUMENT["components"]}
        assert list(Draft202012Validator(schema).iter_errors(content["example"])) == []


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_says_which_credentials_it_takes(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    schemes = DOCUMENT["components"]["securitySchemes"]
    named = [name for each in operation["security"] for name in each]

    assert named == ["idToken", "session", "apiKey", "oauth2"]
    assert set(named) == schemes.keys()
    (scopes,) = [each["oauth2"] for each in operation["security"] if "oauth2" in each]
    assert len(scopes) == 1
    assert set(scopes) <= schemes["oauth2"]["flows"]["clientCredentials"]["scopes"].keys()


def test_every_tag_is_described() -> None:
    described = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    assert set(described) == {
        tag for path, method in OPERATIONS for tag in DOCUMENT["paths"][path][method]["tags"]
    }
    assert all(described.values())


def test_every_call_that_creates_may_be_repeated() -> None:
    creating = {
        (path, method)
        for path, method in OPERATIONS
        if {"201", "202"} & DOCUMENT["paths"][path][method]["responses"].keys()
    }
    repeatable = {
        (path, method)
        for path, method in OPERATIONS
        if any(
            each["name"] == "Idempotency-Key"
            for each in DOCUMENT["paths"][path][method].get("parameters", [])
        )
    }
    assert creating <= repeatable
    assert {method for _path, method in repeatable} == {"post"}


def test_every_other_post_says_why_it_takes_no_key() -> None:
    reasons = ("nothing is stored", "doing it again changes nothing", "asking again gives another")
    silent = {
        path: DOCUMENT["paths"][path]["post"]["description"]
        for path, method in OPERATIONS
        if method == "post"
        and not any(
            each["name"] == "Idempotency-Key"
            for each in DOCUMENT["paths"][path]["post"].get("parameters", [])
        )
    }
    assert "/api/v1/templates/check" in silent
    assert {
        path for path, text in silent.items() if not any(reason in text.lower() for reason in reasons)
    } == set()


CAPPED = {
    "/api/v1/alerts/channels": "ten a shop",
    "/api/v1/alerts/metrics": "what the program knows",
    "/api/v1/alerts/rules": "fifty a shop",
    "/api/v1/campaigns/{campaign_id}/gate/live": "two",
    "/api/v1/campaigns/{campaign_id}/report/versions": "those of a test and its languages",
    "/api/v1/campaigns/{campaign_id}/samples": "four kinds of people",
    "/api/v1/circuits": "one a host that is called",
    "/api/v1/limits": "one a queue, a kind of job and a shop that an operator limits",
    "/api/v1/privacy/retention": "what the program knows",
    "/api/v1/queues": "what the program knows",
    "/api/v1/schedules": "a hundred a shop",
    "/api/v1/schedules/jobs": "what the program knows",
    "/api/v1/segments/of-customer/{customer_id}": "the newest hundred segments are asked",
    "/api/v1/sending/domains": "twenty a shop",
    "/api/v1/templates": "what the program knows",
    "/api/v1/templates/saved": "five hundred a shop",
    "/api/v1/workers/{name}/orphans": "the latest of one process",
}
"""Lists without pages, and why they cannot grow."""


def test_every_list_that_can_grow_has_pages() -> None:
    plain = {
        path
        for path, method in OPERATIONS
        if method == "get"
        and DOCUMENT["paths"][path][method]["responses"]["200"]["content"]
        .get("application/json", {})
        .get("schema", {})
        .get("type")
        == "array"
    }
    assert plain == CAPPED.keys()


def test_every_body_has_an_example() -> None:
    (form,) = DOCUMENT["paths"][token_endpoint.PATH]["post"]["requestBody"]["content"].values()
    assert form["schema"]["examples"]
    for path, method in OPERATIONS:
        body = DOCUMENT["paths"][path][method].get("requestBody")
        if body is None:
            continue
        if "application/json" not in body["content"]:
            (file,) = body["content"].values()
            assert file["example"], (path, method)
            continue
        schema = body["content"]["application/json"]["schema"]
        options = [option for option in schema.get("anyOf", [schema]) if "$ref" in option]
        for option in options:
            name = option["$ref"].rsplit("/", 1)[-1]
            assert DOCUMENT["components"]["schemas"][name].get("examples"), (path, method, name)
