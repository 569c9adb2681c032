"""The session and the scope of a request: a shop's people work inside their shop, operators across all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.jobs.scope import Scope
from storecast.kit.errors import Forbidden
from storecast.kit.types import ShopId
from storecast.shops.access import CurrentPrincipal, Permission, Principal


@dataclass(frozen=True, slots=True)
class JobsView:
    """One unit of work, who asks, and whose jobs it sees."""

    session: Session
    principal: Principal
    scope: Scope

    @property
    def shop_id(self) -> ShopId | None:
        """The only shop in sight; None when all are."""
        return self.scope.shop_id


def scope_of(principal: Principal) -> Scope:
    """What the principal may see."""
    return Scope(
        shop_id=None if principal.role == "operator" else principal.shop_id,
        tracebacks=Permission.OPERATE in principal.permissions,
        actor=f"user:{principal.user_id}",
        home=principal.shop_id,
    )


def _view(principal: CurrentPrincipal) -> Iterator[JobsView]:
    scope = scope_of(principal)
    if scope.shop_id is None:
        with platform_session() as session:
            yield JobsView(session, principal, scope)
    else:
        with tenant_session(scope.shop_id) as session:
            yield JobsView(session, principal, scope)


View = Annotated[JobsView, Depends(_view, scope="function")]


def _operators(principal: CurrentPrincipal) -> Iterator[JobsView]:
    if principal.role != "operator":
        raise Forbidden("Only operators may do this: it concerns every shop.")
    yield from _view(principal)


OperatorView = Annotated[JobsView, Depends(_operators, scope="function")]
"""For what holds for every shop at once."""
