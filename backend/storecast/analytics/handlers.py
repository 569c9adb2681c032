"""What analytics contributes to pages of modules below."""

from storecast.analytics import service
from storecast.customers import timeline

timeline.contribute(service.timeline_of)
