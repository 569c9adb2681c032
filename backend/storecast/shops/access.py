"""Who asks, and what they may do: the principal of a request and the dependencies that routes declare.

`auth` proves who it is and puts the principal on the request; every module reads it from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Request
from fastapi.params import Depends as DependsMarker
from sqlalchemy.orm import Session

from storecast.db.session import open_platform, open_tenant
from storecast.kit.errors import Forbidden, Unauthenticated
from storecast.kit.types import ShopId
from storecast.shops import own
from storecast.shops.own import OwnShop

Role = Literal["owner", "admin", "marketer", "operator", "viewer"]
Door = Literal["embedded", "browser", "api"]


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class PeopleOnly(Forbidden):
    """A program asked for what only a person may do."""

    code = "people_only"
    title = "Only a person who is signed in may do this"


class Permission(StrEnum):
    """What a route needs."""

    READ = "read"
    EDIT = "edit"
    SEND = "send"
    OPERATE = "operate"
    MANAGE = "manage"


_GRANTS: dict[Role, frozenset[Permission]] = {
    "owner": frozenset(Permission),
    "admin": frozenset(Permission),
    "marketer": frozenset({Permission.READ, Permission.EDIT, Permission.SEND}),
    "operator": frozenset({Permission.READ, Permission.OPERATE}),
    "viewer": frozenset({Permission.READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody acting in one shop: a person, who has a role, or a program, whose API key has scopes instead.

    A program's ``user_id`` is its key's public name, ``key_…``.
    """

    shop_id: ShopId
    shop_domain: str
    user_id: str
    name: str
    email: str | None
    role: Role | None
    door: Door
    scopes: frozenset[Permission] = frozenset()
    # The shop's, where whoever let them in has seen it.
    currency: str | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the role, or the key, allows."""
        return self.scopes if self.role is None else _GRANTS[self.role]

    @property
    def actor(self) -> str:
        """How the audit log names whoever asks."""
        return f"user:{self.user_id}" if self.role is not None else f"key:{self.user_id}"


def granted(role: Role) -> frozenset[Permission]:
    """What a role allows."""
    return _GRANTS[role]


# What only looks at the request is async: FastAPI takes every other dependency to a thread and back. And it takes the
# request itself: a dependency of a dependency costs as much as one.


async def current_principal(request: Request) -> Principal:
    """The principal that authentication found; 401 when no one proved who they are."""
    return _principal_of(request)


def _principal_of(request: Request) -> Principal:
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise Unauthenticated
    return principal


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


async def _current_person(principal: CurrentPrincipal) -> Principal:
    if principal.role is None:
        raise PeopleOnly
    return principal


CurrentPerson = Annotated[Principal, Depends(_current_person)]
"""A person; 403 for programs, whatever their key may do.

Who may come in is for people to decide: a key that leaked must not be able to make itself another.
"""


def require(permission: Permission) -> Any:
    """A route dependency that refuses roles without the permission."""

    async def check(request: Request) -> None:
        if permission not in _principal_of(request).permissions:
            raise Forbidden(permission=permission.value)

    check.permission = permission  # type: ignore[attr-defined]  # tests walk the routes and read it
    dependency: DependsMarker = Depends(check)
    return dependency


async def _tenant_db(request: Request) -> Session:
    return open_own(_principal_of(request))


def open_own(principal: Principal) -> Session:
    """A session inside the caller's shop that asks the database for nothing yet; `finish` or `abandon` ends it."""
    session = open_tenant(principal.shop_id)
    if principal.currency is not None:
        own.tell(session, OwnShop(principal.shop_id, principal.shop_domain, principal.currency))
    return session


TenantDb = Annotated[Session, Depends(_tenant_db)]
"""The request's unit of work inside its shop, committed before the answer leaves.

It begins with the first statement and ends with the endpoint, which `entrypoints.whole_calls` sees to.
"""


async def _platform_db(request: Request) -> Session:
    if _principal_of(request).role != "operator":
        raise Forbidden("Only operators may do this: it concerns every shop.")
    return open_platform()


PlatformDb = Annotated[Session, Depends(_platform_db)]
"""An operator's unit of work across shops; refuses everybody else."""


def sends_once(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint that sends something outside any transaction: its calls take an ``Idempotency-Key`` as well.

    It stands below the route's own decorator.
    """
    endpoint.sends_once = True  # type: ignore[attr-defined]
    return endpoint


def may_send(endpoint: Callable[..., Any]) -> bool:
    """Whether the endpoint is marked so."""
    return getattr(endpoint, "sends_once", False) is True


def needs_key(endpoint: Endpoint) -> Endpoint:
    """Mark an endpoint whose calls must name an ``Idempotency-Key``: done twice it costs the merchant money.

    It stands below the route's own decorator.
    """
    endpoint.needs_key = True  # type: ignore[attr-defined]
    return endpoint


def must_name_key(endpoint: Callable[..., Any]) -> bool:
    """Whether the endpoint is marked so."""
    return getattr(endpoint, "needs_key", False) is True
