"""API keys and the tokens for them: a secret is seen once, does what its scopes say, and ends when it is told to."""

import base64
import os
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from storecast.audit.models import AuditEntry
from storecast.auth import access_tokens
from storecast.auth.errors import CredentialRefused
from storecast.auth.models import ApiKey
from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.signing import derive_key
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.conftest import ENVIRONMENT, OWNER_ID, environment, id_token

TOKEN_URL = "/api/oauth/token"


def make(client: TestClient, signed_in: dict[str, str], **body: Any) -> dict[str, Any]:
    asked = {"name": "Export", "scopes": ["read"]} | body
    answer = client.post("/api/v1/api-keys", headers=signed_in, json=asked)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def status(client: TestClient, secret: str, path: str = "/api/v1/session") -> tuple[int, str | None]:
    answer = client.get(path, headers=bearer(secret))
    return answer.status_code, answer.json().get("code")


def change(shop: Shop, **columns: Any) -> None:
    """As the passing of time would."""
    with tenant_session(ShopId(shop.id)) as session:
        session.execute(update(ApiKey).values(columns))


REFUSED = (401, "credential_refused")


def test_a_key_is_shown_once_kept_as_a_hash_and_works_within_its_scopes(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    made = make(client, signed_in, scopes=["read", "edit"])
    (row,) = client.get("/api/v1/api-keys", headers=signed_in).json()["items"]

    assert made["secret"].startswith(f"sck_{made['id'].removeprefix('key_')}_")
    assert "secret" not in row
    assert (row["state"], row["created_by"], row["last_used_at"]) == ("working", f"user:{OWNER_ID}", None)
    with platform_session() as session:
        key = session.scalars(select(ApiKey)).one()
        assert made["secret"].encode() not in key.secret_hash
        assert session.scalars(select(AuditEntry.action)).all() == ["api_key.created"]
        assert made["secret"] not in str(session.scalars(select(AuditEntry.detail)).all())

    body = client.get("/api/v1/session", headers=bearer(made["secret"])).json()
    assert (body["door"], body["user"]["id"], body["user"]["role"]) == ("api", made["id"], None)
    assert (body["shop"]["domain"], body["permissions"]) == (shop.domain, ["edit", "read"])
    segment = {"name": "Buyers", "rules": {"field": "orders_count", "operator": "gte", "value": 1}}
    assert client.post("/api/v1/segments", headers=bearer(made["secret"]), json=segment).status_code == 201
    sender = client.put("/api/v1/settings/sender", headers=bearer(made["secret"]), json={})
    assert (sender.status_code, sender.json()["code"]) == (403, "forbidden")


def test_use_is_noted_at_most_every_few_minutes(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    secret = make(client, signed_in)["secret"]

    def used() -> Any:
        assert status(client, secret) == (200, None)
        with platform_session() as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    first = used()
    assert used() == first
    change(shop, last_used_at=utcnow() - timedelta(minutes=6))
    assert used() > first


def test_no_key_lets_anybody_in_further(client: TestClient, signed_in: dict[str, str]) -> None:
    """Not even one that may manage: who comes in is for people to decide."""
    secret = make(client, signed_in, scopes=["read", "edit", "send", "operate", "manage"])["secret"]
    for method, path in (
        ("GET", "/api/v1/members"), ("PATCH", f"/api/v1/members/{OWNER_ID}"), ("DELETE", "/api/v1/members/1"),
        ("GET", "/api/v1/api-keys"), ("POST", "/api/v1/api-keys"), ("DELETE", "/api/v1/api-keys/key_1"),
        ("POST", "/api/v1/api-keys/key_1/rotate"), ("DELETE", "/api/v1/sessions"),
    ):  # fmt: skip
        body = {"name": "x", "scopes": ["read"]} if path.endswith("keys") else {}
        answer = client.request(method, path, headers=bearer(secret), json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "people_only"), path
    with platform_session() as session:
        assert session.scalar(select(func.count()).select_from(ApiKey)) == 1


def test_bad_keys_are_refused_alike_and_not_made(client: TestClient, signed_in: dict[str, str]) -> None:
    for body in (
        {"name": "", "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": ["read"], "expires_at": (utcnow() - timedelta(seconds=1)).isoformat()},
        {"name": "x", "scopes": ["read"], "secret": "mine"},
        {"name": "x\ny", "scopes": ["read"]},
    ):
        answer = client.post("/api/v1/api-keys", headers=signed_in, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), body
    assert client.get("/api/v1/api-keys", headers=signed_in).json()["items"] == []

    real = make(client, signed_in)["secret"]
    for secret in (
        "sck_",
        "sck_x_y",
        real + "x",
        real[:-1],
        real[:20] + real[20:].swapcase(),
        "sck_" + "x" * 5_000,
    ):
        answer = client.get("/api/v1/session", headers=bearer(secret))
        assert (answer.status_code, answer.json()["code"]) == REFUSED
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert "X-Shopify-Retry-Invalid-Session-Request" not in answer.headers


def test_a_rotated_key_works_for_its_grace_and_no_longer(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    old = make(client, signed_in)
    path = f"/api/v1/api-keys/{old['id']}/rotate"
    new = client.post(path, headers=signed_in, json={"grace_s": 3600}).json()

    assert (new["rotated_from"], new["name"], new["scopes"]) == (old["id"], old["name"], old["scopes"])
    assert (status(client, old["secret"]), status(client, new["secret"])) == ((200, None), (200, None))
    last = client.post(f"/api/v1/api-keys/{new['id']}/rotate", headers=signed_in, json={"grace_s": 0}).json()
    assert status(client, new["secret"]) == REFUSED
    again = client.post(f"/api/v1/api-keys/{new['id']}/rotate", headers=signed_in, json={})
    assert (again.status_code, again.json()["code"]) == (409, "key_over")
    change(shop, expires_at=utcnow())
    assert (status(client, old["secret"]), status(client, last["secret"])) == (REFUSED, REFUSED)


def test_a_store_has_a_bounded_number_of_working_keys(
    client: TestClient, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storecast.auth.api_keys.KEYS_MAX", 1)
    key = make(client, signed_in)
    refused = client.post("/api/v1/api-keys", headers=signed_in, json={"name": "2", "scopes": ["read"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_keys")
    client.delete(f"/api/v1/api-keys/{key['id']}", headers=signed_in)
    make(client, signed_in)


def ask(client: TestClient, key: dict[str, Any], **form: str) -> Any:
    given = {
        "grant_type": "client_credentials",
        "client_id": key["id"],
        "client_secret": key["secret"],
    } | form
    return client.post(TOKEN_URL, data={name: value for name, value in given.items() if value != "-"})


def test_a_key_is_exchanged_for_a_short_token(client: TestClient, signed_in: dict[str, str]) -> None:
    key = make(client, signed_in, scopes=["read", "edit"])
    answer = ask(client, key, scope="read")

    assert (answer.status_code, answer.headers["Cache-Control"], answer.headers["Pragma"]) == (
        200,
        "no-store",
        "no-cache",
    )
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "read")
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["iss"], claims["aud"], claims["sub"]) == (
        "http://testserver",
        "http://testserver/api",
        key["id"],
    )
    assert client.get("/api/v1/session", headers=bearer(body["access_token"])).json()["permissions"] == [
        "read"
    ]

    basic = base64.b64encode(f"{key['id']}:{key['secret']}".encode()).decode()
    whole = client.post(
        TOKEN_URL, data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    assert whole.json()["scope"] == "edit read"


def test_the_token_endpoint_refuses_as_rfc_6749_says(
    client: TestClient, shop: Shop, signed_in: dict[str, str]
) -> None:
    key = make(client, signed_in)
    basic = {"Authorization": "Basic " + base64.b64encode(b"key_x:sck_x").decode()}
    form = {"grant_type": "client_credentials"}
    named = {"client_id": key["id"], "client_secret": key["secret"]}
    refusals = [
        (ask(client, key, grant_type="-"), 400, "invalid_request"),
        (ask(client, key, grant_type="password"), 400, "unsupported_grant_type"),
        (ask(client, key, scope="manage"), 400, "invalid_scope"),
        (ask(client, key, scope="everything"), 400, "invalid_scope"),
        (ask(client, key, client_id="-"), 401, "invalid_client"),
        (ask(client, key, client_secret="-"), 401, "invalid_client"),
        (ask(client, key, client_id="key_another"), 401, "invalid_client"),
        (ask(client, key, client_secret=key["secret"] + "x"), 401, "invalid_client"),
        (client.post(TOKEN_URL, data=form, headers=basic), 401, "invalid_client"),
        (client.post(TOKEN_URL, data=form, headers={"Authorization": "Basic !"}), 401, "invalid_client"),
        (client.post(TOKEN_URL, data=form | named, headers=basic), 400, "invalid_request"),
        (client.post(TOKEN_URL, json=form | named), 400, "invalid_request"),
        (client.post(TOKEN_URL, data={**form, "client_id": ["a", "b"]}), 400, "invalid_request"),
        (client.post(TOKEN_URL, data=form | {"scope": "x" * 9_000}), 400, "invalid_request"),
        (client.post(TOKEN_URL, content=b"\xff=1", headers={"Content-Type": "application/x-www-form-urlencoded"}),
         400, "invalid_request"),
    ]  # fmt: skip
    for answer, code, error in refusals:
        assert (answer.status_code, answer.json()["error"]) == (code, error), answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert refusals[8][0].headers["WWW-Authenticate"].startswith("Basic")
    with platform_session() as session:
        session.execute(update(Shop).where(Shop.id == shop.id).values(state="uninstalled"))
    gone = ask(client, key)
    assert (gone.status_code, gone.json()) == (401, refusals[7][0].json())
    assert status(client, key["secret"]) == REFUSED


def test_revoking_a_key_ends_it_and_its_tokens_with_the_next_request(
    client: TestClient, signed_in: dict[str, str], other_shop: Shop
) -> None:
    key = make(client, signed_in)
    token = ask(client, key).json()["access_token"]
    path = f"/api/v1/api-keys/{key['id']}"
    thief = bearer(id_token(other_shop.domain))
    assert client.delete(path, headers=thief).status_code == 404
    assert client.post(path + "/rotate", headers=thief, json={}).status_code == 404
    assert status(client, token) == (200, None)

    for _ in range(2):
        assert client.delete(path, headers=signed_in).status_code == 204
    assert (status(client, token), status(client, key["secret"])) == (REFUSED, REFUSED)
    with platform_session() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == ["api_key.created", "api_key.revoked"]


def test_a_token_that_was_not_made_here_or_is_over_is_refused(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    key = make(client, signed_in)
    token = ask(client, key).json()["access_token"]
    good = jwt.decode(token, options={"verify_signature": False})
    signing = derive_key(ENVIRONMENT["APP_SECRET_KEY"].encode(), "api-access-tokens")
    now = int(time.time())

    def signed(secret: Any = signing, algorithm: str = "HS256", typ: str = "at+jwt", **claims: Any) -> str:
        kept = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(kept, secret, algorithm=algorithm, headers={"typ": typ})

    def without(name: str) -> str:
        nothing: dict[str, Any] = {name: None}
        return signed(**nothing)

    assert status(client, signed()) == (200, None)
    for bad in (
        signed(b"another-key-0123456789abcdef01234"),
        signed(ENVIRONMENT["SHOPIFY_API_SECRET"]),
        signed(signing * 2, "HS512"),
        signed(None, "none"),
        signed(iat=now - 1000, exp=now - 100),
        signed(exp=now + 90_000),
        signed(iat=now + 600, exp=now + 900),
        signed(aud="https://else.example/api"),
        signed(iss="https://else.example"),
        signed(sub="key_another", client_id="key_another"),
        signed(client_id="key_another"),
        signed(exp=True),
        *[without(name) for name in ("exp", "iat", "aud", "iss", "sub", "jti", "scope", "client_id")],
    ):
        assert status(client, bad) == REFUSED, bad
    # A token may not do more than its key, whatever it says; nor is it an ID token by another type.
    wider = client.get("/api/v1/session", headers=bearer(signed(scope="read manage rule"))).json()
    assert wider["permissions"] == ["read"]
    assert status(client, signed(typ="JWT")) == (401, "id_token_refused")


def test_tokens_outlive_the_rotation_of_the_apps_key_and_not_their_own(database: str, shop: Shop) -> None:
    now, old = utcnow(), ENVIRONMENT["APP_SECRET_KEY"]
    short = access_tokens.issue("key_1", ["read"], now=now, ends=now + timedelta(seconds=60))
    assert 59 <= short.expires_in_s <= 60
    assert short.token not in repr(short)
    with environment(
        {**os.environ, "APP_SECRET_KEY": "another-key-0123456789abcdef0123456789", "APP_SECRET_KEY_OLD": old}
    ):
        assert access_tokens.verify(short.token, now=now).key_id == "key_1"
    with (
        environment({**os.environ, "APP_SECRET_KEY": "another-key-0123456789abcdef0123456789"}),
        pytest.raises(CredentialRefused),
    ):
        access_tokens.verify(short.token, now=now)
