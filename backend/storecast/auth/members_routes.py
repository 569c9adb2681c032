"""The API of a shop's members."""

from fastapi import APIRouter, Response

from storecast.auth import members, schemas
from storecast.auth.models import ShopMember
from storecast.shops.access import CurrentPerson, Permission, TenantDb, require

router = APIRouter(prefix="/members", tags=["members"])


@router.get("", dependencies=[require(Permission.MANAGE)])
def list_members(db: TenantDb, principal: CurrentPerson) -> schemas.Members:
    """Everybody who has opened the app of this store, with role, those who may come in first."""
    return schemas.Members(items=[shown(member) for member in members.list_members(db, principal.shop_id)])


@router.patch("/{member_id}", dependencies=[require(Permission.MANAGE)])
def change_member(
    member_id: str, body: schemas.MemberChange, db: TenantDb, principal: CurrentPerson
) -> schemas.Member:
    """Give a member another role or let a removed one in again; it holds from their next request on.

    403 `above_you` and `platform_role`, 409 `last_owner`, `account_owner` and `own_membership` say what forbids it.
    """
    return shown(members.change(db, principal, member_id, role=body.role, active=body.active))


@router.delete("/{member_id}", status_code=204, dependencies=[require(Permission.MANAGE)])
def remove_member(member_id: str, db: TenantDb, principal: CurrentPerson) -> Response:
    """Keep a member out and end their browser sessions. They stay in the list, so that they can be let in again."""
    members.change(db, principal, member_id, role=None, active=False)
    return Response(status_code=204)


def shown(member: ShopMember) -> schemas.Member:
    """A member as the API and the command line show one."""
    return schemas.Member.model_validate(
        {
            "id": member.shopify_user_id,
            "name": member.name,
            "email": member.email,
            "role": member.role,
            "active": member.removed_at is None,
            "account_owner": member.account_owner,
            "last_seen_at": member.last_seen_at,
        }
    )
