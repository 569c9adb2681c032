"""Tags and metafields reach Shopify: one by one, by a bulk mutation, again after a crash, and never for strangers."""

from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from storecast.audit.models import AuditEntry
from storecast.customers import writing
from storecast.customers.jobs import RunWrite
from storecast.customers.models import Customer, CustomerWrite
from storecast.db.session import tenant_session
from storecast.kit.types import ShopId
from storecast.shopify.bulk_import import LineResult, read_result
from storecast.shops.models import Shop
from storecast.worker import outbox
from tests.conftest import id_token
from tests.simulated_shopify import SHOP, SimulatedShopify, Worker


@pytest.fixture
def people(worker: Worker, installed: ShopId) -> dict[str, int]:
    """Everybody's id by public id, oldest first."""
    worker.run_until_idle()
    with tenant_session(installed) as session:
        rows = session.execute(select(Customer.public_id, Customer.id).order_by(Customer.id))
        return {row.public_id: row.id for row in rows}


def tags_at_shopify(installed: ShopId, simulator: SimulatedShopify) -> dict[str, list[str]]:
    from storecast.shops import tokens

    token = tokens.access_token(lambda: tenant_session(installed), installed)
    query = "{ customers(first: 100) { nodes { id tags } } }"
    answer = httpx.post(
        f"{simulator.origin}/{SHOP}/admin/api/2026-10/graphql.json",
        json={"query": query},
        headers={"X-Shopify-Access-Token": token},
        timeout=10,
    )
    return {node["id"]: node["tags"] for node in answer.json()["data"]["customers"]["nodes"]}


def tags_here(installed: ShopId) -> dict[str, list[str]]:
    with tenant_session(installed) as session:
        return {row.gid: row.tags for row in session.execute(select(Customer.gid, Customer.tags))}


