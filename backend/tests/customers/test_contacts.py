"""Contacts from a file become customers at Shopify; what cannot is refused with its line, and nobody's no is undone."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from storecast.audit.models import AuditEntry, PersonalDataAccess
from storecast.customers import contact_rows, contacts, contacts_writing
from storecast.customers.models import ContactImportPiece, ContactImportRow, Customer
from storecast.db.session import platform_session, tenant_session
from storecast.kit import csv_rows
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging
from storecast.shops.models import Shop
from tests.factories.story import NOW, Story
from tests.simulated_shopify import SHOP, SimulatedShopify, Worker

IMPORTS = "/api/v1/customers/imports"
COLUMNS = {
    str(n): f
    for n, f in enumerate(
        (
            "email",
            "first_name",
            "last_name",
            "phone",
            "tags",
            "country",
            "consent",
            "consent_at",
            "consent_source",
        )
    )
}
TITLES = "E-Mail;Vorname;Nachname;Telefon;Tags;Land;Einwilligung;consent_at;Quelle"
MAPPING = {"columns": COLUMNS}


def upload(client: TestClient, headers: dict[str, str], content: bytes, name: str = "fair.csv") -> Any:
    made = client.post(IMPORTS, json={"name": name}, headers=headers)
    assert made.status_code == 201, made.text
    return client.put(
        f"{IMPORTS}/{made.json()['id']}/file",
        content=content,
        headers={**headers, "Content-Type": "text/csv"},
    )


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("utf-16-le", b"", "utf-16-le"),
        ("cp1252", b"", "windows-1252"),
    ],
)
def test_every_encoding_of_a_spreadsheet_is_read(
    client: TestClient, signed_in: dict[str, str], encoding: str, mark: bytes, found: str
) -> None:
    rows = f"{TITLES}\r\nadele@example.com;Adèle;Müller;+49 30 1234567;VIP, Köln;de;ja;2026-03-01;Messe\r\n"
    answer = upload(client, signed_in, mark + rows.encode(encoding))
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert (seen["state"], seen["encoding"], seen["lines"]) == ("uploaded", found, 2)
    assert [column["suggested"] for column in seen["columns"]] == list(COLUMNS.values())
    assert seen["columns"][1] == {"title": "Vorname", "suggested": "first_name", "samples": ["Adèle"]}
    preview = client.post(f"{IMPORTS}/{seen['id']}/preview", json=MAPPING, headers=signed_in).json()
    assert preview["rows"] == [
        {
            "line": 2, "email": "adele@example.com", "first_name": "Adèle", "last_name": "Müller",
            "phone": "+49301234567", "country": "DE", "tags": ["VIP", "Köln"], "consent_state": "subscribed",
            "consent_at": "2026-03-01T12:00:00Z", "consent_source": "Messe", "reason": None,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"email\n\x81\x8d\x8f\x90\x9d@example.com\n", "csv_encoding"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00!\x00", "csv_encoding"),
        (b"", "csv_empty"),
        (b"\r\n", "csv_empty"),
    ],
    ids=["no encoding", "a workbook", "empty", "blank"],
)
def test_a_file_that_is_no_table_is_refused_beside_its_field_and_leaves_nothing(
    client: TestClient, signed_in: dict[str, str], shop: Shop, content: bytes, code: str
) -> None:
    answer = upload(client, signed_in, content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == "/file"
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalars(select(ContactImportPiece)).all() == []
    (left,) = client.get(IMPORTS, headers=signed_in).json()["items"]
    assert (left["state"], left["lines"]) == ("empty", None)


def test_a_file_that_is_too_large_is_413(
    client: TestClient, signed_in: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (b"email\n" + b"a@example.com\n" * 75_000 for _ in range(170))
    answer = upload(client, signed_in, body)  # type: ignore[arg-type]  # sent piece by piece
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (";Ada", "empty"),
        ("no address;Ada", "broken_address"),
        ("a..b@example.com;Ada", "broken_address"),
        (f"ada@example.com;{'x' * 256}", "name_too_long"),
        ("ada@example.com;;;12", "broken_phone"),
        ("ada@example.com;;;;" + "x" * 41, "broken_tags"),
        ("ada@example.com;;;;;Germany", "broken_country"),
        ("ada@example.com;;;;;;perhaps", "consent_unknown"),
        ("ada@example.com;;;;;;yes", "consent_without_time"),
        ("ada@example.com;;;;;;yes;soon", "consent_time_unreadable"),
        ("ada@example.com;;;;;;yes;2999-01-01;fair", "consent_in_future"),
        ("ada@example.com;;;;;;yes;2026-01-01", "consent_without_source"),
        ("ada@example.com;A\ufffd", "encoding"),
        ("ada@example.com;;;;;;no;2026-01-01", None),
        ("ada@example.com;;;;;;;;", None),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row: str, reason: str | None) -> None:
    columns = {int(number): field for number, field in COLUMNS.items()}
    contact = contact_rows.read(7, row.split(";"), columns, source=None, now=NOW)
    assert (contact.line, contact.reason) == (7, reason)
    if reason is not None:
        assert contact == contact_rows.Contact(7, reason=reason)


@given(st.lists(st.text(alphabet="a@.é\x00\ufffd\"\n\r;,'=+-", max_size=30), max_size=9))
def test_whatever_a_row_says_it_is_a_contact_or_a_refusal(cells: list[str]) -> None:
    columns = {int(number): field for number, field in COLUMNS.items()}
    contact = contact_rows.read(1, cells, columns, source="fair", now=NOW)
    assert (contact.email is None) == (contact.reason is not None)


@given(st.lists(st.text(st.characters(exclude_characters="\x00\r\n", codec="utf-8")), min_size=1, max_size=5))
def test_a_cell_that_is_written_runs_nowhere_and_reads_as_it_was(cells: list[str]) -> None:
    line = csv_rows.row(cells)
    ((_number, read),) = csv_rows.read(io.StringIO(line, newline=""), ",")
    assert read is not None
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in read)
    assert [csv_rows.plain(cell) for cell in read] == [
        cell if cell.startswith(("=", "+", "-", "@", "\t")) else csv_rows.plain(cell) for cell in cells
    ]


class Rows(io.RawIOBase):
    """Bad rows, made as they are read."""

    def __init__(self, count: int) -> None:
        self._left = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(self._left, len(buffer) // 11)
        self._left -= count
        buffer[: 11 * count] = b"no address\n" * count
        return 11 * count


def test_bad_rows_without_end_are_read_in_bounded_memory() -> None:
    """Each of them is refused by itself; what is held is a line of the file, whatever its length."""
    tracemalloc.start()
    rows = csv_rows.read(csv_rows.lines(io.BufferedReader(Rows(200_000)), "utf-8"), ",")
    refused = sum(
        contact_rows.read(line, cells, {0: "email"}, source=None, now=NOW).reason == "broken_address"
        for line, cells in rows
    )
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused == 200_000
    assert peak_bytes < 1_000_000


def forget_the_day_after() -> None:
    """So that a worker is idle at some time: the job that forgets an unread file waits for a day."""
    with platform_session() as session:
        session.execute(text("DELETE FROM outbox WHERE name = 'customers.drop_contacts'"))


def everybody(simulator: SimulatedShopify, installed: ShopId) -> dict[str, dict[str, Any]]:
    from storecast.shops import tokens

    token = tokens.access_token(lambda: tenant_session(installed), installed)
    query = (
        "{ customers(first: 100) { nodes { firstName lastName tags "
        "defaultEmailAddress { emailAddress marketingState marketingUpdatedAt } "
        "defaultPhoneNumber { phoneNumber } } } }"
    )
    answer = httpx.post(
        f"{simulator.origin}/{SHOP}/admin/api/2026-10/graphql.json",
        json={"query": query},
        headers={"X-Shopify-Access-Token": token},
        timeout=10,
    )
    nodes = answer.json()["data"]["customers"]["nodes"]
    return {
        node["defaultEmailAddress"]["emailAddress"]: node for node in nodes if node["defaultEmailAddress"]
    }


def test_contacts_become_customers_and_nobodys_no_is_undone(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(contacts_writing, "POLL", timedelta(milliseconds=200))
    worker.run_until_idle()
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    now = datetime.now(UTC).replace(microsecond=0)
    with tenant_session(installed) as session:
        people = session.scalars(
            select(Customer).where(Customer.email.is_not(None)).order_by(Customer.id)
        ).all()
        refuser, older, plain = people[0], people[1], people[2]
        refuser.email_state, refuser.email_consent_at = "unsubscribed", now - timedelta(days=3)
        older.email_state, older.email_consent_at = "unsubscribed", now - timedelta(days=30)
        plain.email_state, plain.email_consent_at = "not_subscribed", None
        messaging.suppress(session, installed, ["gone@example.com"], reason="complaint", source="a test")
        addresses = refuser.email, older.email, plain.email
        tagged, missed = list(plain.tags), people[3].email
        # Shopify made this one a moment ago, and we have not heard of it.
        session.execute(text("DELETE FROM customers WHERE id = :id"), {"id": people[3].id})
    since = (now - timedelta(days=10)).isoformat()
    rows = [
        TITLES,
        f"new@example.com;Nia;New;+4930111111;fair;DE;yes;{since};fair",
        f"{str(addresses[0]).upper()};;;;;;yes;{since};fair",
        f"{addresses[1]};;;;;;yes;{since};fair",
        f"{addresses[2]};;;;fair|vip;;;;",
        f"gone@example.com;Gil;;;;;yes;{since};fair",
        "new@example.com;;Newer;;two;;;;",
        f"new@example.com;;;;;;no;{(now - timedelta(days=5)).isoformat()};phone",
        "broken;;;;;;;;",
        f"{missed};;;;;;yes;{since};fair",
    ]
    seen = upload(client, headers, "\n".join(rows).encode()).json()
    path = f"{IMPORTS}/{seen['id']}"
    started = client.post(f"{path}/start", json=MAPPING, headers=headers)
    assert (started.status_code, started.json()["state"]) == (202, "reading")
    assert (
        client.post(f"{path}/start", json=MAPPING, headers=headers).json()["code"] == "contact_import_state"
    )

    forget_the_day_after()
    worker.run_until_idle()

    end = client.get(path, headers=headers).json()
    assert (end["state"], end["error"], end["columns"]) == ("done", None, [])
    assert end["counts"] == {
        "rows": 9, "refused": 2, "merged": 2, "created": 2, "updated": 2, "unchanged": 1, "suppressed": 1,
        "waiting": 0,
    }  # fmt: skip
    assert end["refused"] == {"broken_address": 1, "shopify": 1}
    refusals = client.get(f"{path}/refusals", headers=headers).json()["items"]
    assert [(each["line"], each["reason"], each["error"]) for each in refusals] == [
        (9, "broken_address", None),
        (10, "shopify", "Email has already been taken"),
    ]
    report = client.get(f"{path}/refusals/export", headers=headers)
    assert report.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(report.text)))
    assert lines[0] == ["line", "reason", "error"]
    assert [line[:2] for line in lines[1:]] == [[str(each["line"]), each["reason"]] for each in refusals]

    at_shopify = everybody(shopify, installed)
    assert at_shopify[str(addresses[0])]["defaultEmailAddress"]["marketingState"] != "SUBSCRIBED" or (
        at_shopify[str(addresses[0])]["defaultEmailAddress"]["marketingUpdatedAt"] != since
    )
    assert at_shopify[str(addresses[1])]["defaultEmailAddress"]["marketingState"] == "SUBSCRIBED"
    assert set(at_shopify[str(addresses[2])]["tags"]) == {*tagged, "fair", "vip"}
    assert at_shopify["gone@example.com"]["defaultEmailAddress"]["marketingState"] == "NOT_SUBSCRIBED"
    made = at_shopify["new@example.com"]
    assert (made["firstName"], made["lastName"], set(made["tags"])) == ("Nia", "Newer", {"fair", "two"})
    assert made["defaultEmailAddress"]["marketingState"] == "UNSUBSCRIBED"
    with tenant_session(installed) as session:
        assert messaging.find_suppression(session, installed, "gone@example.com") == "complaint"
        # What stays of the file are the proofs of consent, and which rows were refused.
        kept = session.scalars(select(ContactImportRow).order_by(ContactImportRow.line)).all()
        assert {row.email for row in kept} == {"new@example.com", addresses[1], None}
        assert {(row.first_name, row.phone) for row in kept} == {(None, None)}
        assert session.scalars(select(ContactImportPiece)).all() == []
        assert "contacts_imported" in session.scalars(select(AuditEntry.action)).all()


def test_a_cancelled_import_stops_and_forgets_its_file(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, client: TestClient
) -> None:
    worker.run_until_idle()
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    seen = upload(client, headers, b"email\nnew@example.com\n").json()
    path = f"{IMPORTS}/{seen['id']}"
    client.post(f"{path}/start", json={"columns": {"0": "email"}}, headers=headers)
    assert client.post(f"{path}/cancel", headers=headers).json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel", headers=headers).status_code == 409
    forget_the_day_after()
    worker.run_until_idle()
    assert client.get(path, headers=headers).json()["state"] == "cancelled"
    assert "new@example.com" not in everybody(shopify, installed)
    with tenant_session(installed) as session:
        assert session.scalars(select(ContactImportPiece)).all() == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"columns": {"0": "first_name"}}, "/"),
        ({"columns": {"0": "email", "1": "email"}}, "/"),
        ({"columns": {"0": "email", "1": "shoe_size"}}, "/columns/1"),
        ({"columns": {"0": "email"}, "consent_source": ""}, "/consent_source"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(
    client: TestClient, signed_in: dict[str, str], body: dict[str, Any], pointer: str
) -> None:
    seen = upload(client, signed_in, b"email,x\nada@example.com,1\n").json()
    answer = client.post(f"{IMPORTS}/{seen['id']}/start", json=body, headers=signed_in)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer.rstrip("/"))
    assert client.get(f"{IMPORTS}/{seen['id']}", headers=signed_in).json()["state"] == "uploaded"


def test_an_export_is_written_down_and_runs_nowhere(
    client: TestClient, signed_in: dict[str, str], shop: Shop, other_shop: Shop
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        story = Story(session, shop)
        story.customer(email="a@example.com", first_name="=HYPERLINK(1)", phone="+4930111", tags=["a", "b"])
        story.customer(email="b@example.com", first_name="Zoë")
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer(email="stranger@example.com")
    answer = client.get("/api/v1/customers/export", headers=signed_in)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["email"], row["first_name"], row["phone"], row["tags"]) for row in rows] == [
        ("a@example.com", "'=HYPERLINK(1)", "'+4930111", "a, b"),
        ("b@example.com", "Zoë", "", ""),
    ]
    with tenant_session(ShopId(shop.id)) as session:
        (seen,) = session.scalars(select(PersonalDataAccess).where(PersonalDataAccess.view == "export"))
        assert (seen.subject, seen.people) == ("customers", 2)
        assert session.scalars(text("SELECT action FROM audit_log ORDER BY id DESC LIMIT 1")).one() == (
            "customers_exported"
        )
    assert client.get("/api/v1/customers/export?segment_id=seg_no", headers=signed_in).status_code == 404


def test_a_file_that_nobody_had_read_is_forgotten(
    client: TestClient, signed_in: dict[str, str], shop: Shop
) -> None:
    seen = upload(client, signed_in, b"email\nada@example.com\n").json()
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        contacts.drop_unread(session, shop_id, contacts.get(session, shop_id, seen["id"]).id)
    with tenant_session(shop_id) as session:
        assert session.scalars(select(ContactImportPiece)).all() == []
    after = client.get(f"{IMPORTS}/{seen['id']}", headers=signed_in).json()
    assert (after["state"], after["columns"]) == ("cancelled", [])
    refused = client.post(
        f"{IMPORTS}/{seen['id']}/start", json={"columns": {"0": "email"}}, headers=signed_in
    )
    assert refused.json()["code"] == "contact_import_state"


def test_reading_goes_on_behind_what_is_stored(
    client: TestClient, signed_in: dict[str, str], shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is killed between two chunks is followed by one that stores the rest, nothing twice."""
    monkeypatch.setattr(contacts, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(contacts, "PIECE", 20)
    content = b"email\n" + b"".join(b"p%d@example.com\n" % number for number in range(7))
    seen = upload(client, signed_in, content).json()
    client.post(f"{IMPORTS}/{seen['id']}/start", json={"columns": {"0": "email"}}, headers=signed_in)
    shop_id = ShopId(shop.id)

    class Killed(BaseException):
        pass

    def killed(done: int, _total: int) -> None:
        if done >= 5:
            raise Killed

    with tenant_session(shop_id) as session:
        import_id = contacts.get(session, shop_id, seen["id"]).id
    with pytest.raises(Killed):
        contacts.read(lambda: tenant_session(shop_id), shop_id, import_id, progress=killed)
    contacts.read(lambda: tenant_session(shop_id), shop_id, import_id)
    with tenant_session(shop_id) as session:
        rows = session.execute(
            select(ContactImportRow.line, ContactImportRow.email, ContactImportRow.outcome)
        )
        assert [tuple(row) for row in rows.all()] == [
            (number + 2, f"p{number}@example.com", "created") for number in range(7)
        ]
        assert contacts.get(session, shop_id, seen["id"]).state == "writing"
