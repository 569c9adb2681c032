"""Discounts with unique codes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from storecast.campaigns import discounts
from storecast.campaigns.discounts_schemas import Discount, MoreCodes, NewDiscount
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/discounts", tags=["discounts"])


@router.post("", status_code=202, dependencies=[require(Permission.EDIT)])
def create_discount(body: NewDiscount, db: TenantDb, principal: CurrentPrincipal) -> Discount:
    """Have a discount and its codes made at Shopify; 409 ``scope_missing`` while the store has not allowed it."""
    made = discounts.request(db, principal.shop_id, body, actor=principal.actor)
    return discounts.get(db, principal.shop_id, made.public_id)


@router.post("/{discount_id}/codes", status_code=202, dependencies=[require(Permission.EDIT)])
def extend_discount(discount_id: str, body: MoreCodes, db: TenantDb, principal: CurrentPrincipal) -> Discount:
    """Have more codes made for a discount; 409 ``discount_busy`` while codes are being made or when that failed."""
    discounts.extend(db, principal.shop_id, discount_id, body, actor=principal.actor)
    return discounts.get(db, principal.shop_id, discount_id)


@router.get("", dependencies=[require(Permission.READ)])
def list_discounts(
    db: TenantDb, principal: CurrentPrincipal, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Page[Discount]:
    """Discounts, newest first."""
    return discounts.list_page(db, principal.shop_id, cursor)


@router.get("/{discount_id}", dependencies=[require(Permission.READ)])
def read_discount(discount_id: str, db: TenantDb, principal: CurrentPrincipal) -> Discount:
    """How far a discount is, and which codes Shopify refused (the first 100)."""
    return discounts.get(db, principal.shop_id, discount_id)


@router.get(
    "/{discount_id}/codes",
    dependencies=[require(Permission.EDIT)],
    response_class=Response,
    responses={
        200: {
            "description": "The codes that can be used",
            "content": {"text/csv": {"example": "code\r\nHELLO-7KQ2MXW4T9RB\r\n"}},
        }
    },
)
def export_discount_codes(discount_id: str, db: TenantDb, principal: CurrentPrincipal) -> Response:
    """Every code that is at Shopify, used or not, as CSV (RFC 4180). Exports are logged."""
    return Response(
        discounts.export_codes(db, principal.shop_id, discount_id, actor=principal.actor),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="codes-{discount_id}.csv"',
            "Cache-Control": "no-store",
        },
    )
