"""The addresses that the first users' programs call, over the same services as `/api/v1`.

Store and tokens are the caller's own: a body that names another store, or a token at all, is refused and changes
nothing. `POST /webhooks` is the edge's.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from storecast.auth import sign_in
from storecast.auth.dependencies import own_origin
from storecast.db.session import tenant_session
from storecast.kit.errors import FieldError, Invalid, NotFound
from storecast.kit.types import ShopId
from storecast.shops import pixel, settings_page
from storecast.shops.access import CurrentPrincipal, Permission, Principal, TenantDb, require
from storecast.shops.models import Shop
from storecast.shops.schemas import PixelSettings
from storecast.shops.unit_of_work import UnitOfWork
from storecast.sync import results, service
from storecast.sync.resources import RESOURCES, Resource
from storecast.sync.schemas import ResultPage, SyncInput, SyncRun

router = APIRouter(tags=["first paths"])
open_router = APIRouter(tags=["first paths"])
"""What browsers come to before anybody is signed in."""

_NAMED_BY_SHOPIFY = ("code", "hmac", "host", "shop", "state", "timestamp")


class OwnStore(BaseModel):
    """Nothing has to be said; a store that is named must be the caller's own."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"shop": "example.myshopify.com"}]}
    )

    shop: str | None = Field(default=None, max_length=255)


class BulkPull(SyncInput):
    """What to pull; ``data_types`` are resources of a synchronisation, all of them when none is named."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"data_types": ["customers", "orders"], "mode": "bulk"}]},
    )

    shop: str | None = Field(default=None, max_length=255)
    resources: list[Resource] | None = Field(
        default=None, min_length=1, max_length=len(RESOURCES), alias="data_types"
    )


class Connection(BaseModel):
    """The caller's store, and where a browser signs in to it."""

    shop: str
    sign_in_url: str


class PullTask(BaseModel):
    """A pull that has begun, or the one that was under way."""

    task_id: str
    status: Literal["queued", "running", "importing", "done", "failed", "cancelled"]


class PulledType(BaseModel):
    """How far one kind of data is."""

    data_type: Resource
    status: str
    rows: int
    rows_refused: int


class PullStatus(PullTask):
    """How far a pull is; ``progress`` runs from 0 to 1."""

    progress: float
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    data_types: list[PulledType]


@router.post("/api/auth/shopify/connect", dependencies=[require(Permission.MANAGE)])
def connect_store(principal: CurrentPrincipal, body: OwnStore | None = None) -> Connection:
    """Where a browser signs in to the caller's store; Shopify asks for the store's access there when it is missing.

    Nothing is stored.
    """
    _refuse_other_store(principal, body.shop if body is not None else None)
    query = urlencode({"shop": principal.shop_domain})
    return Connection(shop=principal.shop_domain, sign_in_url=f"{own_origin()}/auth/login?{query}")


@open_router.get(
    "/api/auth/shopify/callback",
    status_code=303,
    response_class=RedirectResponse,
    openapi_extra={
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}
            for name in _NAMED_BY_SHOPIFY
        ]
    },
)
def finish_connecting(request: Request) -> Response:
    """Take Shopify's answer to a sign-in that this browser began at `/auth/login`, as `/auth/callback` does.

    A refusal is a page for whoever asks for HTML, as browsers do, and a problem document for everybody else.
    """
    return sign_in.finish(request)


@router.post("/api/auth/shopify/activate-extension", dependencies=[require(Permission.MANAGE)])
def activate_extension(principal: CurrentPrincipal, body: OwnStore | None = None) -> PixelSettings:
    """Create or update the storefront pixel now; a refusal by Shopify shows as state ``error`` with its reason.

    Doing it again changes nothing.
    """
    return _with_pixel(principal, body, pixel.activate)


@router.post("/api/auth/shopify/update-extension", dependencies=[require(Permission.MANAGE)])
def update_extension(principal: CurrentPrincipal, body: OwnStore | None = None) -> PixelSettings:
    """Compare the pixel at Shopify with what it should be, and correct it. One that is switched off stays off.

    Doing it again changes nothing.
    """
    return _with_pixel(principal, body, pixel.maintain)


@router.post("/api/data/shopify/bulk-pull", status_code=202, dependencies=[require(Permission.OPERATE)])
def pull_in_bulk(db: TenantDb, principal: CurrentPrincipal, body: BulkPull | None = None) -> PullTask:
    """Pull the store's data anew, all of it or what is asked for; answers with the pull under way when there is one."""
    wanted = body or BulkPull()
    _refuse_other_store(principal, wanted.shop)
    run = service.ask(db, principal.shop_id, principal.actor, wanted)
    return PullTask(task_id=run.id, status=run.state)


@router.get("/api/data-pull/status/{task_id}", dependencies=[require(Permission.READ)])
def read_pull_status(task_id: str, db: TenantDb, principal: CurrentPrincipal) -> PullStatus:
    """How far a pull is."""
    return _status(service.read(db, principal.shop_id, task_id))


@router.get(
    "/api/data/shopify/results/{shop}/{task_id}",
    dependencies=[require(Permission.READ)],
    response_model=ResultPage,
)
def read_pull_results(
    shop: str,
    task_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    data_type: results.ResultResource = "customers",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """What is stored of a kind of data that the pull read, as `/api/v1/syncs/{sync_id}/results` gives it."""
    if shop.lower() != principal.shop_domain:
        raise NotFound
    page = results.read(db, principal.shop_id, principal.actor, task_id, data_type, cursor=cursor)
    return Response(page, media_type="application/json")


def _refuse_other_store(principal: Principal, named: str | None) -> None:
    if named is not None and named.lower() != principal.shop_domain:
        error = FieldError("/shop", "a credential is good for its own store only", "shop_not_yours")
        raise Invalid("The body names another store than the caller's.", errors=[error])


def _with_pixel(
    principal: Principal, body: OwnStore | None, act: Callable[[UnitOfWork, ShopId], Shop]
) -> PixelSettings:
    _refuse_other_store(principal, body.shop if body is not None else None)
    unit_of_work = partial(tenant_session, principal.shop_id)
    act(unit_of_work, principal.shop_id)
    with unit_of_work() as session:
        return settings_page.pixel_of(session, principal.shop_id)


def _status(run: SyncRun) -> PullStatus:
    types: list[Any] = [
        {
            "data_type": item.resource,
            "status": item.state,
            "rows": item.rows_done,
            "rows_refused": item.rows_refused,
        }
        for item in run.resources
    ]
    return PullStatus.model_validate(
        {
            "task_id": run.id,
            "status": run.state,
            "progress": run.progress,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "error": run.error,
            "data_types": types,
        }
    )
