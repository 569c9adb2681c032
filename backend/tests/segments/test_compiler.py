"""The SQL of segments, pinned: what a change of the compiler does to statements is seen in review.

`UPDATE_GOLDEN=1` writes the files anew.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from storecast.kit.types import ShopId
from storecast.segments.compiler import Calendar, Known, select_members
from storecast.segments.rules import parse

GOLDEN = Path(__file__).parents[1] / "golden/segments"
CALENDAR = Calendar(
    now=datetime(2026, 11, 21, 22, 0, tzinfo=UTC), timezone="America/New_York", currency="USD"
)

CASES: dict[str, dict[str, Any]] = {
    "everyone": {"op": "and", "rules": []},
    "drifting_away": {
        "op": "and",
        "rules": [
            {"field": "orders_count", "operator": "gte", "value": 2},
            {"field": "last_order_at", "operator": "not_in_last_days", "value": 90},
            {"field": "email_subscription", "operator": "is", "value": "subscribed"},
        ],
    },
    "big_or_loyal": {
        "op": "or",
        "rules": [
            {"field": "total_spent", "operator": "gt", "value": "500.00"},
            {"field": "average_order", "operator": "between", "value": [2500, 10000]},
            {"field": "rfm_frequency", "operator": "neq", "value": 1},
        ],
    },
    "not_pushed_down": {
        "op": "not",
        "rule": {
            "op": "and",
            "rules": [
                {"field": "tags", "operator": "has", "value": "wholesale"},
                {"op": "not", "rule": {"field": "city", "operator": "is", "value": "Berlin"}},
            ],
        },
    },
    "texts": {
        "op": "and",
        "rules": [
            {"field": "email", "operator": "contains", "value": "@Example.com"},
            {"field": "first_name", "operator": "starts_with", "value": "An"},
            {"field": "last_name", "operator": "is_set"},
            {"field": "locale", "operator": "not_set"},
            {"field": "country", "operator": "is_not", "value": "DE"},
            {"field": "tags", "operator": "has_not", "value": "vip"},
        ],
    },
    "dates": {
        "op": "and",
        "rules": [
            {"field": "created_at", "operator": "before", "value": "2026-11-01"},
            {"field": "first_order_at", "operator": "after", "value": "2026-01-31"},
            {"field": "last_opened_at", "operator": "in_last_days", "value": 30},
            {"field": "last_clicked_at", "operator": "is_set"},
            {"field": "last_sent_at", "operator": "not_set"},
            {"field": "email_subscription", "operator": "in", "value": ["subscribed", "pending"]},
        ],
    },
    "behaviour": {
        "op": "and",
        "rules": [
            {"field": "opened", "operator": "did", "value": {"times": 3, "days": 90}},
            {"field": "clicked", "operator": "did_not", "value": {"campaign": "cmp_1"}},
            {
                "field": "viewed",
                "operator": "did",
                "value": {"times": 2, "product": "gid://shopify/Product/1"},
            },
            {
                "field": "added_to_cart",
                "operator": "did",
                "value": {"times": 2, "days": 30, "collection": "gid://shopify/Collection/1"},
            },
        ],
    },
    "bought": {
        "op": "or",
        "rules": [
            {"field": "ordered", "operator": "did", "value": {"days": 30}},
            {"field": "ordered", "operator": "did", "value": {"times": 5}},
            {"field": "ordered", "operator": "did", "value": {"times": 2, "days": 365}},
            {
                "field": "ordered",
                "operator": "did_not",
                "value": {"days": 90, "product": "gid://shopify/Product/1"},
            },
            {
                "field": "ordered",
                "operator": "did",
                "value": {"times": 2, "collection": "gid://shopify/Collection/1"},
            },
        ],
    },
    "memberships": {
        "op": "and",
        "rules": [
            {"field": "segment", "operator": "not_member", "value": "seg_1"},
            {"field": "shopify_segment", "operator": "member", "value": "gid://shopify/Segment/1"},
            {"field": "list", "operator": "not_member", "value": "lst_1"},
            {"field": "list", "operator": "member", "value": "lst_removed"},
        ],
    },
}

KNOWN = Known(
    segments={"seg_1": parse(CASES["big_or_loyal"], currency="USD")},
    shopify_segments={"gid://shopify/Segment/1": 3},
    lists={"lst_1": 5},
    campaigns={"cmp_1": 11},
)


@pytest.mark.parametrize("name", CASES)
def test_the_sql_is_the_one_that_was_reviewed(name: str) -> None:
    chosen = select_members(ShopId(7), parse(CASES[name], currency="USD"), CALENDAR, KNOWN)
    statement = chosen.with_only_columns(chosen.selected_columns.id)
    compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    sql = f"-- {json.dumps(CASES[name])}\n{compiled}\n".replace(" \n", "\n")
    path = GOLDEN / f"{name}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(sql)
    assert sql == path.read_text()


def test_there_is_a_case_for_every_golden_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == set(CASES)
