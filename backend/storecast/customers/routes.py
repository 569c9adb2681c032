"""Customers of the shop."""

from typing import Annotated

from fastapi import APIRouter, Query

from storecast.customers import service
from storecast.customers.schemas import CustomerDetail, CustomerRow
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/customers", tags=["customers"], dependencies=[require(Permission.READ)])


@router.get("")
def list_customers(
    db: TenantDb,
    principal: CurrentPrincipal,
    search: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[CustomerRow]:
    """Customers, newest first; every word of ``search`` must be in the name or the e-mail address."""
    return service.list_page(db, principal.shop_id, search=search, cursor=cursor)


@router.get("/{customer_id}")
def read_customer(customer_id: str, db: TenantDb, principal: CurrentPrincipal) -> CustomerDetail:
    """A customer with their facts and what happened with them."""
    return service.read_detail(db, principal.shop_id, customer_id)
