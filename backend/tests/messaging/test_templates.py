"""The shop's own templates and its look: kept, changed by one editor at a time, shown in messages."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from storecast.audit.models import AuditEntry
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.messaging.brand import Brand, on
from storecast.messaging.compose import Content, Origin, Variant
from storecast.messaging.gallery import TEMPLATES, Template
from storecast.shops.models import Shop
from tests.messaging.test_compose import DATE, SHOP, TOKENS, ZOE

LETTER = {"name": "Our letter", "subject": "Hi {{ shop.name }}", "html": "<p>{{ customer.city }}</p>"}
MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ customer.first_name|default('you') }}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)
LOOK = {
    "accent": "#4b2fd6",
    "background": "#ffffff",
    "font": "serif",
    "logo_url": "https://cdn.example/logo.png",
    "address": "1 Main Street, Lisbon",
}
SAVED = "/api/v1/templates/saved"


@pytest.fixture
def api(client: TestClient, signed_in: dict[str, str]) -> TestClient:
    client.headers.update(signed_in)
    return client


def actions(shop: Shop) -> list[str]:
    with tenant_session(ShopId(shop.id)) as session:
        entries = select(AuditEntry.action).where(AuditEntry.shop_id == shop.id).order_by(AuditEntry.id)
        return [action for action in session.scalars(entries) if action.startswith(("template", "brand"))]


def test_a_template_is_kept_changed_and_deleted(api: TestClient, shop: Shop) -> None:
    made = api.post(SAVED, json=LETTER).json()
    assert made == {
        "id": made["id"], "kind": "template", "name": "Our letter", "subject": "Hi {{ shop.name }}",
        "preview_text": "", "html": "<p>{{ customer.city }}</p>", "mjml": None, "version": 1,
        "updated_at": made["updated_at"],
    }  # fmt: skip
    assert api.get(f"{SAVED}/{made['id']}").json() == made
    (row,) = api.get(SAVED).json()
    assert row == {field: made[field] for field in ("id", "kind", "name", "subject", "version", "updated_at")}
    changed = api.patch(f"{SAVED}/{made['id']}", json={"version": 1, "name": "Our note"}).json()
    assert (changed["name"], changed["version"], changed["html"]) == ("Our note", 2, made["html"])
    assert api.delete(f"{SAVED}/{made['id']}").status_code == 204
    assert api.get(SAVED).json() == []
    assert api.get(f"{SAVED}/{made['id']}").json()["code"] == "template_unknown"
    assert actions(shop) == ["template_saved", "template_changed", "template_deleted"]


def test_the_second_of_two_editors_is_told(api: TestClient) -> None:
    made = api.post(SAVED, json=LETTER).json()
    path = f"{SAVED}/{made['id']}"
    api.patch(path, json={"version": 1, "name": "First"})
    late = api.patch(path, json={"version": 1, "name": "Second"})
    assert (late.status_code, late.json()["code"]) == (409, "version_conflict")
    assert api.get(path).json()["name"] == "First"


def test_a_name_is_given_once(api: TestClient) -> None:
    api.post(SAVED, json=LETTER)
    twin = api.post(SAVED, json={**LETTER, "name": "OUR LETTER"})
    assert (twin.status_code, twin.json()["code"]) == (409, "template_name_taken")
    block = api.post(SAVED, json={**LETTER, "kind": "block"})
    assert block.status_code == 201
    assert [each["kind"] for each in api.get(SAVED).json()] == ["template", "block"]


def test_what_does_not_parse_is_not_kept(api: TestClient) -> None:
    for body, pointer, place in (
        ({**LETTER, "html": "<p>\n{% if %}</p>"}, "/html", "Line 2"),
        ({**LETTER, "mjml": "<mjml>\n<mj-boddy></mj-boddy></mjml>"}, "/mjml", "Line 2, column 1:"),
        ({**LETTER, "subject": "{{ customer.shoe_size }}"}, "/subject", "Line 1"),
    ):
        answer = api.post(SAVED, json=body)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == (pointer, "template_fault")
        assert error["message"].startswith(place)
    assert api.get(SAVED).json() == []


def test_mjml_is_compiled_when_it_is_kept_and_forgotten_when_html_replaces_it(api: TestClient) -> None:
    made = api.post(SAVED, json={"name": "Visual", "mjml": MJML}).json()
    assert made["mjml"] == MJML
    assert "Hi {{ customer.first_name|default('you') }}</div>" in made["html"]
    by_hand = api.patch(f"{SAVED}/{made['id']}", json={"version": 1, "html": "<p>x</p>"}).json()
    assert (by_hand["html"], by_hand["mjml"]) == ("<p>x</p>", None)


def test_the_check_reads_mjml(api: TestClient) -> None:
    fine = api.post("/api/v1/templates/check", json={"mjml": MJML}).json()
    assert fine == {"ok": True, "errors": [], "variables": ["customer.first_name"]}
    broken = api.post("/api/v1/templates/check", json={"mjml": "<mjml>\n<mj-body>"}).json()
    assert broken == {
        "ok": False,
        "errors": [{"field": "mjml", "line": 2, "column": 1, "message": "<mj-body> is not closed."}],
        "variables": [],
    }


def test_a_campaign_starts_from_a_saved_template_and_from_no_block(api: TestClient) -> None:
    made = api.post(SAVED, json={"name": "Visual", "mjml": MJML}).json()
    campaign = api.post("/api/v1/campaigns", json={"name": "x", "template_key": made["id"]}).json()
    assert (campaign["html"], campaign["mjml"]) == (made["html"], MJML)
    block = api.post(SAVED, json={**LETTER, "kind": "block"}).json()
    for key in (block["id"], "tpl_unknown"):
        refused = api.post("/api/v1/campaigns", json={"name": "x", "template_key": key})
        assert refused.json()["errors"][0]["code"] == "template_unknown"


def test_a_campaign_written_in_mjml_keeps_both(api: TestClient) -> None:
    campaign = api.post("/api/v1/campaigns", json={"name": "x"}).json()
    path = f"/api/v1/campaigns/{campaign['id']}"
    changed = api.patch(path, json={"version": campaign["version"], "mjml": MJML}).json()
    assert changed["mjml"] == MJML
    assert "Hi {{ customer.first_name" in changed["html"]
    preview = api.post(f"{path}/preview", json={"mjml": MJML.replace("Hi ", "Servus ")}).json()
    assert "Servus you" in preview["html"]
    broken = api.patch(path, json={"version": changed["version"], "mjml": "<mjml>"})
    assert broken.json()["errors"][0]["pointer"] == "/mjml"
    assert api.get(path).json() == changed
    by_hand = api.patch(path, json={"version": changed["version"], "html": "<p>x</p>"}).json()
    assert (by_hand["html"], by_hand["mjml"]) == ("<p>x</p>", None)


def test_the_look_is_set_whole_and_shown_in_messages(api: TestClient, shop: Shop) -> None:
    plain = api.get("/api/v1/brand").json()
    assert plain == {
        "accent": "#17171f", "background": "#f4f4f6", "font": "system", "logo_url": None, "address": None,
    }  # fmt: skip
    assert api.put("/api/v1/brand", json=LOOK).json() == LOOK
    assert api.get("/api/v1/brand").json() == LOOK
    campaign = api.post("/api/v1/campaigns", json={"name": "x", "template_key": "welcome"}).json()
    html = api.post(f"/api/v1/campaigns/{campaign['id']}/preview", json={}).json()["html"]
    assert 'src="https://cdn.example/logo.png"' in html
    assert "background:#4b2fd6" in html
    assert "1 Main Street, Lisbon" in html
    assert actions(shop) == ["brand_changed"]


def test_a_look_is_pictured_before_anybody_sets_it(api: TestClient, shop: Shop) -> None:
    html = api.post("/api/v1/brand/picture", json={**LOOK, "address": "<b>1 Main Street</b>"}).json()["html"]
    assert 'src="https://cdn.example/logo.png"' in html
    assert "background:#4b2fd6" in html
    assert "&lt;b&gt;1 Main Street&lt;/b&gt;" in html
    assert api.get("/api/v1/brand").json()["accent"] == "#17171f"
    assert actions(shop) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accent", "red"),
        ("accent", "#fff"),
        ("background", "#ffffff;background:url(x)"),
        ("font", "comic"),
        ("logo_url", "http://cdn.example/logo.png"),
        ("logo_url", 'https://cdn.example/"onload="x'),
        ("logo_url", "javascript:alert(1)"),
        ("address", "x" * 301),
    ],
)
def test_a_look_that_would_break_messages_is_refused(api: TestClient, field: str, value: str) -> None:
    answer = api.put("/api/v1/brand", json={**LOOK, field: value})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
    assert api.get("/api/v1/brand").json()["accent"] == "#17171f"


def test_text_on_a_colour_can_be_read() -> None:
    assert [on(colour) for colour in ("#000000", "#4b2fd6", "#ffe08a", "#ffffff")] == [
        "#ffffff", "#ffffff", "#17171f", "#17171f",
    ]  # fmt: skip


def test_pictures_are_in_the_shops_look(api: TestClient) -> None:
    api.put("/api/v1/brand", json=LOOK)
    rows = {row["key"]: row for row in api.get("/api/v1/templates").json()}
    for row in rows.values():
        assert row["picture"].count("{{") == 0
    assert "background:#4b2fd6" in rows["welcome"]["picture"]
    assert "Linen shirt" in rows["order-confirmation"]["picture"]
    made = api.post(SAVED, json=LETTER).json()
    assert api.get(f"{SAVED}/{made['id']}/picture").json() == {"html": "<p>Portland</p>"}


MEANT = {"back-in-stock": {"#0a7a43"}, "review-request": {"#c98a00", "#e0a100"}}
"""Green says that something is there, gold that it is a star, whatever the shop's colours are."""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.key)
def test_every_starting_point_wears_the_shops_look(template: Template) -> None:
    """The accent, the font and the address are in each; no other colour is left but those that mean something."""
    look = Brand("#4b2fd6", "#fdf6e3", "serif", "https://cdn.example/logo.png", "1 Main Street, Lisbon")
    made = Variant(
        Content("x", "", template.html, "Acme", "news@acme.example", ""),
        Origin(7, replace(SHOP, brand=look), 41, "cmp_1", "x"),
        edge_url="https://e.example",
        tokens=TOKENS,
    )
    message = message_from_bytes(made.prepare(ZOE, date=DATE).data, policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert "#4b2fd6" in html or template.key == "receipt"
    assert "Georgia" in html
    assert "1 Main Street, Lisbon" in html
    assert "#fdf6e3" in html or template.key == "plain"
    colourful = {
        colour
        for colour in re.findall(r"#[0-9a-f]{6}\b", html)
        if max(channels := [int(colour[at : at + 2], 16) for at in (1, 3, 5)]) - min(channels) > 40
    }
    assert colourful <= {"#4b2fd6"} | MEANT.get(template.key, set())
