"""The API of jobs: runs, dead letters and the merchant's tasks, put together."""

from fastapi import APIRouter

from storecast.jobs import (
    dead_letters_routes,
    figures_routes,
    merchant_routes,
    queues_routes,
    runs_routes,
    schedules_routes,
    workflows_routes,
)

# In this order: the runs' router ends in `/jobs/{job_id}`, which takes whatever nobody before it took.
router = APIRouter(
    routes=[
        *merchant_routes.router.routes,
        *dead_letters_routes.router.routes,
        *figures_routes.router.routes,
        *queues_routes.router.routes,
        *workflows_routes.router.routes,
        *schedules_routes.router.routes,
        *runs_routes.router.routes,
    ]
)
