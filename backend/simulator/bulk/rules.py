"""What a bulk query may ask: the schema first, then the restrictions that the platform adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)

from simulator.admin_api import scopes
from simulator.admin_api.fragments import condition
from simulator.schema import AdminSchema

MAX_CONNECTIONS = 5
MAX_NESTING = 2


class BulkQueryRefused(Exception):
    """The query cannot run as a bulk operation; the text is the user error's."""


@dataclass(frozen=True, slots=True)
class BulkQuery:
    """A query that may run."""

    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    access_missing: str | None
    """Set when the scopes do not open what it asks: then it runs to FAILED, as on the platform."""


def check(schema: AdminSchema, granted: frozenset[str], query: str) -> BulkQuery:
    """BulkQueryRefused names the first rule broken."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as problem:
        raise BulkQueryRefused(f"Invalid bulk query: {problem.message}") from problem
    problems = validate(schema.graphql, document)
    if problems:
        raise BulkQueryRefused(f"Invalid bulk query: {problems[0].message}")
    operation, fragments = _parts(document)
    walk = _Walk(schema, granted, fragments)
    walk.selections(operation.selection_set, schema.graphql.query_type, depth=0, has_id=True)
    if walk.connections == 0:
        raise BulkQueryRefused("Bulk queries must contain at least one connection.")
    if walk.connections > MAX_CONNECTIONS:
        raise BulkQueryRefused(f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections.")
    return BulkQuery(operation, fragments, walk.access_missing)


def _parts(document: DocumentNode) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise BulkQueryRefused("Bulk queries must contain exactly one operation, which must be a query.")
    if operations[0].variable_definitions:
        raise BulkQueryRefused("Bulk queries cannot use variables.")
    return operations[0], fragments


class _Walk:
    def __init__(
        self, schema: AdminSchema, granted: frozenset[str], fragments: dict[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._granted = granted
        self._fragments = fragments
        self.connections = 0
        self.access_missing: str | None = None

    def selections(self, selections: SelectionSetNode, parent: Any, *, depth: int, has_id: bool) -> None:
        for selection in selections.selections:
            if isinstance(selection, InlineFragmentNode):
                named = condition(selection)
                inner = parent if named is None else self._schema.graphql.type_map[named]
                self.selections(selection.selection_set, inner, depth=depth, has_id=has_id)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                inner = self._schema.graphql.type_map[fragment.type_condition.name.value]
                self.selections(fragment.selection_set, inner, depth=depth, has_id=has_id)
            elif isinstance(selection, FieldNode):
                self._field(selection, parent, depth=depth, has_id=has_id)

    def _field(self, field: FieldNode, parent: Any, *, depth: int, has_id: bool) -> None:
        name = field.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        if parent.name == "QueryRoot" and name in ("node", "nodes"):
            raise BulkQueryRefused(f"Bulk queries cannot contain the top-level `{name}` field.")
        result = parent.fields[name].type
        missing = scopes.missing(self._schema, self._granted, parent.name, name, result)
        self.access_missing = self.access_missing or missing
        named = get_named_type(result)
        if field.selection_set is None:
            return
        if named.name.endswith("Connection"):
            self._connection(field, named, depth=depth, has_id=has_id)
        else:
            # Ids are looked for on nodes only; an object between node and connection changes nothing.
            self.selections(field.selection_set, named, depth=depth, has_id=has_id)

    def _connection(self, field: FieldNode, connection: Any, *, depth: int, has_id: bool) -> None:
        self.connections += 1
        if depth >= MAX_NESTING + 1:
            raise BulkQueryRefused(f"Bulk queries cannot nest connections deeper than {MAX_NESTING} levels.")
        if not has_id:
            raise BulkQueryRefused(
                "The parent 'node' field for a nested connection must select the 'id' field"
                " without an alias and must be of 'ID' return type."
            )
        nodes = node_selections(field, self._fragments)
        if not nodes:
            raise BulkQueryRefused(f"The connection `{field.name.value}` must select its nodes.")
        node_type = get_named_type(connection.fields["nodes"].type)
        if not _implements_node(node_type):
            raise BulkQueryRefused(
                f"`{field.name.value}`: nodes of a bulk query must implement the Node interface."
            )
        for selections in nodes:
            selects_id = any(
                part.name.value == "id" and part.alias is None for part in flat(selections, self._fragments)
            )
            self.selections(selections, node_type, depth=depth + 1, has_id=selects_id)


def node_selections(field: FieldNode, fragments: dict[str, FragmentDefinitionNode]) -> list[SelectionSetNode]:
    """What `edges { node { … } }` and `nodes { … }` ask of each node."""
    found = []
    for part in flat(field.selection_set, fragments) if field.selection_set else []:
        if part.name.value == "nodes" and part.selection_set is not None:
            found.append(part.selection_set)
        elif part.name.value == "edges" and part.selection_set is not None:
            inner = flat(part.selection_set, fragments)
            found += [
                edge.selection_set for edge in inner if edge.name.value == "node" and edge.selection_set
            ]
    return found


def flat(selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> list[FieldNode]:
    """The fields of a selection, fragments opened whatever their type."""
    fields: list[FieldNode] = []
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            fields.append(selection)
        elif isinstance(selection, InlineFragmentNode):
            fields += flat(selection.selection_set, fragments)
        elif isinstance(selection, FragmentSpreadNode):
            fields += flat(fragments[selection.name.value].selection_set, fragments)
    return fields


def _implements_node(node_type: Any) -> bool:
    return node_type.name == "Node" or any(
        interface.name == "Node" for interface in getattr(node_type, "interfaces", ())
    )
