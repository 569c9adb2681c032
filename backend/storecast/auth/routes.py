"""The API of access, put together: the session of a request, the people it may be told of, members and keys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from storecast.auth import api_keys_routes, members_routes, schemas, service
from storecast.auth import sessions as browser_sessions
from storecast.db.session import open_platform, open_tenant
from storecast.shops import service as shops
from storecast.shops import tokens
from storecast.shops.access import CurrentPerson, CurrentPrincipal, Permission, TenantDb, require

sessions = APIRouter(tags=["session"])


@sessions.get("/session", dependencies=[require(Permission.READ)])
def read_session(db: TenantDb, principal: CurrentPrincipal) -> schemas.Session:
    """Who is signed in, in which store, with which permissions."""
    shop = shops.get(db, principal.shop_id)
    return schemas.Session(
        shop=schemas.SessionShop(
            domain=shop.domain,
            name=shop.name,
            currency=shop.currency,
            timezone=shop.timezone,
            access="usable" if tokens.is_usable(db, principal.shop_id) else "lost",
            state=shop.state,  # type: ignore[arg-type]  # the database checks it
        ),
        user=schemas.SessionUser(
            id=principal.user_id, name=principal.name, email=principal.email, role=principal.role
        ),
        door=principal.door,
        permissions=sorted(permission.value for permission in principal.permissions),
    )


@sessions.delete("/sessions", status_code=204, dependencies=[require(Permission.READ)])
def sign_out_everywhere(principal: CurrentPerson) -> Response:
    """End every browser session of the person who asks, in every store and on every device.

    The Shopify admin is not affected: it vouches for the person anew with every request.
    """
    service.sign_out_everywhere(principal)
    return Response(status_code=204)


@sessions.get("/session/shops", dependencies=[require(Permission.READ)])
def list_shops(principal: CurrentPerson) -> schemas.SessionShops:
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


@sessions.post("/session/shop", status_code=204, dependencies=[require(Permission.READ)])
def switch_shop(body: schemas.ShopChoice, request: Request, principal: CurrentPerson) -> Response:
    """Go on in another of the person's stores: the browser's session gets a new id and speaks of that store alone.

    Doing it again changes nothing but that id.
    """
    chosen = service.switch_shop(principal, body.domain)
    request.session["shop_id"] = chosen.shop_id
    browser_sessions.rotate(request)
    return Response(status_code=204)


async def _reach(principal: CurrentPrincipal) -> Session:
    """A shop's people know each other; operators know everybody."""
    return open_platform() if principal.role == "operator" else open_tenant(principal.shop_id)


@sessions.get("/people", dependencies=[require(Permission.READ)])
def list_people(db: Annotated[Session, Depends(_reach)], principal: CurrentPrincipal) -> schemas.People:
    """Names for the ids that queues, schedules, commands and notes keep of those who acted, last seen first."""
    shop_id = None if principal.role == "operator" else principal.shop_id
    return schemas.People(
        items=[schemas.Person(id=user_id, name=name) for user_id, name in service.list_people(db, shop_id)]
    )


router = APIRouter(
    routes=[*sessions.routes, *members_routes.router.routes, *api_keys_routes.router.routes],
)
