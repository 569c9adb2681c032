"""The API of messaging, put together."""

from fastapi import APIRouter

from storecast.messaging import (
    brand_routes,
    sending_channels_routes,
    sending_domains_routes,
    templates_routes,
)

router = APIRouter(
    routes=[
        *templates_routes.router.routes,
        *brand_routes.router.routes,
        *sending_channels_routes.router.routes,
        *sending_domains_routes.router.routes,
    ]
)
