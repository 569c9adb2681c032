"""What a message must not hold: refused beside its field and at its place, and the campaign stays as it was."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from storecast.messaging.sandbox import MAX_SOURCE_BYTES

PIXEL = "data:image/png;base64," + "A" * 4_000


@pytest.mark.parametrize(
    ("change", "pointer", "code", "begins"),
    [
        ({"html": "<p>\n  {{ customer.first_name"}, "/html", "template_fault", "Line 2, column"),
        ({"html": "<p>{{ customer.shoe_size }}</p>"}, "/html", "template_fault", "Line 1, column"),
        ({"subject": "{% if %}"}, "/subject", "template_fault", "Line 1, column"),
        # Pictures are addresses of files elsewhere: one that is packed into the message itself is none.
        ({"html": f'<p>\n<img src="{PIXEL}">'}, "/html", "template_fault", "Line 2, column 11"),
        ({"html": "<p>" + "x" * MAX_SOURCE_BYTES}, "/html", "string_too_long", ""),
        ({"mjml": "<mjml>" + "x" * MAX_SOURCE_BYTES}, "/mjml", "string_too_long", ""),
        ({"subject": "x" * 1_001}, "/subject", "string_too_long", ""),
    ],
)
def test_a_message_that_cannot_be_is_refused_and_nothing_changes(
    client: TestClient, signed_in: dict[str, str], campaign_id: str,
    change: dict[str, Any], pointer: str, code: str, begins: str,
) -> None:  # fmt: skip
    path = f"/api/v1/campaigns/{campaign_id}"
    before = client.get(path, headers=signed_in).json()
    answer = client.patch(
        path, headers=signed_in, json={"version": before["version"], "name": "Changed", **change}
    )
    assert answer.status_code == 422, answer.text
    fault = answer.json()["errors"][0]
    assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert fault["message"].startswith(begins)
    assert client.get(path, headers=signed_in).json() == before


def test_a_rule_on_a_field_that_does_not_exist_is_refused_at_its_place(
    client: TestClient, signed_in: dict[str, str], segment_id: str
) -> None:
    path = f"/api/v1/segments/{segment_id}"
    before = client.get(path, headers=signed_in).json()
    rules = {
        "op": "and",
        "rules": [
            {"field": "orders_count", "operator": "gte", "value": 1},
            {"field": "shoe_size", "operator": "gte", "value": 42},
        ],
    }
    answer = client.put(path, headers=signed_in, json={"name": "Feet", "rules": rules})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/rules/rules/1/field"]
    assert client.get(path, headers=signed_in).json() == before


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ('<p>a</p>\n<img src="data:image/png;base64,AAAA">', "Line 2, column 11: Messages carry no files"),
        ('<td background="cid:logo">', "Line 1, column 17: Messages carry no files"),
    ],
)
def test_a_message_carries_no_files(
    client: TestClient, signed_in: dict[str, str], campaign_id: str, html: str, message: str
) -> None:
    """An image inside the source is refused where it stands, and there is no field for an attachment."""
    path = f"/api/v1/campaigns/{campaign_id}"
    before = client.get(path, headers=signed_in).json()
    refused = client.patch(path, headers=signed_in, json={"version": before["version"], "html": html})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (422, "/html")
    assert error["message"].startswith(message)
    attached = {
        "version": before["version"],
        "name": "New",
        "attachments": [{"name": "a.pdf", "content": "JVBERi0="}],
    }
    answer = client.patch(path, headers=signed_in, json=attached)
    assert (answer.status_code, [(each["pointer"], each["code"]) for each in answer.json()["errors"]]) == (
        422, [("/attachments", "extra_forbidden")],
    )  # fmt: skip
    assert client.post("/api/v1/campaigns", headers=signed_in, json=attached).status_code == 422
    assert client.get(path, headers=signed_in).json() == before
