"""What customers did: the newest instants of every kind, kept on their facts for segments.

Whoever processes events folds them in within the same transaction, so that facts are never behind; each event once.
Taking something out makes room for what it had pushed out: whoever takes it out looks that up and restores it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.customers import facts
from storecast.kit.types import ShopId

Kind = Literal["opened", "clicked", "viewed", "added_to_cart", "started_checkout"]

KINDS: tuple[Kind, ...] = ("opened", "clicked", "viewed", "added_to_cart", "started_checkout")
KEPT = 20
"""Instants kept of each kind, and with it the most times that a segment may ask for."""


class Done(NamedTuple):
    """A customer did something."""

    customer_id: int
    kind: Kind
    at: datetime


_GIVEN = """
    unnest(CAST(:customer_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:ats AS timestamptz[]))
      AS given (customer_id, kind, at)
"""


def newest(condition: str = "true") -> str:
    """SQL of the newest instants ``at`` of a group for which the condition holds; null where it has none."""
    return f"(array_agg(at ORDER BY at DESC) FILTER (WHERE {condition}))[1\\:{KEPT}]"


def merged(stored: str, given: str) -> str:
    """SQL of the newest instants of two arrays, of which either may be null."""
    both = f"SELECT at FROM unnest({stored} || {given}) AS at ORDER BY at DESC LIMIT {KEPT}"
    return f"CASE WHEN {given} IS NULL THEN {stored} ELSE ARRAY({both}) END"


def without(stored: str, given: str) -> str:
    """SQL of an array of instants without those of another, null when nothing is left."""
    return f"NULLIF(ARRAY(SELECT at FROM unnest({stored}) AS at WHERE at <> ALL({given}) ORDER BY at DESC), '{{}}')"


def joined(stored: str, given: str) -> str:
    """SQL of the newest instants that are in one of two arrays, each as often as in the one that has more of it."""
    counted = " UNION ALL ".join(
        f"SELECT at, count(*) AS often FROM unnest({each}) AS at GROUP BY at" for each in (stored, given)
    )
    return (
        f"ARRAY(SELECT at FROM (SELECT at, max(often) AS often FROM ({counted}) AS counted GROUP BY at) AS either, "
        f"generate_series(1, often) ORDER BY at DESC LIMIT {KEPT})"
    )


_NEW = ", ".join("{} AS {}_at".format(newest(f"kind = '{kind}'"), kind) for kind in KINDS)
_MERGED = ", ".join(f"{kind}_at = " + merged(f"stored.{kind}_at", f"given.{kind}_at") for kind in KINDS)

_RECORD = text(f"""
    UPDATE customer_facts AS stored
       SET {_MERGED}, last_opened_at = greatest(stored.last_opened_at, given.opened_at[1]),
           last_clicked_at = greatest(stored.last_clicked_at, given.clicked_at[1]), updated_at = now()
      FROM (SELECT customer_id, {_NEW} FROM {_GIVEN} GROUP BY customer_id ORDER BY customer_id) AS given
     WHERE stored.shop_id = :shop_id AND stored.customer_id = given.customer_id
""")

_TAKEN_OUT = ", ".join(
    f"{kind}_at = CASE WHEN given.kind <> '{kind}' THEN stored.{kind}_at ELSE "
    + without(f"stored.{kind}_at", "given.ats")
    + " END"
    for kind in KINDS
)

_SIZES = ", ".join(f"coalesce(cardinality(stored.{kind}_at), 0)" for kind in KINDS)

_TAKE_OUT = text(f"""
    UPDATE customer_facts AS stored SET {_TAKEN_OUT}, updated_at = now()
      FROM (SELECT customer_id, kind, array_agg(at) AS ats FROM {_GIVEN} GROUP BY customer_id, kind) AS given
     WHERE stored.shop_id = :shop_id AND stored.customer_id = given.customer_id
    RETURNING stored.customer_id, cardinality(given.ats) + greatest({_SIZES}) >= {KEPT} AS was_full
""")

_JOINED = ", ".join(
    f"{kind}_at = CASE WHEN given.{kind}_at IS NULL THEN stored.{kind}_at ELSE "
    + joined(f"stored.{kind}_at", f"given.{kind}_at")
    + " END"
    for kind in KINDS
)

_RESTORE = text(f"""
    UPDATE customer_facts AS stored SET {_JOINED}, updated_at = now()
      FROM (SELECT customer_id, {_NEW} FROM {_GIVEN} GROUP BY customer_id) AS given
     WHERE stored.shop_id = :shop_id AND stored.customer_id = given.customer_id
""")


def record(session: Session, shop_id: ShopId, done: Collection[Done]) -> None:
    """Fold what customers did into their facts, those who are gone since left aside; the newest are kept."""
    if given := _columns(shop_id, done):
        facts.hold(session, shop_id, {customer_id for customer_id, _kind, _at in done})
        session.execute(_RECORD, given)


def take_out(session: Session, shop_id: ShopId, done: Collection[Done]) -> list[int]:
    """Take out what they did not do after all, all of one kind; returns who may lack older instants now."""
    if given := _columns(shop_id, done):
        return [row.customer_id for row in session.execute(_TAKE_OUT, given) if row.was_full]
    return []


def restore(session: Session, shop_id: ShopId, done: Collection[Done]) -> None:
    """Put back what is missing of these; what is there already is not counted twice."""
    if given := _columns(shop_id, done):
        session.execute(_RESTORE, given)


def _columns(shop_id: ShopId, done: Collection[Done]) -> dict[str, object]:
    if not done:
        return {}
    customer_ids, kinds, ats = zip(*done, strict=True)
    return {"shop_id": shop_id, "customer_ids": [*customer_ids], "kinds": [*kinds], "ats": [*ats]}
