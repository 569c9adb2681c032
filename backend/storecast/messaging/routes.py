"""The API of templates and of the shop's look."""

from fastapi import APIRouter

from storecast.messaging import brand_routes, templates_routes

router = APIRouter(routes=[*templates_routes.router.routes, *brand_routes.router.routes])
