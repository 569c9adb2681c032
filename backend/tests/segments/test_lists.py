"""Uploaded lists: every row becomes a member or a refusal with its line, and nothing else is kept."""

import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.kit import csv_rows
from storecast.kit.errors import Invalid
from storecast.kit.types import ShopId
from storecast.segments import lists
from storecast.segments.models import CustomerListMember
from storecast.shops.models import Shop
from tests.factories.story import Story

HEADERS = {"Content-Type": "text/csv"}


@pytest.fixture
def people(shop: Shop, other_shop: Shop) -> dict[str, Customer]:
    found = {}
    with tenant_session(ShopId(shop.id)) as session:
        for number in (1, 2, 3):
            gid = f"gid://shopify/Customer/90{number}"
            found[str(number)] = Story(session, shop).customer(email=f"P{number}@example.com", gid=gid)
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer(email="stranger@example.com", gid="gid://shopify/Customer/999")
    return found


def upload(client: TestClient, headers: dict[str, str], content: bytes, name: str = "VIPs") -> Any:
    return client.post(
        "/api/v1/segments/lists", params={"name": name}, content=content, headers={**headers, **HEADERS}
    )


@pytest.mark.usefixtures("people")
def test_every_row_is_a_member_or_a_refusal(
    client: TestClient, signed_in: dict[str, str], shop: Shop, session: Session
) -> None:
    rows = [
        b"\xef\xbb\xbfName;E-Mail",
        b"Ada;p1@EXAMPLE.com",
        "Adélaïde;p1@example.com".encode(),
        b"Bob;no address",
        b"Cem;",
        b"Dora;stranger@example.com",
        b"Eva;\xff\xfe@example.com",
        b'"Fritz\nsecond line";P2@example.com',
        b"Gus;gid://shopify/Customer/903",
        b"Hugo;gid://shopify/Customer/999",
    ]
    answer = upload(client, signed_in, b"\r\n".join(rows))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["row_count"], made["member_count"], made["refused_count"]) == (9, 3, 6)
    assert made["refused"] == {
        "duplicate": 1, "broken_address": 1, "empty": 1, "unknown_customer": 2, "encoding": 1,
    }  # fmt: skip
    refused = client.get(f"/api/v1/segments/lists/{made['id']}/refusals", headers=signed_in).json()
    assert [(row["line"], row["reason"]) for row in refused["items"]] == [
        (3, "duplicate"), (4, "broken_address"), (5, "empty"), (6, "unknown_customer"), (7, "encoding"),
        (11, "unknown_customer"),
    ]  # fmt: skip
    rules = {"op": "and", "rules": [{"field": "list", "operator": "member", "value": made["id"]}]}
    preview = client.post("/api/v1/segments/preview", json={"rules": rules}, headers=signed_in).json()
    assert preview["count"] == 3
    # What the file said of strangers is nowhere.
    for table in ("customer_lists", "customer_list_members", "customer_list_refusals", "audit_log"):
        kept = session.scalars(text(f"SELECT row_to_json({table})::text FROM {table}")).all()
        assert not [row for row in kept if "stranger" in row or "Dora" in row]


@pytest.mark.usefixtures("people")
def test_a_file_without_titles_is_read_from_its_first_row(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    made = upload(client, signed_in, b"Ada,901\nBob,902\n").json()
    assert (made["member_count"], made["refused_count"]) == (2, 0)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"email\n\x00\x01\x02\x03", 422, "csv_encoding"),
        (b"", 422, "csv_empty"),
        (b"email\n", 422, "csv_empty"),
        (b"x" * (lists.MAX_BYTES + 1), 413, "too_large"),
    ],
    ids=["no text", "empty", "titles alone", "too large"],
)
def test_a_file_that_is_no_list_is_refused_and_leaves_nothing(
    client: TestClient, signed_in: dict[str, str], content: bytes, status: int, code: str
) -> None:
    answer = upload(client, signed_in, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/api/v1/segments/lists", headers=signed_in).json()["items"] == []


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_ROWS", 3)
    assert len(list(lists.read_rows(io.BytesIO(b"email\n" + b"a@b.de\n" * 3)))) == 3
    with pytest.raises(Invalid) as refused:
        list(lists.read_rows(io.BytesIO(b"email\n" + b"a@b.de\n" * 4)))
    assert refused.value.code == "csv_too_many_rows"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_row_by_row(content: bytes) -> None:
    try:
        rows = list(lists.read_rows(io.BytesIO(content)))
    except csv_rows.NoText:
        return
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    assert all((row.gid is None) + (row.email is None) + (row.refused is None) == 2 for row in rows)


@pytest.mark.usefixtures("people")
def test_a_list_in_use_stays_and_its_customers_outlive_it(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    made = upload(client, signed_in, b"email\np1@example.com\n").json()
    again = upload(client, signed_in, b"email\np1@example.com\n", name="vips")
    assert (again.status_code, again.json()["code"]) == (409, "customer_list_name_taken")
    rules = {"field": "list", "operator": "member", "value": made["id"]}
    segment = client.post(
        "/api/v1/segments", json={"name": "Listed", "rules": rules}, headers=signed_in
    ).json()
    assert segment["member_count"] == 1
    address = f"/api/v1/segments/lists/{made['id']}"
    refused = client.delete(address, headers=signed_in)
    assert (refused.status_code, refused.json()["code"]) == (409, "customer_list_in_use")
    assert client.get(address, headers=signed_in).json() == made
    client.delete(f"/api/v1/segments/{segment['id']}", headers=signed_in)
    assert client.delete(address, headers=signed_in).status_code == 204
    assert client.get(address, headers=signed_in).json()["code"] == "customer_list_unknown"
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalars(select(CustomerListMember)).all() == []
        assert len(session.scalars(select(Customer)).all()) == 3
