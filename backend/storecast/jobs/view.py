"""The session and the scope of a request: a shop's people work inside their shop, operators across all of them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from storecast.db.session import open_platform
from storecast.jobs.scope import Scope
from storecast.kit import languages
from storecast.kit.errors import Forbidden
from storecast.kit.languages import Language
from storecast.kit.types import ShopId
from storecast.shops.access import CurrentPrincipal, Permission, Principal, open_own


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


def scope_of(principal: Principal, language: Language = "en") -> Scope:
    """What the principal may see, and in which language it is told."""
    return Scope(
        shop_id=None if principal.role == "operator" else principal.shop_id,
        tracebacks=Permission.OPERATE in principal.permissions,
        actor=principal.actor,
        home=principal.shop_id,
        language=language,
    )


def _open(principal: Principal, request: Request) -> JobsView:
    scope = scope_of(principal, languages.preferred(request.headers.get("accept-language")))
    session = open_platform() if scope.shop_id is None else open_own(principal)
    return JobsView(session, principal, scope)


async def _view(principal: CurrentPrincipal, request: Request) -> JobsView:
    return _open(principal, request)


View = Annotated[JobsView, Depends(_view)]


async def _operators(principal: CurrentPrincipal, request: Request) -> JobsView:
    if principal.role != "operator":
        raise Forbidden("Only operators may do this: it concerns every shop.")
    return _open(principal, request)


OperatorView = Annotated[JobsView, Depends(_operators)]
"""For what holds for every shop at once."""
