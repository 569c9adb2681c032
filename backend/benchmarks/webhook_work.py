"""The product's worker with one more webhook handler whose effects can be counted: `-A benchmarks.webhook_work`.

It works in the transaction of the others and is no more careful than they are: no constraint forbids a second effect.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.entrypoints.worker import app
from storecast.kit.types import ShopId
from storecast.webhooks.registry import Delivery, on

__all__ = ["app"]


@on("orders/create", "orders/updated")
def leave_effect(session: Session, _shop_id: ShopId, delivery: Delivery) -> None:
    """One row a run."""
    session.execute(
        text("INSERT INTO webhook_effects (webhook_id) VALUES (:id)"), {"id": delivery.webhook_id}
    )
