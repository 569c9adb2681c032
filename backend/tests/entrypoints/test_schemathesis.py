"""Generated requests to every route, fitting its schema and not: no 5xx, nothing that the document does not have.

Paths name real things half of the time, so that requests get past the 404. Shopify is away, so the few routes that ask
it while somebody waits say so with a 503; nothing else may. SCHEMATHESIS_EXAMPLES=100 makes a soak run.
"""

import os
from typing import Any, cast

import hypothesis.strategies as st
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from storecast.auth.models import ShopMember
from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.entrypoints.api import create_app
from storecast.entrypoints.openapi import DOCUMENT_SETTINGS
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from tests.entrypoints.test_tenancy import MEMBERS, headers, things

__all__ = ["things"]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
OAUTH_ERRORS = {"invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"}
"""RFC 6749, section 5.2: that endpoint alone answers no problem documents."""
ASK_SHOPIFY = {
    "activate_extension", "activate_pixel", "check_pixel", "deactivate_pixel", "read_store_credit_balance",
    "refresh_scopes", "update_extension",
}  # fmt: skip
NOT_CALLED = {"stream_jobs"}
"""Its answer never ends."""

DOCUMENT = create_app(DOCUMENT_SETTINGS).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: list[Any] = [cast(Any, result).ok() for result in SCHEMA.get_all_operations()]
BY_TAG = sorted({operation.definition.raw["tags"][0] for operation in OPERATIONS})


@pytest.fixture(autouse=True)
def generous(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of calls in a minute are what this test is."""
    for kind in ("READS", "WRITES", "EXPENSIVE"):
        monkeypatch.setenv(f"STORECAST_API_{kind}_PER_MINUTE", "1000000")
    get_settings.cache_clear()


@pytest.fixture
def members(things: dict[str, str], shop: Shop) -> None:
    """An operator beside the owner."""
    with platform_session() as session:
        session.add(
            ShopMember(
                shop_id=shop.id,
                shopify_user_id=MEMBERS["operator"],
                email="operator@acme.example",
                name="Otto",
                role="operator",
                last_seen_at=utcnow(),
            )
        )


def takes_something(operation: Any) -> bool:
    """Whether there is anything that a request can get wrong."""
    raw = operation.definition.raw
    return bool(raw.get("parameters") or raw.get("requestBody"))


def call_often(client: TestClient, operation: Any, credential: dict[str, str], known: dict[str, str]) -> None:
    """Call one route with generated requests and judge each answer."""
    declared = operation.definition.raw["responses"]
    may_be_away = operation.definition.raw["operationId"] in ASK_SHOPIFY
    fitting = operation.as_strategy()
    misfitting = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=fitting | misfitting if takes_something(operation) else fitting, real=st.booleans())
    def call(case: Any, real: bool) -> None:
        if real:
            case.path_parameters = {name: known.get(name, "x") for name in case.path_parameters or {}}
        request = case.as_transport_kwargs(base_url="http://testserver")
        given_headers = {**request.get("headers", {}), **credential}
        # As bytes: the client itself refuses what is not ASCII, and a server must not fail on it.
        request["headers"] = {name: str(value).encode("latin-1") for name, value in given_headers.items()}
        request.pop("cookies", None)
        if isinstance(request.get("data"), bytes | str):
            request["content"] = request.pop("data")
        answer = client.request(**request)
        case.validate_response(answer, checks=CHECKS)
        assert answer.status_code < 500 or (may_be_away and answer.status_code == 503), (
            operation.label,
            answer.text,
        )
        if answer.status_code >= 400 and operation.definition.raw["tags"] == ["oauth"]:
            assert answer.json()["error"] in OAUTH_ERRORS, (operation.label, answer.text)
        elif answer.status_code >= 400:
            told = declared[str(answer.status_code)]["content"]["application/problem+json"]["examples"]
            assert answer.json()["code"] in told, (operation.label, answer.status_code, answer.text)

    call()


@pytest.mark.parametrize("tag", BY_TAG)
@pytest.mark.parametrize("role", ["owner", "operator"])
def test_whoever_has_a_credential_gets_what_the_document_says(
    client: TestClient, shop: Shop, things: dict[str, str], members: None, role: Any, tag: str
) -> None:
    for operation in OPERATIONS:
        raw = operation.definition.raw
        if raw["tags"][0] == tag and raw["operationId"] not in NOT_CALLED:
            call_often(client, operation, headers(shop, role), things)


def test_who_has_none_is_refused_everywhere_as_the_document_says(client: TestClient) -> None:
    for operation in OPERATIONS:
        call_often(client, operation, {}, {})
