"""Reading rule trees: what is accepted, and where each refusal points."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.kit.errors import Invalid
from storecast.segments.rules import MAX_CONDITIONS, MAX_DEPTH, Condition, Group, parse, read_value


def leaf(**changes: Any) -> dict[str, Any]:
    return {"field": "orders_count", "operator": "gte", "value": 2, **changes}


def refusals(tree: object) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        parse(tree, currency="USD")
    assert caught.value.code == "rules_invalid"
    return [(error.pointer, error.code) for error in caught.value.errors]


def test_a_tree_is_read_as_it_is_written() -> None:
    tree = {
        "op": "and",
        "rules": [leaf(), {"op": "not", "rule": leaf(field="city", operator="is", value="Bonn")}],
    }
    root = parse(tree, currency="USD")
    assert isinstance(root, Group)
    assert root.model_dump() == tree


def test_an_empty_root_means_everyone_and_no_other_empty_group_means_anything() -> None:
    assert parse({"op": "and", "rules": []}, currency="USD") == Group(op="and", rules=[])
    assert refusals({"op": "or", "rules": []}) == [("/rules/rules", "empty")]
    assert refusals({"op": "and", "rules": [{"op": "and", "rules": []}]}) == [
        ("/rules/rules/0/rules", "empty")
    ]


@pytest.mark.parametrize(
    ("node", "pointer", "code"),
    [
        (leaf(field="shoe_size"), "/field", "unknown_field"),
        (leaf(operator="contains"), "/operator", "unknown_operator"),
        (leaf(value="2"), "/value", "value_type"),
        (leaf(value=True), "/value", "value_type"),
        (leaf(value=2.5), "/value", "value_type"),
        (leaf(value=None), "/value", "value_type"),
        (leaf(value=2**60), "/value", "value_out_of_range"),
        (leaf(operator="between", value=[3]), "/value", "value_type"),
        (leaf(operator="between", value=[3, 1]), "/value", "value_invalid"),
        (leaf(field="total_spent", value="12,50"), "/value", "value_invalid"),
        (leaf(field="last_order_at", operator="in_last_days", value=0), "/value", "value_out_of_range"),
        (leaf(field="last_order_at", operator="before", value="21.11.2026"), "/value", "value_invalid"),
        (leaf(field="last_order_at", operator="before", value="20261121"), "/value", "value_invalid"),
        (leaf(field="last_order_at", operator="before", value="2026-02-30"), "/value", "value_invalid"),
        (leaf(field="last_order_at", operator="before", value="0001-01-01"), "/value", "value_out_of_range"),
        (leaf(field="last_order_at", operator="is_set", value=1), "/value", "value_unexpected"),
        (leaf(field="email_subscription", operator="is", value="maybe"), "/value", "value_invalid"),
        (leaf(field="email_subscription", operator="in", value=[]), "/value", "value_type"),
        (leaf(field="email_subscription", operator="in", value=["subscribed", 1]), "/value", "value_invalid"),
        (leaf(field="city", operator="is", value=""), "/value", "value_invalid"),
        (leaf(field="city", operator="is", value="x" * 256), "/value", "value_invalid"),
        (leaf(field="city", operator="is", value="a\x00b"), "/value", "value_invalid"),
        (leaf(field="city", operator="is", value=["Bonn"]), "/value", "value_type"),
        (leaf(field="tags", operator="has", value=7), "/value", "value_type"),
        ({"field": "city"}, "/operator", "shape"),
        (leaf(extra=1), "/extra", "shape"),
        ({"op": "xor", "rules": []}, "/op", "shape"),
        ({"op": "not"}, "/rule", "shape"),
        ({"op": "and", "rules": "all"}, "/rules", "shape"),
        ("everyone", "", "shape"),
        (None, "", "shape"),
    ],
)
def test_a_refusal_points_at_the_node(node: Any, pointer: str, code: str) -> None:
    tree = {"op": "and", "rules": [leaf(), {"op": "not", "rule": {"op": "or", "rules": [node]}}]}
    assert refusals(tree) == [(f"/rules/rules/1/rule/rules/0{pointer}", code)]


def test_every_wrong_condition_is_named() -> None:
    tree = {"op": "or", "rules": [leaf(field="a"), leaf(), leaf(value="x")]}
    assert refusals(tree) == [
        ("/rules/rules/0/field", "unknown_field"),
        ("/rules/rules/2/value", "value_type"),
    ]


def nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = leaf()
    for _ in range(levels):
        node = {"op": "not", "rule": node}
    return node


def test_depth_and_size_are_bounded() -> None:
    parse(nested(MAX_DEPTH), currency="USD")
    assert refusals(nested(MAX_DEPTH + 1)) == [("/rules" + "/rule" * MAX_DEPTH, "too_deep")]
    assert refusals(nested(100_000))[0][1] == "too_deep"
    parse({"op": "or", "rules": [leaf()] * MAX_CONDITIONS}, currency="USD")
    assert refusals({"op": "or", "rules": [leaf()] * (MAX_CONDITIONS + 1)}) == [("/rules", "too_many")]


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (1250, "USD", 1250),
        ("12.50", "USD", 1250),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1234),
        (12.0, "USD", 12),
    ],
)
def test_money_is_minor_units_or_an_amount_of_the_shops_currency(
    value: Any, currency: str, minor: int
) -> None:
    condition = parse(leaf(field="total_spent", value=value), currency=currency)
    assert isinstance(condition, Condition)
    assert read_value(condition, currency) == minor


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["op", "rules", "rule", "field", "operator", "value", "x"]),
            inner | st.sampled_from(["and", "not", "city", "is", "in_last_days", "last_order_at"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_sent_is_read_or_refused_with_a_pointer(tree: Any) -> None:
    pointers = ["/rules"]
    try:
        parse(tree, currency="USD")
    except Invalid as refusal:
        pointers = [error.pointer for error in refusal.errors]
    assert pointers
    assert all(pointer.startswith("/rules") for pointer in pointers)
