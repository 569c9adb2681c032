"""What a query costs: an object one point, a connection two and its page size times a node, a mutation ten.

The requested cost is counted on the query alone and enforced before it runs; the actual cost is counted on the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_leaf_type,
)

from simulator.admin_api.fragments import condition

MUTATION_COST = 10
CONNECTION_COST = 2
MAX_QUERY_COST = 1_000
MAX_PAGE_SIZE = 250
PAGE_SIZE_LIMITS = {"customerSegmentMembers": 1_000}

Fragments = Mapping[str, FragmentDefinitionNode]
Variables = Mapping[str, Any]
UNKNOWN: Any = object()


class PageSizeRefused(Exception):
    """A connection without a usable `first` or `last`."""


def query_cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    variables: Variables,
    data: Any = UNKNOWN,
) -> int:
    """The requested cost, or the actual one when `data` is the answer."""
    counter = _Counter(schema, fragments, variables)
    root = schema.get_root_type(operation.operation)
    if operation.operation is OperationType.MUTATION:
        return MUTATION_COST * sum(1 for _ in counter.fields(operation.selection_set, root))
    return counter.selection(operation.selection_set, root, data)


class _Counter:
    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Variables) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def fields(self, selections: SelectionSetNode, parent: Any) -> Iterator[tuple[FieldNode, Any]]:
        """Every field with the type that it is asked of, fragments opened."""
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield selection, parent
            elif isinstance(selection, InlineFragmentNode):
                named = condition(selection)
                inner = parent if named is None else self._schema.type_map[named]
                yield from self.fields(selection.selection_set, inner)
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
                inner = self._schema.type_map[fragment.type_condition.name.value]
                yield from self.fields(fragment.selection_set, inner)

    def selection(self, selections: SelectionSetNode, parent: Any, data: Any) -> int:
        if data is None:
            return 0
        total = 0
        by_type: dict[str, int] = {}
        abstract = not isinstance(parent, GraphQLObjectType)
        for field, owner in self.fields(selections, parent):
            cost = self._field(field, owner, data)
            if abstract and owner is not parent:
                by_type[owner.name] = by_type.get(owner.name, 0) + cost
            else:
                total += cost
        return total + max(by_type.values(), default=0)

    def _field(self, field: FieldNode, parent: Any, data: Any) -> int:
        name = field.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        result = parent.fields[name].type
        named = get_named_type(result)
        if is_leaf_type(named) or field.selection_set is None:
            return 0
        key = field.alias.value if field.alias else name
        value = data if data is UNKNOWN else data.get(key)
        if named.name.endswith("Connection"):
            return self._connection(field, named, value)
        if value is None:
            return 0
        if isinstance(value, list):
            return sum(
                1 + self.selection(field.selection_set, named, item) for item in value if item is not None
            )
        return (1 if is_composite_type(named) else 0) + self.selection(field.selection_set, named, value)

    def _connection(self, field: FieldNode, connection: Any, value: Any) -> int:
        if value is None:
            return 0
        size = self._page_size(field)
        cost = CONNECTION_COST
        for part, _ in self.fields(field.selection_set, connection) if field.selection_set else ():
            name = part.name.value
            if name not in ("edges", "nodes") or part.selection_set is None:
                continue
            inner = get_named_type(connection.fields[name].type)
            items: Sequence[Any]
            if value is UNKNOWN:
                cost += size * self._node(part.selection_set, inner, name, UNKNOWN)
            else:
                items = value.get(part.alias.value if part.alias else name) or []
                cost += sum(self._node(part.selection_set, inner, name, item) for item in items)
        return cost

    def _node(self, selections: SelectionSetNode, inner: Any, name: str, item: Any) -> int:
        if name == "nodes":
            return 1 + self.selection(selections, inner, item)
        cost = 0
        for part, owner in self.fields(selections, inner):
            if part.name.value == "node" and part.selection_set is not None:
                node = item if item is UNKNOWN else item.get(part.alias.value if part.alias else "node")
                cost += 1 + self.selection(
                    part.selection_set, get_named_type(owner.fields["node"].type), node
                )
        return cost

    def _page_size(self, field: FieldNode) -> int:
        limit = PAGE_SIZE_LIMITS.get(field.name.value, MAX_PAGE_SIZE)
        for argument in field.arguments:
            if argument.name.value not in ("first", "last"):
                continue
            value: Any = None
            if isinstance(argument.value, IntValueNode):
                value = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                value = self._variables.get(argument.value.name.value)
            if value is None:
                continue
            if not 0 <= value <= limit:
                raise PageSizeRefused(
                    f"{argument.name.value} cannot exceed {limit}, got {value} on {field.name.value}"
                )
            return int(value)
        raise PageSizeRefused(f"you must provide one of first or last on {field.name.value}")
