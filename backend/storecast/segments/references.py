"""What rules refer to: other segments, Shopify's segments, uploaded lists, campaigns, products and collections.

A segment that is saved refers only to what is there, never to itself by any way, and at most `MAX_NESTING` segments
deep. Whoever saves a reference to a segment holds the lock of `repository.lock_all`, so that two people cannot close
a circle from both ends. What was removed afterwards (in Shopify, say) has nobody in it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlalchemy.orm import Session

from storecast.customers import shopify_segments
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.types import ShopId
from storecast.products import service as products
from storecast.segments import lists_repository, repository
from storecast.segments.compiler import Known
from storecast.segments.fields import FIELDS
from storecast.segments.rules import (
    Condition,
    Group,
    Happening,
    Negation,
    list_conditions,
    parse,
    read_value,
    reread,
)

MAX_NESTING = 4
"""Segments within segments: more than anybody can explain."""

MAX_CONDITIONS = 200
"""With those of all segments that are put in: bounds the statement."""

Rules = Group | Negation | Condition


class Campaigns(Protocol):
    """What segments need to know of campaigns, which live in a module above."""

    def ids_by_public_id(
        self, session: Session, shop_id: ShopId, public_ids: Collection[str]
    ) -> dict[str, int]:
        """Internal ids of those that there are."""

    def list_names(
        self, session: Session, shop_id: ShopId, search: str, public_ids: Sequence[str], limit: int
    ) -> dict[str, str]:
        """Names by public id: of these, or without them of those whose name has the words, the newest first."""


_campaigns: list[Campaigns] = []


def provide_campaigns(campaigns: Campaigns) -> None:
    """Make known which campaigns there are. Providing them twice has no effect."""
    if campaigns not in _campaigns:
        _campaigns.append(campaigns)


@dataclass(slots=True)
class _Wanted:
    """The ids that conditions name, by what they name."""

    ids: dict[str, set[str]] = field(default_factory=dict)

    def add(self, kind: str, name: str) -> None:
        self.ids.setdefault(kind, set()).add(name)

    def of(self, kind: str) -> set[str]:
        return self.ids.get(kind, set())


def named(condition: Condition, currency: str) -> tuple[str, str, str] | None:
    """What a condition refers to: its kind, its id, and where in the condition that stands."""
    kind = FIELDS[condition.field].type
    if kind in ("segment", "shopify_segment", "list"):
        return kind, str(condition.value), "/value"
    if kind == "behaviour":
        value = read_value(condition, currency)
        if isinstance(value, Happening) and value.subject is not None:
            return value.subject, value.subject_id, f"/value/{value.subject}"
    return None


def segments_named(rules: Rules) -> set[str]:
    """The public ids of the segments that a tree names itself."""
    return {str(condition.value) for _at, condition in list_conditions(rules) if condition.field == "segment"}


def resolve(
    session: Session, shop_id: ShopId, rules: Rules, *, currency: str, own_id: str | None = None
) -> Known:
    """Everything that the rules refer to, as far as it is there; raises Invalid for a circle or too many segments.

    ``own_id`` is the public id of the segment whose rules these are.
    """
    segments = _load_segments(session, shop_id, rules, currency)
    if errors := list(_nesting_faults(rules, segments, own_id)):
        raise Invalid(
            "Segments cannot be put into each other like this.", code="rules_invalid", errors=errors
        )
    wanted = _Wanted()
    for tree in (rules, *segments.values()):
        for _at, condition in list_conditions(tree):
            if found := named(condition, currency):
                wanted.add(found[0], found[1])
    campaigns: dict[str, int] = {}
    for source in _campaigns:
        if wanted.of("campaign"):
            campaigns |= source.ids_by_public_id(session, shop_id, wanted.of("campaign"))
    return Known(
        segments=segments,
        shopify_segments=shopify_segments.ids_by_gid(session, shop_id, wanted.of("shopify_segment")),
        lists=lists_repository.ids_by_public_id(session, shop_id, wanted.of("list")),
        campaigns=campaigns,
    )


def refuse_missing(session: Session, shop_id: ShopId, rules: Rules, known: Known, *, currency: str) -> None:
    """Raise Invalid naming every condition that refers to something that is not there."""
    wanted = _Wanted()
    conditions = list(list_conditions(rules))
    for _at, condition in conditions:
        if found := named(condition, currency):
            wanted.add(found[0], found[1])
    there: dict[str, Collection[str]] = {
        "segment": known.segments,
        "shopify_segment": known.shopify_segments,
        "list": known.lists,
        "campaign": known.campaigns,
        "product": products.known_gids(session, shop_id, wanted.of("product")),
        "collection": products.known_collection_gids(session, shop_id, wanted.of("collection")),
    }
    errors = [
        FieldError(f"{at}{where}", f"There is no such {kind.replace('_', ' ')}.", "unknown_reference")
        for at, condition in conditions
        if (found := named(condition, currency))
        for kind, name, where in [found]
        if name not in there[kind]
    ]
    if errors:
        raise Invalid("The rules refer to something that is not there.", code="rules_invalid", errors=errors)


Kind = Literal["product", "collection", "campaign", "segment", "shopify_segment", "list"]


def list_choices(
    session: Session, shop_id: ShopId, kind: Kind, *, search: str, ids: Sequence[str], limit: int
) -> dict[str, str]:
    """What a rule may refer to, name by id: these, or those whose name has the words."""
    if kind == "product":
        return products.list_titles(session, shop_id, search=search, gids=ids, limit=limit)
    if kind == "collection":
        return products.list_collection_titles(session, shop_id, search=search, gids=ids, limit=limit)
    if kind == "campaign":
        found: dict[str, str] = {}
        for source in _campaigns:
            found |= source.list_names(session, shop_id, search, ids, limit)
        return found
    if kind == "segment":
        named = [(each.public_id, each.name) for each in repository.list_all(session, shop_id)]
    elif kind == "list":
        named = [(each.public_id, each.name) for each in lists_repository.list_all(session, shop_id)]
    else:
        named = [(each.gid, each.name) for each in shopify_segments.list_all(session, shop_id)]
    return {
        key: name
        for key, name in sorted(named, key=lambda item: item[1].lower())
        if (key in ids if ids else search.lower() in name.lower())
    }


def users_of(session: Session, shop_id: ShopId, kind: str, name: str) -> list[str]:
    """The names of the segments whose own rules ask for this segment or list."""
    return [
        segment.name
        for segment in repository.list_all(session, shop_id)
        if any(
            condition.field == kind and condition.value == name
            for _at, condition in list_conditions(reread(segment.rules))
        )
    ]


def _load_segments(session: Session, shop_id: ShopId, rules: Rules, currency: str) -> dict[str, Rules]:
    """Every segment that is reached, by public id. Ends: no segment is loaded twice."""
    loaded: dict[str, Rules] = {}
    wanted = segments_named(rules)
    while missing := wanted - loaded.keys():
        found = repository.rules_by_public_id(session, shop_id, missing)
        loaded |= {name: parse(tree, currency=currency) for name, tree in found.items()}
        wanted = {inner for name in found for inner in segments_named(loaded[name])}
    return loaded


def _nesting_faults(rules: Rules, segments: Mapping[str, Rules], own_id: str | None) -> Iterator[FieldError]:
    total = 0
    for at, condition in list_conditions(rules):
        total += 1
        if condition.field != "segment":
            continue
        name = str(condition.value)
        if _comes_back(name, segments, own_id, ()):
            message = "This segment is made of the one that you are changing: that would be a circle."
            yield FieldError(f"{at}/value", message, "segment_cycle")
        elif (depth := _depth(name, segments)) > MAX_NESTING:
            message = f"Segments may stand in each other {MAX_NESTING} deep; this would be {depth}."
            yield FieldError(f"{at}/value", message, "too_deep")
        else:
            total += _size(name, segments)
    if total > MAX_CONDITIONS:
        message = f"With all segments put in, at most {MAX_CONDITIONS} conditions fit; these are {total}."
        yield FieldError("/rules", message, "too_many")


def _inner(name: str, segments: Mapping[str, Rules]) -> set[str]:
    return segments_named(segments[name]) if name in segments else set()


def _comes_back(name: str, segments: Mapping[str, Rules], own_id: str | None, path: tuple[str, ...]) -> bool:
    if name == own_id or name in path:
        return True
    # Deeper than is allowed anyway: no need to look for the end of it.
    if len(path) > MAX_NESTING:
        return False
    return any(_comes_back(inner, segments, own_id, (*path, name)) for inner in _inner(name, segments))


def _depth(name: str, segments: Mapping[str, Rules], limit: int = MAX_NESTING + 1) -> int:
    if limit == 1:
        return 1
    return 1 + max((_depth(inner, segments, limit - 1) for inner in _inner(name, segments)), default=0)


def _size(name: str, segments: Mapping[str, Rules]) -> int:
    """Conditions of a segment with those of its own put in; the depth was checked before."""
    if name not in segments:
        return 0
    sizes = 0
    for _at, condition in list_conditions(segments[name]):
        sizes += 1 + (_size(str(condition.value), segments) if condition.field == "segment" else 0)
    return sizes
