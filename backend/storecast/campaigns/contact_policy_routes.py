"""The shop's contact policy."""

from fastapi import APIRouter

from storecast.campaigns import contact_policy, contact_policy_schemas
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/contact-policy", tags=["sending"])


@router.get("", dependencies=[require(Permission.READ)])
def read_contact_policy(db: TenantDb, principal: CurrentPrincipal) -> contact_policy_schemas.ContactPolicy:
    """When and how often the shop writes to a person, and how much it sends."""
    return contact_policy.shape(contact_policy.of_shop(db, principal.shop_id))


@router.put("", dependencies=[require(Permission.MANAGE)])
def change_contact_policy(
    body: contact_policy_schemas.ContactPolicyInput, db: TenantDb, principal: CurrentPrincipal
) -> contact_policy_schemas.ContactPolicy:
    """Set the whole policy. Messages that may not go out are put off, not dropped."""
    policy = contact_policy.change(db, principal.shop_id, body, actor=principal.actor)
    return contact_policy.shape(policy)
