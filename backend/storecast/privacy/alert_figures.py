"""The figure of privacy that alerts may watch."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from storecast.fleet.alert_metrics import metric
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.privacy import service


@metric(
    "privacy_requests_due",
    unit="count",
    audience="both",
    link="/settings/privacy",
    suggested=("above", 0, 0),
)
def privacy_requests_due(session: Session, shop_id: ShopId | None, _scope: Mapping[str, Any]) -> float | None:
    """Open requests for data or erasure that are overdue or due within a week."""
    return float(service.count_overdue_soon(session, shop_id, now=utcnow()))
