"""The API of campaigns and of the discounts that their messages carry."""

from fastapi import APIRouter

from storecast.campaigns import campaigns_routes, discounts_routes

router = APIRouter(routes=[*campaigns_routes.router.routes, *discounts_routes.router.routes])
