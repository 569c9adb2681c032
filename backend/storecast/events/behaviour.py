"""What customers did, rolled up for segments: the newest instants of every kind, in all and by product or campaign.

Kept in the transaction that processes the events, two upserts a batch, so that the roll-up is never behind them. An
instant is folded in once: events are processed once, and what a browser did before its customer was known follows
when they are. A click that turns out to be a machine's is taken out again; what the twenty newest had pushed out does
not come back, so that only a customer of more than twenty clicks may lack one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId

Kind = Literal["opened", "clicked", "viewed", "added_to_cart", "started_checkout"]

KINDS: tuple[Kind, ...] = ("opened", "clicked", "viewed", "added_to_cart", "started_checkout")
KEPT = 20
"""Instants kept of each kind, and with it the most times that a segment may ask for."""

BY_MESSAGE: dict[str, Kind] = {"open": "opened", "click": "clicked"}
BY_PIXEL: dict[str, Kind] = {
    "product_viewed": "viewed",
    "product_added_to_cart": "added_to_cart",
    "checkout_started": "started_checkout",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A customer did something; ``subject`` is the product's gid or the campaign's id, where there is one."""

    customer_id: int
    kind: Kind
    at: datetime
    subject: str | None = None


def _merged(column: str) -> str:
    newest = (
        f"SELECT array_agg(at ORDER BY at DESC) FROM ("
        f"SELECT at FROM unnest(stored.{column} || EXCLUDED.{column}) AS at ORDER BY at DESC LIMIT {KEPT}) AS newest"
    )
    return f"{column} = CASE WHEN EXCLUDED.{column} IS NULL THEN stored.{column} ELSE ({newest}) END"


# A customer who was erased since is not given a row again.
_GIVEN = """
    SELECT given.* FROM unnest(
      CAST(:customer_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:ats AS timestamptz[]), CAST(:subjects AS text[])
    ) AS given (customer_id, kind, at, subject)
    JOIN customers ON customers.shop_id = :shop_id AND customers.id = given.customer_id
"""

_NEWEST = f"(array_agg(at ORDER BY at DESC) {{}})[1\\:{KEPT}]"

_RECORD = text(f"""
    INSERT INTO customer_behaviour AS stored (shop_id, customer_id, {", ".join(f"{kind}_at" for kind in KINDS)})
    SELECT :shop_id, customer_id,
      {", ".join(_NEWEST.format(f"FILTER (WHERE kind = '{kind}')") for kind in KINDS)}
    FROM ({_GIVEN}) AS given GROUP BY customer_id ORDER BY customer_id
    ON CONFLICT (customer_id) DO UPDATE SET {", ".join(_merged(f"{kind}_at") for kind in KINDS)}
""")

_RECORD_INTERESTS = text(f"""
    INSERT INTO customer_interests AS stored (shop_id, kind, subject, customer_id, recent_at)
    SELECT :shop_id, kind, subject, customer_id, {_NEWEST.format("")}
    FROM ({_GIVEN}) AS given WHERE subject IS NOT NULL
    GROUP BY kind, subject, customer_id ORDER BY kind, subject, customer_id
    ON CONFLICT (shop_id, kind, subject, customer_id) DO UPDATE SET {_merged("recent_at")}
""")

_WITHOUT = "ARRAY(SELECT at FROM unnest({0}) AS at WHERE at <> ALL(given.ats) ORDER BY at DESC)"

_RETRACT = text(f"""
    UPDATE customer_behaviour AS stored
       SET {
    ", ".join(
        f"{kind}_at = CASE WHEN given.kind = '{kind}' THEN NULLIF({_WITHOUT.format(f'stored.{kind}_at')}, '{{}}') "
        f"ELSE stored.{kind}_at END"
        for kind in ("opened", "clicked")
    )
}
      FROM (SELECT customer_id, kind, array_agg(at) AS ats FROM ({_GIVEN}) AS given GROUP BY 1, 2) AS given
     WHERE stored.shop_id = :shop_id AND stored.customer_id = given.customer_id
""")

_RETRACT_INTERESTS = text(f"""
    WITH given AS (
      SELECT customer_id, kind, subject, array_agg(at) AS ats FROM ({_GIVEN}) AS given GROUP BY 1, 2, 3
    ), gone AS (
      DELETE FROM customer_interests AS stored USING given
      WHERE stored.shop_id = :shop_id AND stored.kind = given.kind AND stored.subject = given.subject
        AND stored.customer_id = given.customer_id AND stored.recent_at <@ given.ats
    )
    UPDATE customer_interests AS stored SET recent_at = {_WITHOUT.format("stored.recent_at")} FROM given
    WHERE stored.shop_id = :shop_id AND stored.kind = given.kind AND stored.subject = given.subject
      AND stored.customer_id = given.customer_id AND NOT stored.recent_at <@ given.ats
""")

_EARLIER = text("""
    SELECT identity.customer_id, event.name, least(event.occurred_at, event.received_at) AS at, event.product_gid
      FROM pixel_events AS event
      JOIN identities AS identity ON identity.shop_id = :shop_id AND identity.client_id = event.client_id
     WHERE event.shop_id = :shop_id AND event.client_id = ANY(:client_ids) AND event.name = ANY(:names)
       AND event.processed_at IS NOT NULL AND identity.customer_id IS NOT NULL
""")


def record(session: Session, shop_id: ShopId, moments: Iterable[Moment]) -> None:
    """Fold what customers did into the roll-up. Rows are locked in the order of their keys."""
    if given := _columns(shop_id, moments):
        session.execute(_RECORD, given)
        session.execute(_RECORD_INTERESTS, given)


def retract(session: Session, shop_id: ShopId, moments: Iterable[Moment]) -> None:
    """Take opens or clicks out that were no person's after all."""
    if given := _columns(shop_id, moments):
        session.execute(_RETRACT, given)
        session.execute(_RETRACT_INTERESTS, given)


def earlier(session: Session, shop_id: ShopId, client_ids: Collection[str]) -> list[Moment]:
    """What these browsers did in events that were processed before their customer was known."""
    given = {"shop_id": shop_id, "client_ids": list(client_ids), "names": list(BY_PIXEL)}
    return [
        Moment(row.customer_id, BY_PIXEL[row.name], row.at, row.product_gid)
        for row in session.execute(_EARLIER, given)
    ]


def _columns(shop_id: ShopId, moments: Iterable[Moment]) -> dict[str, object]:
    listed = list(moments)
    if not listed:
        return {}
    return {
        "shop_id": shop_id,
        "customer_ids": [moment.customer_id for moment in listed],
        "kinds": [moment.kind for moment in listed],
        "ats": [moment.at for moment in listed],
        "subjects": [moment.subject for moment in listed],
    }
