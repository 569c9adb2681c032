"""Checkouts that were left before they were paid. The newest report of one wins."""

from collections.abc import Iterable

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from storecast.db.staging import Upsert, carry_on
from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout
from storecast.orders.records import CHECKOUTS, CheckoutRecord
from storecast.webhooks import erased

_UPSERT = text(
    Upsert(
        "abandoned_checkouts",
        inserted={column: f"newest.{column}" for column in CHECKOUTS.columns},
        changed={column: f"EXCLUDED.{column}" for column in CHECKOUTS.columns if column != "gid"},
        guard="abandoned_checkouts.shopify_updated_at <= EXCLUDED.shopify_updated_at",
    ).many(CHECKOUTS)
)


def import_records(session: Session, shop_id: ShopId, records: Iterable[CheckoutRecord]) -> int:
    """Upsert checkouts as a source reported them; stale ones and those of erased people change nothing.

    Returns the rows written.
    """
    CHECKOUTS.fill(session, records)
    # Marked themselves, so that a reconciliation does not miss them night after night.
    erased.mark(session, shop_id, erased.list_staged(session, shop_id, CHECKOUTS.name, "customer_gid"))
    erased.drop_staged(session, shop_id, CHECKOUTS.name)
    return carry_on(session, _UPSERT, {"shop_id": shop_id})


def forget(session: Session, shop_id: ShopId, gid: str) -> None:
    """Remove a checkout that Shopify no longer has."""
    session.execute(
        delete(AbandonedCheckout).where(AbandonedCheckout.shop_id == shop_id, AbandonedCheckout.gid == gid)
    )
