"""The Admin API refuses what Shopify refuses, and counts what Shopify counts."""

from pathlib import Path

import pytest

from tests.simulator.harness import SCOPES, Platform, Recorder, running, wait_until

CUSTOMERS = """
query($first: Int!, $after: String) {
  customers(first: $first, after: $after) {
    nodes {
      id email locale tags numberOfOrders amountSpent { amount currencyCode }
      defaultEmailAddress { emailAddress marketingState marketingOptInLevel marketingUpdatedAt openTrackingLevel }
      defaultPhoneNumber { phoneNumber smsMarketingConsent { state optInLevel updatedAt collectedFrom } }
      defaultAddress { city province countryCodeV2 }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


def test_field_that_the_schema_does_not_know_is_refused(platform: Platform, token: str) -> None:
    answer = platform.post(token, "{ shop { secretName } }")
    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["message"].startswith("Cannot query field 'secretName' on type 'Shop'")


def test_variable_of_the_wrong_type_is_refused(platform: Platform, token: str) -> None:
    answer = platform.post(token, CUSTOMERS, {"first": "many"})
    assert answer.json()["errors"][0]["message"].startswith("Variable '$first' got invalid value 'many'")


@pytest.mark.parametrize("access_token", ["", "shpat_unknown"])
def test_unknown_token_is_unauthorized(platform: Platform, access_token: str) -> None:
    answer = platform.post(access_token, "{ shop { name } }")
    assert answer.status_code == 401
    assert answer.json() == {
        "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
    }


def test_missing_scope_is_denied_by_name(platform: Platform, token: str) -> None:
    platform.control("scopes", scopes=["read_products"])
    try:
        body = platform.post(token, "{ shop { name } orders(first: 1) { nodes { id } } }").json()
        assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
        assert body["errors"][0]["path"] == ["orders"]
        assert "read_orders" in body["errors"][0]["message"]
        assert platform.ask(token, "{ products(first: 1) { nodes { id } } }")["products"]["nodes"]
    finally:
        platform.control("scopes", scopes=SCOPES.split(","))


def test_pages_by_cursor_reach_every_customer_once(platform: Platform, token: str) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = platform.ask(token, CUSTOMERS, {"first": 80, "after": after})["customers"]
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(seen) == len(set(seen)) == platform.state()["shops"][0]["customers"]


def test_backward_pages_mirror_forward_ones(platform: Platform, token: str) -> None:
    query = "query($n: Int!) { products(first: $n, sortKey: TITLE) { nodes { id } pageInfo { endCursor } } }"
    first = platform.ask(token, query, {"n": 20})["products"]
    back = "query($c: String!) { products(last: 5, before: $c, sortKey: TITLE) { nodes { id } } }"
    before_last = platform.ask(token, back, {"c": first["pageInfo"]["endCursor"]})["products"]["nodes"]
    assert before_last == first["nodes"][14:19]


def test_updated_at_filter_narrows_by_instant(platform: Platform, token: str) -> None:
    query = (
        "query($q: String!) { orders(first: 100, query: $q, sortKey: UPDATED_AT) { nodes { updatedAt } } }"
    )
    recent = platform.ask(token, query, {"q": "updated_at:>'2020-01-01T00:00:00Z'"})["orders"]["nodes"]
    middle = recent[len(recent) // 2]["updatedAt"]
    after = platform.ask(token, query, {"q": f"updated_at:>='{middle}'"})["orders"]["nodes"]
    assert after[0]["updatedAt"] == middle
    assert platform.ask(token, query, {"q": "updated_at:>'2999-01-01'"})["orders"]["nodes"] == []


def test_unknown_search_field_is_ignored_with_a_warning(platform: Platform, token: str) -> None:
    body = platform.post(token, '{ orders(first: 1, query: "moon:full") { nodes { id } } }').json()
    assert len(body["data"]["orders"]["nodes"]) == 1
    assert body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_cost_is_counted_before_and_after(platform: Platform, token: str) -> None:
    body = platform.post(
        token, '{ customers(first: 10, query: "email:nobody@example.com") { nodes { id } } }'
    ).json()
    cost = body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (12, 2)
    assert cost["throttleStatus"]["maximumAvailable"] == 20_000
    assert cost["throttleStatus"]["restoreRate"] == 1000


def test_query_over_a_thousand_points_is_refused(platform: Platform, token: str) -> None:
    body = platform.post(
        token, "{ orders(first: 200) { nodes { id lineItems(first: 20) { nodes { id } } } } }"
    ).json()
    assert body["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in body


@pytest.mark.parametrize("page", ["first: 251", 'query: ""'])
def test_page_size_is_required_and_bounded(platform: Platform, token: str, page: str) -> None:
    body = platform.post(token, f"{{ customers({page}) {{ nodes {{ id }} }} }}").json()
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_empty_bucket_answers_throttled_until_it_refills(tmp_path: Path, recorder: Recorder) -> None:
    options = ("--seed", "generated", "--customers", "300", "--restore-rate", "50")
    with running(tmp_path, recorder.url, *options) as platform:
        platform.control("install")
        token = platform.token()
        full = "{ customers(first: 249) { nodes { id orders(first: 1) { nodes { id } } } } }"
        tenth = "{ customers(first: 98) { nodes { id } } }"
        assert "data" in platform.post(token, full).json()
        throttled = platform.post(token, full).json()
        assert "data" not in throttled
        assert throttled["errors"][0]["message"] == "Throttled"
        assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert throttled["extensions"]["cost"]["requestedQueryCost"] == 998
        assert throttled["extensions"]["cost"]["actualQueryCost"] is None
        assert throttled["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] < 998
        wait_until(lambda: "data" in platform.post(token, tenth).json())


def test_throttle_switch_bites_as_often_as_it_was_told(platform: Platform, token: str) -> None:
    platform.control("faults", throttle=2)
    codes = [
        body["errors"][0]["extensions"]["code"] if "errors" in body else "ok"
        for body in (platform.post(token, "{ shop { id } }").json() for _ in range(3))
    ]
    assert codes == ["THROTTLED", "THROTTLED", "ok"]


def test_server_error_switch_answers_503(platform: Platform, token: str) -> None:
    platform.control("faults", http_5xx=1)
    assert [platform.post(token, "{ shop { id } }").status_code for _ in range(2)] == [503, 200]


def test_pixel_is_created_once_and_updated(platform: Platform, token: str) -> None:
    create = (
        "mutation($s: JSON!) { webPixelCreate(webPixel: {settings: $s})"
        " { webPixel { id settings } userErrors { code } } }"
    )
    first = platform.ask(token, create, {"s": {"accountID": "one"}})["webPixelCreate"]
    second = platform.ask(token, create, {"s": {"accountID": "two"}})["webPixelCreate"]
    assert first["webPixel"]["settings"] == {"accountID": "one"}
    assert second == {"webPixel": None, "userErrors": [{"code": "TAKEN"}]}
    delete = "mutation($id: ID!) { webPixelDelete(id: $id) { deletedWebPixelId userErrors { code } } }"
    gid = first["webPixel"]["id"]
    assert platform.ask(token, delete, {"id": gid})["webPixelDelete"]["deletedWebPixelId"] == gid


def test_discount_takes_unique_codes(platform: Platform, token: str) -> None:
    create = """mutation($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d)
      { codeDiscountNode { id } userErrors { code } } }"""
    discount = {
        "title": "Spring", "code": "SPRING", "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}},
    }  # fmt: skip
    node = platform.ask(token, create, {"d": discount})["discountCodeBasicCreate"]["codeDiscountNode"]
    again = platform.ask(token, create, {"d": discount})["discountCodeBasicCreate"]
    assert again == {"codeDiscountNode": None, "userErrors": [{"code": "TAKEN"}]}
    add = """mutation($id: ID!, $codes: [DiscountRedeemCodeInput!]!) { discountRedeemCodeBulkAdd(
      discountId: $id, codes: $codes)
      { bulkCreation { done importedCount failedCount } userErrors { code } } }"""
    codes = [{"code": "SPRING-1"}, {"code": "SPRING-2"}, {"code": "spring"}]
    added = platform.ask(token, add, {"id": node["id"], "codes": codes})["discountRedeemCodeBulkAdd"]
    assert added["bulkCreation"] == {"done": True, "importedCount": 2, "failedCount": 1}


def test_marketing_activity_is_upserted_by_its_remote_id(platform: Platform, token: str) -> None:
    upsert = """mutation($i: MarketingActivityUpsertExternalInput!) { marketingActivityUpsertExternal(input: $i)
      { marketingActivity { id title status } userErrors { message } } }"""
    activity = {
        "remoteId": "cmp_1", "title": "First", "remoteUrl": "https://app.example/c/1", "status": "ACTIVE",
        "tactic": "NEWSLETTER", "marketingChannelType": "EMAIL",
        "utm": {"source": "app", "medium": "email", "campaign": "c1"},
    }  # fmt: skip
    first = platform.ask(token, upsert, {"i": activity})["marketingActivityUpsertExternal"][
        "marketingActivity"
    ]
    renamed = activity | {"title": "Renamed", "status": "PAUSED"}
    second = platform.ask(token, upsert, {"i": renamed})["marketingActivityUpsertExternal"][
        "marketingActivity"
    ]
    assert second == {"id": first["id"], "title": "Renamed", "status": "PAUSED"}
    engagement = """mutation($e: MarketingEngagementInput!) { marketingEngagementCreate(
      remoteId: "cmp_1", marketingEngagement: $e)
      { marketingEngagement { occurredOn sendsCount } userErrors { code } } }"""
    counted = {"occurredOn": "2026-11-20", "utcOffset": "-05:00", "isCumulative": False, "sendsCount": 12}
    saved = platform.ask(token, engagement, {"e": counted})["marketingEngagementCreate"]
    assert saved == {"marketingEngagement": {"occurredOn": "2026-11-20", "sendsCount": 12}, "userErrors": []}


def test_query_that_is_valid_but_not_played_says_so(platform: Platform, token: str) -> None:
    body = platform.post(token, "{ locations(first: 1) { nodes { id } } }").json()
    assert body["errors"][0]["extensions"]["code"] in ("NOT_SIMULATED", "ACCESS_DENIED")
