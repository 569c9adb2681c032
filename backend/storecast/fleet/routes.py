"""The API of the fleet, put together."""

from fastapi import APIRouter

from storecast.fleet import alerts_routes, circuits_routes, workers_routes

router = APIRouter(
    routes=[
        *alerts_routes.router.routes,
        *circuits_routes.router.routes,
        *workers_routes.router.routes,
    ]
)