@pytest.mark.parametrize("direct", [1_000, 0])
@pytest.mark.parametrize("failures", [0, 1])
def test_tags_reach_every_customer_and_a_refusal_stays_with_its_own(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, people: dict[str, int], client: TestClient,
    direct: int, failures: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(writing, "DIRECT", direct)
    monkeypatch.setattr(writing, "POLL", writing.POLL / 20)
    shopify.control("faults", bulk_failure=failures)
    gone = next(iter(people))
    with tenant_session(installed) as session:
        gone_gid = str(session.scalar(select(Customer.gid).where(Customer.public_id == gone)))
    shopify.control("customers/delete", customer_id=int(gone_gid.rpartition("/")[2]))
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    body = {"customer_ids": list(people), "add": ["Vinyl", "vip"]}
    asked = client.post("/api/v1/customers/tags", json=body, headers=headers)
    assert asked.status_code == 202, asked.text
    (write,) = asked.json()["writes"]
    assert (write["state"], write["total"], write["done"]) == ("queued", len(people), 0)

    worker.run_until_idle()

    end = client.get(f"/api/v1/customers/writes/{write['id']}", headers=headers).json()
    assert (end["state"], end["done"], end["refused"]) == ("done", len(people) - 1, 1)
    assert [refusal["customer_id"] for refusal in end["refusals"]] == [gone]
    assert end["refusals"][0]["error"].endswith("Taggable resource does not exist")
    there, here = tags_at_shopify(installed, shopify), tags_here(installed)
    assert gone_gid not in there
    assert len(there) == len(people) - 1
    for gid, tags in there.items():
        assert {"Vinyl", "vip"} <= set(tags)
        assert sorted(here[gid]) == sorted(tags)
    assert "Vinyl" not in here[gone_gid]


def test_metafields_are_set_and_doing_it_again_changes_nothing(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, people: dict[str, int]
) -> None:
    field = {"namespace": "storecast", "key": "rfm", "type": "single_line_text_field", "value": "555"}
    ids = list(people.values())[:3]
    with tenant_session(installed) as session:
        write = writing.request_metafields(session, installed, {customer_id: [field] for customer_id in ids})
        write_id, name = write.id, write.public_id
        with pytest.raises(ValueError, match="25"):
            writing.request_metafields(session, installed, {ids[0]: [field] * 26})
    worker.run_until_idle()
    with tenant_session(installed) as session:
        outbox.add(session, installed, RunWrite(write_id))
    worker.run_until_idle()
    with tenant_session(installed) as session:
        ended, done, refused = writing.get(session, installed, name)
        assert (ended.state, done, refused) == ("done", 3, 0)


def test_a_write_whose_operation_keeps_failing_ends(
    shopify: SimulatedShopify,
    worker: Worker,
    installed: ShopId,
    people: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "DIRECT", 0)
    monkeypatch.setattr(writing, "POLL", writing.POLL / 20)
    shopify.control("faults", bulk_failure=-1)
    before = tags_here(installed)
    with tenant_session(installed) as session:
        writing.request_tags(
            session, installed, actor="user:1", add=["x"], remove=[], customer_ids=list(people)
        )
    worker.run_until_idle()
    with tenant_session(installed) as session:
        write = session.scalars(select(CustomerWrite)).one()
        assert (write.state, write.error, write.bulk_runs) == ("failed", "INTERNAL_SERVER_ERROR", 3)
    assert tags_here(installed) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"customer_ids": ["cus_none"], "add": ["vip"]}, 404, "customer_unknown"),
        ({"segment_id": "seg_none", "add": ["vip"]}, 404, "segment_unknown"),
        ({"add": ["vip"]}, 422, "invalid"),
        ({"customer_ids": ["c"], "segment_id": "s", "add": ["vip"]}, 422, "invalid"),
        ({"customer_ids": ["c"]}, 422, "invalid"),
        ({"customer_ids": ["c"], "add": ["VIP"], "remove": ["vip"]}, 422, "invalid"),
        ({"customer_ids": ["c"], "add": ["a,b"]}, 422, "invalid"),
        ({"customer_ids": ["c"], "add": ["x" * 41]}, 422, "invalid"),
        ({"customer_ids": ["c"], "add": ["x\x00"]}, 422, "invalid"),
        ({"customer_ids": [f"c{n}" for n in range(251)], "add": ["x"]}, 422, "invalid"),
    ],
)
def test_what_is_refused_writes_nothing(
    shop: Shop, client: TestClient, signed_in: dict[str, str], body: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/api/v1/customers/tags", json=body, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(text("SELECT count(*) FROM customer_writes")) == 0
        assert outbox.pending(session, RunWrite) == []


GENRE = {"namespace": "storecast", "key": "genre", "type": "single_line_text_field", "value": "Jazz & Söul"}


@pytest.mark.parametrize("direct", [1_000, 0])
def test_metafields_asked_for_over_the_api_reach_shopify_once(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, people: dict[str, int], client: TestClient,
    direct: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(writing, "DIRECT", direct)
    monkeypatch.setattr(writing, "POLL", writing.POLL / 20)
    headers = {"Authorization": f"Bearer {shopify.id_token()}"}
    chosen = list(people)[:3]
    body = {
        "customer_ids": chosen,
        "metafields": [GENRE, GENRE | {"key": "visits", "type": "number_integer", "value": "7"}],
    }
    asked = [
        client.post("/api/v1/customers/metafields", json=body, headers={**headers, "Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in asked] == [202, 202]
    assert asked[0].json() == asked[1].json()
    assert (asked[0].json()["kind"], asked[0].json()["total"]) == ("metafields", 3)
    with tenant_session(installed) as session:
        assert session.scalar(text("SELECT count(*) FROM customer_writes")) == 1
    worker.run_until_idle()

    end = client.get(f"/api/v1/customers/writes/{asked[0].json()['id']}", headers=headers).json()
    assert (end["state"], end["done"], end["refused"]) == ("done", 3, 0)
    with tenant_session(installed) as session:
        gids = set(session.scalars(select(Customer.gid).where(Customer.public_id.in_(chosen))))
        (deed,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "customers_metafields_set"))
        assert deed.detail == {"fields": ["storecast.genre", "storecast.visits"], "customers": 3}
    assert metafields_at_shopify(shopify) == {
        gid: {"storecast.genre": "Jazz & Söul", "storecast.visits": "7"} for gid in gids
    }


def metafields_at_shopify(simulator: SimulatedShopify) -> dict[str, dict[str, str]]:
    kept = httpx.get(
        f"{simulator.origin}/control/documents", params={"shop": SHOP, "kind": "Metafield"}, timeout=10
    )
    found: dict[str, dict[str, str]] = {}
    for each in kept.json():
        found.setdefault(each["ownerId"], {})[f"{each['namespace']}.{each['key']}"] = each["value"]
    return found


def with_field(**changes: Any) -> dict[str, Any]:
    return {"customer_ids": ["cus_none"], "metafields": [GENRE | changes]}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (with_field(), 404, "customer_unknown"),
        ({"segment_id": "seg_none", "metafields": [GENRE]}, 404, "segment_unknown"),
        ({"metafields": [GENRE]}, 422, "invalid"),
        ({"customer_ids": ["c"], "segment_id": "s", "metafields": [GENRE]}, 422, "invalid"),
        ({"customer_ids": ["c"], "metafields": []}, 422, "invalid"),
        ({"customer_ids": ["c"], "metafields": [GENRE, GENRE | {"value": "Soul"}]}, 422, "invalid"),
        (
            {"customer_ids": ["c"], "metafields": [GENRE | {"key": f"k{n}"} for n in range(26)]},
            422,
            "invalid",
        ),
        (with_field(namespace="ab"), 422, "invalid"),
        (with_field(namespace="a b c"), 422, "invalid"),
        (with_field(key="k"), 422, "invalid"),
        (with_field(key="k" * 65), 422, "invalid"),
        (with_field(ownerId="gid://shopify/Customer/1"), 422, "invalid"),
        (with_field(type="customer_reference"), 422, "invalid"),
        (with_field(value=""), 422, "invalid"),
        (with_field(value="a\nb"), 422, "invalid"),
        (with_field(value="a\x00b"), 422, "invalid"),
        (with_field(type="number_integer", value="1.5"), 422, "invalid"),
        (with_field(type="number_integer", value="9007199254740992"), 422, "invalid"),
        (with_field(type="number_decimal", value="NaN"), 422, "invalid"),
        (with_field(type="boolean", value="yes"), 422, "invalid"),
        (with_field(type="date", value="2026-02-30"), 422, "invalid"),
        (with_field(type="date_time", value="today"), 422, "invalid"),
        (with_field(type="json", value="{"), 422, "invalid"),
        (with_field(type="color", value="red"), 422, "invalid"),
        (with_field(type="url", value="javascript:alert(1)"), 422, "invalid"),
        (with_field(type="list.single_line_text_field", value='["a", 1]'), 422, "invalid"),
    ],
)
def test_metafields_that_are_refused_write_nothing(
    shop: Shop, client: TestClient, signed_in: dict[str, str], body: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/api/v1/customers/metafields", json=body, headers=signed_in)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    with tenant_session(ShopId(shop.id)) as session:
        assert session.scalar(text("SELECT count(*) FROM customer_writes")) == 0
        assert outbox.pending(session, RunWrite) == []


def test_a_neighbours_write_is_not_there(
    shop: Shop, other_shop: Shop, client: TestClient, signed_in: dict[str, str]
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        name = writing.request_metafields(session, ShopId(shop.id), {}).public_id
    neighbour = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert client.get(f"/api/v1/customers/writes/{name}", headers=signed_in).status_code == 200
    answer = client.get(f"/api/v1/customers/writes/{name}", headers=neighbour)
    assert (answer.status_code, answer.json()["code"]) == (404, "customer_write_unknown")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"data":{"tagsAdd":{"node":{"id":"1"},"userErrors":[]}},"__lineNumber":4}', LineResult(4, None)),
        (b'{"data":{"tagsAdd":{"userErrors":[{"message":"no"}]}},"__lineNumber":4}', LineResult(4, "no")),
        (
            b'{"data":{"tagsAdd":null},"errors":[{"message":"denied"}],"__lineNumber":4}',
            LineResult(4, "denied"),
        ),
        (b'{"data":null,"__lineNumber":4}', LineResult(4, "no answer")),
        (b'{"data":{"tagsAdd":{}},"__lineNumber":true}', None),
        (b'{"data":{}}', None),
        (b"[]", None),
        (b"7", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_a_line_of_results_is_read_whatever_it_says(line: bytes, expected: LineResult | None) -> None:
    assert read_result(line) == expected
