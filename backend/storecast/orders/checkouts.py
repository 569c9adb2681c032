"""Checkouts that were left before they were paid. The newest report of one wins."""

from collections.abc import Iterable

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout
from storecast.orders.records import CHECKOUTS, CheckoutRecord
from storecast.webhooks import erased

_COLUMNS = [column for column in CHECKOUTS.columns if column != "gid"]

_UPSERT = text(f"""
    WITH written AS (
      INSERT INTO abandoned_checkouts (shop_id, {", ".join(CHECKOUTS.columns)})
      SELECT :shop_id, {", ".join(CHECKOUTS.columns)} FROM (
        SELECT DISTINCT ON (gid) * FROM {CHECKOUTS.name} ORDER BY gid, shopify_updated_at DESC, n DESC
      ) AS newest
      ON CONFLICT (shop_id, gid) DO UPDATE SET
        {", ".join(f"{column} = EXCLUDED.{column}" for column in _COLUMNS)}, updated_at = now()
      WHERE abandoned_checkouts.shopify_updated_at <= EXCLUDED.shopify_updated_at
        AND ({", ".join(f"abandoned_checkouts.{column}" for column in _COLUMNS)})
          IS DISTINCT FROM ({", ".join(f"EXCLUDED.{column}" for column in _COLUMNS)})
      RETURNING id
    )
    SELECT count(*) FROM written
""")


def import_records(session: Session, shop_id: ShopId, records: Iterable[CheckoutRecord]) -> int:
    """Upsert checkouts as a source reported them; stale ones and those of erased people change nothing.

    Returns the rows written.
    """
    CHECKOUTS.fill(session, records)
    # Marked themselves, so that a reconciliation does not miss them night after night.
    erased.mark(session, shop_id, erased.list_staged(session, shop_id, CHECKOUTS.name, "customer_gid"))
    erased.drop_staged(session, shop_id, CHECKOUTS.name)
    return session.scalar(_UPSERT, {"shop_id": shop_id}) or 0


def forget(session: Session, shop_id: ShopId, gid: str) -> None:
    """Remove a checkout that Shopify no longer has."""
    session.execute(
        delete(AbandonedCheckout).where(AbandonedCheckout.shop_id == shop_id, AbandonedCheckout.gid == gid)
    )
