"""Bulk operations: what may be asked, what comes out, and the CDNOW totals to the cent."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.simulator.harness import Platform, Recorder, running, wait_until

ORDERS = """{ orders { edges { node { id createdAt totalPriceSet { shopMoney { amount currencyCode } } customer { id }
  transactions { id kind amountSet { shopMoney { amount } } } refunds { id } fulfillments { id }
  lineItems { edges { node { id quantity title variant { id }
    originalUnitPriceSet { shopMoney { amount } } } } } } } } }"""
CUSTOMERS = (
    "{ customers { edges { node { id email defaultEmailAddress { marketingState } numberOfOrders } } } }"
)


def minor(amount: str) -> int:
    return round(float(amount) * 100)


def test_bulk_result_holds_every_order_and_its_lines_add_up(platform: Platform, token: str) -> None:
    operation, lines = platform.bulk(token, ORDERS)
    orders = {line["id"]: line for line in lines if "__parentId" not in line}
    children = [line for line in lines if "__parentId" in line]
    sums = dict.fromkeys(orders, 0)
    for child in children:
        sums[child["__parentId"]] += (
            minor(child["originalUnitPriceSet"]["shopMoney"]["amount"]) * child["quantity"]
        )
    held = platform.state()["shops"][0]
    assert len(orders) == held["orders"] == int(operation["rootObjectCount"])
    assert len(lines) == int(operation["objectCount"])
    placed_here = {
        key for key in orders if minor(orders[key]["totalPriceSet"]["shopMoney"]["amount"]) != sums[key]
    }
    assert len(placed_here) <= 20, "only orders placed by tests carry shipping"


def test_children_come_after_their_parents_but_not_at_once(platform: Platform, token: str) -> None:
    _, loose = platform.bulk(token, ORDERS)
    _, grouped = platform.bulk(token, ORDERS, grouped=True)
    seen: set[str] = set()
    for line in loose:
        assert line.get("__parentId") in seen | {None}
        seen.add(line["id"])
    assert "__parentId" not in loose[1]
    assert grouped[1]["__parentId"] == grouped[0]["id"]
    assert sorted(line["id"] for line in loose) == sorted(line["id"] for line in grouped)


def test_result_is_served_by_range(platform: Platform, token: str) -> None:
    operation, _ = platform.bulk(token, CUSTOMERS)
    whole = platform.http.get(operation["url"])
    assert int(whole.headers["content-length"]) == int(operation["fileSize"])
    part = platform.http.get(operation["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{operation['fileSize']}"


def test_empty_result_has_no_url(platform: Platform, token: str) -> None:
    operation, _ = platform.bulk(
        token, '{ customers(query: "email:nobody@example.com") { edges { node { id } } } }'
    )
    assert (operation["status"], operation["url"], operation["objectCount"]) == ("COMPLETED", None, "0")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("{ customers { edges { node { id nope } } } }", "Cannot query field 'nope'"),
        ('{ node(id: "gid://shopify/Order/1") { id } }', "top-level `node`"),
        (
            "{ orders { edges { node { name lineItems { edges { node { id } } } } } } }",
            "must select the 'id' field",
        ),
        ('mutation { webPixelDelete(id: "x") { deletedWebPixelId } }', "must be a query"),
        ("{ customers { edges { node { id } }", "Syntax Error"),
    ],
)
def test_query_that_cannot_run_in_bulk_is_refused(
    platform: Platform, token: str, query: str, message: str
) -> None:
    started = platform.start_bulk(token, query)
    assert started["bulkOperation"] is None
    assert started["userErrors"][0]["code"] == "INVALID"
    assert message in started["userErrors"][0]["message"]


def test_scope_missing_ends_as_access_denied(platform: Platform, token: str) -> None:
    operation, _ = platform.bulk(token, "{ giftCards { edges { node { id } } } }")
    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_finish_is_announced(platform: Platform, token: str, recorder: Recorder) -> None:
    started = platform.start_bulk(token, CUSTOMERS)
    body = recorder.wait_for("bulk_operations/finish")[0].json
    assert body["admin_graphql_api_id"] == started["bulkOperation"]["id"]
    assert (body["status"], body["type"], body["error_code"]) == ("completed", "query", None)


def test_cdnow_totals_are_the_data_sets(tmp_path: Path, recorder: Recorder) -> None:
    with running(tmp_path / "cdnow", recorder.url, "--seed", "cdnow") as platform:
        platform.control("install")
        token = platform.token()
        _, customers = platform.bulk(token, CUSTOMERS)
        operation, lines = platform.bulk(token, ORDERS)
    orders = [line for line in lines if "__parentId" not in line]
    items = [line for line in lines if "__parentId" in line]
    assert (len(customers), len(orders)) == (23_570, 69_659)
    assert operation["rootObjectCount"] == "69659"
    assert sum(minor(order["totalPriceSet"]["shopMoney"]["amount"]) for order in orders) == 250_031_563
    assert sum(item["quantity"] for item in items) == 167_881
    of_lines = sum(minor(i["originalUnitPriceSet"]["shopMoney"]["amount"]) * i["quantity"] for i in items)
    assert of_lines == 250_031_563
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert max(order["createdAt"] for order in orders)[:10] == yesterday
    assert sum(int(customer["numberOfOrders"]) for customer in customers) == 69_659


def test_sixth_operation_at_once_is_refused_and_running_ones_can_be_cancelled(
    tmp_path: Path, recorder: Recorder
) -> None:
    with running(tmp_path / "large", recorder.url, "--seed", "generated", "--customers", "12000") as platform:
        platform.control("install")
        token = platform.token()
        started = [platform.start_bulk(token, ORDERS) for _ in range(6)]
        assert started[5]["userErrors"][0]["code"] == "LIMIT_REACHED"
        cancel = """mutation($id: ID!) { bulkOperationCancel(id: $id)
          { bulkOperation { status } userErrors { message } } }"""
        gids = [start["bulkOperation"]["id"] for start in started[:5]]
        for gid in gids:
            answer = platform.ask(token, cancel, {"id": gid})["bulkOperationCancel"]
            assert answer["userErrors"] == []
            assert answer["bulkOperation"]["status"] == "CANCELING"
        assert {platform.finished_bulk(token, gid)["status"] for gid in gids} == {"CANCELED"}
        wait_until(lambda: platform.start_bulk(token, CUSTOMERS)["userErrors"] == [])
