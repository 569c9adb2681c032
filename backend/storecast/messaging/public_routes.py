"""Addresses that nobody signs in for, put together: where mail comes back, what recipients choose and confirm."""

from fastapi import APIRouter

from storecast.messaging import confirmation_routes, preferences_routes, returns_routes

router = APIRouter(include_in_schema=False)
router.include_router(returns_routes.router)
router.include_router(preferences_routes.router)
router.include_router(confirmation_routes.router)
