"""What campaigns do when their shop uninstalls the app."""

from storecast.campaigns import service
from storecast.jobs import departure

departure.also(service.pause_all)
