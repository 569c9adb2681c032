"""Definitions that people write: what is accepted, and where the fault is when it is not."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from storecast.jobs import fan_out
from storecast.jobs.errors import WorkflowInvalid
from storecast.jobs.workflow_documents import MAX_BYTES, MAX_DEPTH, dump, read
from storecast.kit.errors import FieldError
from storecast.kit.types import ShopId
from storecast.worker.job import Job


@dataclass(frozen=True, slots=True)
class Open(Job):
    name: ClassVar[str] = "tests.open"
    open_to_users: ClassVar[bool] = True
    count: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Internal(Job):
    name: ClassVar[str] = "tests.internal"


JOBS: dict[str, type[Job]] = {job.name: job for job in (Open, Internal)}

if fan_out.find("tests.numbers") is None:

    @fan_out.fan_out("tests.numbers", "Numbers", sample=1)
    def numbers(_session: Session, _shop_id: ShopId, limit: int) -> Iterable[int]:
        return range(limit)


def node(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "job": "tests.open", "args": {"count": 1}, **fields}


def faults(*nodes: Any, by_people: bool = True) -> list[tuple[str, str]]:
    with pytest.raises(WorkflowInvalid) as raised:
        read({"name": "Tests", "nodes": list(nodes)}, JOBS, by_people=by_people)
    return [(fault.pointer, fault.code) for fault in raised.value.errors]


def test_a_good_document_survives_and_is_what_it_was() -> None:
    document = {
        "name": "Tests",
        "nodes": [
            node("b", needs=["a"], condition={"node": "a", "field": "n", "op": "gt", "value": 3}),
            node("a", retries=2),
            {
                "key": "c",
                "job": "tests.open",
                "args": {"label": "x"},
                "needs": ["b"],
                "fan_out": {"over": "tests.numbers", "as": "count"},
            },
        ],
    }
    assert dump(read(document, JOBS, by_people=True)) == document


@pytest.mark.parametrize(
    ("document", "at"),
    [
        (None, [("", "model_type")]),
        ([], [("", "model_type")]),
        ({}, [("/name", "missing"), ("/nodes", "missing")]),
        ({"name": "", "nodes": [node("a")]}, [("/name", "string_too_short")]),
        ({"name": "n", "nodes": []}, [("/nodes", "too_short")]),
        ({"name": "n", "nodes": [node("a")], "x": 1}, [("/x", "extra_forbidden")]),
        ({"name": "n", "nodes": [node(f"n{i}") for i in range(101)]}, [("/nodes", "too_long")]),
        ({"name": "n", "nodes": [{"key": "a"}]}, [("/nodes/0/job", "missing")]),
        ({"name": "n", "nodes": [node("A b")]}, [("/nodes/0/key", "string_pattern_mismatch")]),
        ({"name": "n", "nodes": [node("a", retries=11)]}, [("/nodes/0/retries", "less_than_equal")]),
        ({"name": "n", "nodes": [node("a", retries="1")]}, [("/nodes/0/retries", "int_type")]),
        ({"name": "n", "nodes": [node("a", args=[1])]}, [("/nodes/0/args", "dict_type")]),
    ],
)
def test_a_wrong_shape_is_told_where_it_is(document: object, at: list[tuple[str, str]]) -> None:
    with pytest.raises(WorkflowInvalid) as raised:
        read(document, JOBS, by_people=True)
    assert [(fault.pointer, fault.code) for fault in raised.value.errors] == at


def test_names_have_to_be_there_and_open() -> None:
    assert faults(node("a", job="tests.none")) == [("/nodes/0/job", "unknown_job")]
    assert faults(node("a", job="tests.internal", args={})) == [("/nodes/0/job", "job_not_open")]
    assert faults(node("a", needs=["b"])) == [("/nodes/0/needs/0", "unknown_node")]
    assert faults(node("a"), node("b", needs=["a", "a"])) == [("/nodes/1/needs/1", "duplicate_need")]
    assert faults(node("a"), node("b"), node("a")) == [("/nodes/2/key", "duplicate_key")]
    assert faults(node("a", fan_out={"over": "tests.none", "as": "count"})) == [
        ("/nodes/0/fan_out/over", "unknown_query")
    ]


def test_the_program_may_use_its_own_jobs() -> None:
    document = {"name": "n", "nodes": [{"key": "a", "job": "tests.internal"}]}
    assert read(document, JOBS, by_people=False).nodes[0].job == "tests.internal"


def test_arguments_are_those_of_the_job() -> None:
    assert faults(
        node("a", args={"count": "many"}), node("b", args={"count": 1, "extra": 2}), node("c", args={})
    ) == [
        ("/nodes/0/args/count", "int_type"),
        ("/nodes/1/args/extra", "unknown_field"),
        ("/nodes/2/args/count", "missing"),
    ]


def test_a_fan_out_gives_an_argument_of_the_right_type_once() -> None:
    over = {"over": "tests.numbers", "as": "count"}
    assert faults(node("a", fan_out=over)) == [("/nodes/0/fan_out/as", "argument_given_twice")]
    assert faults(node("a", fan_out={**over, "as": "label"})) == [("/nodes/0/fan_out/as", "string_type")]
    assert faults(node("a", fan_out={**over, "as": "missing"})) == [("/nodes/0/fan_out/as", "unknown_field")]


def test_a_cycle_is_named() -> None:
    document = {
        "name": "n",
        "nodes": [node("z"), node("a", needs=["c", "z"]), node("b", needs=["a"]), node("c", needs=["b"])],
    }
    with pytest.raises(WorkflowInvalid) as raised:
        read(document, JOBS, by_people=True)
    (fault,) = raised.value.errors
    assert (fault.pointer, fault.code) == ("/nodes/1/needs", "cycle")
    path = fault.message.removeprefix("The nodes wait for one another: ").removesuffix(".").split(" needs ")
    assert path[0] == path[-1]
    assert list(pairwise(path)) in (
        [("a", "c"), ("c", "b"), ("b", "a")],
        [("c", "b"), ("b", "a"), ("a", "c")],
        [("b", "a"), ("a", "c"), ("c", "b")],
    )
    assert faults(node("a", needs=["a"])) == [("/nodes/0/needs", "cycle")]


def test_a_condition_asks_what_came_before() -> None:
    def asking(of: str, op: str = "eq", value: Any = 1, field: str = "n") -> dict[str, Any]:
        return node("b", needs=["a"], condition={"node": of, "field": field, "op": op, "value": value})

    first, beside = node("a"), node("x")
    assert faults(first, beside, asking("x")) == [("/nodes/2/condition/node", "not_upstream")]
    assert faults(first, asking("b")) == [("/nodes/1/condition/node", "not_upstream")]
    assert faults(first, asking("none")) == [("/nodes/1/condition/node", "not_upstream")]
    assert faults(first, asking("a", "gt", True)) == [("/nodes/1/condition/value", "value_of_the_wrong_type")]
    assert faults(first, asking("a", "lt", None)) == [("/nodes/1/condition/value", "value_of_the_wrong_type")]
    assert faults(first, asking("a", "exists", 1)) == [
        ("/nodes/1/condition/value", "value_of_the_wrong_type")
    ]
    many = {
        "key": "a",
        "job": "tests.open",
        "fan_out": {"over": "tests.numbers", "as": "count"},
    }
    assert faults(many, asking("a", field="members")) == [("/nodes/1/condition/field", "unknown_field")]
    read({"name": "n", "nodes": [many, asking("a", field="dead")]}, JOBS, by_people=True)
    far = node("c", needs=["b"], condition={"node": "a", "field": "n", "op": "exists"})
    read({"name": "n", "nodes": [first, node("b", needs=["a"]), far]}, JOBS, by_people=True)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"label": "a\0b"}, "value_not_storable"),
        ({"label": "\ud800"}, "value_not_storable"),
        ({"count": float("nan")}, "value_not_storable"),
        ({"count": float("inf")}, "value_not_storable"),
        ({"a\0": 1}, "value_not_storable"),
        ({"label": "x" * MAX_BYTES}, "too_large"),
        ({"label": nested(MAX_DEPTH)}, "too_deep"),
        ({"label": nested(100_000)}, "too_deep"),
    ],
)
def test_what_cannot_be_stored_is_refused(args: Any, code: str) -> None:
    ((_pointer, found),) = faults(node("a", args=args))
    assert found == code


def test_a_number_that_no_column_holds_is_refused() -> None:
    ((pointer, code),) = faults(node("a", args={"count": 10**40}))
    assert (pointer, code) == ("/nodes/0/args", "not_json")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SHAPED = st.fixed_dictionaries(
    {"name": st.just("n"), "nodes": st.lists(
        st.fixed_dictionaries(
            {"key": st.sampled_from("abc"), "job": st.sampled_from([*JOBS, "x"])},
            optional={
                "args": JSON,
                "needs": st.lists(st.sampled_from("abcd"), max_size=3) | JSON,
                "condition": JSON,
                "fan_out": st.fixed_dictionaries({"over": st.sampled_from(["tests.numbers", "x"]), "as": JSON}),
                "retries": JSON,
            },
        ), max_size=4,
    )}
)  # fmt: skip


@given(JSON | SHAPED)
def test_anything_is_read_or_refused_with_its_faults(document: Any) -> None:
    refused: list[FieldError] = []
    try:
        definition = read(document, JOBS, by_people=True)
    except WorkflowInvalid as error:
        refused = error.errors
    assert refused or read(dump(definition), JOBS, by_people=True) == definition
