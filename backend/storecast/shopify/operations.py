"""The GraphQL operations that Storecast sends, one file each; a test holds every one against Shopify's schema."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

NEVER_TWICE = frozenset({"store_credit_add"})
"""Mutations that pay again when they are sent again: not even after a 503, which may hide that they were executed."""

_DEFINITION = re.compile(r"^(query|mutation)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation; ``repeatable`` when sending it twice has the effect of once, ``once`` when it must not be."""

    name: str
    text: str
    repeatable: bool
    once: bool = False


@cache
def load(name: str) -> Operation:
    """The operation of ``graphql/{name}.graphql``."""
    text = files(__package__).joinpath("graphql", f"{name}.graphql").read_text()
    match = _DEFINITION.search(text)
    if match is None:
        raise ValueError(f"{name}.graphql defines no named operation")
    return Operation(name=name, text=text, repeatable=match[1] == "query", once=name in NEVER_TWICE)


def list_names() -> list[str]:
    """The names of all operations."""
    folder = files(__package__).joinpath("graphql")
    return sorted(
        entry.name.removesuffix(".graphql") for entry in folder.iterdir() if entry.name.endswith(".graphql")
    )
