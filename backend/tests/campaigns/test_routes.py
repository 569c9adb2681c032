"""Campaigns over HTTP: shapes, refusals, and that a refusal changes nothing."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from storecast.config.settings import get_settings
from storecast.messaging.gallery import TEMPLATES
from tests.campaigns.conftest import AddCustomers
from tests.contracts.smtp_server import SmtpServer, serving


@pytest.fixture
def api(client: TestClient, signed_in: dict[str, str]) -> TestClient:
    client.headers.update(signed_in)
    return client


def create(api: TestClient) -> dict[str, Any]:
    answer = api.post("/api/v1/campaigns", json={"name": "Spring", "template_key": "announcement"})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_nobody_gets_in_without_a_token(client: TestClient) -> None:
    assert client.post("/api/v1/campaigns", json={"name": "x"}).status_code == 401
    assert client.get("/api/v1/templates").status_code == 401


def test_create_read_change_delete(api: TestClient) -> None:
    made = create(api)
    assert made["id"].startswith("cmp_")
    path = f"/api/v1/campaigns/{made['id']}"
    assert api.get(path).json() == made
    changed = api.patch(
        path, json={"version": made["version"], "subject": "New", "from_email": "a@b.example"}
    )
    assert changed.status_code == 200
    assert changed.json()["subject"] == "New"
    assert changed.json()["version"] == made["version"] + 1
    stale = api.patch(path, json={"version": made["version"], "subject": "Lost"})
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    assert api.get(path).json()["subject"] == "New"
    assert api.delete(path).status_code == 204
    assert (api.get(path).status_code, api.get(path).json()["code"]) == (404, "campaign_unknown")


def test_a_nul_character_is_refused_and_nothing_is_changed(api: TestClient) -> None:
    made = create(api)
    path = f"/api/v1/campaigns/{made['id']}"
    answer = api.patch(path, json={"version": made["version"], "name": "a\u0000b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert api.post("/api/v1/campaigns", json={"name": "\u0000"}).status_code == 422
    assert api.get(path).json() == made
    assert [row["id"] for row in api.get("/api/v1/campaigns").json()["items"]] == [made["id"]]


def test_a_template_with_a_fault_is_422_with_its_position(api: TestClient) -> None:
    made = create(api)
    path = f"/api/v1/campaigns/{made['id']}"
    answer = api.patch(path, json={"version": made["version"], "html": "<p>\n{{ customer.__class__ }}</p>"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/html"
    assert error["message"].startswith("Line 2, column 13:")
    assert api.get(path).json() == made


def test_a_preview_of_unsaved_content_saves_nothing(api: TestClient) -> None:
    made = create(api)
    path = f"/api/v1/campaigns/{made['id']}"

    preview = api.post(f"{path}/preview", json={"subject": "Hi {{ shop.name }}", "html": "<p>New words</p>"})

    assert preview.json()["subject"] == "Hi Acme"
    assert "New words" in preview.json()["html"]
    assert api.get(path).json() == made


def test_a_preview_of_a_broken_template_is_422_with_its_position(api: TestClient) -> None:
    path = f"/api/v1/campaigns/{create(api)['id']}"

    answer = api.post(f"{path}/preview", json={"html": "<p>\n{% if %}</p>"})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/html"]
    assert answer.json()["errors"][0]["message"].startswith("Line 2")


def test_preview_audience_and_gate(api: TestClient, add_customers: AddCustomers, segment_id: str) -> None:
    add_customers(3)
    made = create(api)
    path = f"/api/v1/campaigns/{made['id']}"
    preview = api.post(f"{path}/preview", json={}).json()
    assert preview["customer"] is None
    assert preview["missing"] == []
    assert "Hello there," in preview["html"]
    api.patch(
        path, json={"version": made["version"], "segment_id": segment_id, "subject": "{{ customer.city }}!"}
    )
    preview = api.post(f"{path}/preview", json={}).json()
    assert preview["customer"]["email"].endswith("@example.com")
    assert (preview["subject"], preview["missing"]) == ("!", ["customer.city"])
    assert preview["size_bytes"] == len(preview["html"].encode())
    assert api.post(f"{path}/preview", json={"customer_id": "cus_no"}).status_code == 404
    assert api.get(f"{path}/audience").json() == {"members": 3, "recipients": 3, "exclusions": []}
    gate = api.get(f"{path}/gate").json()
    assert gate["ready"] is False
    assert [check["code"] for check in gate["checks"] if check["level"] == "stop"] == ["sender"]


def test_send_pause_resume_cancel_duplicate(
    api: TestClient, add_customers: AddCustomers, campaign_id: str
) -> None:
    add_customers(2)
    path = f"/api/v1/campaigns/{campaign_id}"
    refused = api.post(f"{path}/send", json={"confirm_recipients": 500})
    assert (refused.status_code, refused.json()["code"]) == (409, "audience_changed")
    assert api.get(path).json()["state"] == "draft"
    assert api.post(f"{path}/send", json={"confirm_recipients": 2}).json()["state"] == "sending"
    assert api.post(f"{path}/send", json={}).json()["code"] == "state_refused"
    assert api.post(f"{path}/pause").json()["state"] == "paused"
    assert api.post(f"{path}/resume").json()["state"] == "sending"
    assert api.post(f"{path}/cancel").json()["state"] == "cancelled"
    copy = api.post(f"{path}/duplicate")
    assert (copy.status_code, copy.json()["state"]) == (201, "draft")


def test_a_test_mail_goes_out_over_smtp_untracked(
    api: TestClient, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(SmtpServer()) as server:
        monkeypatch.setattr(get_settings(), "smtp_url", server.url)
        answer = api.post(f"/api/v1/campaigns/{campaign_id}/test", json={"email": "me@example.com"})
    assert answer.json() == {"accepted": True, "reply": "250 2.0.0 queued"}
    (message,) = server.messages
    assert message.rcpt_to == "me@example.com"
    assert b"/c/" not in message.data
    assert api.post(f"/api/v1/campaigns/{campaign_id}/test", json={"email": "no"}).status_code == 422


def test_a_test_mail_goes_out_once_for_a_key(
    api: TestClient, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, me = f"/api/v1/campaigns/{campaign_id}/test", {"email": "me@example.com"}
    keyed = {"Idempotency-Key": "look-1"}
    with serving(SmtpServer()) as server:
        monkeypatch.setattr(get_settings(), "smtp_url", server.url)
        answers = [api.post(path, json=me, headers=keyed) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert len({answer.text for answer in answers}) == 1
        assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", "true"]
        assert len(server.messages) == 1
        other = api.post(path, json={"email": "you@example.com"}, headers=keyed)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len(server.messages) == 1
        assert api.post(path, json=me).json()["accepted"] is True
        assert len(server.messages) == 2


def test_a_test_mail_says_when_the_server_is_away(api: TestClient, campaign_id: str) -> None:
    answer = api.post(f"/api/v1/campaigns/{campaign_id}/test", json={"email": "me@example.com"})
    assert answer.status_code == 200
    assert answer.json()["accepted"] is False
    assert "cannot be reached" in answer.json()["reply"]


def test_templates_and_their_check(api: TestClient) -> None:
    rows = api.get("/api/v1/templates").json()
    assert [row["key"] for row in rows] == [template.key for template in TEMPLATES]
    good = {"subject": "Hi {{ customer.first_name }}", "html": "<p>{{ shop.name }}</p>"}
    assert api.post("/api/v1/templates/check", json=good).json() == {
        "ok": True,
        "errors": [],
        "variables": ["customer.first_name", "shop.name"],
    }
    bad = api.post("/api/v1/templates/check", json={"subject": "{{", "html": "<script>"}).json()
    assert bad["ok"] is False
    assert [(error["field"], error["line"], error["column"]) for error in bad["errors"]] == [
        ("subject", 1, 1),
        ("html", 1, 1),
    ]
