"""What can be synchronised: how each resource is named at Shopify, what opens it and how it is asked for changes.

The names are those of the operations too: ``bulk_{name}``, ``bulk_ids_{name}``, ``page_{name}``, ``by_ids_{name}`` and,
for those with children, ``children_{name}``.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Resource = Literal["customers", "products", "collections", "orders", "abandoned_checkouts", "segments"]

RESOURCES: tuple[Resource, ...] = get_args(Resource)
"""In the order of import: orders are linked to customers that are already there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource at Shopify. ``children`` is the connection inside it, whose nodes are lines of their own.

    ``changed`` is the field that says when it last changed. ``by_change`` says whether pages come in that order and
    may be asked for from an instant on; where they do not, all pages are read. A webhook tells of every change to what
    is ``told``. In results of ``families`` children follow their parent, so that a chunk shows which have gone.
    """

    root: str
    scope: str
    children: str | None = None
    changed: str = "updatedAt"
    by_change: bool = True
    searchable: bool = True
    told: bool = False
    families: bool = False


KINDS: dict[Resource, Kind] = {
    "customers": Kind("customers", "read_customers", told=True),
    "products": Kind("products", "read_products", children="variants", told=True, families=True),
    "collections": Kind("collections", "read_products", children="products"),
    "orders": Kind("orders", "read_orders", children="lineItems", told=True, families=True),
    # Neither can be sorted by its last change and searched by it at once.
    "abandoned_checkouts": Kind("abandonedCheckouts", "read_orders", by_change=False),
    "segments": Kind("segments", "read_customers", changed="lastEditDate", by_change=False, searchable=False),
}


def named(name: str) -> Resource:
    """The resource of a stored name; raises ValueError for none of ours."""
    if name not in RESOURCES:
        raise ValueError(f"not a resource: {name!r}")
    return name


def missing_scope(resource: Resource, scopes: list[str]) -> str | None:
    """The scope that the app lacks for a resource; writing includes reading. Unknown scopes (none) lack nothing."""
    wanted = KINDS[resource].scope
    held = {scope.replace("write_", "read_", 1) for scope in scopes}
    return wanted if scopes and wanted not in held else None
