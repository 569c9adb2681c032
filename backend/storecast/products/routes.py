"""Products of the shop."""

from typing import Annotated

from fastapi import APIRouter, Query

from storecast.kit.pages import Page
from storecast.products import service
from storecast.products.schemas import ProductRow
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/products", tags=["products"])


@router.get("", dependencies=[require(Permission.READ)])
def list_products(
    db: TenantDb,
    principal: CurrentPrincipal,
    search: Annotated[str | None, Query(max_length=200)] = None,
    gid: Annotated[list[str] | None, Query(max_length=service.PAGE)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[ProductRow]:
    """Active products, newest first; ``search`` is a part of the title, ``gid`` names the only ones wanted."""
    return service.list_page(db, principal.shop_id, search=search, gids=gid, cursor=cursor)
