"""Every operation that is sent, against Shopify's own published schema and against what the app may ask for."""

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
from storecast.shopify import operations
from storecast.sync.resources import KINDS, RESOURCES, named

MANIFEST = Path(__file__).parents[3] / "shopify.app.toml"
MAX_BULK_CONNECTIONS = 5
MAX_BULK_NESTING = 2


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


def test_the_manifest_asks_for_the_scopes_of_the_operations(schema: published.AdminSchema) -> None:
    granted = {
        scope.strip() for scope in tomllib.loads(MANIFEST.read_text())["access_scopes"]["scopes"].split(",")
    }
    granted |= {scope.replace("write_", "read_", 1) for scope in granted}
    for name in operations.list_names():
        for type_name in _types(parse(operations.load(name).text), schema):
            wanted = set(schema.type_scopes.get(type_name, ()))
            assert not wanted or wanted & granted, (
                f"{name} reads {type_name}, which needs one of {sorted(wanted)}"
            )


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


def _types(document: DocumentNode, schema: published.AdminSchema) -> set[str]:
    info = TypeInfo(schema.graphql)
    found: set[str] = set()

    class Collect(Visitor):
        def enter_field(self, *_: object) -> None:
            named = get_named_type(info.get_type())
            assert isinstance(named, GraphQLNamedType)
            found.add(named.name)

    assert any(isinstance(node, OperationDefinitionNode) for node in document.definitions)
    visit(document, TypeInfoVisitor(info, Collect()))
    return found
