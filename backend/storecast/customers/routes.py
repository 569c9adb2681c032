"""Customers of the shop."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from storecast.audit import access
from storecast.customers import contacts_routes, service, store_credit, writing
from storecast.customers.schemas import (
    CustomerDetail,
    CustomerRow,
    MetafieldChange,
    TagChange,
    Write,
    Writes,
)
from storecast.customers.store_credit_schemas import NewStoreCredit, StoreCredit, StoreCreditBalance
from storecast.db.session import tenant_session
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, needs_key, require

# The imports come before the addresses that begin with a customer's id.
router = APIRouter(prefix="/customers", tags=["customers"], routes=[*contacts_routes.router.routes])


@router.get("", dependencies=[require(Permission.READ)])
def list_customers(
    db: TenantDb,
    principal: CurrentPrincipal,
    search: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[CustomerRow]:
    """Customers, newest first; every word of ``search`` must be the beginning of one in the name or the address.

    An e-mail address has several: `ana@shop.example` is found by `ana`, by `shop`, and by all of it.
    """
    page = service.list_page(db, principal.shop_id, search=search, cursor=cursor)
    # What was searched for may be a name: the row does not say it.
    access.note(db, principal.shop_id, principal.actor, "customers", "list", people=len(page.items))
    return page


@router.post("/tags", status_code=202, dependencies=[require(Permission.EDIT)])
def change_tags(body: TagChange, db: TenantDb, principal: CurrentPrincipal) -> Writes:
    """Add tags to and remove tags from customers at Shopify; the answer says where to look how far it is."""
    writes = writing.request_tags(
        db,
        principal.shop_id,
        actor=principal.actor,
        add=body.add,
        remove=body.remove,
        segment_id=body.segment_id,
        customer_ids=body.customer_ids,
    )
    return Writes(writes=[writing.shape(db, principal.shop_id, write.public_id) for write in writes])


@router.post("/metafields", status_code=202, dependencies=[require(Permission.EDIT)])
def set_metafields(body: MetafieldChange, db: TenantDb, principal: CurrentPrincipal) -> Write:
    """Set metafields of customers at Shopify; the answer says where to look how far it is.

    One that is there is replaced. A value that is not of its type is refused before anything is written.
    """
    write = writing.request_same_metafields(
        db,
        principal.shop_id,
        actor=principal.actor,
        metafields=[each.model_dump() for each in body.metafields],
        segment_id=body.segment_id,
        customer_ids=body.customer_ids,
    )
    return writing.shape(db, principal.shop_id, write.public_id)


@router.get("/writes/{write_id}", dependencies=[require(Permission.READ)])
def read_write(write_id: str, db: TenantDb, principal: CurrentPrincipal) -> Write:
    """How far a change of customers is, and whom Shopify refused (the first 100)."""
    return writing.shape(db, principal.shop_id, write_id)


@router.get("/{customer_id}", dependencies=[require(Permission.READ)])
def read_customer(customer_id: str, db: TenantDb, principal: CurrentPrincipal) -> CustomerDetail:
    """A customer with their facts and what happened with them. Every look is written down."""
    detail = service.read_detail(db, principal.shop_id, customer_id)
    access.note(db, principal.shop_id, principal.actor, "customer", customer_id, people=1)
    return detail


@router.post("/{customer_id}/store-credit", status_code=202, dependencies=[require(Permission.MANAGE)])
@needs_key
def give_store_credit(
    customer_id: str, body: NewStoreCredit, db: TenantDb, principal: CurrentPrincipal
) -> StoreCredit:
    """Give a customer store credit, once: the ``Idempotency-Key`` names the wish, and without one nothing is given.

    409 ``scope_missing`` while the store has not allowed it.
    """
    return store_credit.request(db, principal.shop_id, customer_id, body, actor=principal.actor)


@router.get("/{customer_id}/store-credit/balance", dependencies=[require(Permission.READ)])
def read_store_credit_balance(customer_id: str, principal: CurrentPrincipal) -> StoreCreditBalance:
    """What the customer has at Shopify now, by currency, beside what the ledger here says they were given."""
    return store_credit.read_balance(
        partial(tenant_session, principal.shop_id), principal.shop_id, customer_id
    )


@router.get("/{customer_id}/store-credit", dependencies=[require(Permission.READ)])
def list_store_credit(
    customer_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[StoreCredit]:
    """What a customer was given, newest first, and what became of it."""
    return store_credit.list_page(db, principal.shop_id, customer_id, cursor)
