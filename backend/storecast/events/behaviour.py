"""What customers did, rolled up for segments: the newest instants of every kind, in all and by product or campaign.

Kept in the transaction that processes the events, two statements a batch, so that the roll-up is never behind them: in
all on the customer's facts (`customers.behaviour`), by subject in a table of its own. An instant is folded in once:
events are processed once, and what a browser did before its customer was known follows when they are. A click that
turns out to be a machine's is taken out again, and what it had pushed out is read from the events.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.customers import behaviour as customers
from storecast.customers.behaviour import Done, Kind, joined, merged, newest, without
from storecast.kit.types import ShopId

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


# A customer who was erased since is not given a row again.
_GIVEN = """
    SELECT given.* FROM unnest(
      CAST(:customer_ids AS bigint[]), CAST(:kinds AS text[]), CAST(:ats AS timestamptz[]), CAST(:subjects AS text[])
    ) AS given (customer_id, kind, at, subject)
    JOIN customers ON customers.shop_id = :shop_id AND customers.id = given.customer_id
"""

_UPSERT_INTERESTS = f"""
    INSERT INTO customer_interests AS stored (shop_id, kind, subject, customer_id, recent_at)
    SELECT :shop_id, kind, subject, customer_id, {newest()}
    FROM ({_GIVEN}) AS given GROUP BY kind, subject, customer_id ORDER BY kind, subject, customer_id
    ON CONFLICT (shop_id, kind, subject, customer_id) DO UPDATE SET recent_at =
"""
_RECORD_INTERESTS = text(_UPSERT_INTERESTS + merged("stored.recent_at", "EXCLUDED.recent_at"))
_RESTORE_INTERESTS = text(_UPSERT_INTERESTS + joined("stored.recent_at", "EXCLUDED.recent_at"))

_RETRACT_INTERESTS = text(f"""
    WITH given AS (
      SELECT customer_id, kind, subject, array_agg(at) AS ats FROM ({_GIVEN}) AS given GROUP BY 1, 2, 3
    ), gone AS (
      DELETE FROM customer_interests AS stored USING given
      WHERE stored.shop_id = :shop_id AND stored.kind = given.kind AND stored.subject = given.subject
        AND stored.customer_id = given.customer_id AND stored.recent_at <@ given.ats
    )
    UPDATE customer_interests AS stored SET recent_at = {without("stored.recent_at", "given.ats")} FROM given
    WHERE stored.shop_id = :shop_id AND stored.kind = given.kind AND stored.subject = given.subject
      AND stored.customer_id = given.customer_id AND NOT stored.recent_at <@ given.ats
""")

_CLICKS = text("""
    SELECT customer_id, campaign_id::text AS subject, occurred_at AS at FROM message_events
     WHERE shop_id = :shop_id AND customer_id = ANY(:customer_ids) AND kind = 'click' AND verdict = 'human'
       AND processed_at IS NOT NULL AND NOT id = ANY(:unrecorded)
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
    listed = list(moments)
    customers.record(session, shop_id, _done(listed))
    if given := _about(shop_id, listed):
        session.execute(_RECORD_INTERESTS, given)


def retract_clicks(
    session: Session, shop_id: ShopId, moments: Iterable[Moment], *, unrecorded: Collection[UUID]
) -> None:
    """Take clicks out that were no person's after all. ``unrecorded`` events have a verdict and are still to come."""
    listed = list(moments)
    lacking = customers.take_out(session, shop_id, _done(listed))
    if given := _about(shop_id, listed):
        session.execute(_RETRACT_INTERESTS, given)
    if lacking:
        values = {"shop_id": shop_id, "customer_ids": lacking, "unrecorded": list(unrecorded)}
        clicks = [
            Moment(row.customer_id, "clicked", row.at, row.subject)
            for row in session.execute(_CLICKS, values)
        ]
        customers.restore(session, shop_id, _done(clicks))
        if given := _about(shop_id, clicks):
            session.execute(_RESTORE_INTERESTS, given)


def earlier(session: Session, shop_id: ShopId, client_ids: Collection[str]) -> list[Moment]:
    """What these browsers did in events that were processed before their customer was known."""
    given = {"shop_id": shop_id, "client_ids": list(client_ids), "names": list(BY_PIXEL)}
    return [
        Moment(row.customer_id, BY_PIXEL[row.name], row.at, row.product_gid)
        for row in session.execute(_EARLIER, given)
    ]


def _done(moments: Iterable[Moment]) -> list[Done]:
    return [Done(moment.customer_id, moment.kind, moment.at) for moment in moments]


def _about(shop_id: ShopId, moments: Iterable[Moment]) -> dict[str, object]:
    """Those that are about something, as columns."""
    listed = [moment for moment in moments if moment.subject is not None]
    if not listed:
        return {}
    return {
        "shop_id": shop_id,
        "customer_ids": [moment.customer_id for moment in listed],
        "kinds": [moment.kind for moment in listed],
        "ats": [moment.at for moment in listed],
        "subjects": [moment.subject for moment in listed],
    }
