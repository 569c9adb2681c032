"""Who may see what: the platform's own map of types and fields to access scopes."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import GraphQLOutputType, get_named_type

from simulator.schema import AdminSchema


def effective(scopes: Iterable[str]) -> frozenset[str]:
    """Writing includes reading."""
    granted = set(scopes)
    granted.update(
        "read_" + scope.removeprefix("write_") for scope in tuple(granted) if scope.startswith("write_")
    )
    return frozenset(granted)


def missing(schema: AdminSchema, scopes: frozenset[str], type_name: str, field_name: str,
            result: GraphQLOutputType) -> str | None:  # fmt: skip
    """What this field requires and the scopes lack, in the platform's words; None when it is open."""
    wanted = schema.field_scopes.get((type_name, field_name))
    if wanted is not None and scopes.isdisjoint(wanted):
        return schema.required_access.get((type_name, field_name)) or f"`{wanted[0]}` access scope."
    return missing_type(schema, scopes, _node_type(get_named_type(result).name))


def missing_type(schema: AdminSchema, scopes: frozenset[str], type_name: str) -> str | None:
    wanted = schema.type_scopes.get(type_name)
    if wanted is not None and scopes.isdisjoint(wanted):
        return schema.required_access.get((type_name, None)) or f"`{wanted[0]}` access scope."
    return None


def _node_type(name: str) -> str:
    # A connection is as closed as its nodes: refusing at its field names the field that the caller wrote.
    return name.removesuffix("Connection") if name.endswith("Connection") else name
