"""The API of campaigns, of what they may do when, and of the discounts that their messages carry."""

from fastapi import APIRouter

from storecast.campaigns import campaigns_routes, contact_policy_routes, discounts_routes, variants_routes

router = APIRouter(
    routes=[
        *campaigns_routes.router.routes,
        *variants_routes.router.routes,
        *discounts_routes.router.routes,
        *contact_policy_routes.router.routes,
    ]
)
