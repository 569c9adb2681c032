"""The GraphQL operations that Storecast sends, one file each; a test holds every one against Shopify's schema."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_DEFINITION = re.compile(r"^(query|mutation)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation; ``repeatable`` when sending it twice has the effect of once."""

    name: str
    text: str
    repeatable: bool


@cache
def load(name: str) -> Operation:
    """The operation of ``graphql/{name}.graphql``."""
    text = files(__package__).joinpath("graphql", f"{name}.graphql").read_text()
    match = _DEFINITION.search(text)
    if match is None:
        raise ValueError(f"{name}.graphql defines no named operation")
    return Operation(name=name, text=text, repeatable=match[1] == "query")


def list_names() -> list[str]:
    """The names of all operations."""
    folder = files(__package__).joinpath("graphql")
    return sorted(
        entry.name.removesuffix(".graphql") for entry in folder.iterdir() if entry.name.endswith(".graphql")
    )
