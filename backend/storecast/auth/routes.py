"""The session of a request, and the people that it may be told the names of."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from storecast.auth import schemas, service, sessions
from storecast.db.session import platform_session, tenant_session
from storecast.shops import service as shops
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(tags=["session"])


@router.get("/session", dependencies=[require(Permission.READ)])
def read_session(db: TenantDb, principal: CurrentPrincipal) -> schemas.Session:
    """Who is signed in, in which store, with which permissions."""
    shop = shops.get(db, principal.shop_id)
    return schemas.Session(
        shop=schemas.SessionShop.model_validate(shop, from_attributes=True),
        user=schemas.SessionUser(
            id=principal.user_id, name=principal.name, email=principal.email, role=principal.role
        ),
        door=principal.door,
        permissions=sorted(permission.value for permission in principal.permissions),
    )


@router.get("/session/shops", dependencies=[require(Permission.READ)])
def list_shops(principal: CurrentPrincipal) -> schemas.SessionShops:
    """The stores that the person may switch to in the browser, by name; inside the Shopify admin only this one."""
    return schemas.SessionShops(
        items=[
            schemas.OwnShop(
                domain=shop.domain,
                name=shop.name,
                role=role,  # type: ignore[arg-type]  # the database checks it
                state=shop.state,  # type: ignore[arg-type]
                current=shop.id == principal.shop_id,
            )
            for shop, role in service.list_shops(principal)
        ]
    )


@router.post("/session/shop", status_code=204, dependencies=[require(Permission.READ)])
def switch_shop(body: schemas.ShopChoice, request: Request, principal: CurrentPrincipal) -> Response:
    """Go on in another of the person's stores: the browser's session gets a new id and speaks of that store alone."""
    chosen = service.switch_shop(principal, body.domain)
    request.session.clear()
    request.session.update(shop_id=chosen.shop_id, user_id=chosen.user_id)
    sessions.rotate(request)
    return Response(status_code=204)


def _reach(principal: CurrentPrincipal) -> Iterator[Session]:
    """A shop's people know each other; operators know everybody."""
    session = platform_session() if principal.role == "operator" else tenant_session(principal.shop_id)
    with session as db:
        yield db


@router.get("/people", dependencies=[require(Permission.READ)])
def list_people(
    db: Annotated[Session, Depends(_reach, scope="function")], principal: CurrentPrincipal
) -> schemas.People:
    """Names for the ids that queues, schedules, commands and notes keep of those who acted, last seen first."""
    shop_id = None if principal.role == "operator" else principal.shop_id
    return schemas.People(
        items=[schemas.Person(id=user_id, name=name) for user_id, name in service.list_people(db, shop_id)]
    )
