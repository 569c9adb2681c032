"""What the inbox adds to the settings page."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId
from storecast.shops import settings_panels
from storecast.webhooks import service


def settings_panel(session: Session, shop_id: ShopId) -> dict[str, Any]:
    """How deliveries are doing."""
    return asdict(service.figures(session, shop_id))


settings_panels.register("webhooks", settings_panel)
