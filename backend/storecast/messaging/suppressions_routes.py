"""The API of suppressions."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from storecast.kit.pages import Page
from storecast.messaging import suppressions
from storecast.messaging.suppressions_schemas import NewSuppression, SuppressionReason, SuppressionRow
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/suppressions", tags=["sending"])


@router.get("", dependencies=[require(Permission.READ)])
def list_suppressions(
    db: TenantDb,
    principal: CurrentPrincipal,
    email: Annotated[str | None, Query(max_length=320)] = None,
    reason: SuppressionReason | None = None,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Page[SuppressionRow]:
    """Addresses that are never written to, newest first, as digests; ``email`` asks after one whole address."""
    return suppressions.page(db, principal.shop_id, email=email, reason=reason, cursor=cursor)


@router.post("", status_code=201, dependencies=[require(Permission.EDIT)])
def add_suppression(body: NewSuppression, db: TenantDb, principal: CurrentPrincipal) -> SuppressionRow:
    """Never write to an address; one that is on the list already stays as it is."""
    return suppressions.add(db, principal.shop_id, body.email, actor=principal.actor)


@router.delete("/{suppression_id}", status_code=204, dependencies=[require(Permission.MANAGE)])
def lift_suppression(
    suppression_id: Annotated[str, Path(max_length=64)], db: TenantDb, principal: CurrentPrincipal
) -> None:
    """Allow an address again. Consent is the customer's own and stays what it is."""
    suppressions.lift(db, principal.shop_id, suppression_id, actor=principal.actor)
