"""A shop's people and their roles: who may give which role to whom.

A shop always keeps an owner who may come in. Nobody acts on people above themselves, nor lifts anybody that high.
The role of an operator concerns every shop, so that only the installation's own people give and take it.
"""

from collections.abc import Sequence
from typing import cast

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.auth import repository
from storecast.auth.errors import (
    AboveYou,
    AccountOwner,
    LastOwner,
    MemberUnknown,
    OwnMembership,
    PlatformRole,
)
from storecast.auth.models import ShopMember
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.access import Principal, Role

MEMBERS_MAX = 1_000
"""More than a shop's staff: a store of Shopify's largest plan seldom has a hundred."""

_RANK: dict[str, int] = {"viewer": 0, "marketer": 1, "admin": 2, "owner": 3}


def list_members(session: Session, shop_id: ShopId) -> Sequence[ShopMember]:
    """Everybody who has opened the app, those who may come in first."""
    return repository.list_members(session, shop_id, limit=MEMBERS_MAX)


def change(
    session: Session, principal: Principal, user_id: str, *, role: Role | None, active: bool | None
) -> ShopMember:
    """Give a member another role, keep them out, or let them in again; raises what forbids it."""
    member, others_own = _locked(session, principal.shop_id, user_id)
    rank = _RANK.get(principal.role or "", -1)
    if member.role == "operator" or role == "operator":
        raise PlatformRole
    if max(_RANK[member.role], _RANK[role or "viewer"]) > rank:
        raise AboveYou
    if active is False and user_id == principal.user_id:
        raise OwnMembership
    _apply(member, role=role, active=active, others_own=others_own)
    _record(session, principal.shop_id, principal.actor, member, role=role, active=active)
    return member


def assign(session: Session, shop_id: ShopId, actor: str, user_id: str, role: Role) -> ShopMember:
    """As the installation's own people may: any role, operator too. A shop keeps its owner even so."""
    member, others_own = _locked(session, shop_id, user_id)
    # What Shopify says of the account's owner holds for merchants; a store of our own may be an operator's.
    if role == "operator":
        if member.role == "owner" and not others_own and not member.account_owner:
            raise LastOwner
        member.role = role
    else:
        _apply(member, role=role, active=None, others_own=others_own)
    _record(session, shop_id, actor, member, role=role, active=None)
    return member


def _locked(session: Session, shop_id: ShopId, user_id: str) -> tuple[ShopMember, bool]:
    """The member, and whether somebody else owns the shop and may come in."""
    found = repository.lock_members(session, shop_id, user_id)
    member = next((each for each in found if each.shopify_user_id == user_id), None)
    if member is None:
        raise MemberUnknown
    others_own = any(
        each.role == "owner" and each.removed_at is None and each.shopify_user_id != user_id for each in found
    )
    return member, others_own


def _apply(member: ShopMember, *, role: Role | None, active: bool | None, others_own: bool) -> None:
    loses_ownership = active is False or (role is not None and role != "owner")
    if member.role == "owner" and loses_ownership:
        if member.account_owner:
            raise AccountOwner
        if not others_own:
            raise LastOwner
    if role is not None:
        member.role = role
    if active is False and member.removed_at is None:
        member.removed_at = member.signed_out_at = utcnow()
    elif active:
        member.removed_at = None


def _record(
    session: Session,
    shop_id: ShopId,
    actor: str,
    member: ShopMember,
    *,
    role: Role | None,
    active: bool | None,
) -> None:
    session.flush()
    subject = f"member:{member.shopify_user_id}"
    if role is not None:
        audit.record(session, shop_id, actor, "member.role_changed", subject, role=cast(str, role))
    if active is not None:
        audit.record(session, shop_id, actor, "member.restored" if active else "member.removed", subject)
