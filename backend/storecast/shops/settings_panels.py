"""Parts of the settings page that modules above contribute: each registers a function under the section it fills."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from storecast.kit.types import ShopId

Panel = Callable[[Session, ShopId], dict[str, Any]]

_panels: dict[str, list[Panel]] = {}


def register(section: str, panel: Panel) -> None:
    """Merge what the function returns into the section of that name. Registering twice has no effect."""
    panels = _panels.setdefault(section, [])
    if panel not in panels:
        panels.append(panel)


def collect(session: Session, shop_id: ShopId) -> dict[str, dict[str, Any]]:
    """What every registered function says, by section."""
    return {
        section: {key: value for panel in panels for key, value in panel(session, shop_id).items()}
        for section, panels in _panels.items()
    }
