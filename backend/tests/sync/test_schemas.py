"""What may be asked of a synchronisation."""

from typing import Any

import pytest
from pydantic import ValidationError

from storecast.sync.resources import RESOURCES, missing_scope
from storecast.sync.schemas import SyncInput


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "paginated", "batch_size": 1},
        {"mode": "paginated", "batch_size": 250, "resources": list(RESOURCES)},
        {"custom_query": "updated_at:>='2026-11-01' AND (tag:vip OR tag:\"V I P\")"},
        {"custom_query": "title:'it is (not) closed'"},
    ],
)
def test_what_is_well_formed_is_taken(body: dict[str, Any]) -> None:
    assert SyncInput.model_validate(body).model_dump(exclude_unset=True) == body


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"mode": "slowly"}, ("mode",)),
        ({"resources": []}, ("resources",)),
        ({"resources": ["orders", "orders"]}, ("resources",)),
        ({"resources": ["gift_cards"]}, ("resources", 0)),
        ({"mode": "paginated", "batch_size": 0}, ("batch_size",)),
        ({"mode": "paginated", "batch_size": 251}, ("batch_size",)),
        ({"mode": "bulk", "batch_size": 10}, ()),
        ({"custom_query": ""}, ("custom_query",)),
        ({"custom_query": "   "}, ("custom_query",)),
        ({"custom_query": "a\x00b"}, ("custom_query",)),
        ({"custom_query": "a\nb"}, ("custom_query",)),
        ({"custom_query": "tag:'open"}, ("custom_query",)),
        ({"custom_query": "(tag:vip"}, ("custom_query",)),
        ({"custom_query": "tag:vip)("}, ("custom_query",)),
        ({"custom_query": "x" * 501}, ("custom_query",)),
        ({"shop": "other.myshopify.com"}, ("shop",)),
    ],
)
def test_what_is_not_is_refused_where_it_is_wrong(body: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        SyncInput.model_validate(body)
    assert [error["loc"] for error in refused.value.errors()] == [place]


def test_writing_includes_reading_and_unknown_scopes_close_nothing() -> None:
    assert missing_scope("orders", ["write_orders"]) is None
    assert missing_scope("orders", ["read_all_orders"]) == "read_orders"
    assert missing_scope("collections", ["read_orders"]) == "read_products"
    assert missing_scope("orders", []) is None
