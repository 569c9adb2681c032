"""Addresses that nobody signs in for, put together: where mail comes back, and what recipients choose."""

from fastapi import APIRouter

from storecast.messaging import preferences_routes, returns_routes

router = APIRouter(include_in_schema=False)
router.include_router(returns_routes.router)
router.include_router(preferences_routes.router)
