"""The type that a fragment applies to."""

from __future__ import annotations

from graphql import FragmentDefinitionNode, InlineFragmentNode


def condition(fragment: InlineFragmentNode | FragmentDefinitionNode) -> str | None:
    """Its name; None for `... { }`, which graphql-core's annotations do not admit."""
    named = getattr(fragment, "type_condition", None)
    return None if named is None else str(named.name.value)
