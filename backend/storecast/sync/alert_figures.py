"""Figures about webhooks that alerts may watch; here, because the inbox stands beside the module of alerts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from storecast.fleet.alert_metrics import metric
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.webhooks import missed, service


@metric(
    "webhooks_dead",
    unit="deliveries",
    audience="both",
    link="/settings/webhooks?state=dead",
    suggested=("above", 0, 0),
)
def webhooks_dead(session: Session, shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Deliveries that nobody could handle."""
    return float(service.count_dead(session, shop_id))


@metric(
    "webhooks_missed",
    unit="deliveries",
    audience="both",
    link="/settings/webhooks",
    suggested=("above", 10, 0),
)
def webhooks_missed(session: Session, shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Changes of today and yesterday that polling found and no delivery had told of."""
    return float(missed.count(session, shop_id, now=utcnow()))
