"""The API of messaging, put together."""

from fastapi import APIRouter

from storecast.messaging import (
    brand_routes,
    confirmation_settings_routes,
    sending_channels_routes,
    sending_domains_routes,
    suppressions_routes,
    templates_routes,
    topics_routes,
)

router = APIRouter(
    routes=[
        *templates_routes.router.routes,
        *brand_routes.router.routes,
        *confirmation_settings_routes.router.routes,
        *sending_channels_routes.router.routes,
        *sending_domains_routes.router.routes,
        *suppressions_routes.router.routes,
        *topics_routes.router.routes,
    ]
)
