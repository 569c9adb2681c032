"""OAuth as the platform does it: token exchange, rotation, the code grant, and every refusal by its name."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from simulator.oauth import query_hmac
from tests.simulator.harness import CLIENT_ID, CLIENT_SECRET, OFFLINE, Platform


def test_exchange_gives_an_expiring_offline_token(platform: Platform) -> None:
    given = platform.exchange().json()
    assert given["expires_in"] == 3600
    assert given["refresh_token_expires_in"] == 90 * 86_400
    assert platform.ask(given["access_token"], "{ shop { name } }")


def test_exchange_without_expiring_gives_a_lasting_token_that_can_be_migrated(platform: Platform) -> None:
    lasting = platform.exchange(expiring=0).json()
    assert set(lasting) == {"access_token", "scope"}
    migrated = platform.exchange(subject_token=lasting["access_token"], subject_token_type=OFFLINE).json()
    assert migrated["expires_in"] == 3600
    assert platform.post(lasting["access_token"], "{ shop { id } }").status_code == 401


def test_online_token_names_its_user(platform: Platform) -> None:
    given = platform.exchange(requested_token_type=OFFLINE.replace("offline", "online")).json()
    assert given["associated_user"]["account_owner"] is True
    assert "refresh_token" not in given


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": "not.a.token"}, "invalid_subject_token"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"requested_token_type": "urn:other"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_exchange_refused(platform: Platform, changes: dict[str, str], error: str) -> None:
    answer = platform.exchange(**changes)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_refresh_rotates_and_keeps_the_old_one_until_the_new_is_used(platform: Platform) -> None:
    first = platform.exchange().json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = platform.grant(**again).json()
    assert second["refresh_token"] != first["refresh_token"]
    third = platform.grant(**again).json()
    assert third["refresh_token"] not in (first["refresh_token"], second["refresh_token"])
    platform.ask(third["access_token"], "{ shop { id } }")
    refused = platform.grant(**again)
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})
    assert platform.grant(grant_type="refresh_token", refresh_token=third["refresh_token"]).status_code == 200


def test_expired_token_is_refused_and_can_be_refreshed(platform: Platform) -> None:
    given = platform.exchange().json()
    platform.control("tokens/expire")
    assert platform.post(given["access_token"], "{ shop { id } }").status_code == 401
    fresh = platform.grant(grant_type="refresh_token", refresh_token=given["refresh_token"]).json()
    assert platform.ask(fresh["access_token"], "{ shop { id } }")


def test_uninstall_kills_every_token_and_grant(platform: Platform) -> None:
    given = platform.exchange().json()
    platform.control("uninstall")
    assert platform.post(given["access_token"], "{ shop { id } }").status_code == 401
    refused = platform.grant(grant_type="refresh_token", refresh_token=given["refresh_token"])
    assert refused.status_code == 400
    assert platform.exchange().json() == {"error": "invalid_client"}


def test_code_grant_is_signed_and_works_once(platform: Platform) -> None:
    answer = _authorize(platform, redirect_uri="http://app.example/auth/callback")
    assert answer.status_code == 302
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert query["state"] == "abc"
    assert query["hmac"] == query_hmac(query, CLIENT_SECRET)
    assert platform.grant(code=query["code"], expiring="1").json()["expires_in"] == 3600
    assert platform.grant(code=query["code"]).status_code == 400


def test_code_grant_sends_the_merchant_to_install_first(platform: Platform) -> None:
    platform.control("uninstall")
    answer = _authorize(platform, redirect_uri="http://app.example/auth/callback")
    assert answer.headers["location"].startswith("/store/cdnow.myshopify.com/install?return_to=")


def test_code_grant_refuses_a_foreign_redirect(platform: Platform) -> None:
    assert _authorize(platform, redirect_uri="http://evil.example/auth/callback").status_code == 400


def _authorize(platform: Platform, *, redirect_uri: str) -> httpx.Response:
    parameters = {
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "state": "abc",
        "scope": "read_orders",
    }
    return platform.http.get(f"{platform.shop}/admin/oauth/authorize", params=parameters)
