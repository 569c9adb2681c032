"""Every operation that is sent, against Shopify's own published schema and against what the app may ask for."""

import json
import os
import tomllib
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLNamedType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    validate,
    visit,
)

from simulator import schema as published
from simulator.admin_api.cost import query_cost
from storecast.shopify import operations
from storecast.sync.resources import KINDS, RESOURCES, named

MANIFEST = Path(__file__).parents[3] / "shopify.app.toml"
COSTS = Path(__file__).parents[1] / "golden" / "operation_costs.json"
MAX_QUERY_COST = 1_000
MAX_BULK_CONNECTIONS = 5
MAX_BULK_NESTING = 2


BESIDE_OTHERS = {
    "read_customer_events": "Shopify asks for it beside write_pixels",
    "read_customer_merge": "the topic customers/merge",
    "read_fulfillments": "the topics fulfillments/*",
}

BY_THEIR_OWNERS = {name: [("write_customers",)] for name in ("tags_add", "tags_remove", "metafields_set")}
"""Mutations of any kind of object need the scope of the object, which the published map cannot know."""


def _is_charged(name: str) -> bool:
    """Whether the operation is sent by itself; what a bulk operation runs is not charged."""
    return not name.startswith("bulk_") or name.startswith("bulk_operation")


@pytest.fixture(scope="module")
def schema() -> published.AdminSchema:
    published.fetch()
    return published.load()


@pytest.mark.parametrize("name", operations.list_names())
def test_shopify_would_accept_the_operation(name: str, schema: published.AdminSchema) -> None:
    assert validate(schema.graphql, parse(operations.load(name).text)) == []


@pytest.mark.parametrize("name", operations.list_names())
def test_no_operation_asks_for_a_deprecated_field(name: str, schema: published.AdminSchema) -> None:
    deprecated = [field for field, reason in _fields(parse(operations.load(name).text), schema) if reason]
    assert deprecated == []


BULK = [name for name in operations.list_names() if name.startswith("bulk_") and "operation" not in name]


def test_every_resource_has_its_bulk_queries() -> None:
    assert sorted(BULK) == sorted(
        [f"bulk_{resource}" for resource in RESOURCES] + [f"bulk_ids_{resource}" for resource in RESOURCES]
    )


@pytest.mark.parametrize("name", BULK)
def test_a_bulk_query_keeps_to_the_limits(name: str) -> None:
    levels = _connection_levels(parse(operations.load(name).text))
    assert 1 <= len(levels) <= MAX_BULK_CONNECTIONS
    assert max(levels) <= MAX_BULK_NESTING


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("way", ["page", "by_ids"])
def test_pages_and_ids_ask_for_what_the_bulk_query_asks_for(
    resource: str, way: str, schema: published.AdminSchema
) -> None:
    """Both ways meet one importer: a field that only one of them asks for would come and go."""
    whole = _leaves(parse(operations.load(f"bulk_{resource}").text), schema)
    assert _leaves(parse(operations.load(f"{way}_{resource}").text), schema) == whole


@pytest.mark.parametrize("resource", [name for name, kind in KINDS.items() if kind.children])
def test_further_children_are_asked_for_like_the_first(resource: str, schema: published.AdminSchema) -> None:
    whole = _leaves(parse(operations.load(f"bulk_{resource}").text), schema)
    further = _leaves(parse(operations.load(f"children_{resource}").text), schema)
    prefix = f"{KINDS[named(resource)].children}."
    assert further == {path for path in whole if path.startswith(prefix)}


CHARGED = [name for name in operations.list_names() if _is_charged(name)]


@pytest.mark.parametrize("name", CHARGED)
def test_no_operation_costs_more_than_a_query_may(name: str, schema: published.AdminSchema) -> None:
    assert 1 <= _cost(name, schema) <= MAX_QUERY_COST


def test_the_costs_of_the_operations_are_known(schema: published.AdminSchema) -> None:
    """Requested points by the platform's rule (of one object a page), so that a dear field is seen in review."""
    costs = {name: _cost(name, schema) for name in CHARGED}
    if os.environ.get("UPDATE_GOLDEN"):
        COSTS.write_text(json.dumps(costs, indent=2) + "\n")
    assert json.loads(COSTS.read_text()) == costs


def test_the_manifest_asks_for_the_scopes_of_the_operations_and_no_others(
    schema: published.AdminSchema,
) -> None:
    """Each operation is covered by what the manifest may be granted, and each scope is there for an operation."""
    asked = tomllib.loads(MANIFEST.read_text())["access_scopes"]
    required = {scope.strip() for scope in asked["scopes"].split(",")}
    optional = set(asked["optional_scopes"])
    assert required.isdisjoint(optional)
    held = {scope: {scope, scope.replace("write_", "read_", 1)} for scope in required | optional}
    used: set[str] = set(BESIDE_OTHERS)
    for name in operations.list_names():
        for any_of in _scopes(name, schema):
            covering = {scope for scope in held if held[scope] & set(any_of)}
            assert covering, f"{name} needs one of {sorted(any_of)}"
            used |= covering
    assert required - used == set()
    assert optional - used == set()


def test_a_query_may_be_repeated_and_a_mutation_may_not() -> None:
    assert operations.load("shop").repeatable
    assert not operations.load("web_pixel_create").repeatable


def _leaves(document: DocumentNode, schema: published.AdminSchema) -> set[str]:
    """The fields of the nodes by their path below them; how they are paged is left out."""
    paths: set[str] = set()
    stack: list[str] = []

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            stack.append(node.name.value)
            if node.selection_set is None:
                steps = [step for step in stack[1:] if step not in ("edges", "node", "nodes")]
                if "pageInfo" not in stack and stack[-1] != "count":
                    paths.add(".".join(steps))

        def leave_field(self, *_: object) -> None:
            stack.pop()

    visit(document, Collect())
    return paths


def _connection_levels(document: DocumentNode) -> list[int]:
    """How deep each connection stands inside others."""
    levels: list[int] = []
    open_edges = 0

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            nonlocal open_edges
            if node.name.value == "edges":
                open_edges += 1
                levels.append(open_edges)

        def leave_field(self, node: FieldNode, *_: object) -> None:
            nonlocal open_edges
            open_edges -= node.name.value == "edges"

    visit(document, Collect())
    return levels


def _fields(document: DocumentNode, schema: published.AdminSchema) -> list[tuple[str, str | None]]:
    info = TypeInfo(schema.graphql)
    found: list[tuple[str, str | None]] = []

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            definition = info.get_field_def()
            assert definition is not None
            found.append((node.name.value, definition.deprecation_reason))

    visit(document, TypeInfoVisitor(info, Collect()))
    return found


def _cost(name: str, schema: published.AdminSchema) -> int:
    document = parse(operations.load(name).text)
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return query_cost(schema.graphql, operation, {}, {"first": 1, "ids": ["one"]})


def _scopes(name: str, schema: published.AdminSchema) -> set[tuple[str, ...]]:
    """What the operation needs: of each entry any one scope."""
    info = TypeInfo(schema.graphql)
    needed: set[tuple[str, ...]] = set(BY_THEIR_OWNERS.get(name, ()))

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent, named = info.get_parent_type(), get_named_type(info.get_type())
            assert parent is not None
            assert isinstance(named, GraphQLNamedType)
            needed.add(schema.type_scopes.get(named.name, ()))
            needed.add(schema.field_scopes.get((parent.name, node.name.value), ()))

    visit(parse(operations.load(name).text), TypeInfoVisitor(info, Collect()))
    return {any_of for any_of in needed if any_of}
