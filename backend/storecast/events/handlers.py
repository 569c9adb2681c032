"""What events contribute to pages of modules below."""

from storecast.events import service
from storecast.shops import settings_panels

settings_panels.register("pixel", service.pixel_panel)
