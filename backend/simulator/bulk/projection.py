"""Compiles a selection into plain functions, so that a million nodes cost a million dictionary builds and no executor.

Measured on the CDNOW store: 69,659 orders with transactions, fulfillments and 107,864 lines, 102 MB, in 4.5 s of CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

from simulator.admin_api.context import Context
from simulator.admin_api.fragments import condition
from simulator.admin_api.objects import CONNECTIONS, FIELDS, Getter, getter, type_name
from simulator.admin_api.order_fields import AMOUNTS
from simulator.bulk.rules import node_selections
from simulator.gids import gid

Project = Callable[[Any], Any]

REMEMBERED = 50_000
"""Projections kept for reuse in one field of one run: a few MB at most."""


class NodePlan:
    """How one kind of node becomes a line, and which connections hang on it."""

    def __init__(self, ctx: Context, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._ctx = ctx
        self._fragments = fragments
        self._parts: list[tuple[str, Project]] = []
        self._typed: list[tuple[str, NodePlan]] = []
        self.children: list[tuple[Callable[[Any], list[Any]], NodePlan]] = []

    def add(self, selections: SelectionSetNode, parent: Any) -> NodePlan:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                self._add_field(selection, parent)
            elif isinstance(selection, InlineFragmentNode | FragmentSpreadNode):
                self._add_fragment(selection, parent)
        return self

    def project(self, source: Any) -> dict[str, Any]:
        line = {key: project(source) for key, project in self._parts}
        if self._typed:
            for name, plan in self._typed:
                if type_name(source) == name:
                    line.update(plan.project(source))
        return line

    def child_lines(self, source: Any, parent_id: str) -> Iterator[dict[str, Any]]:
        """Every line below this node, parents before their children."""
        for items, plan in self.children:
            for item in items(source):
                line = plan.project(item)
                line["__parentId"] = parent_id
                yield line
                if plan.children:
                    yield from plan.child_lines(item, line["id"])

    def _add_fragment(self, selection: InlineFragmentNode | FragmentSpreadNode, parent: Any) -> None:
        if isinstance(selection, FragmentSpreadNode):
            fragment = self._fragments[selection.name.value]
            named, selections = condition(fragment), fragment.selection_set
        else:
            named, selections = condition(selection), selection.selection_set
        inner = parent if named is None else self._ctx.schema.graphql.type_map[named]
        if (
            inner is parent
            or not isinstance(inner, GraphQLObjectType)
            or isinstance(parent, GraphQLObjectType)
        ):
            self.add(selections, parent if isinstance(parent, GraphQLObjectType) else inner)
            return
        plan = NodePlan(self._ctx, self._fragments).add(selections, inner)
        self._typed.append((inner.name, plan))
        self.children += plan.children

    def _add_field(self, field: FieldNode, parent: Any) -> None:
        name, ctx = field.name.value, self._ctx
        key = field.alias.value if field.alias else name
        if name == "__typename":
            self._parts.append((key, lambda source: type_name(source) or parent.name))
            return
        result = parent.fields[name].type
        named = get_named_type(result)
        if named.name.endswith("Connection"):
            self._add_connection(field, parent, named)
            return
        read = getter(parent.name, name, result)
        if field.selection_set is None or is_leaf_type(named):
            self._parts.append((key, self._scalar(parent.name, name, read)))
            return
        plan = NodePlan(ctx, self._fragments).add(field.selection_set, named)
        self.children += [(_below(read, ctx, items), child) for items, child in plan.children]
        self._parts.append((key, self._object(parent, name, result, read, plan)))

    def _object(self, parent: Any, name: str, result: Any, read: Getter, plan: NodePlan) -> Project:
        ctx = self._ctx
        if isinstance(result.of_type if isinstance(result, GraphQLNonNull) else result, GraphQLList):
            return lambda source: [plan.project(item) for item in read(source, ctx)]
        minor = AMOUNTS.get(parent.name, {}).get(name.removesuffix("Set"))
        if minor is not None:
            return _remembered(
                lambda source: (minor(source), source.currency),
                lambda source: plan.project(read(source, ctx)),
            )
        if parent.name == "LineItem" and name in ("variant", "product") and not plan.children:
            # Many lines, few products: what is said of one is said of all.
            return _remembered(
                lambda item: item.line.variant_id,
                lambda item: None if read(item, ctx) is None else plan.project(read(item, ctx)),
            )
        if parent.name == "Order" and name == "customer" and plan.asks_only_ids():
            # The one reference that every order query makes: its id is in the order's own row.
            return lambda order: {"id": gid("Customer", order.customer_id)} if order.customer_id else None
        return lambda source: None if (value := read(source, ctx)) is None else plan.project(value)

    def _scalar(self, parent: str, name: str, read: Getter) -> Project:
        ctx = self._ctx
        listed = FIELDS.get(parent, {}).get(name)
        if listed is None:

            def from_dict(source: Any) -> Any:
                value = source.get(name) if type(source) is dict else None
                return read(source, ctx) if value is None else value

            return from_dict

        def straight(source: Any) -> Any:
            value = listed(source, ctx)
            return read(source, ctx) if value is None else value

        return straight

    def asks_only_ids(self) -> bool:
        return not self._typed and not self.children and {key for key, _ in self._parts} == {"id"}

    def _add_connection(self, field: FieldNode, parent: Any, connection: Any) -> None:
        ctx = self._ctx
        listed = CONNECTIONS.get((parent.name, field.name.value))
        arguments = {part.name.value: value_from_ast_untyped(part.value) for part in field.arguments}
        plan = NodePlan(ctx, self._fragments)
        node_type = get_named_type(connection.fields["nodes"].type)
        for selections in node_selections(field, dict(self._fragments)):
            plan.add(selections, node_type)
        if listed is not None:
            self.children.append((lambda source: listed(source, ctx, arguments), plan))


def _below(read: Getter, ctx: Context, items: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    def through(source: Any) -> list[Any]:
        value = read(source, ctx)
        return [] if value is None else items(value)

    return through


def _remembered(key: Callable[[Any], Hashable], project: Project) -> Project:
    """One projection for each key: amounts and products repeat all through a history."""
    known: dict[Hashable, Any] = {}

    def remember(source: Any) -> Any:
        found = key(source)
        try:
            return known[found]
        except KeyError:
            if len(known) >= REMEMBERED:
                known.clear()
            value = known[found] = project(source)
            return value

    return remember
